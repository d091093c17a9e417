"""Gaps of an answer: time that is not in the index, so that "nothing found" is not taken for "not there"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from search.catalog import Catalog
from search.coverage.accounting import tail
from search.intervals import Interval
from search.stream_types import JOIN_MS, Reason
from search.times import iso
from search.types import Filter

USUAL_MS = 86_400_000  # the range of the gaps where the query names no time
SHORT_MS = 1000
FRESH_MS = 60_000  # recordings of the last minute may wait: `behind` tells of them
LISTED = 50


@dataclass(frozen=True, slots=True)
class AnswerGaps:
    """Gaps of `cameras` cameras in a range (Unix ms); `gaps` are the longest ones, `more` the number of others.

    `behind_ms` is how far the newest indexed moment lies behind, of the live camera that is furthest behind.
    """

    start_ms: int
    end_ms: int
    cameras: int = 0
    with_gaps: int = 0
    gaps: Sequence[tuple[str, Interval]] = ()
    more: int = 0
    waiting_ms: int = 0
    behind_ms: int = 0

    def as_dict(self, zone: tzinfo) -> dict[str, Any]:
        """Return plain data for JSON; `zone` is that of the ISO 8601 times."""
        return {
            "start": iso(self.start_ms, zone),
            "end": iso(self.end_ms, zone),
            "camera_count": self.cameras,
            "with_gaps": self.with_gaps,
            "gaps": [_gap(camera, piece, zone) for camera, piece in self.gaps],
            "more_gaps": self.more,
            "waiting_s": self.waiting_ms / 1000,
            "behind_s": self.behind_ms / 1000,
        }


def answer_gaps(catalog: Catalog, where: Filter, now_ms: int) -> AnswerGaps:
    """Return what of a query's cameras and time is not in the index, and why.

    Without a time the last day counts: over months every camera has had a gap. Imported recordings that are not
    indexed are named however old they are.
    """
    end = now_ms if where.end_ms is None else min(where.end_ms, now_ms)
    start = max(0, end - USUAL_MS) if where.start_ms is None else where.start_ms
    if start >= end:
        return AnswerGaps(start, start)
    query = _GapQuery(catalog, where, start, end, now_ms)
    first = 0 if where.start_ms is None else start
    recorded = query.unindexed(first)
    pieces = query.missing()
    for camera, parts in recorded.items():
        pieces.setdefault(camera, []).extend(_late(parts, now_ms))
    gaps = [(camera, piece) for camera, parts in pieces.items() for piece in _merge(parts, first, end)]
    gaps.sort(key=lambda gap: (-gap[1].length, gap[0], gap[1].start))
    return AnswerGaps(
        start,
        end,
        cameras=query.cameras(),
        with_gaps=len({camera for camera, _ in gaps}),
        gaps=gaps[:LISTED],
        more=max(0, len(gaps) - LISTED),
        waiting_ms=sum(p.length for parts in recorded.values() for p in parts if p.label == Reason.WAITING),
        behind_ms=query.behind(),
    )


class _GapQuery:
    """The cameras of a query and its range, Unix ms."""

    def __init__(self, catalog: Catalog, where: Filter, start: int, end: int, now_ms: int) -> None:
        self._catalog, self._silence = catalog, catalog.silent_streams
        self._queries = catalog.coverage
        self._named = where.start_ms is not None
        self._wanted, self._without = frozenset(where.cameras), frozenset(where.without)
        self._start, self._end, self._now_ms = start, end, now_ms

    def cameras(self) -> int:
        """Return the number of cameras of the query."""
        return self._silence.cameras(self._wanted, self._without)

    def unindexed(self, first: int) -> dict[str, list[Interval]]:
        """Return camera id -> recordings that are not indexed; imported ones from `first` on."""
        result: dict[str, list[Interval]] = {}
        for is_live, start in enumerate((first, self._start)):
            recordings = self._queries.unindexed(start, self._end, self._wanted, live=bool(is_live))
            for camera, parts in recordings.items():
                if self._about(camera):
                    inside = (Interval(max(p.start, start), min(p.end, self._end), p.label) for p in parts)
                    result.setdefault(camera, []).extend(inside)
        return result

    def missing(self) -> dict[str, list[Interval]]:
        """Return camera id -> gaps of the indexed stream."""
        result: dict[str, list[Interval]] = {}
        gaps = [
            g for g in self._catalog.recordings.gaps(self._start, self._end, self._wanted) if self._about(g.camera_id)
        ]
        roles = self._silence.roles({gap.camera_id for gap in gaps})
        for gap in gaps:
            if roles.get(gap.camera_id, gap.role) == gap.role:
                piece = Interval(
                    max(gap.start_ms, self._start), gap.end_ms, gap.reason, recorded=False, detail=gap.detail
                )
                result.setdefault(gap.camera_id, []).append(piece)
        for stream, health in self._silence.silent(self._end, self._now_ms, SHORT_MS, self._wanted):
            if self._about(stream.camera_id):
                _, silent, _ = tail(stream, health, self._now_ms)
                inside = [replace(p, start=max(p.start, self._start)) for p in silent if p.end > self._start]
                result.setdefault(stream.camera_id, []).extend(inside)
        if self._named:  # only who named a time may expect recordings of it
            self._add_not_yet(result)
        return result

    def _add_not_yet(self, result: dict[str, list[Interval]]) -> None:
        late = [s for s in self._silence.begun(self._start) if self._about(s.camera_id)]
        imported = self._queries.imported_until() if late else {}
        for stream in late:
            begin = max(self._start, imported.get(stream.camera_id, self._start))
            piece = Interval(begin, stream.since_ms, Reason.NOT_YET, recorded=False)
            result.setdefault(stream.camera_id, []).append(piece)

    def behind(self) -> int:
        """Return the ms that indexing lags, at most what waits: after an outage the newest indexed time is old."""
        waiting = {camera: s for camera, s in self._queries.waiting().items() if self._about(camera)}
        if not waiting:
            return 0
        newest = self._queries.newest_indexed(waiting)
        known = self._catalog.streams.configs(list(waiting))
        streams = [known[camera].streams[-1] for camera in waiting if known[camera].streams]  # "sub" sorts after "main"
        late = ((self._now_ms - newest.get(s.camera_id, s.since_ms), 1000 * waiting[s.camera_id]) for s in streams)
        return max((round(min(lag, waits)) for lag, waits in late), default=0)

    def _about(self, camera: str) -> bool:
        return camera not in self._without and (not self._wanted or camera in self._wanted)


def _late(pieces: Iterable[Interval], now_ms: int) -> Iterator[Interval]:
    """Yield the intervals without waiting recordings of the last minute."""
    for piece in pieces:
        end = min(piece.end, now_ms - FRESH_MS) if piece.label == Reason.WAITING else piece.end
        if end > piece.start:
            yield Interval(piece.start, end, piece.label)


def _merge(pieces: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """Return the intervals in the range by start, neighbours with one reason joined, short ones left out."""
    inside = (Interval(max(p.start, start), min(p.end, end), p.label, p.recorded, p.detail) for p in pieces)
    result: list[Interval] = []
    for piece in sorted((p for p in inside if p.length > 0), key=lambda p: (p.start, p.end)):
        last = result[-1] if result else None
        if last is not None and last.label == piece.label and piece.start - last.end <= JOIN_MS:
            result[-1] = replace(last, end=max(last.end, piece.end))
        else:
            result.append(piece)
    return [piece for piece in result if piece.length >= SHORT_MS]


def _gap(camera: str, piece: Interval, zone: tzinfo) -> dict[str, Any]:
    return {
        "camera": camera,
        "start": iso(piece.start, zone),
        "end": iso(piece.end, zone),
        "start_ms": piece.start,
        "end_ms": piece.end,
        "seconds": piece.length / 1000,
        "reason": str(piece.label),
        "detail": piece.detail,
    }
