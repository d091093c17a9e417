"""The answer of a search: one page of clips, and its only conversion to JSON data."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from search.coverage import AnswerGaps
from search.models import Hint
from search.parsing import ParsedQuery
from search.query import Order, Query
from search.ranking import RankedList, ScoreScale, by_time
from search.times import iso
from search.types import Clip, RowKind, Segment, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class RankedAnswer:
    """A whole answer, which is kept for its next pages. `rows` is the size of the index when it was searched."""

    query: Query
    parsed: ParsedQuery
    ranking: RankedList
    scale: ScoreScale
    rows: int
    gaps: AnswerGaps
    hints: Sequence[Hint]

    def page(self, name: str, start: int, limit: int, began: float) -> Answer:
        """Return clips `start` to ``start + limit``.

        Args:
            name: under which the answer is kept.
            start: clips before the page.
            limit: most clips on it.
            began: `time.monotonic` when it was asked for.
        """
        best, _ = self.ranking.page(0, 1)
        clips, more = self._clips(start, limit)
        return Answer(
            id=name,
            query=self.query,
            parsed=self.parsed,
            scale=self.scale,
            verdict=best[0].verdict if best else Verdict.NOTHING,
            clips=clips,
            segments=self.ranking.segments,
            rows=self.rows,
            took_ms=round(1000 * (time.monotonic() - began)),
            gaps=self.gaps,
            hints=self.hints,
            start=start,
            more=more,
        )

    def _clips(self, start: int, limit: int) -> tuple[list[Clip], bool]:
        if self.query.order is Order.BEST:
            return self.ranking.page(start, limit)
        likely = by_time(self.ranking.down_to(self.scale.maybe))
        return likely[start : start + limit], len(likely) > start + limit


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of ranked clips, and the verdict on the best clip of the whole answer.

    Clips below `maybe` have the verdict `nothing`. `id` names the answer: other pages are asked for by it. `start` is
    the number of clips before this page, `more` whether some come after it, `rows` the size of the index.
    """

    id: str
    query: Query
    parsed: ParsedQuery
    scale: ScoreScale
    verdict: Verdict
    clips: Sequence[Clip]
    segments: Mapping[str, Segment]
    rows: int
    took_ms: int
    gaps: AnswerGaps
    hints: Sequence[Hint] = ()
    start: int = 0
    more: bool = False

    def as_dict(self, zone: tzinfo, thumbnail: Callable[[Clip], str]) -> dict[str, Any]:
        """Return the answer as plain data: what the terminal, HTTP and the page show.

        Times are ISO 8601 in `zone`, or Unix ms under names that end in ``_ms``. Scores are on the common scale, with 3
        digits; a threshold is None for an index without rows. A clip has its place in the whole answer (from 1), the
        score's parts (by looks, and what was taken off for being out of reach), its best moment with `box` in pixels
        (x1, y1, x2, y2) of a frame of the size beside it, its start in its segment's file in seconds, and the ids of
        one row of each of its tracks. The keys are described, field by field, in ``api/web/schemas/search.py``.

        Args:
            zone: time zone of the ISO 8601 times.
            thumbnail: returns the path or the address of a clip's thumbnail.
        """
        return {
            "id": self.id,
            "query": self.query.sentence,
            "parsed": self._understood(zone),
            "verdict": self.verdict.value,
            "match_from": _finite(self.scale.match),
            "maybe_from": _finite(self.scale.maybe),
            "offset": self.start,
            "more": self.more,
            "rows": self.rows,
            "took_ms": self.took_ms,
            "hints": [_hint(hint) for hint in self.hints],
            "coverage": self.gaps.as_dict(zone),
            "clips": [
                self._clip(clip, rank, zone) | {"thumbnail": thumbnail(clip)}
                for rank, clip in enumerate(self.clips, start=self.start + 1)
            ],
        }

    def _understood(self, zone: tzinfo) -> dict[str, Any]:
        parsed = self.parsed
        times = {"start": parsed.from_ms, "end": parsed.to_ms}
        return {
            "description": parsed.description,
            "negations": list(parsed.negations),
            "cameras": list(parsed.cameras),
            "chips": [
                {"kind": c.kind.value, "words": c.words, "meaning": c.meaning, "cameras": list(c.cameras)}
                for c in parsed.chips
            ],
            "unclear": list(parsed.unclear),
            **{name: None if ms is None else iso(ms, zone) for name, ms in times.items()},
        }

    def moment(self, clip: Clip) -> tuple[str, int]:
        """Return the segment's id and the offset in its file (ms) of the clip's best moment, which has a thumbnail."""
        best = clip.best.row
        return best.segment_id, best.time_ms - self.segments[best.segment_id].start_ms

    def _clip(self, clip: Clip, rank: int, zone: tzinfo) -> dict[str, Any]:
        segment, best = self.segments[clip.segment_id], clip.best.row
        return {
            "id": clip.id,
            "rank": rank,
            "camera": clip.camera_id,
            "start": iso(clip.start_ms, zone),
            "end": iso(clip.end_ms, zone),
            "start_ms": clip.start_ms,
            "end_ms": clip.end_ms,
            "start_source": segment.start_source.value,
            "offset_s": (clip.start_ms - segment.start_ms) / 1000,
            "score": round(clip.score, 3),
            "looks": round(clip.looks, 3),
            "reach": round(clip.reach, 3),
            "verdict": clip.verdict.value,
            "kind": best.kind.value,
            "box": list(best.box.xyxy),
            "frame_width": best.frame_width,
            "frame_height": best.frame_height,
            "time_ms": best.time_ms,
            "time": iso(best.time_ms, zone),
            "segment": clip.segment_id,
            "tracks": _tracks(clip),
            "path": segment.path,
        }


def _tracks(clip: Clip) -> list[str]:
    """Return the id of one row of each track that the clip shows."""
    rows = {(hit.row.segment_id, hit.row.track): hit.row.id for hit in clip.hits if hit.row.kind is RowKind.PERSON}
    return list(rows.values())


def _hint(hint: Hint) -> dict[str, Any]:
    return {"attribute": hint.attribute, "accuracy": hint.right, "words": list(hint.words)}


def _finite(score: float) -> float | None:
    """Return the score, or None for infinity, the threshold of an index without rows, which JSON cannot hold."""
    return round(score, 3) if math.isfinite(score) else None
