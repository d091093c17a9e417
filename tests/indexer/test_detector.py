"""People on a fixed camera, drawn at one picture every two seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.detector import MotionDetector, TorchvisionDetector, make_detector
from search.errors import BadInput, Unavailable
from search.types import Box, Detection, Frame, Image

WIDTH, HEIGHT = 640, 360
CLOTHES = ((20, 20, 70), (160, 20, 20), (10, 80, 20), (230, 200, 20), (70, 10, 110), (15, 15, 15), (0, 60, 200))
Place = Callable[[int], list[Box]]


def scene(seed: int = 3) -> Image:
    """A street without people: coarse texture, a bright wall above, a dark road below."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 50, (HEIGHT // 20, WIDTH // 20, 3))
    picture = np.kron(blocks, np.ones((20, 20, 1))) + 90
    picture[: HEIGHT // 3] += 70
    return picture.astype(np.uint8)


def figure(picture: Image, box: Box, seed: int) -> None:
    """A head, a top and trousers of colours of their own."""
    top, trousers = CLOTHES[seed % len(CLOTHES)], CLOTHES[(3 * seed + 1) % len(CLOTHES)]
    head, waist = box.y1 + box.height // 6, box.y1 + box.height // 2
    middle, half = (box.x1 + box.x2) // 2, box.width // 5
    picture[box.y1 : head, middle - half : middle + half] = (60, 40, 30)
    picture[head:waist, box.x1 : box.x2] = top
    picture[waist : box.y2, box.x1 + 3 : box.x2 - 3] = trousers


def film(
    places: Place, n: int = 60, *, noise: float = 3, light: Callable[[int], float] = lambda _: 0
) -> Iterator[Frame]:
    random = np.random.default_rng(5)
    for i in range(n):
        picture = scene().copy()
        for who, box in enumerate(places(i)):
            figure(picture, box, who)
        noisy = picture + random.normal(light(i), noise, picture.shape)
        yield Frame(np.clip(noisy, 0, 255).astype(np.uint8), 2000 * i)


def walker(x: int, top: int = 150, tall: int = 120) -> Box:
    return Box(x, top, x + tall * 2 // 5, top + tall)


def found(frames: Iterator[Frame]) -> list[list[Detection]]:
    return [people for _, people in MotionDetector().detect(frames)]


def hits(people: list[Detection], box: Box) -> bool:
    return any(p.box.iou(box) > 0.5 for p in people)


def test_frames_pass_in_order_and_none_is_lost() -> None:
    for n in (0, 1, 5, 31, 32, 33, 70):
        offsets = [frame.offset_ms for frame, _ in MotionDetector().detect(film(lambda _: [], n))]
        assert offsets == [2000 * i for i in range(n)]


def test_nobody_is_found_in_noise_and_drifting_light() -> None:
    people = found(film(lambda _: [], noise=6, light=lambda i: 0.5 * i))
    assert sum(map(len, people)) == 0


def test_a_walker_is_found_wherever_they_are() -> None:
    def place(i: int) -> list[Box]:
        return [walker(20 * i)] if 10 <= i < 28 else []

    people = found(film(place))
    assert all(hits(people[i], walker(20 * i)) for i in range(10, 28))
    assert sum(len(p) for i, p in enumerate(people) if not 10 <= i < 28) == 0


def test_who_stands_for_half_a_minute_stays_found_and_leaves_no_ghost() -> None:
    people = found(film(lambda i: [walker(300)] if 35 <= i < 50 else [], 80))
    assert all(hits(people[i], walker(300)) for i in range(35, 50))
    assert sum(map(len, people[50:])) == 0


def test_visitors_who_stand_more_than_the_place_is_empty_are_found() -> None:
    """At a notice board people take turns, and it is seen empty only for a moment: it is still the background."""

    def place(i: int) -> list[Box]:
        return [] if i % 8 in (0, 1) else [Box(300 + (i // 8) % 3, 120, 350 + (i // 8) % 3, 250)]

    def colourful(i: int) -> list[Box]:
        return [Box(0, 0, 2, 6)] * (i // 8 % 7) + place(i)  # the number picks the clothes

    people = found(film(colourful))
    assert all(hits(people[i], place(i)[0]) for i in range(60) if place(i))


def test_who_is_there_from_the_start_is_found() -> None:
    people = found(film(lambda i: [walker(300)] if i < 10 else []))
    assert all(hits(people[i], walker(300)) for i in range(10))
    assert sum(map(len, people[10:])) == 0


def test_a_light_switch_is_no_person() -> None:
    people = found(film(lambda i: [walker(300)] if i >= 55 else [], 70, light=lambda i: 60.0 if i >= 40 else 0.0))
    assert sum(map(len, people[:55])) == 0
    assert all(hits(people[i], walker(300)) for i in range(55, 70))


def test_two_side_by_side_are_two() -> None:
    pair = [walker(200), walker(253)]
    people = found(film(lambda i: pair if 35 <= i < 45 else []))
    assert all(hits(people[i], box) for i in range(35, 45) for box in pair)


def test_a_far_person_is_found() -> None:
    far = Box(400, 130, 413, 162)
    people = found(film(lambda i: [far] if 35 <= i < 45 else []))
    assert sum(any(p.box.iou(far) > 0.3 for p in people[i]) for i in range(35, 45)) >= 8


def test_pictures_of_another_size_start_anew() -> None:
    small = [Frame(np.ascontiguousarray(f.image[::2, ::2]), 200_000 + f.offset_ms) for f in film(lambda _: [], 40)]

    def both() -> Iterator[Frame]:
        yield from film(lambda _: [], 40)
        yield from small

    assert sum(map(len, found(both()))) == 0


def test_the_same_frames_give_the_same_boxes() -> None:
    def place(i: int) -> list[Box]:
        return [walker(15 * i), walker(600 - 15 * i)]

    assert found(film(place, 36)) == found(film(place, 36))


def test_boxes_lie_in_the_picture() -> None:
    people = found(film(lambda i: [Box(0, 200, 50, 360)] if i > 35 else [], 40))
    assert any(people)
    for box in (p.box for frame in people for p in frame):
        assert 0 <= box.x1 < box.x2 <= WIDTH
        assert 0 <= box.y1 < box.y2 <= HEIGHT


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random ones: they show that the path from file to boxes works, not that people are found."""
    import torch
    from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("weights") / "random.pth"
    model = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    torch.save(model.state_dict(), file)
    return file


def test_the_coco_detector_reads_its_weights_and_gives_boxes(weights: Path) -> None:
    detector = TorchvisionDetector(str(weights), device="cpu", least_score=0.0)
    detector.open()
    answers = list(detector.detect(film(lambda _: [walker(200)], 5)))
    assert [frame.offset_ms for frame, _ in answers] == [0, 2000, 4000, 6000, 8000]
    for _, people in answers:
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


def test_unknown_detectors_are_refused() -> None:
    with pytest.raises(BadInput) as e:
        make_detector("yolo")
    assert "motion" in e.value.expected
