"""A sentence in, ranked clips out: the query side of the library, composed of its parts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import tzinfo
from typing import Any

from search.catalog import Catalog, now_ms
from search.clips import Run, join, placed, runs_of
from search.config import Settings
from search.embedder import Embedder, check_sentence
from search.errors import BadInput
from search.footage import Footage
from search.hints import Hint, hints_for, weaknesses
from search.ranking import EVERYDAY, Background, verdict
from search.store import VectorStore
from search.times import iso
from search.types import Clip, Filter, Hit, Kind, Segment, Vectors, Verdict
from search.unseen import Unseen, unseen

log = logging.getLogger(__name__)

MAX_LIMIT = 500
ROWS_PER_CLIP = 12  # a clip's rows: some crops of each of some people; more only repeat the same clip
BACKGROUND_ROWS = 1000
BACKGROUND_GROWTH = 1.1  # the background is measured again when the index has grown or shrunk by this factor


@dataclass(frozen=True, slots=True)
class Query:
    """One search. `limit` is the number of clips wanted, 1 to `MAX_LIMIT`."""

    text: str
    where: Filter = field(default_factory=Filter)
    limit: int = 12

    def __post_init__(self) -> None:
        check_sentence(self.text)
        if not 1 <= self.limit <= MAX_LIMIT:
            raise BadInput("limit is out of range", got=self.limit, expected=f"1 to {MAX_LIMIT}")


@dataclass(frozen=True, slots=True)
class Answer:
    """Ranked clips, best first, and the verdict on the best one. Clips below `maybe` are in it, marked `nothing`."""

    query: Query
    verdict: Verdict
    clips: Sequence[Clip]
    segments: Mapping[str, Segment]
    rows: int
    took_ms: int
    unseen: Unseen
    hints: Sequence[Hint] = ()

    def as_dict(self, zone: tzinfo, thumbnail: Callable[[Clip], str]) -> dict[str, Any]:
        """The answer as plain data, the shape that ``xunren search --json`` and ``POST /api/search`` share.

        Args:
            zone: of the ISO 8601 times.
            thumbnail: gives a clip's picture, as a path or an address.
        """
        return {
            "query": self.query.text,
            "verdict": self.verdict.value,
            "rows": self.rows,
            "took_ms": self.took_ms,
            "hints": [asdict(hint) for hint in self.hints],
            "coverage": self.unseen.as_dict(zone),
            "clips": [
                self._clip(clip, rank, zone) | {"thumbnail": thumbnail(clip)}
                for rank, clip in enumerate(self.clips, start=1)
            ],
        }

    def moment(self, clip: Clip) -> tuple[str, int]:
        """Segment id and offset (ms in its file) of the clip's best moment, of which there is a thumbnail."""
        best = clip.best.row
        return best.segment_id, best.time_ms - self.segments[best.segment_id].start_ms

    def _clip(self, clip: Clip, rank: int, zone: tzinfo) -> dict[str, Any]:
        segment, best = self.segments[clip.segment_id], clip.best.row
        return {
            "rank": rank,
            "camera": clip.camera_id,
            "start": iso(clip.start_ms, zone),
            "end": iso(clip.end_ms, zone),
            "start_ms": clip.start_ms,
            "end_ms": clip.end_ms,
            "start_source": segment.start_source.value,
            "offset_s": (clip.start_ms - segment.start_ms) / 1000,
            "score": round(clip.score, 3),
            "verdict": clip.verdict.value,
            "kind": best.kind.value,
            "box": list(best.box.xyxy),
            "frame_width": best.frame_width,
            "frame_height": best.frame_height,
            "time_ms": best.time_ms,
            "time": iso(best.time_ms, zone),
            "segment": clip.segment_id,
            "source": segment.path,
        }


class SearchEngine:
    """Answers queries. The parts are opened and closed by whoever made them.

    Safe for many threads. The model is opened by the first search, or by `warm_up`.
    """

    def __init__(self, settings: Settings, embedder: Embedder, store: VectorStore, catalog: Catalog) -> None:
        self._settings = settings
        self._embedder = embedder
        self._store = store
        self._catalog = catalog
        self._footage = Footage(catalog)
        self._weaknesses = weaknesses(settings.model)
        self._lock = threading.Lock()
        self._background: tuple[int, Background] | None = None

    def warm_up(self) -> None:
        """Load the model and measure the background now, so that the first search need not."""
        self._embedder.open()
        self._measured_background()

    def search(self, query: Query) -> Answer:
        """Find the clips that fit a sentence.

        Raises:
            BadInput: the sentence is empty or too long.
            NotFound: a camera in the filter does not exist.
        """
        began = time.monotonic()
        self._catalog.check_cameras(query.where.cameras)
        vector = self._embedder.embed_texts([check_sentence(query.text)])[0]
        rows = self._store.count()
        hits = self._hits(vector, query) if rows else []
        clips, segments = self._clips(hits, query.limit)
        best = clips[0].verdict if clips else Verdict.NOTHING
        unlooked = unseen(self._catalog, query.where, now_ms())
        took_ms = round(1000 * (time.monotonic() - began))
        return Answer(query, best, clips, segments, rows, took_ms, unlooked, hints_for(query.text, self._weaknesses))

    def _hits(self, vector: Vectors, query: Query) -> list[Hit]:
        """The best rows of each kind, on one scale."""
        background = self._measured_background()
        found: list[Hit] = []
        for kind in query.where.kinds or tuple(Kind):
            where = replace(query.where, kinds=(kind,))
            found += self._store.search(vector, query.limit * ROWS_PER_CLIP, where)
        return background.scale(found, vector)

    def _clips(self, hits: Sequence[Hit], limit: int) -> tuple[list[Clip], Mapping[str, Segment]]:
        s = self._settings
        gap_ms, pad_ms = round(1000 * s.clip_gap_s), round(1000 * s.clip_pad_s)
        segments = self._segments(hits)
        known = [hit for hit in hits if hit.row.segment_id in segments]
        segments |= {near.id: near for near in self._footage.near(segments.values(), max(gap_ms, pad_ms))}
        runs = runs_of(segments.values())
        joined = join(
            known,
            strong=s.maybe_score,
            gap_ms=gap_ms,
            pad_ms=pad_ms,
            max_ms=round(1000 * s.clip_max_s),
            runs=runs,
        )
        return [self._finish(clip, runs[clip.segment_id]) for clip in joined[:limit]], segments

    def _segments(self, hits: Sequence[Hit]) -> dict[str, Segment]:
        """The segments of the hits that may be answered: not those that are being deleted."""
        ids = {hit.row.segment_id for hit in hits}
        segments = self._footage.segments(list(ids))
        left_out = list(ids - segments.keys())
        lost = len(left_out) - len(self._catalog.segments_by_id(left_out)) if left_out else 0
        if lost:
            log.warning("rows of %d unknown segments left out: catalogue and store differ", lost)
        return segments

    def _finish(self, clip: Clip, run: Run) -> Clip:
        """Keep the padding inside the recording, and say what the score means."""
        sure = verdict(clip.score, match=self._settings.match_score, maybe=self._settings.maybe_score)
        return replace(placed(clip, run), verdict=sure)

    def _sample(self, kind: Kind) -> Vectors:
        return self._store.sample(BACKGROUND_ROWS, Filter(kinds=(kind,)))[1]

    def _measured_background(self) -> Background:
        rows = self._store.count()
        with self._lock:
            if self._background is not None:
                size, background = self._background
                if size / BACKGROUND_GROWTH <= rows <= size * BACKGROUND_GROWTH:
                    return background
            everyday = self._embedder.embed_texts(EVERYDAY)
            background = Background.measured(self._sample, everyday)
            self._background = (rows, background)
            return background
