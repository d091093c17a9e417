"""A case and its trail as plain data: the shape that ``xunren case ... --json`` and the API share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import tzinfo
from typing import Any, Protocol

from api.cases.pictures import CasePictures
from api.cases.types import Case, LastSeen, Sighting
from search.catalog import Catalog
from search.geo import LAST_SEEN, Step, Stop, Trail, trail
from search.times import iso
from search.types import Camera, Segment


class Links(Protocol):
    """Links to the images of cases, as paths or as addresses."""

    def photo(self, case_id: str, number: int) -> str:
        """Return the link of a photo that was handed in."""

    def still(self, case_id: str, number: int) -> str:
        """Return the link of a sighting's picture."""

    def clip(self, sighting: Sighting, segment: Segment) -> str | None:
        """Return the link of the sighting's clip; None where nothing plays it."""


class FileLinks:
    """Paths on this machine."""

    def __init__(self, pictures: CasePictures) -> None:
        self._pictures = pictures

    def photo(self, case_id: str, number: int) -> str:
        """See `Links.photo`."""
        return str(self._pictures.photo(case_id, number).absolute())

    def still(self, case_id: str, number: int) -> str:
        """See `Links.still`."""
        return str(self._pictures.still(case_id, number).absolute())

    def clip(self, sighting: Sighting, segment: Segment) -> str | None:
        """Return None: files are not cut."""
        return None


class CaseView:
    """Says cases as plain data. `catalog` is open.

    Args:
        catalog: knows the cameras and the recordings that there still are.
        zone: time zone of the ISO 8601 times.
        links: gives pictures.
    """

    def __init__(self, catalog: Catalog, zone: tzinfo, links: Links) -> None:
        self._catalog = catalog
        self._zone = zone
        self._links = links

    def short(self, case: Case) -> dict[str, Any]:
        """Return a case as a line of a list."""
        draft = case.draft
        return {
            "id": case.id,
            "name": draft.name,
            "open": case.closed_ms is None,
            "queries": list(draft.sentences),
            "photos": [{"number": n, "image": self._links.photo(case.id, n)} for n in case.photos],
            "last_seen": self._last_seen(draft.last_seen),
            "mode": case.mode,
            "speed_mps": draft.speed_mps,
            "note": draft.note,
            **self._time("created", case.created_ms),
            **self._time("closed", case.closed_ms),
            "marks": [{"clip": mark.clip_id, "mark": mark.sign.value} for mark in case.marks],
            "sighting_count": len(case.sightings),
        }

    def full(self, case: Case) -> dict[str, Any]:
        """Return a case with its sightings."""
        segments = self._catalog.segments.by_id(sorted({s.segment_id for s in case.sightings}))
        sightings = [self._sighting(case.id, s, segments.get(s.segment_id)) for s in case.sightings]
        return self.short(case) | {"sightings": sightings}

    def sighting(self, case_id: str, sighting: Sighting) -> dict[str, Any]:
        """Return one sighting."""
        segment = self._catalog.segments.by_id([sighting.segment_id]).get(sighting.segment_id)
        return self._sighting(case_id, sighting, segment)

    def trail(self, case: Case) -> dict[str, Any]:
        """Return the trail of a case."""
        route = trail_of(self._catalog, case)
        cameras = _cameras_of(self._catalog, [stop.camera_id for stop in route.stops])
        return {
            "case": case.id,
            "name": case.draft.name,
            "mode": case.mode,
            "speed_mps": case.draft.speed_mps,
            "stops": [self._stop(stop, cameras) for stop in route.stops],
            "steps": [_step(step) for step in route.steps],
        }

    def _sighting(self, case_id: str, sighting: Sighting, segment: Segment | None) -> dict[str, Any]:
        values = asdict(sighting)
        kept = {name: values[name] for name in ("number", "frame_width", "frame_height", "note")}
        names = {"clip": sighting.clip_id, "camera": sighting.camera_id, "segment": sighting.segment_id}
        times: dict[str, Any] = {}
        for name in ("start", "end", "time", "confirmed"):
            times |= self._time(name, values[f"{name}_ms"])
        return {
            **kept,
            **names,
            **times,
            "box": list(sighting.box.xyxy),
            "hold": sighting.hold_id,
            "thumbnail": self._links.still(case_id, sighting.number),
            "path": segment.path if segment else None,
            "clip_url": self._links.clip(sighting, segment) if segment else None,
        }

    def _last_seen(self, seen: LastSeen | None) -> dict[str, Any] | None:
        if seen is None:
            return None
        where = {"camera": seen.camera_id or None, "lat": seen.lat, "lon": seen.lon, "place": seen.place}
        return where | self._time("time", seen.time_ms)

    def _stop(self, stop: Stop, cameras: Mapping[str, Camera]) -> dict[str, Any]:
        camera = cameras.get(stop.camera_id)
        return {
            "sighting": stop.number if stop.number != LAST_SEEN else None,
            "camera": stop.camera_id or None,
            "name": camera.name if camera else "",
            "place": stop.place,
            "lat": stop.lat,
            "lon": stop.lon,
            **self._time("time", stop.time_ms),
        }

    def _time(self, name: str, ms: int | None) -> dict[str, Any]:
        return {name: None if ms is None else iso(ms, self._zone), f"{name}_ms": ms}


def trail_of(catalog: Catalog, case: Case) -> Trail:
    """Return the trail of a case, with the places of its cameras as they are known now."""
    seen = case.draft.last_seen
    stops = [Stop(s.number, s.time_ms, s.camera_id) for s in case.sightings]
    if seen is not None:
        stops.append(Stop(LAST_SEEN, seen.time_ms, seen.camera_id, seen.place, seen.lat, seen.lon))
    cameras = _cameras_of(catalog, [stop.camera_id for stop in stops])
    return trail([_with_camera(stop, cameras.get(stop.camera_id)) for stop in stops], case.draft.speed_mps)


def _with_camera(stop: Stop, camera: Camera | None) -> Stop:
    if camera is None:
        return stop
    return Stop(stop.number, stop.time_ms, stop.camera_id, stop.place, camera.lat, camera.lon)


def _cameras_of(catalog: Catalog, camera_ids: Sequence[str]) -> dict[str, Camera]:
    streams = catalog.streams.configs(sorted(set(filter(None, camera_ids))))
    return {camera_id: config.camera for camera_id, config in streams.items()}


def _step(step: Step) -> dict[str, Any]:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 2)

    return {
        "from_sighting": step.start.number or None,
        "to_sighting": step.end.number or None,
        "metres": rounded(step.metres),
        "seconds": step.seconds,
        "needed_mps": rounded(step.needed_mps),
        "possible": step.possible,
        "reason": step.why,
    }
