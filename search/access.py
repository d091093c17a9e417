"""Visibility: some cameras, from some time on. It becomes part of the filter of the vector search itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from search.errors import Denied
from search.types import Camera, Filter


@dataclass(frozen=True, slots=True)
class Visibility:
    """The visible cameras (None: all) and the first visible Unix ms (None: no limit)."""

    cameras: frozenset[str] | None = None
    from_ms: int | None = None

    def camera(self, camera_id: str) -> bool:
        """Return whether a camera is visible."""
        return self.cameras is None or camera_id in self.cameras

    def moment(self, camera_id: str, time_ms: int) -> bool:
        """Return whether a camera is visible at a time."""
        return self.camera(camera_id) and (self.from_ms is None or time_ms >= self.from_ms)

    def of(self, cameras: list[Camera]) -> list[Camera]:
        """Return those of `cameras` that are visible."""
        return cameras if self.cameras is None else [camera for camera in cameras if camera.id in self.cameras]

    def narrow(self, where: Filter) -> Filter:
        """Return `where` limited to this visibility; other cameras are left out.

        Raises:
            Denied: nothing of what is asked for is in sight.
        """
        if self.cameras is not None:
            cameras = tuple(camera for camera in where.cameras or sorted(self.cameras) if camera in self.cameras)
            if not cameras:  # an empty filter would mean all
                raise Denied("no camera of what you ask for is yours to see", cure="ask an administrator")
            where = replace(where, cameras=cameras)
        if self.from_ms is None or (where.start_ms is not None and where.start_ms >= self.from_ms):
            return where
        if where.end_ms is not None and where.end_ms <= self.from_ms:
            raise Denied("this is longer ago than you may look back", cure="ask an administrator")
        return replace(where, start_ms=self.from_ms)


SEES_ALL = Visibility()


@dataclass(frozen=True, slots=True)
class Requester:
    """The person who searches: a name (the key of cached answers), case, visibility and widest search.

    `widest_ms` is the longest stretch of footage that a search of all cameras may cover; None: any.
    """

    name: str = ""
    case: str = ""
    visibility: Visibility = SEES_ALL
    widest_ms: int | None = None


ANYONE = Requester()
