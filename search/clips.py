"""Hits to clips: what lies close together in one recording is one thing to watch. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from search.types import Clip, Hit

Span = tuple[int, int]


def join(hits: Iterable[Hit], *, gap_ms: int, pad_ms: int, max_ms: int) -> list[Clip]:
    """Join hits of one recording that lie at most `gap_ms` apart to clips, best clip first.

    Every hit ends up in exactly one clip, which contains the hit's moment. A clip lasts at most `max_ms` with its
    padding of `pad_ms` on both sides; a longer presence becomes several clips. Equal scores are ordered by camera and
    time, so that the same hits always give the same answer.

    Args:
        hits: rows that answered, in any order.
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
        clips += [_clip(members, span, pad_ms) for members, span in _chains(list(group), gap_ms, room)]
    return sorted(clips, key=lambda c: (-c.score, c.camera_id, c.start_ms, c.segment_id))


def _chains(hits: Sequence[Hit], gap_ms: int, room: int) -> list[tuple[list[Hit], Span]]:
    """Hits of one recording, in order of time, cut where the gap or the length is too large."""
    chains: list[tuple[list[Hit], Span]] = []
    for hit in hits:
        start, end = _span(hit, room)
        if chains:
            members, (first, last) = chains[-1]
            union = (min(first, start), max(last, end))
            if start - last <= gap_ms and union[1] - union[0] <= room:
                members.append(hit)
                chains[-1] = (members, union)
                continue
        chains.append(([hit], (start, end)))
    return chains


def _span(hit: Hit, room: int) -> Span:
    """The part of the hit's track that is shown: all of it, or `room` milliseconds around its moment."""
    row = hit.row
    if row.end_ms - row.start_ms <= room:
        return row.start_ms, row.end_ms
    start = min(max(row.start_ms, row.time_ms - room // 2), row.end_ms - room)
    return start, start + room


def _clip(members: Sequence[Hit], span: Span, pad_ms: int) -> Clip:
    best = min(members, key=lambda h: (-h.score, h.row.time_ms, h.row.id))
    start, end = span
    return Clip(
        camera_id=best.row.camera_id,
        segment_id=best.row.segment_id,
        start_ms=max(0, start - pad_ms),
        end_ms=end + pad_ms,
        best=best,
        hits=tuple(members),
    )
