"""`xunren camera import`: adds or changes the cameras of a CSV file, all or none, in one transaction."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from api.commands.camera import CAMERA_COLUMNS, CameraChange, differences, vault_of
from api.commands.console import out
from api.composition import open_catalog
from search.catalog import CameraConfig
from search.config import Settings
from search.errors import BadInput, XunrenError
from search.times import now_ms
from search.types import Camera
from search.vault import shown

T = TypeVar("T")

_NUMBERS: dict[str, Callable[[str], float]] = {"lat": float, "lon": float, "clock_offset_ms": int, "keep_days": float}
_COLUMNS = (*CAMERA_COLUMNS, "url", "index_url", "keep_days")


def import_cameras(settings: Settings, file: Path) -> None:
    """Add or change all cameras of a CSV file; empty cells leave things as they are. All or nothing.

    Raises:
        BadInput: the file or a line cannot be used; the line is named, and no word of it that may be secret.
    """
    lines = read_changes(file)
    with open_catalog(settings) as catalog:
        vault, now = vault_of(settings), now_ms()
        known = catalog.streams.configs(list(lines))
        changed = []
        for id_, (line, change) in lines.items():
            before, hide = known.get(id_) or CameraConfig(Camera(id_)), bool(change.url or change.index_url)
            after = _at(line, lambda: change.applied(before, vault, now), hide=hide)  # noqa: B023
            if id_ not in known or differences(known[id_], after):
                changed.append(after)
        catalog.streams.put(changed)
    new = len(lines) - len(known)
    out.print(f"{new} cameras added, {len(changed) - new} changed, {len(lines) - len(changed)} as they were")


def read_changes(file: Path) -> dict[str, tuple[int, CameraChange]]:
    """Return camera id -> (line, change) of a CSV file with a header."""
    changes: dict[str, tuple[int, CameraChange]] = {}
    for line, row in _rows(file):
        change = _at(line, lambda: _change(row), hide=any("://" in cell for cell in row.values()))  # noqa: B023
        if change.camera_id in changes:
            raise BadInput(
                f"line {line} of the camera file names a camera of line {changes[change.camera_id][0]} again",
                got=change.camera_id,
                cure="give each camera one line",
            )
        changes[change.camera_id] = (line, change)
    return changes


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise BadInput("cannot read the camera file", got=file, cure=_cause(e)) from None
    reader = csv.DictReader(text.splitlines())
    header = [name.strip() for name in reader.fieldnames or []]
    if set(header) - set(_COLUMNS) or "id" not in header:
        raise BadInput(
            "the camera file has other columns",
            got=", ".join(header) if not any(set(name) & set(":@/") for name in header) else "no header",
            expected=f"a header with id and any of {', '.join(_COLUMNS[1:])}",
        )
    reader.fieldnames = header
    for row in reader:
        if None in row:
            raise BadInput(
                f"line {reader.line_num} of the camera file has more values than the header",
                cure='put values that contain a comma between " and "',
            )
        yield reader.line_num, {name: (cell or "").strip() for name, cell in row.items()}


def _cause(e: OSError | UnicodeDecodeError) -> str:
    return e.strerror or "" if isinstance(e, OSError) else f"it is not UTF-8: {e.reason}"  # not the bytes around


def _change(row: dict[str, str]) -> CameraChange:
    values: dict[str, Any] = {name: cell for name, cell in row.items() if cell}
    for name in _NUMBERS.keys() & values.keys():
        try:
            values[name] = _NUMBERS[name](values[name])
        except ValueError:
            raise BadInput(f"{name} is no number", got=repr(values[name])) from None
    return CameraChange(values.pop("id", ""), **values)


def _at(line: int, make: Callable[[], T], *, hide: bool) -> T:
    """Return what `make` makes; errors name the line. With `hide` no value is repeated: it may be an address."""
    try:
        return make()
    except XunrenError as e:
        got = e.got if not hide else shown(e.got) if "://" in e.got else None
        raise BadInput(f"line {line} of the camera file: {e.what}", got=got, expected=e.expected, cure=e.cure) from None
