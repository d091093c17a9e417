"""The work of an operator in a case: search for the person, mark clips, confirm sightings, follow them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from api.cases.case_store import CaseStore, sighting_of
from api.cases.pictures import existing, person_in
from api.cases.types import Case, Sighting, Sign, track_of, visible_part
from api.cases.views import trail_of
from api.runtime import AppContext
from search.access import ANYONE, SEES_ALL, Requester
from search.answer import Answer
from search.errors import BadInput, NotFound
from search.geo import Point, Reach, beside
from search.media import photo_file
from search.query import MAX_MARKS, Order, Query
from search.ranking import ClipAssembler, ScoreScale
from search.types import MAX_TIME_MS, Filter, Hit, Image, Row

HOURS = 2.0
"""So long before and after a sighting one follows it."""
MAX_HOURS = 720.0
_HOUR_MS = 3_600_000
_NEAREST = 5


@dataclass(frozen=True, slots=True)
class CaseSearchOptions:
    """How a case is searched. `text` None: with its first sentence. `hard`: only what is within reach."""

    text: str | None = None
    where: Filter = field(default_factory=Filter)
    limit: int = 12
    hard: bool = False
    order: Order = Order.BEST


@dataclass(frozen=True, slots=True)
class CaseFindings:
    """An answer for a case. `gone`: marks that did not count, as their clips are no longer in the index.

    `followed` is the sighting that was followed, `points` say from where reach was measured.
    """

    case: Case
    answer: Answer
    gone: tuple[str, ...]
    points: tuple[Point, ...]
    followed: Sighting | None = None

    def as_dict(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Add to `answer`, plain data, what the case knows: which clips are sightings already."""
        for clip in answer["clips"]:
            clip["sighting"] = self._shown_by(clip["camera"], clip["time_ms"])
        followed = None if self.followed is None else self.followed.number
        more = {"case": self.case.id, "following": followed, "gone_marks": list(self.gone)}
        return answer | more | {"points": [{"lat": p.lat, "lon": p.lon, "time_ms": p.time_ms} for p in self.points]}

    def _shown_by(self, camera_id: str, time_ms: int) -> int | None:
        return next((s.number for s in self.case.sightings if s.shows(camera_id, time_ms)), None)


class CaseService:
    """Cases over an open context, within what `requester` sees. Safe for many threads; opens and closes nothing."""

    def __init__(self, context: AppContext, cases: CaseStore, requester: Requester = ANYONE) -> None:
        self._context = context
        self._cases = cases
        self._requester = requester
        self._assembler = ClipAssembler(context.settings, context.catalog)

    def search(self, case_id: str, options: CaseSearchOptions) -> CaseFindings:
        """Search with what the case says: a sentence, the photos, the marks, and where the person can be.

        Raises:
            NotFound: no such case, or a photo of it is gone.
            BadInput: `hard`, and nobody knows where the person was.
        """
        case = self._case(case_id)
        points = trail_of(self._context.catalog, case).points
        reach = Reach(points, case.draft.speed_mps, options.hard) if points or options.hard else None
        photos = [photo_file(self._cases.photo(case, number)) for number in case.photos]
        like, unlike, gone = self._marks(case)
        query = self._query(case, options, photos, like, unlike)
        return CaseFindings(case, self._context.engine.search(replace(query, reach=reach)), gone, points)

    def follow(self, case_id: str, number: int | None, hours: float, options: CaseSearchOptions) -> CaseFindings:
        """Search before and after a sighting (None: the last one), with its own crops, where one can have walked.

        Raises:
            NotFound: no such case or sighting.
            BadInput: nothing is confirmed yet, or `hours` is out of range.
        """
        case = self._case(case_id)
        sighting = _chosen(case, number)
        if not 0 < hours <= MAX_HOURS:
            raise BadInput("hours to follow are out of range", got=hours, expected=f"above 0, at most {MAX_HOURS:g}")
        points = self._around(case, sighting)
        reach = Reach(points, case.draft.speed_mps, hard=True) if points else None
        like, unlike, gone = self._marks(case)
        crops = self._crops(sighting)
        photos = [] if crops else [self._still(case, sighting)]
        like = (*crops, *(clip for clip in like if clip not in crops))
        unlike = tuple(clip for clip in unlike if clip not in crops)
        query = self._query(case, options, photos, like, unlike)
        where = _around_time(query.where, sighting.time_ms, hours)
        answer = self._context.engine.search(replace(query, where=where, reach=reach))
        return CaseFindings(case, answer, gone, points, sighting)

    def mark(self, case_id: str, clip_id: str, sign: Sign) -> Case:
        """Say that a clip shows the person, or does not. Raises `NotFound`."""
        self._cases.case(case_id)
        self._row(clip_id)
        return self._cases.mark(case_id, clip_id, sign)

    def confirm(self, case_id: str, clip_id: str, note: str = "") -> Sighting:
        """Keep a clip as a sighting, with its picture and its recording; the same one again is that one.

        Raises:
            NotFound: no such case or clip, or its recording is being deleted.
        """
        case, row = self._cases.case(case_id), self._row(clip_id)
        clips, segments = self._assembler.clips([Hit(row, 0.0)], ScoreScale({}, {}, 0.0, 0.0))
        if not clips:
            raise NotFound("the recording of this clip is being deleted", got=clip_id, cure="search again")
        clip, start = clips[0], segments[row.segment_id].start_ms
        thumbnail = self._context.media.thumbnail_path(row.segment_id, row.time_ms - start)
        sighting = Sighting(
            number=0,
            clip_id=row.id,
            camera_id=row.camera_id,
            segment_id=clip.segment_id,
            start_ms=clip.start_ms,
            end_ms=clip.end_ms,
            time_ms=row.time_ms,
            box=row.box,
            frame_width=row.frame_width,
            frame_height=row.frame_height,
            note=note,
        )
        return self._cases.confirm(case.id, sighting, thumbnail.read_bytes() if thumbnail.is_file() else None)

    def _case(self, case_id: str) -> Case:
        return visible_part(self._cases.case(case_id), self._requester.visibility)

    def _sees(self, row: Row) -> bool:
        return self._requester.visibility.moment(row.camera_id, row.end_ms)

    # parts of a query ----------------------------------------------------------------------------------------

    def _query(
        self,
        case: Case,
        options: CaseSearchOptions,
        photos: Sequence[Image],
        like: Sequence[str],
        unlike: Sequence[str],
    ) -> Query:
        first = case.draft.sentences[0] if case.draft.sentences else ""
        room = MAX_MARKS - min(len(like), MAX_MARKS)
        return Query(
            sentence=first if options.text is None else options.text,
            where=options.where,
            limit=options.limit,
            photos=photos,
            like=tuple(like[:MAX_MARKS]),
            unlike=tuple(unlike[:room]),
            order=options.order,
            requester=self._requester,
        )

    def _marks(self, case: Case) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return clips like the person, clips unlike them (the newest first), and those that are not in the index."""
        marked = [mark.clip_id for mark in case.marks][::-1][:MAX_MARKS]
        indexed = {row.id for row in self._context.store.get(marked)[0] if self._sees(row)}
        of_sign = {sign: tuple(c for c in case.marked(sign)[::-1] if c in indexed) for sign in Sign}
        return of_sign[Sign.LIKE], of_sign[Sign.UNLIKE], tuple(c for c in marked if c not in indexed)

    def _around(self, case: Case, sighting: Sighting) -> tuple[Point, ...]:
        stops = beside(trail_of(self._context.catalog, case), sighting.number, case.draft.speed_mps)
        return tuple(stop.point for stop in stops if stop.point)

    def _crops(self, sighting: Sighting) -> tuple[str, ...]:
        """Return ids of the rows that show the sighting's person; none where its recording is no longer indexed."""
        rows, _ = self._context.store.get([sighting.clip_id])
        ids: Collection[str] = self._context.store.ids(rows[0].segment_id) if rows else ()
        return tuple(sorted(row_id for row_id in ids if track_of(row_id) == sighting.track))[:MAX_MARKS]

    def _still(self, case: Case, sighting: Sighting) -> Image:
        """Return the person in the picture that was kept when the sighting was confirmed."""
        path = existing(self._cases.still(case, sighting.number))
        return person_in(path, sighting.box, sighting.frame_width, sighting.frame_height)

    def _row(self, clip_id: str) -> Row:
        rows, _ = self._context.store.get([clip_id])
        if not rows or not self._sees(rows[0]):
            raise NotFound(
                "there is no such clip",
                got=clip_id,
                expected=(self._nearest(clip_id) if self._requester.visibility == SEES_ALL else "")
                or "the id of a clip that a search found",
                cure="`xunren case search ID` prints the ids; after a recording is indexed again they may be others",
            )
        return rows[0]

    def _nearest(self, clip_id: str) -> str:
        import difflib

        segment, dash, _ = clip_id.partition("-")
        known = sorted(self._context.store.ids(segment)) if dash else []
        return ", ".join(difflib.get_close_matches(clip_id, known, n=_NEAREST, cutoff=0.4) or known[:_NEAREST])


def _chosen(case: Case, number: int | None) -> Sighting:
    if number is not None:
        return sighting_of(case, number)
    if not case.sightings:
        cure = "`xunren case search ID`, then `xunren case sight ID CLIP`"
        raise BadInput("there is no sighting to follow yet", got=case.id, cure=cure)
    return max(case.sightings, key=lambda s: (s.time_ms, s.number))


def _around_time(where: Filter, time_ms: int, hours: float) -> Filter:
    room = round(hours * _HOUR_MS)
    return replace(where, start_ms=max(0, time_ms - room), end_ms=min(MAX_TIME_MS, time_ms + room))
