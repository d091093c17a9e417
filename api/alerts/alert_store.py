"""The store of alerts: raised once for each person's track, judged by people. Beside `saved_search_store`."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from api.alerts import tables as t
from api.alerts.thresholds import DAY_MS, Event, raised
from api.alerts.types import Alert, AlertCounts, Judgement, SavedSearch
from search.catalog import Catalog
from search.errors import BadInput, NotFound
from search.times import now_ms
from search.types import Row

MAX_LIMIT = 500
Best = Mapping[str, tuple[Row, Event]]
"""Subject -> its best row, and the event that it is (`api.alerts.thresholds.best_events`)."""


class AlertStore:
    """Alerts. Cheap to make, safe for many threads and processes.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    # raise ---------------------------------------------------------------------------------------------------

    def raise_all(self, matches: Sequence[tuple[SavedSearch, Best]], at_ms: int) -> int:
        """Raise the alerts that the rules allow, with a delivery each where there is a webhook; return their number.

        What was raised before is not raised again, and keeps others near it from being raised.
        """
        ids = [search.id for search, _ in matches]
        own = t.standing.c.id.in_(ids)
        with self._catalog.begin() as db:
            db.execute(t.standing.update().where(own).values(paused=t.standing.c.paused))  # others wait until we end
            present = set(db.scalars(sa.select(t.standing.c.id).where(own)))
            return sum(_raise(db, search, best, at_ms) for search, best in matches if search.id in present)

    # read ----------------------------------------------------------------------------------------------------

    def alerts(
        self, *, after: int = 0, limit: int = 100, only_open: bool = False, of: Collection[int] | None = None
    ) -> tuple[list[Alert], bool]:
        """Return the newest alerts with a number above `after`, newest first, and whether there are more of them.

        `of`: only of these saved searches; None: of all.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise BadInput("limit is out of range", got=limit, expected=f"1 to {MAX_LIMIT}")
        c = t.alerts.c
        query = sa.select(t.alerts).where(c.id > after).order_by(c.id.desc()).limit(limit + 1)
        if only_open:
            query = query.where(c.verdict == Judgement.OPEN.value)
        if of is not None:
            query = query.where(c.standing_id.in_(of))
        with self._catalog.begin() as db:
            alerts = [t.to_alert(row) for row in db.execute(query).mappings()]
        return alerts[:limit], len(alerts) > limit

    def get(self, number: int) -> Alert:
        """Return one alert. Raises `NotFound`."""
        with self._catalog.begin() as db:
            row = db.execute(sa.select(t.alerts).where(t.alerts.c.id == number)).mappings().first()
        if row is None:
            raise unknown_alert(number)
        return t.to_alert(row)

    def tallies(self, at_ms: int) -> dict[int, AlertCounts]:
        """Return saved search -> counts of its alerts; a search without alerts is left out."""
        c = t.alerts.c
        full = self._full(at_ms)
        query = sa.select(c.standing_id, c.verdict, sa.func.count()).group_by(c.standing_id, c.verdict)
        with self._catalog.begin() as db:
            counts = db.execute(query.order_by(c.standing_id)).all()
        tallies = {}
        for number, lines in groupby(counts, key=lambda line: int(line[0])):
            by = {verdict: int(count) for _, verdict, count in lines}
            tallies[number] = AlertCounts(sum(by.values()), **by, full=tuple(full.get(number, ())))
        return tallies

    def right_subjects(self, standing_id: int) -> set[str]:
        """Return the subjects that were judged right: they are no false alarm when the threshold is measured again."""
        c = t.alerts.c
        right = sa.and_(c.standing_id == standing_id, c.verdict == Judgement.RIGHT.value)
        with self._catalog.begin() as db:
            return set(db.scalars(sa.select(c.subject).where(right)))

    # judge ---------------------------------------------------------------------------------------------------

    def judge(self, number: int, verdict: Judgement | None = None, *, seen: bool = True) -> Alert:
        """Note that a person saw an alert, and what they say of it (None: nothing new). Raises `NotFound`."""
        c = t.alerts.c
        first = sa.func.coalesce(c.seen_ms, now_ms())
        values: dict[str, Any] = {"seen_ms": first if seen or verdict not in (None, Judgement.OPEN) else None}
        if verdict is not None:
            values["verdict"] = verdict.value
        with self._catalog.begin() as db:
            if not db.execute(t.alerts.update().where(c.id == number).values(**values)).rowcount:
                raise unknown_alert(number)
        return self.get(number)

    def _full(self, at_ms: int) -> dict[int, list[str]]:
        """Return saved search -> cameras that reached their limit of alerts on one day, since yesterday."""
        c, s = t.alerts.c, t.standing.c
        day = c.time_ms - c.time_ms % DAY_MS
        query = (
            sa.select(c.standing_id, c.camera_id)
            .join(t.standing, s.id == c.standing_id)
            .where(c.time_ms >= at_ms - at_ms % DAY_MS - DAY_MS)
            .group_by(c.standing_id, c.camera_id, day, s.per_camera_per_day)
            .having(sa.func.count() >= s.per_camera_per_day)
            .order_by(c.standing_id, c.camera_id)
        )
        with self._catalog.begin() as db:
            lines = list(dict.fromkeys((int(number), str(camera)) for number, camera in db.execute(query)))
        return {number: [camera for _, camera in its] for number, its in groupby(lines, key=lambda line: line[0])}


def _raise(db: sa.Connection, search: SavedSearch, best: Best, at_ms: int) -> int:
    known = _known(db, search.id, best)
    events = [event for subject, (_, event) in best.items() if subject not in known]
    alarms = raised(events, search.draft.rule, _earlier(db, search.id, events))
    for alarm in alarms:
        row, event = best[alarm.subject]
        values = t.alert_values(row, event.score) | {"standing_id": search.id, "subject": event.subject}
        made = db.execute(t.alerts.insert().values(**values, created_ms=at_ms, verdict=Judgement.OPEN.value))
        if search.webhook and not search.webhook.stopped and made.inserted_primary_key:
            db.execute(t.deliveries.insert().values(**_delivery(search.id, made.inserted_primary_key[0], at_ms)))
    return len(alarms)


def _known(db: sa.Connection, standing_id: int, best: Best) -> set[str]:
    """Return the subjects that have an alert already."""
    c = t.alerts.c
    own = sa.and_(c.standing_id == standing_id, c.subject.in_(list(best)))
    return set(db.scalars(sa.select(c.subject).where(own)))


def _earlier(db: sa.Connection, standing_id: int, events: Sequence[Event]) -> dict[str, list[int]]:
    """Return camera -> times of its alerts that may keep one of `events` from being raised."""
    c = t.alerts.c
    times = [event.time_ms for event in events]
    if not times:
        return {}
    cameras = sorted({event.camera_id for event in events})
    near = c.time_ms.between(min(times) - DAY_MS, max(times) + DAY_MS)
    query = sa.select(c.camera_id, c.time_ms).where(c.standing_id == standing_id, c.camera_id.in_(cameras), near)
    earlier: dict[str, list[int]] = {}
    for camera, time_ms in db.execute(query):
        earlier.setdefault(camera, []).append(time_ms)
    return earlier


def _delivery(standing_id: int, alert_id: int, at_ms: int) -> dict[str, Any]:
    fixed = {"state": "waiting", "attempts": 0, "said": "", "created_ms": at_ms, "due_ms": at_ms}
    return fixed | {"id": uuid.uuid4().hex, "alert_id": alert_id, "standing_id": standing_id}


def unknown_alert(number: int) -> NotFound:
    """Return the error for an alert that does not exist, or not for this principal."""
    return NotFound("there is no such alert", got=number, cure="`xunren alert list` shows them")
