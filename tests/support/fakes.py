"""An embedder that means something without a model: it sees colours, and reads their names in two languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from search.types import Image, Vectors

COLOURS: dict[str, tuple[tuple[int, int, int], tuple[str, ...]]] = {
    "red": ((200, 30, 30), ("red", "红")),
    "green": ((30, 160, 60), ("green", "绿")),
    "blue": ((30, 60, 200), ("blue", "蓝")),
    "yellow": ((230, 210, 40), ("yellow", "黄")),
    "black": ((15, 15, 15), ("black", "黑")),
    "white": ((240, 240, 240), ("white", "白")),
    "grey": ((128, 128, 128), ("grey", "gray", "灰")),
}
_CENTRES = np.array([centre for centre, _ in COLOURS.values()], np.float32)


class ColourEmbedder:
    """A vector is the share of each colour: "red" really finds red."""

    label = "colours"
    dim = len(COLOURS)
    batch_size = 8
    busy_s = 0.0

    def open(self) -> None:
        """Nothing is heavy here."""

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """Share of the pixels that are nearest to each colour."""
        return _unit([self._shares(image) for image in images])

    def start_images(self, images: Sequence[Image]) -> Callable[[], Vectors]:
        """At once."""
        vectors = self.embed_images(images)
        return lambda: vectors

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One for each colour that is named."""
        return _unit([[float(any(w in t.lower() for w in words)) for _, words in COLOURS.values()] for t in texts])

    def _shares(self, image: Image) -> list[float]:
        pixels = image[:: max(1, len(image) // 24), :: max(1, image.shape[1] // 24)].reshape(-1, 1, 3)
        nearest = np.linalg.norm(pixels.astype(np.float32) - _CENTRES, axis=2).argmin(axis=1)
        return [float(n) for n in np.bincount(nearest, minlength=len(COLOURS))]


def _unit(rows: Sequence[Sequence[float]]) -> Vectors:
    vectors = np.array(rows, np.float32).reshape(-1, len(COLOURS)) + 1e-3
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit
