"""The shipped model through the same `local-dir:` path as any other, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from indexer.decoding.video_source import VideoSource
from search.errors import BadInput, Unavailable
from search.models.embedder import Embedder
from search.models.onnx_embedder import OnnxEmbedder
from search.models.open_clip_embedder import OpenClipEmbedder
from search.models.registry import MODELS_DIR, RECOMMENDED, resolve_model
from search.parsing.normalize import MAX_SENTENCE_CHARS, check_sentence
from search.types import Box, Image, Vectors
from tests.conftest import SAMPLES
from tests.support import golden

TRUTH = json.loads((SAMPLES / "truth.json").read_text("utf-8"))


@pytest.fixture(scope="module", params=[OnnxEmbedder, OpenClipEmbedder])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    made: Embedder = request.param("xunren-small", device="cpu", batch_size=4)
    made.open()
    return made


def pictures(n: int) -> list[Image]:
    random = np.random.default_rng(7)
    sizes = [(128, 64), (40, 22), (360, 640), (77, 501), (1, 1)]
    return [random.integers(0, 255, (*sizes[i % 5], 3), dtype=np.uint8) for i in range(n)]


def test_vectors_are_unit_float32(embedder: Embedder) -> None:
    for vectors in (embedder.embed_images(pictures(9)), embedder.embed_texts(["red", "红色外套"])):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == embedder.dim == 256
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed_images([]).shape == embedder.embed_texts([]).shape == (0, 256)


def test_a_batch_is_as_good_as_one_by_one(embedder: Embedder) -> None:
    images = pictures(9)
    together = embedder.embed_images(images)
    alone = np.concatenate([embedder.embed_images([image]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-4)
    texts = ["a man in a red coat", "穿红色外套的男子", "x"]
    np.testing.assert_allclose(
        embedder.embed_texts(texts), np.concatenate([embedder.embed_texts([t]) for t in texts]), atol=1e-4
    )


def test_golden_vectors(embedder: Embedder) -> None:
    """Another torch or processor may differ in the last bits, no more."""
    kept = json.loads(golden.FILE.read_text("utf-8"))
    assert list(kept) == [embedder.label], "the model was replaced: python -m tests.support.golden"
    assert (golden.vectors(embedder) * np.array(kept[embedder.label])).sum(axis=1).min() > 0.999


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_person_is_nearer_to_their_own_sentence(embedder: Embedder, language: str) -> None:
    """Swapped or mis-read weights and wrong colours are seen in this: it is 0.08 with blue for red."""
    people = [person for camera in TRUTH["cameras"] for person in people_of(camera)]
    images = embedder.embed_images([image for _, image in people])
    sentences = embedder.embed_texts([person["sentences"][language][0] for person, _ in people])
    scores = images @ sentences.T
    places = (scores > scores.diagonal()[:, None]).mean(axis=1)
    assert places.mean() < 0.04


def people_of(camera: str) -> Iterator[tuple[dict[str, Any], Image]]:
    """Each person whom a sample video shows, cut out where they are largest."""
    data = TRUTH["cameras"][camera]
    start = round(datetime.fromisoformat(data["start"]).timestamp() * 1000)
    frames = VideoSource(SAMPLES / data["file"], interval_s=0.5, max_megapixels=4).frames()
    pictures = {round(frame.offset_ms, -2): frame.image for frame in frames}
    for person in TRUTH["people"]:
        for seen in person["appearances"]:
            if seen["camera"] == camera:
                time, *corners = max(seen["boxes"], key=lambda b: (b[3] - b[1]) * (b[4] - b[2]))
                yield person, Box(*(max(0, round(v)) for v in corners)).crop(pictures[round(time - start, -2)])


def test_a_sentence_that_would_be_cut_off_is_refused(embedder: Embedder) -> None:
    with pytest.raises(BadInput, match="too long for this model"):
        embedder.embed_texts(["穿红色外套的男子" * 40])


def test_threads_may_share_it(embedder: Embedder) -> None:
    expected = embedder.embed_texts(["a woman with a blue bag"])[0]
    answers: list[Vectors] = []

    def ask() -> None:
        answers.extend(embedder.embed_texts(["a woman with a blue bag"])[0] for _ in range(10))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert all(np.allclose(answer, expected, atol=1e-4) for answer in answers)


def test_a_model_that_is_not_there_is_unavailable_with_a_cure() -> None:
    code = (
        "from search.models.open_clip_embedder import OpenClipEmbedder\n"
        "from search.errors import Unavailable\n"
        "try: OpenClipEmbedder('ViT-B-32').open()\n"
        "except Unavailable as e: print(e.cure)\n"
    )
    environ = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
    assert "xunren-small" in done.stdout, done.stderr


@pytest.mark.parametrize("device", ["cuda:99", "mps"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(Unavailable, match="device"):
        OpenClipEmbedder("xunren-small", device=device).open()


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    for name in ("ViT-B-33", "", "hf-hub:", "local-dir:/nowhere"):
        with pytest.raises(BadInput) as e:
            resolve_model(name)
        assert e.value.cure
    with pytest.raises(BadInput, match="unknown model") as e:
        resolve_model("xunren-smal")
    assert "xunren-small" in e.value.cure


def test_any_open_clip_name_is_understood() -> None:
    assert resolve_model("RN50:openai").tag == "openai"
    assert resolve_model("hf-hub:org/repo").architecture == "hf-hub:org/repo"
    assert resolve_model("ViT-B-32").tag == "laion2b_s34b_b79k"
    named, by_path = resolve_model("xunren-small"), resolve_model(f"local-dir:{MODELS_DIR / 'xunren-small'}")
    assert named.label == by_path.label
    assert named.label.startswith("xunren-small@")


def test_recommended_models_are_known_to_open_clip() -> None:
    import open_clip

    known = set(open_clip.list_pretrained())
    for info in RECOMMENDED:
        if not info.architecture.startswith("local-dir:"):
            assert (info.architecture, info.tag) in known
            config = open_clip.get_model_config(info.architecture)
            assert config["embed_dim"] == info.dim


@pytest.mark.parametrize("bad", ["", "  \n", "?!…", "x" * (MAX_SENTENCE_CHARS + 1)])
def test_sentences_that_are_none(bad: str) -> None:
    with pytest.raises(BadInput):
        check_sentence(bad)


def test_sentences_are_stripped() -> None:
    assert check_sentence("  穿红色外套的男子 \n") == "穿红色外套的男子"
