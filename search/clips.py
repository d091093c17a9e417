"""Hits to clips: what lies close together in one recording is one thing to watch. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from search.types import Clip, Hit, Kind


def join(hits: Iterable[Hit], *, strong: float, gap_ms: int, pad_ms: int, max_ms: int) -> list[Clip]:
    """Join hits of one recording that belong together to clips, best clip first.

    Hits that score at least `strong` are joined where they lie at most `gap_ms` apart. A weaker hit belongs to the
    strong clip that shows its moment; otherwise only hits of the same track are joined, because two weak ones that are
    near in time mostly show two different people.

    Every hit ends up in exactly one clip, which contains the hit's moment. A clip lasts at most `max_ms` with its
    padding of `pad_ms` on both sides; a longer presence becomes several clips. Equal scores are ordered by camera and
    time, so that the same hits always give the same answer.

    Args:
        hits: rows that answered, in any order, scores on the common scale.
        strong: score from which nearness in time is enough.
        gap_ms: largest distance between two hits of one clip.
        pad_ms: shown before and after; the caller cuts it off at the recording's ends.
        max_ms: longest clip, at least ``2 * pad_ms``.
    """
    room = max_ms - 2 * pad_ms
    if gap_ms < 0 or pad_ms < 0 or room < 0:
        raise ValueError(f"gap_ms {gap_ms}, pad_ms {pad_ms}, max_ms {max_ms}: none negative, max_ms >= 2 * pad_ms")
    ordered = sorted(hits, key=lambda h: (h.row.camera_id, h.row.segment_id, h.row.time_ms, h.row.id))
    clips: list[Clip] = []
    for _, group in groupby(ordered, key=lambda h: (h.row.camera_id, h.row.segment_id)):
        clips += [_clip(chain, pad_ms) for chain in _joined(list(group), strong, gap_ms, room)]
    return sorted(clips, key=lambda c: (-c.score, c.camera_id, c.start_ms, c.segment_id))


@dataclass(slots=True)
class _Chain:
    """Hits that become one clip, and the time they cover."""

    hits: list[Hit]
    start: int
    end: int


def _joined(hits: Sequence[Hit], strong: float, gap_ms: int, room: int) -> list[_Chain]:
    """Hits of one recording, in order of time, as chains."""
    chains = _chains([h for h in hits if h.score >= strong], gap_ms, room)
    tracks: dict[tuple[Kind, int], list[Hit]] = {}
    for hit in hits:
        if hit.score >= strong:
            continue
        shown = next((c for c in chains if c.start <= hit.row.time_ms <= c.end), None)
        (shown.hits if shown else tracks.setdefault((hit.row.kind, hit.row.track), [])).append(hit)
    return chains + [chain for members in tracks.values() for chain in _chains(members, gap_ms, room)]


def _chains(hits: Sequence[Hit], gap_ms: int, room: int) -> list[_Chain]:
    """Hits in order of time, cut where the gap or the length is too large."""
    chains: list[_Chain] = []
    for hit in hits:
        start, end = _span(hit, room)
        if chains:
            last = chains[-1]
            first, final = min(last.start, start), max(last.end, end)
            if start - last.end <= gap_ms and final - first <= room:
                last.hits.append(hit)
                last.start, last.end = first, final
                continue
        chains.append(_Chain([hit], start, end))
    return chains


def _span(hit: Hit, room: int) -> tuple[int, int]:
    """The part of the hit's track that is shown: all of it, or `room` milliseconds around its moment."""
    row = hit.row
    if row.end_ms - row.start_ms <= room:
        return row.start_ms, row.end_ms
    start = min(max(row.start_ms, row.time_ms - room // 2), row.end_ms - room)
    return start, start + room


def _clip(chain: _Chain, pad_ms: int) -> Clip:
    best = min(chain.hits, key=lambda h: (-h.score, h.row.time_ms, h.row.id))
    return Clip(
        camera_id=best.row.camera_id,
        segment_id=best.row.segment_id,
        start_ms=max(0, chain.start - pad_ms),
        end_ms=chain.end + pad_ms,
        best=best,
        hits=tuple(chain.hits),
    )
