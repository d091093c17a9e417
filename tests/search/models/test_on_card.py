"""What a model is on a card, tried on the CPU: the type in which it computes there gives float32's vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import search.models.open_clip_embedder
from search.errors import Unavailable
from search.models.image_tower import compiled, narrowed
from search.models.open_clip_embedder import OpenClipEmbedder
from search.models.preprocessing import DevicePreprocessing
from search.models.registry import RECOMMENDED
from search.models.vectors import probes, unit
from search.types import Image, Vectors
from tests.search.models.test_embedder import people_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ARCHITECTURES = [info.architecture for info in RECOMMENDED if not info.architecture.startswith("local-dir:")]
CONTEXT = 16
SMALL: dict[str, dict[str, Any]] = {  # of the whole ones the CPU would compute minutes in half precision
    "MobileCLIP2-S0": {"image_size": 64},
    "ViT-B-16-SigLIP2": {},
}


@pytest.fixture
def as_on_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search.models.open_clip_embedder, "is_card", lambda _device: True)


def reduced(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The setting of a model with the same kind of towers, fewer layers, random weights, and no tokenizer to fetch."""
    import open_clip
    import torch
    from safetensors.torch import save_file
    from transformers import XLMRobertaConfig

    def tokenizer(texts: list[str], context_length: int = CONTEXT) -> torch.Tensor:
        return torch.tensor([[3, 4, 2] + [1] * (context_length - 3)] * len(texts))

    config = open_clip.get_model_config(name)
    config["vision_cfg"] |= SMALL.get(name, {"layers": 2, "width": 192})
    if "hf_model_name" in config["text_cfg"]:
        words = XLMRobertaConfig(vocab_size=300, hidden_size=64, num_hidden_layers=1, num_attention_heads=4,
                                 intermediate_size=64, max_position_embeddings=80)  # fmt: skip
        words.save_pretrained(folder / "words")
        config["text_cfg"] |= {"hf_model_name": str(folder / "words"), "hf_tokenizer_name": ""}
    else:
        config["text_cfg"] |= {"vocab_size": 300, "layers": 1, "context_length": CONTEXT, "hf_tokenizer_name": ""}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    monkeypatch.setattr(open_clip, "get_tokenizer", lambda _name: tokenizer)
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}", pretrained_hf=False, load_weights=False)
    save_file(
        {k: v.contiguous().clone() for k, v in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    return f"local-dir:{folder}"


def vectors(embedder: OpenClipEmbedder, images: list[Image]) -> Vectors:
    """Without a card's streams and events."""
    import torch

    with torch.inference_mode():
        return unit(embedder._tower(embedder._prepare(images)).float().numpy())


def compared(model: str, as_on: pytest.MonkeyPatch) -> OpenClipEmbedder:
    """As on a card, once its vectors have been found to be those of the CPU."""
    images = [image for _, image in people_of("gate")][:2]
    usual = OpenClipEmbedder(model, device="cpu")
    plain, words = usual.embed_images(images), usual.embed_texts(["a red coat"])
    as_on.setattr(search.models.open_clip_embedder, "is_card", lambda _device: True)
    there = OpenClipEmbedder(model, device="cpu")
    there.open()
    assert (vectors(there, images) * plain).sum(axis=1).min() > 0.999
    np.testing.assert_allclose(there.embed_texts(["a red coat"]), words, atol=1e-5)
    return there


def test_the_shipped_model_gives_the_same_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    there = compared("xunren-small", monkeypatch)
    assert {weights.dtype for weights in there._model.visual.parameters()} == {torch.float16}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_recommended_model_does(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    there = compared(reduced(name, tmp_path, monkeypatch), monkeypatch)
    assert {weights.dtype for weights in there._model.visual.parameters()} == {torch.float16}


@pytest.mark.parametrize(("largest", "expected"), [(1e4, "float16"), (1e8, "bfloat16"), (1e39, "float32")])
def test_numbers_that_are_too_large_widen_the_type(largest: float, expected: str) -> None:
    import torch

    class Tower(torch.nn.Module):
        """Numbers that become large on the way."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.randn(32, 3 * 8 * 8) / 10)

        def forward(self, pictures: Any) -> Any:
            return (pictures.flatten(1) @ self.weight.T * largest / 100) / (largest / 100)

    torch.manual_seed(0)
    tower = Tower()
    found, dtype = narrowed(tower, torch.randn(4, 3, 8, 8))
    assert str(dtype) == f"torch.{expected}"
    assert found.weight.dtype == dtype
    assert tower.weight.dtype == torch.float32


def test_it_is_compiled_for_the_type_that_pictures_come_in() -> None:
    """Not for that of the first weights: some towers keep a few in float32."""
    import torch

    class Mixed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Parameter(torch.zeros(4))
            self.conv = torch.nn.Conv2d(3, 4, 2, dtype=torch.bfloat16)

        def encode_image(self, pictures: Any) -> Any:
            return self.conv(pictures).mean(dim=(2, 3)) + self.first.to(pictures.dtype)

    model = Mixed().eval()
    example = torch.zeros(1, 3, 8, 8, dtype=torch.bfloat16)
    assert compiled(model, example, 4)(example).shape == (1, 4)


@pytest.mark.parametrize("part", ["encode_text", "encode_image"])
def test_a_model_that_does_not_run_is_unavailable(
    part: str, as_on_card: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("expected mat1 and mat2 to have the same dtype")

    model = reduced("ViT-B-32", tmp_path, monkeypatch)
    monkeypatch.setattr(open_clip.CLIP, part, broken)
    embedder = OpenClipEmbedder(model, device="cpu")
    for _ in range(2):  # half opened is not open
        with pytest.raises(Unavailable, match="does not run on cpu") as e:
            embedder.open()
        assert "same dtype" in e.value.got


def test_pictures_to_try_with_are_pictures() -> None:
    import open_clip
    import torch

    compose = open_clip.image_transform(32, is_train=False)
    batch = DevicePreprocessing(compose, torch.device("cpu"), torch.float32).batch(probes())
    assert batch.shape == (4, 3, 32, 32)
    assert batch.std() > 0.5
