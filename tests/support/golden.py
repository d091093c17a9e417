"""The shipped model's vectors for fixed inputs, kept so that another torch, machine or file is seen to give the same.

``python -m tests.support.golden`` writes them anew; that is right only when the model itself was replaced.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from search.models.embedder import Embedder
from search.models.open_clip_embedder import OpenClipEmbedder
from search.types import Image, Vectors

FILE = Path(__file__).parent / "golden.json"
SENTENCES = ("a man in a red coat with a black backpack", "穿红色外套、背黑色书包的男子", "street")


def pictures() -> list[Image]:
    """A tall and a wide picture of smooth colours, made without a random generator or a codec."""
    made = []
    for height, width in ((140, 60), (90, 160)):
        y, x = np.mgrid[0:height, 0:width].astype(np.float64)
        waves = [np.sin(x / 9 + c) * np.cos(y / (11 + 5 * c)) for c in range(3)]
        made.append(np.round(127.5 + 120 * np.stack(waves, axis=-1)).astype(np.uint8))
    return made


def vectors(embedder: Embedder) -> Vectors:
    """float32 (5, dim): of the pictures, then of the sentences."""
    return np.concatenate([embedder.embed_images(pictures()), embedder.embed_texts(SENTENCES)])


if __name__ == "__main__":
    model = OpenClipEmbedder("xunren-small")
    FILE.write_text(json.dumps({model.label: np.round(vectors(model), 5).tolist()}) + "\n", "utf-8")
