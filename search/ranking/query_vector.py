"""One query vector from a sentence, photos, marks and what must not be there.

Pictures that show the person are added to the sentence as their distance from the index's average person (Rocchio's
relevance feedback; Manning, Raghavan, Schütze: Introduction to Information Retrieval, 9.1.1): what all pictures share
says nothing about this one. What must not be there is taken off as the difference between the sentence with it and the
sentence without, so that what both say stays. Clips that do not show the person say nothing about how they look, and
are only left out: taking them off, too, made every answer worse, because wrong clips are look-alikes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from search.types import Vectors

PICTURES = 1.0
"""How much the pictures say beside a sentence; on 1,000 made people 1.0 found more than 0.25, 0.5 and 1.5."""
UNWANTED = 0.25
"""How much of what must not be there is taken off; more of it also takes off what is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryParts:
    """What is looked for, as vectors of unit length: `text` and each of `unwanted` and `pictures` float32 (n, dim).

    `text` has one row, or none where only pictures say it; `pictures` are photos and marked clips.
    """

    text: Vectors
    unwanted: Vectors
    pictures: Vectors


def query_vector(wish: QueryParts, middle: Vectors) -> Vectors:
    """The query vector, float32 (dim,), unit length. `middle` is the average picture of a person, float32 (dim,)."""
    if not len(wish.text):
        return _unit(wish.pictures.mean(axis=0))
    total = wish.text[0].copy()
    for unwanted in wish.unwanted:
        total -= UNWANTED * (unwanted - wish.text[0])
    if len(wish.pictures):
        total += PICTURES * (wish.pictures.mean(axis=0) - middle)
    return _unit(total)


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length, np.float32)
