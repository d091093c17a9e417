"""Hits to clips: hits that lie close together in one recording become one clip. Pure functions, then `ClipAssembler`.

A recording is an imported file, or the files of a live stream that follow each other without a gap: a run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

from search.catalog import Catalog
from search.config import Settings
from search.ranking.calibration import ScoreScale
from search.stream_types import JOIN_MS
from search.types import Clip, Hit, RowKind, Segment, StreamRole

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordingRun:
    """Segments that are one recording, in order of time; never empty."""

    segments: tuple[Segment, ...]

    @property
    def start_ms(self) -> int:
        """Return the Unix ms of its first frame."""
        return self.segments[0].start_ms

    @property
    def end_ms(self) -> int | None:
        """Return the end in Unix ms, exclusive; None while it is not known."""
        last = self.segments[-1]
        return last.end_ms if last.duration_ms else None


_NO_RUNS: Mapping[str, RecordingRun] = MappingProxyType({})


def runs_of(segments: Iterable[Segment]) -> dict[str, RecordingRun]:
    """Return segment id -> its run, for each of `segments`; an imported file is a run of its own.

    Live files of one stream follow each other where no more than `JOIN_MS` lies between them and their frames have
    the same size; a width of 0 is unknown and fits all.
    """
    runs: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: (s.camera_id, s.role, s.start_ms, s.id)):
        if runs and _follows(runs[-1][-1], segment):
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return {segment.id: run for run in map(RecordingRun, map(tuple, runs)) for segment in run.segments}


def _follows(before: Segment, after: Segment) -> bool:
    return (
        after.role is not StreamRole.FILE
        and (before.camera_id, before.role) == (after.camera_id, after.role)
        and abs(after.start_ms - before.end_ms) <= JOIN_MS
        and (not before.width or not after.width or (before.width, before.height) == (after.width, after.height))
    )


def join_hits(
    hits: Iterable[Hit],
    *,
    strong: float,
    gap_ms: int,
    pad_ms: int,
    max_ms: int,
    runs: Mapping[str, RecordingRun] = _NO_RUNS,
) -> list[Clip]:
    """Join hits of one recording that belong to one person into clips; return them best first.

    Hits of one track are joined. Two tracks are joined where both score at least `strong` and the later begins at most
    `gap_ms` after the earlier ended, and not before: who is seen at the same time is somebody else, and gets a clip
    with a box of their own. Two weak ones that follow each other mostly show two different people. No track goes on in
    the next segment, so a live presence is joined from file to file.

    Every hit ends up in exactly one clip, which contains the hit's moment. A clip lasts at most `max_ms` with its
    padding of `pad_ms` on both sides; a longer presence becomes several clips. Equal scores are ordered by camera and
    time, so that the same hits always give the same answer.

    Args:
        hits: in any order, scores on the common scale.
        strong: lowest score of two tracks that are joined.
        gap_ms: largest distance between two tracks of one clip.
        pad_ms: padding before and after; `placed` cuts it off at the recording's ends.
        max_ms: longest clip, at least ``2 * pad_ms``.
        runs: from `runs_of`; a segment that is not in it is a recording of its own.
    """
    room = max_ms - 2 * pad_ms
    if gap_ms < 0 or pad_ms < 0 or room < 0:
        raise ValueError(f"gap_ms {gap_ms}, pad_ms {pad_ms}, max_ms {max_ms}: none negative, max_ms >= 2 * pad_ms")

    def recording(hit: Hit) -> tuple[str, str]:
        run = runs.get(hit.row.segment_id)
        return hit.row.camera_id, run.segments[0].id if run else hit.row.segment_id

    ordered = sorted(hits, key=lambda h: (*recording(h), h.row.time_ms, h.row.id))
    clips: list[Clip] = []
    for _, group in groupby(ordered, key=recording):
        clips += [_clip(chain, pad_ms) for chain in _join(list(group), strong, gap_ms, room)]
    return sorted(clips, key=lambda c: (-c.score, c.camera_id, c.start_ms, c.segment_id))


def placed(clip: Clip, run: RecordingRun) -> Clip:
    """Return the clip with its padding cut off at the ends of its run, in the segment that has its first moment."""
    best = clip.best.row
    start_ms = max(clip.start_ms, run.start_ms)
    end_ms = clip.end_ms if run.end_ms is None else min(clip.end_ms, run.end_ms)
    # Between two files there may be a moment that neither has: then the clip begins with the later one.
    later = [s for s in run.segments if start_ms < (s.end_ms if s.duration_ms else end_ms)]
    first = next((s for s in later if s.start_ms <= best.time_ms), None)
    segment_id = first.id if first else best.segment_id
    start_ms = max(start_ms, first.start_ms) if first else start_ms
    return replace(clip, segment_id=segment_id, start_ms=start_ms, end_ms=max(end_ms, best.time_ms + 1))


@dataclass(slots=True)
class _Chain:
    """Hits that become one clip, and the time they cover."""

    hits: list[Hit]
    start: int
    end: int

    @property
    def key(self) -> tuple[int, int, str]:
        """Return the key by which chains are sorted."""
        return self.start, self.end, min(hit.row.id for hit in self.hits)

    def is_strong(self, strong: float) -> bool:
        return max(hit.score for hit in self.hits) >= strong

    def takes(self, later: _Chain, gap_ms: int, room: int) -> bool:
        """Return whether `later` may be the same person, a little later; whole frames are of everybody."""
        persons = all(chain.hits[0].row.kind is RowKind.PERSON for chain in (self, later))
        apart = later.start > self.end or not persons
        return apart and later.start - self.end <= gap_ms and max(later.end, self.end) - self.start <= room


def _join(hits: Sequence[Hit], strong: float, gap_ms: int, room: int) -> list[_Chain]:
    """Return the hits of one recording, given in order of time, as chains."""
    tracks: dict[tuple[str, RowKind, int], list[Hit]] = {}
    for hit in hits:
        row = hit.row
        tracks.setdefault((row.segment_id, row.kind, row.track), []).append(hit)
    pieces = [chain for members in tracks.values() for chain in _chains(members, gap_ms, room)]
    chains: list[_Chain] = []
    for piece in sorted((p for p in pieces if p.is_strong(strong)), key=lambda p: p.key):
        fitting = [chain for chain in chains if chain.takes(piece, gap_ms, room)]
        if fitting:
            last = max(fitting, key=lambda chain: chain.key)
            last.hits += piece.hits
            last.end = max(last.end, piece.end)
        else:
            chains.append(piece)
    return chains + [piece for piece in pieces if not piece.is_strong(strong)]


def _chains(hits: Sequence[Hit], gap_ms: int, room: int) -> list[_Chain]:
    """Return the hits in the order in which their tracks begin, cut where the gap or the length is too large."""
    chains: list[_Chain] = []
    for (start, end), hit in sorted(((_span(hit, room), hit) for hit in hits), key=lambda item: item[0]):
        if chains:
            last = chains[-1]
            final = max(last.end, end)
            if start - last.end <= gap_ms and final - last.start <= room:
                last.hits.append(hit)
                last.end = final
                continue
        chains.append(_Chain([hit], start, end))
    return chains


def _span(hit: Hit, room: int) -> tuple[int, int]:
    """Return the part of the hit's track in the clip: all of it, or `room` milliseconds around its moment."""
    row = hit.row
    if row.end_ms - row.start_ms <= room:
        return row.start_ms, row.end_ms
    start = min(max(row.start_ms, row.time_ms - room // 2), row.end_ms - room)
    return start, start + room


def _clip(chain: _Chain, pad_ms: int) -> Clip:
    best = min(chain.hits, key=lambda h: (-h.score, h.row.time_ms, h.row.id))
    first = min(chain.hits, key=lambda h: (h.row.start_ms, h.row.time_ms, h.row.id))
    return Clip(
        camera_id=best.row.camera_id,
        segment_id=first.row.segment_id,
        start_ms=max(0, chain.start - pad_ms),
        end_ms=chain.end + pad_ms,
        best=best,
        hits=tuple(chain.hits),
    )


class ClipAssembler:
    """Makes clips of hits. Safe for many threads; `catalog` is opened and closed by whoever made it."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._footage = catalog.playback

    def clips(self, hits: Sequence[Hit], scale: ScoreScale) -> tuple[list[Clip], dict[str, Segment]]:
        """Return the clips of `hits`, in no particular order, and the segments that they lie in.

        Args:
            hits: scores on the common scale.
            scale: the thresholds of the verdicts.
        """
        s = self._settings
        gap_ms, pad_ms = round(1000 * s.clip_gap_s), round(1000 * s.clip_pad_s)
        segments = self._segments(hits)
        known = [hit for hit in hits if hit.row.segment_id in segments]
        segments |= {near.id: near for near in self._footage.near(segments.values(), max(gap_ms, pad_ms))}
        runs: Mapping[str, RecordingRun] = runs_of(segments.values())
        max_ms = round(1000 * s.clip_max_s)
        joined = join_hits(known, strong=scale.maybe, gap_ms=gap_ms, pad_ms=pad_ms, max_ms=max_ms, runs=runs)
        clips = [placed(clip, runs[clip.segment_id]) for clip in joined]
        return [replace(clip, verdict=scale.verdict(clip.looks)) for clip in clips], segments

    def _segments(self, hits: Sequence[Hit]) -> dict[str, Segment]:
        """Return the segments of the hits, without those that are being deleted."""
        ids = {hit.row.segment_id for hit in hits}
        segments = self._footage.segments(list(ids))
        left_out = list(ids - segments.keys())
        lost = len(left_out) - len(self._catalog.segments.by_id(left_out)) if left_out else 0
        if lost:
            log.warning("rows of %d unknown segments left out: catalogue and store differ", lost)
        return segments
