"""Scores on one scale: how far a hit stands above what the sentence scores on the index's own background.

A cosine means something else for every model, sentence and kind of row. What is compared instead is its distance from
the median of the same sentence's cosines over a sample of the index, in units of their spread (median absolute
deviation): "4.0" is the same surprise for a person's crop and for a whole frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.types import Hit, Kind, Vectors, Verdict

# An index of a few rows tells little about its own spread: the cosines of unrelated pairs spread by about this much
# with every model that was tried, and it counts as much as this many rows.
PRIOR_SPREAD = 0.08
PRIOR_ROWS = 16


@dataclass(frozen=True, slots=True)
class Background:
    """A sample of the index, by kind: float32 (n, dim) each, unit length."""

    vectors: Mapping[Kind, Vectors]


@dataclass(frozen=True, slots=True)
class Level:
    """Where the background of one kind lies for one sentence: `median` cosine, `spread` in cosine."""

    median: float
    spread: float

    def scale(self, cosine: float) -> float:
        """Distance above the background, in spreads."""
        return (cosine - self.median) / self.spread


def level(cosines: NDArray[np.float32]) -> Level:
    """Median and robust spread of a sentence's cosines (n,) over the background; n may be 0."""
    n = len(cosines)
    median = float(np.median(cosines)) if n else 0.0
    measured = 1.4826 * float(np.median(np.abs(cosines - median))) if n else 0.0
    weight = n / (n + PRIOR_ROWS)
    return Level(median, weight * measured + (1 - weight) * PRIOR_SPREAD)


def rescale(hits: Sequence[Hit], query: Vectors, background: Background) -> list[Hit]:
    """The hits with their cosines put on the common scale, best first.

    Args:
        hits: rows with raw cosines.
        query: float32 (dim,), unit length.
        background: sample of the index that is searched.
    """
    levels = {kind: level(vectors @ query) for kind, vectors in background.vectors.items()}
    nothing = level(np.empty(0, np.float32))
    scaled = [replace(hit, score=levels.get(hit.row.kind, nothing).scale(hit.score)) for hit in hits]
    return sorted(scaled, key=lambda h: (-h.score, h.row.id))


def verdict(score: float, *, match: float, maybe: float) -> Verdict:
    """What a score on the common scale means, given the two thresholds."""
    if score >= match:
        return Verdict.MATCH
    return Verdict.MAYBE if score >= maybe else Verdict.NOTHING
