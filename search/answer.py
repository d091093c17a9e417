"""What a search answers: one page of clips, and the shape in which the doors hand it out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from search.coverage.answer_gaps import AnswerGaps
from search.models.weak_words import Hint
from search.parsing.parser import ParsedQuery
from search.query import Query
from search.ranking.calibration import ScoreScale
from search.times import iso
from search.types import Clip, RowKind, Segment, Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of ranked clips, and the verdict on the best one of all. Clips below `maybe` are marked `nothing`.

    `id` names the answer, so that its other pages can be asked for; `start` is how many clips lie before this page, and
    `more` whether some lie after it.
    """

    id: str
    query: Query
    understood: ParsedQuery
    scale: ScoreScale
    verdict: Verdict
    clips: Sequence[Clip]
    segments: Mapping[str, Segment]
    rows: int
    took_ms: int
    unseen: AnswerGaps
    hints: Sequence[Hint] = ()
    start: int = 0
    more: bool = False

    def as_dict(self, zone: tzinfo, thumbnail: Callable[[Clip], str]) -> dict[str, Any]:
        """The answer as plain data, the shape that ``xunren search --json`` and ``POST /api/search`` share.

        Args:
            zone: of the ISO 8601 times.
            thumbnail: gives a clip's picture, as a path or an address.
        """
        return {
            "id": self.id,
            "query": self.query.text,
            "parsed": self._understood(zone),
            "verdict": self.verdict.value,
            "match_from": _finite(self.scale.match),
            "maybe_from": _finite(self.scale.maybe),
            "offset": self.start,
            "more": self.more,
            "rows": self.rows,
            "took_ms": self.took_ms,
            "hints": [_hint(hint) for hint in self.hints],
            "coverage": self.unseen.as_dict(zone),
            "clips": [
                self._clip(clip, rank, zone) | {"thumbnail": thumbnail(clip)}
                for rank, clip in enumerate(self.clips, start=self.start + 1)
            ],
        }

    def _understood(self, zone: tzinfo) -> dict[str, Any]:
        found = self.understood
        times = {"start": found.from_ms, "end": found.to_ms}
        return {
            "description": found.wanted,
            "negations": list(found.unwanted),
            "cameras": list(found.cameras),
            "chips": [
                {"kind": c.kind.value, "words": c.words, "meaning": c.meaning, "cameras": list(c.cameras)}
                for c in found.chips
            ],
            "unclear": list(found.unclear),
            **{name: None if ms is None else iso(ms, zone) for name, ms in times.items()},
        }

    def moment(self, clip: Clip) -> tuple[str, int]:
        """Segment id and offset (ms in its file) of the clip's best moment, of which there is a thumbnail."""
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
    """A row of each track that the clip is of."""
    rows = {(hit.row.segment_id, hit.row.track): hit.row.id for hit in clip.hits if hit.row.kind is RowKind.PERSON}
    return list(rows.values())


def _hint(hint: Hint) -> dict[str, Any]:
    return {"attribute": hint.attribute, "accuracy": hint.right, "words": list(hint.words)}


def _finite(score: float) -> float | None:
    """JSON has no infinity, which is the threshold of an index without rows."""
    return round(score, 3) if math.isfinite(score) else None
