"""The cameras of the catalogue."""

from __future__ import annotations

import difflib
import heapq
import math
from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa

from search.access import Visibility
from search.catalog import tables
from search.catalog.database import Database
from search.errors import NotFound
from search.geo import distance_m
from search.types import Camera

NEAR_M = 2000.0
_M_PER_DEGREE = 111_195


class CameraStore:
    """The cameras in an open `Database`. Every method raises `Unavailable` where the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, camera: Camera, *, replace: bool = True) -> bool:
        """Store a camera and return whether it was new; an existing one is replaced only if `replace`."""
        values = {name: getattr(camera, name) for name in Camera.__dataclass_fields__}
        with self._database.begin() as db:
            known = db.scalar(sa.select(tables.cameras.c.id).where(tables.cameras.c.id == camera.id))
            if known is None:
                db.execute(tables.cameras.insert().values(**values))
            elif replace:
                db.execute(tables.cameras.update().where(tables.cameras.c.id == camera.id).values(**values))
        return known is None

    def all(self) -> list[Camera]:
        """Return all cameras by id."""
        with self._database.begin() as db:
            return [
                Camera(**row) for row in db.execute(sa.select(tables.cameras).order_by(tables.cameras.c.id)).mappings()
            ]

    def get(self, camera_id: str) -> Camera:
        """Return one camera. Raises `NotFound`, naming the nearest known ids."""
        self.check([camera_id])
        with self._database.begin() as db:
            row = db.execute(sa.select(tables.cameras).where(tables.cameras.c.id == camera_id)).mappings().one()
        return Camera(**row)

    def check(self, camera_ids: Iterable[str], within: Collection[str] | None = None) -> None:
        """Raise `NotFound` for the first id that is no camera (of those `within`), naming the nearest known ids."""
        wanted = list(camera_ids)
        if not wanted:
            return
        with self._database.begin() as db:
            known = list(db.scalars(sa.select(tables.cameras.c.id).order_by(tables.cameras.c.id)))
        if within is not None:
            known = [camera_id for camera_id in known if camera_id in within]
        for camera_id in wanted:
            if camera_id not in known:
                raise NotFound(
                    "unknown camera",
                    got=repr(camera_id),
                    expected=", ".join(_nearest(camera_id, known)) or "(no camera yet)",
                    cure="`xunren camera list` shows all",
                )

    def nearby(self, camera: Camera, visibility: Visibility, limit: int) -> list[tuple[float, Camera]]:
        """Return (metres, camera) of the visible cameras within `NEAR_M` of `camera`, nearest first.

        None where `camera` has no place. A box of degrees is asked for first: a city has 230,000 cameras.
        """
        if camera.lat is None or camera.lon is None:
            return []
        c = tables.cameras.c
        high = NEAR_M / _M_PER_DEGREE
        wide = high / max(0.01, math.cos(math.radians(camera.lat)))
        box = c.lat.between(camera.lat - high, camera.lat + high) & c.lon.between(camera.lon - wide, camera.lon + wide)
        with self._database.begin() as db:
            cameras = [
                Camera(**row) for row in db.execute(sa.select(tables.cameras).where(box, c.id != camera.id)).mappings()
            ]
        measured = (
            (distance_m(camera.lat, camera.lon, other.lat, other.lon), other)
            for other in visibility.of(cameras)
            if other.lat is not None and other.lon is not None
        )
        near = (one for one in measured if one[0] <= NEAR_M)
        return heapq.nsmallest(limit, near, key=lambda one: (one[0], one[1].id))


def _nearest(camera_id: str, known: Sequence[str]) -> Sequence[str]:
    return difflib.get_close_matches(camera_id, known, n=3, cutoff=0.4) or known[:5]
