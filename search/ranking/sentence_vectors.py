"""The vectors of the calibration sentences, kept in the data folder: embedding 800 sentences takes a process 0.7 s."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import numpy as np

from search.errors import Unavailable
from search.files import written
from search.models import Embedder
from search.ranking.calibration_sentences import Language, calibration_sentences
from search.types import Vectors

log = logging.getLogger(__name__)

SAME_COSINE = 0.999
"""Of a sentence embedded twice, at least; between runtimes and devices it was 0.9999 and more."""


class SentenceVectors:
    """Reads and writes the vectors of one model's calibration sentences.

    A file is named by the model's label and the sentences. The first sentence is embedded anew each time: a file whose
    vector of it differs is of another model under the same label, and is written again.

    Args:
        folder: made when it is first written to.
        embedder: the model.
    """

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._folder, self._embedder = folder, embedder

    def get(self) -> dict[Language, Vectors]:
        """Return the vectors of `calibration_sentences` by language, float32 (m, dim), unit length.

        Raises:
            Unavailable: the model cannot be used.
        """
        sentences = {language: calibration_sentences(language) for language in Language}
        file = self._folder / f"sentences-{self._key(sentences)}.npy"
        together = [text for texts in sentences.values() for text in texts]
        vectors = self._read(file, together)
        if vectors is None:
            vectors = np.concatenate([self._embedder.embed_texts(texts) for texts in sentences.values()])
            _write(file, vectors)
        ends = np.cumsum([len(texts) for texts in sentences.values()])[:-1]
        return dict(zip(sentences, np.split(vectors, ends), strict=True))

    def _key(self, sentences: dict[Language, list[str]]) -> str:
        content = json.dumps([self._embedder.label, sentences], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:24]

    def _read(self, file: Path, sentences: list[str]) -> Vectors | None:
        """Return the vectors of a file; None if there is none, it is damaged, or of another model."""
        try:
            vectors = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        first = self._embedder.embed_texts(sentences[:1])[0]
        is_whole = vectors.dtype == np.float32 and vectors.shape == (len(sentences), len(first))
        if not is_whole or not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
            return None
        return vectors if float(vectors[0] @ first) >= SAME_COSINE else None


def _write(file: Path, vectors: Vectors) -> None:
    """Write the file; log why where the folder cannot be written, since a search works without it."""
    try:
        with written(file) as temporary, temporary.open("wb") as stream:
            np.save(stream, vectors)
    except Unavailable as e:
        log.info("the calibration sentences are embedded again by each process: %s", e)
