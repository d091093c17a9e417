"""The path from a weights file to boxes, with random weights."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from indexer.detection.torchvision_detector import TorchvisionDetector
from search.errors import BadInput, Unavailable
from search.types import Frame
from tests.support.street import HEIGHT, WIDTH, film, walker


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random ones that take everything for a person.

    They show that the path from file to boxes works (format, shapes, class, threshold), not that people are found.
    """
    import torch
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("weights") / "random.pth"
    state = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None).state_dict()
    state["roi_heads.box_predictor.cls_score.bias"][1] = 6.0
    torch.save(state, file)
    return file


def test_the_coco_detector_reads_its_weights_and_gives_boxes(weights: Path) -> None:
    detector = TorchvisionDetector(str(weights), device="cpu", least_score=0.5)
    detector.open()
    answers = list(detector.detect(film(lambda _: [walker(200)], 5)))
    assert [frame.offset_ms for frame, _ in answers] == [0, 2000, 4000, 6000, 8000]
    for _, people in answers:
        assert people
        assert all(p.box.x2 <= WIDTH and p.box.y2 <= HEIGHT and 0 <= p.score <= 1 for p in people)
    strict = TorchvisionDetector(str(weights), device="cpu", least_score=1.0)
    strict.open()
    assert all(people == [] for _, people in strict.detect(film(lambda _: [], 2)))
    strict.close()
    with pytest.raises(Unavailable, match="not open"):
        list(strict.detect(film(lambda _: [], 1)))


def test_weights_that_are_none_are_refused(tmp_path: Path, weights: Path) -> None:
    import torch

    with pytest.raises(BadInput, match="no such weights"):
        TorchvisionDetector(str(tmp_path / "none.pth"), device="cpu").open()
    state = torch.load(weights, weights_only=True)
    torch.save({"x": next(iter(state.values()))}, tmp_path / "other.pth")
    with pytest.raises(BadInput, match="do not fit"):
        TorchvisionDetector(str(tmp_path / "other.pth"), device="cpu").open()


def test_boxes_of_a_large_picture_are_in_its_own_pixels(weights: Path) -> None:
    """The model sees a smaller copy. Random weights fire all over the picture, so boxes must reach its far half."""
    detector = TorchvisionDetector(str(weights), device="cpu", least_score=0.5)
    detector.open()
    large = Frame(np.random.default_rng(1).integers(0, 255, (1440, 2560, 3), np.uint8), 0)
    ((_, people),) = detector.detect([large])
    assert all(p.box.x2 <= 2560 and p.box.y2 <= 1440 for p in people)
    assert max(p.box.x2 for p in people) > 1280


def test_only_people_above_the_score_are_given() -> None:
    """The model is replaced by its answer, to see what is kept of it: class, score and size."""
    import torch

    answer = {
        "boxes": torch.tensor([[1.0, 2, 30, 60], [5, 5, 20, 50], [5, 5, 20, 50], [9, 9, 9.2, 20], [-5, -5, 700, 400]]),
        "labels": torch.tensor([1, 3, 1, 1, 1]),
        "scores": torch.tensor([0.9, 0.9, 0.5, 0.9, 0.7]),
    }
    detector = TorchvisionDetector(device="cpu", least_score=0.6)
    detector._device, detector._model = "cpu", lambda pictures: [answer] * len(pictures)
    ((_, people),) = detector.detect(film(lambda _: [], 1))
    assert [p.box.xyxy for p in people] == [(1, 2, 30, 60), (0, 0, WIDTH, HEIGHT)]


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
def test_a_damaged_weights_file_is_said_to_be_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(BadInput, match="cannot be read"):
        TorchvisionDetector(str(tmp_path / "w.pth"), device="cpu").open()


def test_without_a_network_the_cure_names_file_and_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def unreachable(*_args: object, **_options: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(Unavailable) as e:
        TorchvisionDetector(device="cpu").open()
    assert "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth" in e.value.cure
    assert "detector_weights" in e.value.cure
