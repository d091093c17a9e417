"""The query side of the library: a sentence, photos and marks in, ranked clips out.

A search is one downward pass: check, parse, narrow, embed, rank, page.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

import numpy as np

from search.access import Visibility
from search.answer import Answer, RankedAnswer
from search.catalog import Catalog
from search.config import Settings
from search.coverage import answer_gaps
from search.errors import BadInput, NotFound, TooWide
from search.geo import located, reachable
from search.models import Embedder, hints_for, weaknesses
from search.parsing import ParsedQuery, check_policy, parse_query
from search.query import MAX_LIMIT, Query
from search.ranking import (
    AnswerCache,
    CalibrationCache,
    ClipAssembler,
    QueryParts,
    QueryShape,
    RankedList,
    ScoreCalibration,
    ScoreScale,
    best_rows,
    diversify,
    filters_within,
    language_of,
    query_vector,
    track_of,
    unknown_answer,
)
from search.times import now_ms, zone_of
from search.types import Camera, Clip, Filter, Hit, Row, RowKind, Segment, Vectors
from search.vector_store import VectorStore

ROWS_PER_CLIP = 12  # a clip's rows: some crops of each of some people; more only repeat the same clip
FEW_CAMERAS = 2000  # at most so many are read from the catalogue for each sentence,
CAMERAS_S = 60.0  # and more of them only so often
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedQuery:
    """A query that was checked, parsed, narrowed and embedded: what is needed to score rows without a search.

    `where` is the query's filter, narrowed by its sentence and its requester's visibility; `vector` is float32 (dim,)
    of unit length.
    """

    where: Filter
    vector: Vectors
    shape: QueryShape
    calibration: ScoreCalibration

    @property
    def scale(self) -> ScoreScale:
        """Return the scale on which queries of this shape score."""
        return self.calibration.of(self.shape)


class SearchEngine:
    """Answers queries. Its parts are opened and closed by whoever made them.

    Safe for many threads. The model is opened by the first search, or by `warm_up`.
    """

    def __init__(self, settings: Settings, embedder: Embedder, store: VectorStore, catalog: Catalog) -> None:
        self._settings = settings
        self._zone: tzinfo = zone_of(settings.timezone)
        self._embedder = embedder
        self._store = store
        self._catalog = catalog
        self._cameras = _CameraCache(catalog)
        self._calibrations = CalibrationCache(settings, embedder, store)
        self._assembler = ClipAssembler(settings, catalog)
        self._weaknesses = weaknesses(settings.model)
        self._answers: AnswerCache[RankedAnswer] = AnswerCache()

    def warm_up(self) -> None:
        """Load the model and measure the calibration now, so that the first search need not."""
        self._embedder.open()
        self._calibrations.current(self._store.count())

    def search(self, query: Query) -> Answer:
        """Return the first page of the clips that fit.

        Raises:
            PolicyViolation: the sentence describes people by what the content policy forbids.
            BadInput: the sentence says nothing about a person, or is too long for the model.
            NotFound: a camera in the filter, or a marked clip, does not exist.
            Denied: nothing of it is visible to the requester.
            TooWide: it covers more time than the requester may search alone.
        """
        began = time.monotonic()
        self._check(query)
        cameras = self._cameras.all()
        parsed = self._parse(query, cameras)
        narrowed = _narrow(query, parsed)
        self._check_width(narrowed, names_cameras=bool(query.where.cameras or parsed.cameras))
        rows = self._store.count()
        embedded = self._embed(narrowed, parsed, self._calibrations.current(rows))
        ranking = self._rank(narrowed, embedded, cameras)
        gaps = answer_gaps(self._catalog, narrowed.where, now_ms())
        hints = hints_for(parsed.description, self._weaknesses)
        answer = RankedAnswer(narrowed, parsed, ranking, embedded.scale, rows, gaps, hints)
        return answer.page(self._answers.put(answer), 0, query.limit, began)

    def page(self, answer: str, start: int, limit: int, requester: str = "") -> Answer:
        """Return another page of the answer with this id, as it was when it was first given.

        Raises:
            NotFound: the answer is no longer kept, or is another requester's.
            BadInput: `start` is negative, or `limit` out of range.
        """
        began = time.monotonic()
        if start < 0 or not 1 <= limit <= MAX_LIMIT:
            raise BadInput("no such page", got=(start, limit), expected=f"start from 0, limit 1 to {MAX_LIMIT}")
        kept = self._answers.get(answer)
        if kept.query.requester.name != requester:
            raise unknown_answer(answer)
        return kept.page(answer, start, limit, began)

    def parse_and_embed(self, query: Query) -> EmbeddedQuery:
        """Do the first steps of a search, up to its vector: for saved searches, which score rows as they are written.

        Raises:
            PolicyViolation, BadInput, NotFound, Denied: as `search` does.
        """
        self._check(query)
        parsed = self._parse(query, self._cameras.all())
        return self._embed(_narrow(query, parsed), parsed, self._calibrations.current(self._store.count()))

    # the steps of a search, in order -------------------------------------------------------------------------

    def _check(self, query: Query) -> None:
        """Check the cameras and the sentence against the content policy; its length was checked by `Query`.

        A camera that is not visible is as unknown as one that does not exist.
        """
        self._catalog.cameras.check((*query.where.cameras, *query.where.without), query.requester.visibility.cameras)
        check_policy(query.sentence)

    def _parse(self, query: Query, cameras: list[Camera]) -> ParsedQuery:
        visible = query.requester.visibility.of(cameras)
        parsed = parse_query(query.sentence, now_ms=now_ms(), zone=self._zone, cameras=visible, without=query.without)
        if not parsed.description and not len(query.photos) and not query.like:
            raise BadInput(
                "the sentence says when or where, but not what the person looks like",
                got=query.sentence,
                cure="describe clothes, colours, things carried; or give a photo",
            )
        return parsed

    def _check_width(self, query: Query, *, names_cameras: bool) -> None:
        widest_ms = query.requester.widest_ms
        if widest_ms is not None and not names_cameras:
            check_width(widest_ms, query.where, self._catalog.segments.span())

    def _embed(self, query: Query, parsed: ParsedQuery, calibration: ScoreCalibration) -> EmbeddedQuery:
        texts = [parsed.description, *parsed.negations] if parsed.description else []
        text_vectors = self._embedder.embed_texts(texts)
        photos = self._embedder.embed_images(list(query.photos))
        _, liked = self._marked_rows(query.like, query.requester.visibility)
        parts = QueryParts(text_vectors[:1], text_vectors[1:], np.concatenate([photos, liked]))
        language = language_of(parsed.description) if parsed.description else None
        shape = QueryShape(language, bool(len(parts.images)), query.where.kinds)
        return EmbeddedQuery(query.where, query_vector(parts, calibration.mean_person), shape, calibration)

    def _rank(self, query: Query, embedded: EmbeddedQuery, cameras: Sequence[Camera]) -> RankedList:
        """Return the clips in order; rows are searched when a page is asked for."""
        vector, shape, calibration = embedded.vector, embedded.shape, embedded.calibration
        scale, step = embedded.scale, self._settings.camera_step
        reach = None if query.reach is None else located(query.reach, cameras)
        filters = filters_within(reach, embedded.where, cameras)
        unliked = {track_of(row) for row in self._marked_rows(query.unlike, query.requester.visibility)[0]}

        def fetch(rows: int) -> tuple[list[Hit], bool]:
            hits = best_rows(self._store, vector, rows, filters)
            kept = [hit for hit in hits if track_of(hit.row) not in unliked]
            return calibration.scale(kept, vector, shape), len(hits) >= rows

        def arrange(hits: Sequence[Hit], listed: Sequence[Clip]) -> tuple[list[Clip], Mapping[str, Segment]]:
            clips, segments = self._assembler.clips(hits, scale)
            if reach is not None:
                clips = reachable(clips, reach)
            return diversify(clips, step, listed), segments

        return RankedList(fetch, arrange, query.limit * ROWS_PER_CLIP)

    def _marked_rows(self, ids: Collection[str], visibility: Visibility) -> tuple[list[Row], Vectors]:
        """Return the rows of marked clips with their vectors (n, dim). Raise `NotFound` for one that is not visible."""
        rows, vectors = self._store.get(ids)
        visible = {row.id for row in rows if visibility.moment(row.camera_id, row.end_ms)}
        if lost := set(ids) - visible:
            raise NotFound("a marked clip is not in the index", got=min(lost), cure="undo this mark; it may be deleted")
        return rows, vectors


class _CameraCache:
    """The cameras of the catalogue, read anew for each sentence where they are few. Safe for many threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._read: tuple[float, list[Camera]] | None = None

    def all(self) -> list[Camera]:
        """Return all cameras; the same list while they are not read again."""
        last = self._read
        if last is None or len(last[1]) <= FEW_CAMERAS or time.monotonic() - last[0] > CAMERAS_S:
            last = self._read = (time.monotonic(), self._catalog.cameras.all())
        return last[1]


def _narrow(query: Query, parsed: ParsedQuery) -> Query:
    """Return the query with its filter narrowed by its sentence and to what its requester may see.

    A time or cameras that the query names come before those of its sentence. People answer, unless whole frames are
    asked for: a whole frame in which a person is small says little about them, and hid the right people from first
    places in ``benchmarks/quality.py``.

    Raises:
        Denied: nothing of it is visible to the requester.
    """
    where = query.where
    has_time = where.start_ms is not None or where.end_ms is not None
    where = replace(
        where,
        kinds=where.kinds or (RowKind.PERSON,),
        start_ms=where.start_ms if has_time else parsed.from_ms,
        end_ms=where.end_ms if has_time else parsed.to_ms,
        cameras=where.cameras or parsed.cameras,
    )
    return replace(query, where=query.requester.visibility.narrow(where))


def check_width(widest_ms: int, where: Filter, span: tuple[int, int] | None) -> None:
    """Raise `TooWide` if `where` covers more than `widest_ms` of `span`, the time of all footage (None: no footage)."""
    if span is None:
        return
    start = span[0] if where.start_ms is None else max(span[0], where.start_ms)
    end = span[1] if where.end_ms is None else min(span[1], where.end_ms)
    if end - start > widest_ms:
        raise TooWide(
            "a search of all cameras over so long a time needs a supervisor's approval",
            got=f"{(end - start) / HOUR_MS:.1f} hours",
            expected=f"at most {widest_ms / HOUR_MS:g} hours, or some cameras",
            cure="name a time or cameras; or ask for approval; in danger to life, say so and go on",
        )
