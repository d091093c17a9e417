"""The store of saved searches, in the database of an open catalogue. Alerts: `api.alerts.alert_store`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from api.alerts import tables as t
from api.alerts.thresholds import HOUR_MS, Span
from api.alerts.types import MatchTarget, SavedSearch, SavedSearchInput, SavedSearchState, Webhook
from search.catalog import Catalog, tables
from search.errors import NotFound, shorten
from search.times import now_ms
from search.types import SegmentState


@dataclass(frozen=True, slots=True)
class SavedSearchFaults:
    """Counts of failed comparisons of new rows; `rows_missed` were never compared, all others later."""

    count: int = 0
    rows_missed: int = 0
    last_ms: int | None = None
    said: str = ""


class SavedSearchStore:
    """Saved searches. Cheap to make, safe for many threads and processes.

    Every method raises `Unavailable` where the database does not answer.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def add(self, draft: SavedSearchInput, aim: MatchTarget, webhook: Webhook | None) -> SavedSearch:
        """Save a new one."""
        created = now_ms()
        values = t.draft_values(draft) | t.aim_values(aim) | t.webhook_values(webhook) | {"created_ms": created}
        with self._catalog.begin() as db:
            made = db.execute(t.standing.insert().values(**values)).inserted_primary_key
        return SavedSearch(int(made[0]) if made else 0, draft, aim, webhook, created)

    def all(self) -> list[SavedSearch]:
        """Return all saved searches by number."""
        with self._catalog.begin() as db:
            rows = db.execute(sa.select(t.standing).order_by(t.standing.c.id)).mappings()
            return [t.to_saved_search(row) for row in rows]

    def active(self, model: str, at_ms: int) -> list[SavedSearch]:
        """Return the searches that compare new rows now, in an index of `model`."""
        return [search for search in self.all() if search.state(model, at_ms) is SavedSearchState.ACTIVE]

    def get(self, number: int) -> SavedSearch:
        """Return one saved search. Raises `NotFound`."""
        with self._catalog.begin() as db:
            row = db.execute(sa.select(t.standing).where(t.standing.c.id == number)).mappings().first()
        if row is None:
            raise _unknown(number)
        return t.to_saved_search(row)

    def change(self, number: int, draft: SavedSearchInput, aim: MatchTarget | None = None) -> None:
        """Change the choices, and with `aim` the target that rows are compared with. Raises `NotFound`."""
        self._update(number, t.draft_values(draft) | (t.aim_values(aim) if aim else {}))

    def set_webhook(self, number: int, webhook: Webhook | None) -> None:
        """Set the webhook; deliveries that wait for a removed address are dropped."""
        self._update(number, t.webhook_values(webhook))

    def remove(self, number: int) -> None:
        """Remove it with its alerts and what was to be sent of them. Raises `NotFound`."""
        with self._catalog.begin() as db:
            for table in (t.deliveries, t.alerts):
                db.execute(table.delete().where(table.c.standing_id == number))
            if not db.execute(t.standing.delete().where(t.standing.c.id == number)).rowcount:
                raise _unknown(number)

    def span(self, cameras: Collection[str]) -> Span:
        """Return the indexed hours of these cameras (none named: of all), and the number of cameras with recordings.

        A camera that is recorded live counts also before its first file is indexed.
        """
        c, s = tables.segments.c, tables.streams.c
        hours = (
            sa.select(c.camera_id, sa.func.sum(c.duration_ms))
            .where(c.state == SegmentState.INDEXED.value)
            .group_by(c.camera_id)
        )
        with self._catalog.begin() as db:
            indexed: dict[str, int] = {camera: int(ms) for camera, ms in db.execute(hours)}
            known = set(indexed) | set(db.scalars(sa.select(s.camera_id).distinct()))
        watched = known & set(cameras) if cameras else known
        return Span(sum(indexed.get(camera, 0) for camera in watched) / HOUR_MS, len(watched))

    def note_fault(self, count: int, rows_missed: int, said: str) -> None:
        """Add to the faults of comparing new rows."""
        f = t.faults
        values = {"last_ms": now_ms(), "said": shorten(said)}
        more = {"count": f.c.count + count, "rows_missed": f.c.rows_missed + rows_missed}
        with self._catalog.begin() as db:
            if not db.execute(f.update().where(f.c.id == 1).values(**values | more)).rowcount:
                db.execute(f.insert().values(id=1, count=count, rows_missed=rows_missed, **values))

    def faults(self) -> SavedSearchFaults:
        """Return the faults so far."""
        f = t.faults.c
        with self._catalog.begin() as db:
            row = db.execute(sa.select(f.count, f.rows_missed, f.last_ms, f.said).where(f.id == 1)).first()
        return SavedSearchFaults() if row is None else SavedSearchFaults(*row)

    def _update(self, number: int, values: Mapping[str, Any]) -> None:
        with self._catalog.begin() as db:
            if not db.execute(t.standing.update().where(t.standing.c.id == number).values(**values)).rowcount:
                raise _unknown(number)


def _unknown(number: int) -> NotFound:
    return NotFound("there is no such saved search", got=number, cure="`xunren saved-search list` shows all")
