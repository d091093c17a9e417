"""Scores on one scale: how far a hit stands above what the sentence scores on the index's own background.

A cosine means something else for every model and for every kind of row. What is compared instead is its distance from
the median of the same sentence's cosines over a sample of the index, in units of the spread that everyday descriptions
have over that sample: "4.0" is the same surprise for a person's crop and for a whole frame, with any model. The unit is
the index's and not the sentence's own: a sentence about something that is nowhere to be seen has a small spread, and
would make its best row look certain (`benchmarks/quality.py` shows it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search.types import Hit, Kind, Vectors, Verdict

_COLOURS = ("red", "blue", "black", "white", "green", "yellow", "grey", "brown")
EVERYDAY = tuple(
    f"{who} in {colour} {what}"
    for who, what in (("a man", "clothes"), ("a woman", "clothes"), ("a child", "clothes"), ("a person", "trousers"))
    for colour in _COLOURS
)
"""Descriptions of the usual kind, by which the spread of an index is measured."""

# An index of a few rows tells little about its own spread. Unrelated pairs spread by about this much with the models
# that were tried, and it counts as much as this many rows.
PRIOR_SPREAD = 0.1
PRIOR_ROWS = 4


@dataclass(frozen=True, slots=True)
class Background:
    """A sample of the index: by kind, `vectors` float32 (n, dim) of unit length, and `spread` in cosine."""

    vectors: Mapping[Kind, Vectors]
    spread: Mapping[Kind, float]

    @classmethod
    def measured(cls, sample: Callable[[Kind], Vectors], everyday: Vectors) -> Background:
        """The background of an index.

        Args:
            sample: gives rows of a kind, float32 (n, dim); n may be 0.
            everyday: the vectors of `EVERYDAY`, float32 (m, dim).
        """
        vectors = {kind: sample(kind) for kind in Kind}
        return cls(vectors, {kind: spread(rows @ everyday.T) for kind, rows in vectors.items()})

    def scale(self, hits: Sequence[Hit], query: Vectors) -> list[Hit]:
        """The hits with their cosines put on the common scale, best first; `query` is float32 (dim,), unit length."""
        median = {kind: float(np.median(rows @ query)) if len(rows) else 0.0 for kind, rows in self.vectors.items()}
        scaled = [replace(h, score=(h.score - median[h.row.kind]) / self.spread[h.row.kind]) for h in hits]
        return sorted(scaled, key=lambda h: (-h.score, h.row.id))


def spread(cosines: NDArray[np.float32]) -> float:
    """Robust spread (of a normal distribution, its standard deviation) of cosines (rows, sentences), rows may be 0.

    Each sentence is measured from its own median, so that a sentence that fits many rows does not count as spread.
    """
    rows = len(cosines)
    if not rows:
        return PRIOR_SPREAD
    measured = 1.4826 * float(np.median(np.abs(cosines - np.median(cosines, axis=0))))
    weight = rows / (rows + PRIOR_ROWS)
    return weight * measured + (1 - weight) * PRIOR_SPREAD


def verdict(score: float, *, match: float, maybe: float) -> Verdict:
    """What a score on the common scale means, given the two thresholds."""
    if score >= match:
        return Verdict.MATCH
    return Verdict.MAYBE if score >= maybe else Verdict.NOTHING
