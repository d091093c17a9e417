"""Shares a range of time out among what is known about it. Pure functions; times are integer milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Interval:
    """A range, end exclusive: recorded or missing, with its state or reason."""

    start: int
    end: int
    label: str
    recorded: bool = True
    detail: str = ""

    @property
    def length(self) -> int:
        """Return the length in milliseconds."""
        return self.end - self.start


def partition(start: int, end: int, files: Iterable[Interval], gaps: Sequence[Interval], join: int) -> list[Interval]:
    """Return `start`..`end` as intervals that follow one another: recorded, or missing with a reason.

    Where files overlap, the earlier one counts. What is neither in a file nor in a gap is labelled "".

    Args:
        start: start of the range.
        end: end of the range; not before its start.
        files: what is recorded, in any order.
        gaps: why nothing is, in any order; what lies under a file does not count.
        join: a hole of at most so many ms is none; it goes to the file before it, or to the first one.
    """
    ordered = sorted((f for f in files if f.start < end and f.end > start), key=lambda f: (f.start, f.end))
    reasons = sorted((g for g in gaps if g.start < end and g.end > start), key=lambda g: (g.start, g.end))
    found: list[Interval] = []
    at = start
    for file in [*ordered, None]:
        following = end if file is None else max(start, file.start)
        if 0 < following - at <= join and (found or file is not None):
            if found:
                found[-1] = replace(found[-1], end=following)
                at = following
        elif following > at:
            found += _split_by(at, following, reasons)
            at = following
        if file is not None and min(file.end, end) > at:
            found.append(replace(file, start=at, end=min(file.end, end)))
            at = found[-1].end
    return found


def _split_by(start: int, end: int, gaps: Sequence[Interval]) -> Iterator[Interval]:
    """Return a range without files, by its reasons."""
    at = start
    for gap in gaps:
        if gap.end <= at or gap.start >= end or at >= end:
            continue
        if gap.start > at:
            yield Interval(at, gap.start, "", recorded=False)
        at = max(at, gap.start)
        yield replace(gap, start=at, end=min(gap.end, end))
        at = min(gap.end, end)
    if at < end:
        yield Interval(at, end, "", recorded=False)


def cut_at(pieces: Iterable[Interval], step: int) -> Iterator[Interval]:
    """Return the intervals cut at the multiples of `step`."""
    for piece in pieces:
        at = piece.start
        while at < piece.end:
            border = min(piece.end, (at // step + 1) * step)
            yield replace(piece, start=at, end=border)
            at = border
