"""Which recorder records which camera. Several share the cameras out among themselves, through the catalogue alone.

Each recorder gives a sign of life every quarter of a lease, and takes what nobody holds: its fair share at once, and
what nobody took for half a lease then, whoever is there (a recorder may want some cameras only). One that has too few
asks the one with the most for some, which closes their files and hands them over. What a dead one held is free when
its lease is over. One that was itself away for a while waits a lease before it takes from others: they may have been as
silent as it was, where the catalogue did not answer. Times are the database's where it is a server, so that the
machines' clocks need not agree.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from search.catalog import tables
from search.catalog.database import Database, database_ms, id_batches

BEATS = 4
"""Signs of life in a lease."""
_ALONE = 0x78756E72656D  # another lock than that of the catalogue's writers
_FORGET_LEASES = 1000  # after so many, a recorder that is gone is no longer named


@dataclass(frozen=True, slots=True)
class HeldCameras:
    """The cameras that a recorder holds, those that others ask it for, and the number of live recorders with it."""

    cameras: frozenset[str] = frozenset()
    requested: frozenset[str] = frozenset()
    recorders: int = 1


@dataclass(frozen=True, slots=True)
class CameraHolder:
    """The recorder that holds a camera: its name for people, the id of its folder, and whether it is alive."""

    camera_id: str
    shown: str
    folder: str
    alive: bool


class CameraLeases:
    """The leases of one recorder. Every method raises `Unavailable` where the database does not answer.

    Args:
        database: open.
        recorder: its id, another one for each process.
        shown: its name for people.
        folder: id of the folder that it writes to, the same for all who share it.
        lease_s: seconds after its last sign of life when its cameras are free.
    """

    def __init__(self, database: Database, recorder: str, shown: str, folder: str, lease_s: float) -> None:
        self._database = database
        self._id = recorder
        self._shown = shown
        self._folder = folder
        self._lease_ms = round(1000 * lease_s)
        self._last_ms: int | None = None  # its latest sign of life, which the others may have forgotten
        self._quiet_until_ms = 0

    def beat(self, camera_ids: Collection[str], unable: Collection[str] = ()) -> HeldCameras:
        """Renew the leases of this recorder and take the cameras that are due to it.

        Args:
            camera_ids: ids of all cameras that it would record.
            unable: those of them that it cannot record; while others live, they are left to them.
        """
        t = tables.camera_leases
        with self._database.begin() as db:
            _alone(db)
            now = database_ms(db)
            if self._last_ms is not None and now - self._last_ms > self._lease_ms // 2:
                self._quiet_until_ms = now + self._lease_ms
            recorders = self._live(db, now)
            if len(recorders) > 1:
                camera_ids = set(camera_ids).difference(unable)
            own = t.c.recorder == self._id
            db.execute(t.update().where(own).values(until_ms=now + self._lease_ms))
            self._give_up(db, own, set(camera_ids))
            leases = {row.camera_id: row for row in db.execute(sa.select(t))}
            self._take(db, leases, camera_ids, recorders, now)
            held = {row.camera_id: row.asked_by for row in db.execute(sa.select(t).where(own))}
            if len(recorders) > 1:
                self._ask(db, camera_ids, len(held), recorders, now)
        self._last_ms = now
        requested = frozenset(camera for camera, by in held.items() if by in recorders and by != self._id)
        return HeldCameras(frozenset(held), requested, len(recorders))

    def hand_over(self, cameras: Iterable[str]) -> None:
        """Hand these cameras to the recorders that asked for them. Close their files first."""
        t = tables.camera_leases
        with self._database.begin() as db:
            _alone(db)
            until = database_ms(db) + self._lease_ms
            for part in id_batches(cameras):
                own = sa.and_(t.c.recorder == self._id, t.c.camera_id.in_(part), t.c.asked_by != "")
                db.execute(t.update().where(own).values(recorder=t.c.asked_by, asked_by="", until_ms=until))

    def leave(self) -> None:
        """Release all cameras. Close all files first."""
        self.bury([self._id])

    def bury(self, recorders: Collection[str]) -> None:
        """Release all cameras of recorders that are dead."""
        t, r = tables.camera_leases, tables.recorders
        with self._database.begin() as db:
            _alone(db)
            db.execute(t.delete().where(t.c.recorder.in_(recorders)))
            db.execute(r.delete().where(r.c.id.in_(recorders)))

    def known(self) -> dict[str, tuple[str, str]]:
        """Return id -> (name, folder id) of all other recorders, alive or not."""
        r = tables.recorders
        with self._database.begin() as db:
            rows = db.execute(sa.select(r.c.id, r.c.shown, r.c.folder).where(r.c.id != self._id)).all()
        return {id_: (shown, folder) for id_, shown, folder in rows}

    def holders(self, camera_id: str = "") -> list[CameraHolder]:
        """Return the holders by camera, of one camera or of all."""
        t, r = tables.camera_leases, tables.recorders
        query = sa.select(t.c.camera_id, r.c.shown, r.c.folder, r.c.until_ms).join(r, r.c.id == t.c.recorder)
        if camera_id:
            query = query.where(t.c.camera_id == camera_id)
        with self._database.begin() as db:
            now = database_ms(db)
            rows = db.execute(query.order_by(t.c.camera_id)).all()
        return [CameraHolder(camera, shown, folder, until >= now) for camera, shown, folder, until in rows]

    # in a transaction ----------------------------------------------------------------------------------------

    def _live(self, db: sa.Connection, now: int) -> set[str]:
        """Return the ids of the live recorders, this one included."""
        r = tables.recorders
        db.execute(r.delete().where(sa.or_(r.c.id == self._id, r.c.until_ms < now - _FORGET_LEASES * self._lease_ms)))
        me = {"id": self._id, "shown": self._shown, "folder": self._folder, "until_ms": now + self._lease_ms}
        db.execute(r.insert().values(**me))
        return set(db.scalars(sa.select(r.c.id).where(r.c.until_ms >= now)))

    def _give_up(self, db: sa.Connection, own: sa.ColumnElement[bool], camera_ids: set[str]) -> None:
        t = tables.camera_leases
        held = set(db.scalars(sa.select(t.c.camera_id).where(own)))
        for part in id_batches(held - camera_ids):
            db.execute(t.delete().where(own, t.c.camera_id.in_(part)))

    def _take(
        self, db: sa.Connection, leases: dict[str, sa.Row[tuple[str, str, int, str]]], camera_ids: Collection[str],
        recorders: set[str], now: int,
    ) -> None:  # fmt: skip
        """Take a fair share of the free cameras, and all that have been free for half a lease."""
        t = tables.camera_leases
        held = sum(row.recorder == self._id for row in leases.values())
        quiet = now < self._quiet_until_ms
        over = {c for c, row in leases.items() if row.until_ms < now and not (quiet and row.recorder)}
        free = [camera for camera in sorted(camera_ids) if camera not in leases or camera in over]
        late = now - self._lease_ms // 2
        old = [camera for camera in free if camera in leases and leases[camera].until_ms < late]
        new = [camera for camera in free if camera not in set(old)]
        share = max(0, math.ceil(len(camera_ids) / len(recorders)) - held)
        taken = old + new[: max(0, share - len(old))]
        left = [camera for camera in new[max(0, share - len(old)) :] if camera not in leases]
        for part in id_batches(taken + left):
            db.execute(t.delete().where(t.c.camera_id.in_(part)))
        rows = [{"camera_id": c, "recorder": self._id, "until_ms": now + self._lease_ms, "asked_by": ""} for c in taken]
        rows += [{"camera_id": c, "recorder": "", "until_ms": now - 1, "asked_by": ""} for c in left]
        if rows:
            db.execute(t.insert(), rows)

    def _ask(self, db: sa.Connection, camera_ids: Collection[str], held: int, recorders: set[str], now: int) -> None:
        """Ask the recorder that holds most for half of what it has more than this one."""
        t = tables.camera_leases
        others = (t.c.recorder.in_(recorders - {self._id}), t.c.until_ms >= now)
        count = sa.func.count()
        richest = db.execute(sa.select(t.c.recorder, count).where(*others).group_by(t.c.recorder)
                             .order_by(count.desc(), t.c.recorder).limit(1)).first()  # fmt: skip
        if richest is None:
            return
        theirs = db.execute(sa.select(t.c.camera_id, t.c.asked_by).where(t.c.recorder == richest[0])).all()
        coming = db.scalar(sa.select(count).where(t.c.asked_by == self._id, *others)) or 0
        missing = (richest[1] - held) // 2 - coming
        known = set(camera_ids)
        open_ = sorted(camera for camera, by in theirs if by not in recorders and camera in known)
        for part in id_batches(open_[: max(0, missing)]):
            db.execute(t.update().where(t.c.camera_id.in_(part)).values(asked_by=self._id))


def _alone(db: sa.Connection) -> None:
    """Let no other recorder change leases until this transaction ends."""
    if db.dialect.name == "sqlite":
        tables.alone(db)
    else:
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(_ALONE)))
