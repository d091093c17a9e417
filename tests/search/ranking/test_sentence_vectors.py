"""The kept vectors of the calibration sentences are those of the model that asks, whatever lies in the folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from search.ranking.calibration_sentences import COUNT, Language, calibration_sentences
from search.ranking.sentence_vectors import SentenceVectors
from search.types import Vectors
from tests.support.fakes import ColourEmbedder


class CountingEmbedder(ColourEmbedder):
    """An embedder that counts the texts that it embeds; another `turn` is another model under the same label."""

    def __init__(self, turn: int = 0) -> None:
        super().__init__()
        self.texts = 0
        self._turn = turn

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.texts += len(texts)
        return np.roll(super().embed_texts(texts), self._turn, axis=1)


def vectors_of(folder: Path, embedder: CountingEmbedder) -> dict[Language, Vectors]:
    vectors = SentenceVectors(folder, embedder).get()
    for language in Language:
        expected = embedder.embed_texts(calibration_sentences(language))
        np.testing.assert_array_equal(vectors[language], expected)
    embedder.texts -= len(Language) * COUNT
    return vectors


def test_they_are_embedded_once(tmp_path: Path) -> None:
    first, second = CountingEmbedder(), CountingEmbedder()
    vectors_of(tmp_path / "new", first)
    vectors_of(tmp_path / "new", second)
    assert (first.texts, second.texts) == (len(Language) * COUNT, 1)
    assert [file.suffix for file in (tmp_path / "new").iterdir()] == [".npy"]


def test_another_model_under_the_same_label_is_noticed(tmp_path: Path) -> None:
    vectors_of(tmp_path, CountingEmbedder())
    other = CountingEmbedder(turn=1)
    vectors_of(tmp_path, other)
    assert other.texts == 1 + len(Language) * COUNT
    vectors_of(tmp_path, other)
    assert other.texts == 2 + len(Language) * COUNT


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: data[:-400] + bytes(400)])
def test_a_damaged_file_is_written_again(tmp_path: Path, damage: object) -> None:
    vectors_of(tmp_path, CountingEmbedder())
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    assert callable(damage)
    file.write_bytes(damage(whole))
    vectors_of(tmp_path, CountingEmbedder())
    assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    vectors_of(tmp_path / "file" / "calibration", CountingEmbedder())
