"""`xunren camera`: add, list, import."""

from __future__ import annotations

import csv
from pathlib import Path

from api.console import out, show_json, table
from api.parts import open_catalog
from search.config import Settings
from search.errors import BadInput, XunrenError
from search.times import iso, zone_of
from search.types import Camera

_COLUMNS = tuple(Camera.__dataclass_fields__)


def add_camera(settings: Settings, camera: Camera) -> None:
    """Add one camera, or change it."""
    with open_catalog(settings) as catalog:
        new = catalog.add_camera(camera)
    out.print(f"camera {camera.id} {'added' if new else 'changed'}")


def import_cameras(settings: Settings, file: Path) -> None:
    """Add or change all cameras of a CSV file. Nothing is changed if one line is wrong.

    Raises:
        BadInput: the file or a line cannot be used; the line is named.
    """
    cameras = read_cameras(file)
    with open_catalog(settings) as catalog:
        new = sum(catalog.add_camera(camera) for camera in cameras)
    out.print(f"{new} cameras added, {len(cameras) - new} changed")


def read_cameras(file: Path) -> list[Camera]:
    """The cameras in a CSV file with a header."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise BadInput("cannot read the camera file", got=file, cure=str(e)) from None
    reader = csv.DictReader(text.splitlines())
    unknown = set(reader.fieldnames or []) - set(_COLUMNS)
    if unknown or "id" not in (reader.fieldnames or []):
        raise BadInput(
            "the camera file has other columns",
            got=", ".join(reader.fieldnames or []) or "an empty file",
            expected=f"a header with id and any of {', '.join(_COLUMNS[1:])}",
        )
    return [_camera(row, reader.line_num) for row in reader]


def _camera(row: dict[str, str | None], line: int) -> Camera:
    value = {name: (text or "").strip() for name, text in row.items() if name is not None}
    try:
        return Camera(
            value["id"],
            value.get("name", ""),
            value.get("district", ""),
            float(value["lat"]) if value.get("lat") else None,
            float(value["lon"]) if value.get("lon") else None,
            int(value.get("clock_offset_ms") or 0),
        )
    except ValueError as e:
        raise BadInput(f"line {line} of the camera file holds no number where one belongs", got=e) from None
    except XunrenError as e:
        raise BadInput(f"line {line} of the camera file: {e.what}", got=e.got, expected=e.expected) from None


def list_cameras(settings: Settings, *, as_json: bool) -> None:
    """All cameras, and what is recorded of them."""
    zone = zone_of(settings.timezone)
    with open_catalog(settings) as catalog:
        cameras, coverage = catalog.cameras(), {row["id"]: row for row in catalog.coverage()}
    if as_json:
        rows = [{name: getattr(c, name) for name in _COLUMNS} | coverage[c.id] for c in cameras]
        show_json({"cameras": rows})
        return

    def time(ms: int | None) -> str:
        return "" if ms is None else iso(ms, zone)[:19].replace("T", " ")

    cells = [
        (
            c.id, c.name, c.district, "" if c.lat is None else f"{c.lat:.5f}, {c.lon:.5f}",
            coverage[c.id]["segments"], time(coverage[c.id]["first_ms"]), time(coverage[c.id]["last_ms"]),
        )
        for c in cameras
    ]  # fmt: skip
    out.print(table("cameras", ("id", "name", "district", "lat, lon", "files", "from", "to"), cells, right=("files",)))
