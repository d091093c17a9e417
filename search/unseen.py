"""What an answer says about time that nobody could look at, so that "nothing found" is not taken for "not there"."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from search.catalog import Catalog
from search.coverage import tail
from search.intervals import Piece
from search.live import JOIN_MS, Reason
from search.live_catalog import LiveCatalog
from search.times import iso
from search.types import Filter

USUAL_MS = 86_400_000  # that is told about where the question names no time
SHORT_MS = 1000
FRESH_MS = 60_000  # recordings of the last minute may wait: `behind` tells of them
LISTED = 50


@dataclass(frozen=True, slots=True)
class Unseen:
    """Gaps of `cameras` cameras in a range (Unix ms); `gaps` are the longest ones, `more` the number of others.

    `behind_ms` is how far the newest indexed moment lies behind, of the live camera that is furthest behind.
    """

    start_ms: int
    end_ms: int
    cameras: int = 0
    with_gaps: int = 0
    gaps: Sequence[tuple[str, Piece]] = ()
    more: int = 0
    waiting_ms: int = 0
    behind_ms: int = 0

    def as_dict(self, zone: tzinfo) -> dict[str, Any]:
        """Plain data, for JSON; `zone` of the ISO 8601 times."""
        return {
            "start": iso(self.start_ms, zone),
            "end": iso(self.end_ms, zone),
            "cameras": self.cameras,
            "with_gaps": self.with_gaps,
            "gaps": [_gap(camera, piece, zone) for camera, piece in self.gaps],
            "more": self.more,
            "waiting_s": self.waiting_ms / 1000,
            "behind_s": self.behind_ms / 1000,
        }


def unseen(catalog: Catalog, where: Filter, now_ms: int) -> Unseen:
    """What of the cameras and the time of a question is not in the index, and why.

    Without a time the last day is told about: over months every camera has had a gap. Imported recordings that are not
    indexed are told about however old they are.
    """
    end = now_ms if where.to_ms is None else min(where.to_ms, now_ms)
    start = max(0, end - USUAL_MS) if where.from_ms is None else where.from_ms
    if start >= end:
        return Unseen(start, start)
    live = LiveCatalog(catalog)
    first = 0 if where.from_ms is None else start
    recorded = _unindexed(live, (first, start), end, where.cameras)
    pieces = _missing(live, start, end, where, now_ms)
    for camera, parts in recorded.items():
        pieces.setdefault(camera, []).extend(_late(parts, now_ms))
    known = [c.id for c in catalog.cameras() if not where.cameras or c.id in where.cameras]
    gaps = [(camera, piece) for camera in known for piece in _merged(pieces.get(camera, ()), first, end)]
    gaps.sort(key=lambda gap: (-gap[1].length, gap[0], gap[1].start))
    return Unseen(
        start,
        end,
        cameras=len(known),
        with_gaps=len({camera for camera, _ in gaps}),
        gaps=gaps[:LISTED],
        more=max(0, len(gaps) - LISTED),
        waiting_ms=sum(p.length for parts in recorded.values() for p in parts if p.label == Reason.WAITING),
        behind_ms=_behind(live, where, now_ms),
    )


def _unindexed(
    live: LiveCatalog, starts: tuple[int, int], end: int, cameras: Collection[str]
) -> dict[str, list[Piece]]:
    """Camera id -> recordings that are not indexed, up to `end`; the imported and the live ones from `starts` on."""
    found: dict[str, list[Piece]] = {}
    for is_live, start in enumerate(starts):
        for camera, parts in live.unindexed(start, end, cameras, live=bool(is_live)).items():
            inside = (Piece(max(p.start, start), min(p.end, end), p.label) for p in parts)
            found.setdefault(camera, []).extend(inside)
    return found


def _missing(live: LiveCatalog, start: int, end: int, where: Filter, now_ms: int) -> dict[str, list[Piece]]:
    """Camera id -> what was to be recorded and is not, of the stream that is indexed."""
    found: dict[str, list[Piece]] = {}
    streams = {s.camera_id: s for s in live.indexed_streams() if not where.cameras or s.camera_id in where.cameras}
    for gap in live.gaps(start, end, where.cameras):
        if gap.camera_id not in streams or streams[gap.camera_id].role is gap.role:
            piece = Piece(max(gap.start_ms, start), gap.end_ms, gap.reason, recorded=False, detail=gap.detail)
            found.setdefault(gap.camera_id, []).append(piece)
    health = {(h.camera_id, h.role): h for h in live.health()}
    for camera, stream in streams.items():
        _, silent, _ = tail(stream, health.get((camera, stream.role)), now_ms)
        found.setdefault(camera, []).extend(replace(p, start=max(p.start, start)) for p in silent if p.end > start)
    late = [stream for stream in streams.values() if stream.since_ms > start]
    if where.from_ms is None or not late:
        return found  # only who named a time may expect recordings of it
    imported = live.imported_until()
    for stream in late:
        begin = max(start, imported.get(stream.camera_id, start))
        found[stream.camera_id].append(Piece(begin, stream.since_ms, Reason.NOT_YET, recorded=False))
    return found


def _late(pieces: Iterable[Piece], now_ms: int) -> Iterator[Piece]:
    """The same without what may still wait: recordings of the last minute."""
    for piece in pieces:
        end = min(piece.end, now_ms - FRESH_MS) if piece.label == Reason.WAITING else piece.end
        if end > piece.start:
            yield Piece(piece.start, end, piece.label)


def _merged(pieces: Iterable[Piece], start: int, end: int) -> list[Piece]:
    """What lies in the range, in order; neighbours with the same reason in one; short ones left out."""
    inside = (Piece(max(p.start, start), min(p.end, end), p.label, p.recorded, p.detail) for p in pieces)
    found: list[Piece] = []
    for piece in sorted((p for p in inside if p.length > 0), key=lambda p: (p.start, p.end)):
        last = found[-1] if found else None
        if last is not None and last.label == piece.label and piece.start - last.end <= JOIN_MS:
            found[-1] = replace(last, end=max(last.end, piece.end))
        else:
            found.append(piece)
    return [piece for piece in found if piece.length >= SHORT_MS]


def _behind(live: LiveCatalog, where: Filter, now_ms: int) -> int:
    """As far as recordings wait: after an outage of the camera the newest indexed moment is old, too, but a gap."""
    newest, waiting = live.newest_indexed(), live.waiting()
    streams = [s for s in live.indexed_streams() if not where.cameras or s.camera_id in where.cameras]
    late = ((now_ms - newest.get(s.camera_id, s.since_ms), 1000 * waiting.get(s.camera_id, 0.0)) for s in streams)
    return max((round(min(lag, waits)) for lag, waits in late), default=0)


def _gap(camera: str, piece: Piece, zone: tzinfo) -> dict[str, Any]:
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
