"""What an account's scope means now: districts become cameras, and hours back a time."""

from __future__ import annotations

import sqlalchemy as sa

from api.account_types import Scope
from search import tables
from search.catalog import Catalog, now_ms
from search.errors import NotFound
from search.footage import unknown_segment
from search.sight import EVERYTHING, Sight
from search.types import Segment

_HOUR_MS = 3_600_000


def sight_of(catalog: Catalog, scope: Scope) -> Sight:
    """The cameras of a scope that there are at this moment, and from when on they may be seen."""
    from_ms = None if scope.back_hours is None else max(0, now_ms() - round(scope.back_hours * _HOUR_MS))
    if scope.everything:
        return EVERYTHING if from_ms is None else Sight(None, from_ms)
    c = tables.cameras.c
    with catalog.begin() as db:
        mine = sa.or_(c.district.in_(scope.districts), c.id.in_(scope.cameras))
        return Sight(frozenset(db.scalars(sa.select(c.id).where(mine))), from_ms)


def check_camera(sight: Sight, camera_id: str) -> None:
    """Raise `NotFound` for a camera out of sight, as for one that does not exist."""
    if not sight.camera(camera_id):
        raise NotFound("unknown camera", got=repr(camera_id), cure="/api/cameras lists yours")


def check_segment(sight: Sight, segment: Segment, time_ms: int) -> None:
    """Raise `NotFound` for a recording out of sight, in the words for one that does not exist."""
    if not sight.moment(segment.camera_id, time_ms):
        raise unknown_segment(segment.id)
