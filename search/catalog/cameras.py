"""Which cameras stand near another one."""

from __future__ import annotations

import heapq
import math

import sqlalchemy as sa

from search.access import Visibility
from search.catalog import tables
from search.catalog.catalog import Catalog
from search.geo.reachability import distance_m
from search.types import Camera

NEAR_M = 2000.0
_M_PER_DEGREE = 111_195


def nearby(catalog: Catalog, camera: Camera, sight: Visibility, limit: int) -> list[tuple[float, Camera]]:
    """(metres, camera) of those in sight that stand at most `NEAR_M` from `camera`, the nearest first.

    None where `camera` has no place. A box of degrees is asked for first: a city has 230,000 cameras.
    """
    if camera.lat is None or camera.lon is None:
        return []
    c = tables.cameras.c
    high = NEAR_M / _M_PER_DEGREE
    wide = high / max(0.01, math.cos(math.radians(camera.lat)))
    box = c.lat.between(camera.lat - high, camera.lat + high) & c.lon.between(camera.lon - wide, camera.lon + wide)
    with catalog.begin() as db:
        found = [
            Camera(**row) for row in db.execute(sa.select(tables.cameras).where(box, c.id != camera.id)).mappings()
        ]
    measured = (
        (distance_m(camera.lat, camera.lon, other.lat, other.lon), other)
        for other in sight.of(found)
        if other.lat is not None and other.lon is not None
    )
    near = (one for one in measured if one[0] <= NEAR_M)
    return heapq.nsmallest(limit, near, key=lambda one: (one[0], one[1].id))
