"""A sentence, photos and marks in, ranked clips out: the query side of the library, composed of its parts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

import numpy as np

from search.access import Visibility
from search.answer import Answer
from search.catalog.catalog import Catalog
from search.config import Settings
from search.coverage.answer_gaps import AnswerGaps, answer_gaps
from search.errors import BadInput, NotFound, TooWide
from search.geo.reachability import Reach, places_of, reachable
from search.models.embedder import Embedder
from search.models.weak_words import Hint, hints_for, weaknesses
from search.parsing import content_policy
from search.parsing.parser import ParsedQuery, parse_query
from search.query import MAX_LIMIT, Order, Query
from search.ranking.calibration import QueryShape, RowSample, ScoreCalibration, ScoreScale, track_of
from search.ranking.calibration_sentences import Language, everyday, language_of
from search.ranking.clips import ClipAssembler
from search.ranking.diversity import by_time, diversify
from search.ranking.pagination import AnswerCache, RankedList, unknown_answer
from search.ranking.query_vector import QueryParts, query_vector
from search.ranking.retrieval import best_rows
from search.times import now_ms, zone_of
from search.types import Camera, Clip, Filter, Hit, Row, RowKind, Segment, Vectors, Verdict
from search.vector_store.base import VectorStore
from search.vector_store.checks import MAX_CAMERAS

log = logging.getLogger(__name__)

ROWS_PER_CLIP = 12  # a clip's rows: some crops of each of some people; more only repeat the same clip
BACKGROUND_ROWS = 2000
BACKGROUND_GROWTH = 1.1  # the background is measured again when the index has grown or shrunk by this factor
FEW_CAMERAS = 2000  # so many are read anew for each sentence
HOUR_MS = 3_600_000
CAMERAS_S = 60.0  # and more of them only so often


@dataclass(frozen=True, slots=True, eq=False)
class _KeptAnswer:
    """An answer that is kept for its next pages."""

    query: Query
    understood: ParsedQuery
    ranking: RankedList
    scale: ScoreScale
    rows: int
    unseen: AnswerGaps
    hints: Sequence[Hint]


class SearchEngine:
    """Answers queries. The parts are opened and closed by whoever made them.

    Safe for many threads. The model is opened by the first search, or by `warm_up`.
    """

    def __init__(self, settings: Settings, embedder: Embedder, store: VectorStore, catalog: Catalog) -> None:
        self._settings = settings
        self._zone: tzinfo = zone_of(settings.timezone)
        self._embedder = embedder
        self._store = store
        self._catalog = catalog
        self._assembler = ClipAssembler(settings, catalog)
        self._weaknesses = weaknesses(settings.model)
        self._lock = threading.Lock()
        self._background: tuple[int, ScoreCalibration] | None = None
        self._usual: dict[Language, Vectors] = {}
        self._cameras: tuple[float, list[Camera]] | None = None
        self._answers: AnswerCache[_KeptAnswer] = AnswerCache()

    def warm_up(self) -> None:
        """Load the model and measure the background now, so that the first search need not."""
        self._embedder.open()
        self._measured_background()

    def search(self, query: Query) -> Answer:
        """Find the clips that fit; the first page of them.

        Raises:
            Refused: the sentence asks for people by what nobody is looked for by.
            BadInput: the sentence is too long, or says nothing about a person.
            NotFound: a camera in the filter, or a marked clip, does not exist.
            Denied: nothing of it is in the asker's sight.
            TooWide: it asks for more than they may ask for alone.
        """
        began = time.monotonic()
        self._check_cameras(query)
        understood, asked_cameras = self._understand(query), query.where.cameras
        query = replace(query, where=query.asker.sight.narrow(_narrowed(query.where, understood)))
        if not (asked_cameras or understood.cameras):
            self._check_width(query)
        shape = _shape(query, understood)
        ranking = self._ranking(self._vector(query, understood), query, shape)
        rows, scale = self._store.count(), self._measured_background().of(shape)
        unlooked = answer_gaps(self._catalog, query.where, now_ms())
        hints = hints_for(understood.wanted, self._weaknesses)
        asked = _KeptAnswer(query, understood, ranking, scale, rows, unlooked, hints)
        return self._page(self._answers.put(asked), asked, 0, query.limit, began)

    def page(self, answer: str, start: int, limit: int, asker: str = "") -> Answer:
        """Another page of an answer, as it was when it was asked for.

        Raises:
            NotFound: the answer is no longer kept, or is somebody else's.
            BadInput: `start` is negative, or `limit` out of range.
        """
        began = time.monotonic()
        if start < 0 or not 1 <= limit <= MAX_LIMIT:
            raise BadInput("no such page", got=(start, limit), expected=f"start from 0, limit 1 to {MAX_LIMIT}")
        asked = self._answers.get(answer)
        if asked.query.asker.name != asker:
            raise unknown_answer(answer)
        return self._page(answer, asked, start, limit, began)

    def wish(self, query: Query) -> tuple[Query, Vectors, QueryShape]:
        """A query narrowed by what its sentence says, its vector (dim,) and its shape: for standing searches.

        Raises:
            Refused, BadInput: as `search` does.
            NotFound: a marked clip does not exist.
        """
        self._check_cameras(query)
        understood = self._understand(query)
        query = replace(query, where=query.asker.sight.narrow(_narrowed(query.where, understood)))
        return query, self._vector(query, understood), _shape(query, understood)

    def background(self) -> ScoreCalibration:
        """The index's own scores, measured again when it has grown or shrunk enough."""
        return self._measured_background()

    def _page(self, name: str, asked: _KeptAnswer, start: int, limit: int, began: float) -> Answer:
        first, _ = asked.ranking.page(0, 1)
        if asked.query.order is Order.TIME:
            likely = by_time(asked.ranking.down_to(asked.scale.maybe))
            clips, more = likely[start : start + limit], len(likely) > start + limit
        else:
            clips, more = asked.ranking.page(start, limit)
        return Answer(
            id=name,
            query=asked.query,
            understood=asked.understood,
            scale=asked.scale,
            verdict=first[0].verdict if first else Verdict.NOTHING,
            clips=clips,
            segments=asked.ranking.segments,
            rows=asked.rows,
            took_ms=round(1000 * (time.monotonic() - began)),
            unseen=asked.unseen,
            hints=asked.hints,
            start=start,
            more=more,
        )

    # what is wanted ------------------------------------------------------------------------------------------

    def _check_cameras(self, query: Query) -> None:
        """A camera out of sight is as unknown as one that does not exist."""
        named = (*query.where.cameras, *query.where.without)
        self._catalog.cameras.check(named, query.asker.sight.cameras)

    def _check_width(self, query: Query) -> None:
        widest, span = query.asker.widest_ms, self._catalog.segments.span()
        if widest is None or span is None:
            return
        where = query.where
        start = span[0] if where.from_ms is None else max(span[0], where.from_ms)
        end = span[1] if where.to_ms is None else min(span[1], where.to_ms)
        if end - start > widest:
            raise TooWide(
                "a search of all cameras over so long a time needs a supervisor's approval",
                got=f"{(end - start) / HOUR_MS:.1f} hours",
                expected=f"at most {widest / HOUR_MS:g} hours, or some cameras",
                cure="name a time or cameras; or ask for approval; in danger to life, say so and go on",
            )

    def _understand(self, query: Query) -> ParsedQuery:
        content_policy.check_sentence(query.text)
        cameras = query.asker.sight.of(self._known_cameras())
        found = parse_query(query.text, now_ms=now_ms(), zone=self._zone, cameras=cameras, without=query.without)
        if not found.wanted and not len(query.photos) and not query.like:
            raise BadInput(
                "the sentence says when or where, but not what the person looks like",
                got=query.text,
                cure="describe clothes, colours, things carried; or give a photo",
            )
        return found

    def _known_cameras(self) -> list[Camera]:
        known = self._cameras
        if known is None or len(known[1]) <= FEW_CAMERAS or time.monotonic() - known[0] > CAMERAS_S:
            known = self._cameras = (time.monotonic(), self._catalog.cameras.all())
        return known[1]

    def _vector(self, query: Query, understood: ParsedQuery) -> Vectors:
        texts = [understood.wanted] if understood.wanted else []
        unwanted = list(understood.unwanted) if texts else []
        spoken = self._embedder.embed_texts([*texts, *unwanted])
        pictures = [self._embedder.embed_images(list(query.photos)), self._marked(query.like, query.asker.sight)[1]]
        wish = QueryParts(spoken[: len(texts)], spoken[len(texts) :], np.concatenate(pictures))
        return query_vector(wish, self._measured_background().middle)

    def _marked(self, ids: Collection[str], sight: Visibility) -> tuple[list[Row], Vectors]:
        rows, vectors = self._store.get(ids)
        if lost := set(ids) - {row.id for row in rows if sight.moment(row.camera_id, row.end_ms)}:
            raise NotFound("a marked clip is not in the index", got=min(lost), cure="undo this mark; it may be deleted")
        return rows, vectors

    # clips ---------------------------------------------------------------------------------------------------

    def _ranking(self, vector: Vectors, query: Query, shape: QueryShape) -> RankedList:
        background, reach = self._measured_background(), self._placed(query.reach)
        scale, step = background.of(shape), self._settings.camera_step
        wheres = [query.where] if reach is None else self._within(reach, query.where)
        unliked = {track_of(row) for row in self._marked(query.unlike, query.asker.sight)[0]}

        def fetch(rows: int) -> tuple[list[Hit], bool]:
            found = best_rows(self._store, vector, rows, wheres)
            wanted = [hit for hit in found if track_of(hit.row) not in unliked]
            return background.scale(wanted, vector, shape), len(found) >= rows

        def arrange(hits: Sequence[Hit], shown: Sequence[Clip]) -> tuple[list[Clip], Mapping[str, Segment]]:
            clips, segments = self._assembler.clips(hits, scale)
            if reach is not None:
                clips = reachable(clips, reach)
            return diversify(clips, step, shown), segments

        return RankedList(fetch, arrange, query.limit * ROWS_PER_CLIP)

    def _placed(self, reach: Reach | None) -> Reach | None:
        """The reach with the places of all cameras."""
        return None if reach is None else replace(reach, places=places_of(self._known_cameras()))

    def _within(self, reach: Reach, where: Filter) -> list[Filter]:
        """What may answer: rows within reach, and unless that is all that is wanted, the others as well."""
        cameras = where.cameras or [camera.id for camera in self._known_cameras()]
        near = replace(where, windows=reach.windows(cameras))
        if reach.hard:
            return [near]
        named = sum(len(window.cameras) for window in near.windows)
        return [near, where] if named <= MAX_CAMERAS else [where]  # nearly everything is within reach then

    def _measured_background(self) -> ScoreCalibration:
        rows = self._store.count()
        with self._lock:
            if self._background is not None:
                size, background = self._background
                if size / BACKGROUND_GROWTH <= rows <= size * BACKGROUND_GROWTH:
                    return background
            if not self._usual:
                self._usual = {each: self._embedder.embed_texts(everyday(each)) for each in Language}
            self._background = (rows, self._measure(rows))
            return self._background[1]

    def _measure(self, rows: int) -> ScoreCalibration:
        samples = {kind: RowSample(*self._store.sample(BACKGROUND_ROWS, Filter(kinds=(kind,)))) for kind in RowKind}
        match, maybe = self._settings.false_match_share, self._settings.false_maybe_share
        return ScoreCalibration(samples, self._usual, size=rows, false_match=match, false_maybe=maybe)


def _shape(query: Query, understood: ParsedQuery) -> QueryShape:
    language = language_of(understood.wanted) if understood.wanted else None
    return QueryShape(language, bool(len(query.photos) or query.like), query.where.kinds)


def _narrowed(where: Filter, understood: ParsedQuery) -> Filter:
    """`where` with what the sentence says; a time or cameras that were given beside it come before it.

    People answer, unless whole frames are asked for: a whole frame in which a person is small says little about them,
    and hid the right people from first places in ``benchmarks/quality.py``.
    """
    given = where.from_ms is not None or where.to_ms is not None
    return replace(
        where,
        kinds=where.kinds or (RowKind.PERSON,),
        from_ms=where.from_ms if given else understood.from_ms,
        to_ms=where.to_ms if given else understood.to_ms,
        cameras=where.cameras or understood.cameras,
    )
