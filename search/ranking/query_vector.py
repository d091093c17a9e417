"""One query vector from a sentence, photos, marked clips and negations.

Images that show the person are added to the sentence as their distance from the index's average person (Rocchio's
relevance feedback; Manning, Raghavan, Schütze: Introduction to Information Retrieval, 9.1.1): what all images share
says nothing about this one. What must not be there is taken off as the difference between the sentence with it and the
sentence without, so that what both say stays. Clips that do not show the person say nothing about how they look, and
are only left out: taking them off, too, made every answer worse, because wrong clips are look-alikes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.types import Vectors

IMAGE_WEIGHT = 1.0
"""Weight of the images beside a sentence; on 1,000 made people 1.0 found more than 0.25, 0.5 and 1.5."""
UNWANTED_WEIGHT = 0.25
"""Weight of what must not be there; more of it also takes off what is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryParts:
    """The embeddings of a query, unit length: `text` and each of `negations` and `images` float32 (n, dim).

    `text` has one row, or none for a query of images only; `images` are photos and marked clips.
    """

    text: Vectors
    negations: Vectors
    images: Vectors


def query_vector(parts: QueryParts, mean_person: Vectors) -> Vectors:
    """Return the query vector, float32 (dim,), unit length.

    Args:
        parts: at least a text or an image.
        mean_person: average embedding of a person in the index, float32 (dim,).
    """
    if not len(parts.text):
        return _unit(parts.images.mean(axis=0))
    total = parts.text[0].copy()
    for unwanted in parts.negations:
        total -= UNWANTED_WEIGHT * (unwanted - parts.text[0])
    if len(parts.images):
        total += IMAGE_WEIGHT * (parts.images.mean(axis=0) - mean_person)
    return _unit(total)


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length, np.float32)
