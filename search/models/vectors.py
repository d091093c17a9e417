"""Helpers of all embedders: vectors of unit length, and images to try a model on."""

from __future__ import annotations

import numpy as np

from search.types import Image, Vectors


def unit(vectors: Vectors) -> Vectors:
    """Return the vectors (n, dim), each divided by its length, as float32."""
    divided: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return divided


def probes() -> list[Image]:
    """Return a few images to try a model on, always the same: coloured blocks, as coarse as clothes are."""
    blocks = np.random.default_rng(0).integers(0, 256, (4, 8, 4, 3), dtype=np.uint8)
    return list(blocks.repeat(16, axis=1).repeat(16, axis=2))
