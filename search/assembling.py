"""Rows to clips: which recordings they lie in, what belongs together, what may be shown, and what its score means."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from search.catalog import Catalog
from search.clips import Run, join, placed, runs_of
from search.config import Settings
from search.footage import Footage
from search.ranking import Scale
from search.types import Clip, Hit, Segment

log = logging.getLogger(__name__)


class Assembler:
    """Makes clips of hits. Safe for many threads; `catalog` is opened and closed by whoever made it."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._footage = Footage(catalog)

    def clips(self, hits: Sequence[Hit], scale: Scale) -> tuple[list[Clip], dict[str, Segment]]:
        """The clips of `hits`, in no particular order, and the segments that they lie in.

        Args:
            hits: scores on the common scale.
            scale: what they mean.
        """
        s = self._settings
        gap_ms, pad_ms = round(1000 * s.clip_gap_s), round(1000 * s.clip_pad_s)
        segments = self._segments(hits)
        known = [hit for hit in hits if hit.row.segment_id in segments]
        segments |= {near.id: near for near in self._footage.near(segments.values(), max(gap_ms, pad_ms))}
        runs: Mapping[str, Run] = runs_of(segments.values())
        max_ms = round(1000 * s.clip_max_s)
        joined = join(known, strong=scale.maybe, gap_ms=gap_ms, pad_ms=pad_ms, max_ms=max_ms, runs=runs)
        done = [placed(clip, runs[clip.segment_id]) for clip in joined]
        return [replace(clip, verdict=scale.verdict(clip.looks)) for clip in done], segments

    def _segments(self, hits: Sequence[Hit]) -> dict[str, Segment]:
        """The segments of the hits that may be answered: not those that are being deleted."""
        ids = {hit.row.segment_id for hit in hits}
        segments = self._footage.segments(list(ids))
        left_out = list(ids - segments.keys())
        lost = len(left_out) - len(self._catalog.segments_by_id(left_out)) if left_out else 0
        if lost:
            log.warning("rows of %d unknown segments left out: catalogue and store differ", lost)
        return segments
