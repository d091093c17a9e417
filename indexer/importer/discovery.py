"""Finds recordings on disk, with their camera, their start on the wall clock and their fingerprint."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from indexer.decoding import MediaInfo
from search.errors import BadInput, BadMedia
from search.times import to_ms
from search.types import MAX_TIME_MS, StartSource, check_camera_id

READABLE = frozenset((".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mj2", ".mkv", ".webm", ".avi", ".flv")) | {
    ".ts",
    ".mts",
    ".m2ts",
    ".m2t",
    ".mpg",
    ".mpeg",
    ".vob",
}
REFUSED = frozenset((".wmv", ".asf", ".rm", ".rmvb", ".dav", ".264", ".265", ".h264", ".h265", ".hevc", ".ogv", ".mxf"))
"""Videos that are not supported: they are found all the same, so that the report names them with the cure."""

_MIN_MS = 631_152_000_000  # 1990: earlier is a clock that was never set
_DATE_FOLDER = re.compile(r"(19|20)\d{2}([-_.]?\d{2}){0,2}")
_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d{2})([-._]?)(\d{2})\2(\d{2})(?:[T _-]{0,3}|_-_)"
    r"(\d{2})([-.:_h]?)(\d{2})(?:[-.:_m]?(\d{2}))(?:s?\.?(\d{3})(?!\d))?\s?(Z(?![a-zA-Z])|[+-]\d{2}:?\d{2}(?!\d))?(?!\d)"
)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that may be a recording, and its camera. `probe` says what is wrong with it."""

    path: Path
    camera_id: str


def discover(paths: Iterable[Path], *, camera_id: str | None = None) -> list[Recording]:
    """Return all recordings under `paths`, each once, in the order of `paths` and then of names.

    A file belongs to the camera that its folder is named after; below a given folder that is the first folder on the
    way that is not a date (`2026`, `2026-11-02`, `20261102`), so that both `root/gate/a.mp4` and
    `root/gate/2026-11-02/a.mp4` belong to `gate`, whether `root` or `root/gate` is given. Files directly in the given
    folder belong to the camera named like it. Characters that an id cannot have become `_`, followed by a short hash.

    In folders, known video suffixes are taken in upper or lower case, and hidden files and folders are left out. Each
    of `paths` is always taken: a missing path and a folder without videos become recordings too, which `probe` refuses
    with the reason.

    Args:
        paths: files and folders.
        camera_id: camera of all files, whatever their folders.

    Raises:
        BadInput: `camera_id` could not be a camera's.
    """
    if camera_id is not None:
        check_camera_id(camera_id)
    recordings: dict[str, Recording] = {}
    for path in paths:
        top = Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links and lose the names
        for file in _files(top):
            camera = camera_id if camera_id is not None else _camera_of(file, top)
            recordings.setdefault(str(file), Recording(file, camera))
    return list(recordings.values())


def start_of(path: Path, info: MediaInfo, *, given_ms: int | None, zone: tzinfo) -> tuple[int, StartSource]:
    """Return when the recording began (Unix ms), and the source of that time.

    Sources in this order: `given_ms`, the container's creation time, the first time in the file's name (in `zone` where
    it names none), the file's modification time. A creation time before 1990 (a clock that was never set) or in the
    future is left out.

    Raises:
        BadMedia: missing, if the file has gone.
    """
    if given_ms is not None:
        return given_ms, StartSource.GIVEN
    now_ms = time.time_ns() // 1_000_000
    if info.created_ms is not None and _MIN_MS <= info.created_ms <= now_ms:
        return info.created_ms, StartSource.CONTAINER
    if (named := time_in_name(path.stem, zone)) is not None:
        return named, StartSource.FILENAME
    with _translated(path):
        return min(max(path.stat().st_mtime_ns // 1_000_000, 0), MAX_TIME_MS), StartSource.MTIME


def time_in_name(name: str, zone: tzinfo) -> int | None:
    """Return the first possible date with a time in a file's name (Unix ms); None if there is none.

    Examples: 20261102_080000, 20261102080000, 2026-11-02T08-00-00Z, 2026-11-02 08.00.00+0800, ch01_20261102080000.
    """
    for match in _TIME.finditer(name):
        year, _, month, day, hour, _, minute, second, fraction, offset = match.groups()
        text = f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or '000'}{offset or ''}"
        try:
            ms = to_ms(datetime.fromisoformat(text), zone)
        except (ValueError, OverflowError, BadInput):
            continue
        if ms >= _MIN_MS:
            return ms
    return None


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of the whole content, hexadecimal.

    Raises:
        BadMedia: missing or unreadable.
    """
    with _translated(path), path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


class _translated:  # noqa: N801 - used like a function
    """Turns `OSError` about `path` into `BadMedia`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            reason = "missing" if isinstance(error, FileNotFoundError) else "unreadable"
            cure = f"{error.strerror or error}; check the disk and the file's rights"
            raise BadMedia("the file cannot be read", reason=reason, got=self._path, cure=cure) from None


def _files(top: Path) -> Iterator[Path]:
    if not top.is_dir():
        yield top
        return
    empty = True
    for file in _walk(top, set()):
        empty = False
        yield file
    if empty:
        yield top


def _walk(folder: Path, above: set[tuple[int, int]]) -> Iterator[Path]:
    """Yield the videos in and below `folder`; a folder that links back to one above it is not entered again."""
    try:
        info = folder.stat()
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError:
        yield folder  # `probe` says that it cannot be read
        return
    identity = (info.st_dev, info.st_ino)
    if identity in above:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, above | {identity})
        elif entry.suffix.lower() in READABLE | REFUSED:
            yield entry


def _camera_of(file: Path, top: Path) -> str:
    if file != top and file.parent != top:
        for name in file.parent.relative_to(top).parts:
            if not _DATE_FOLDER.fullmatch(name):
                return usable_camera_id(name)
    above = file.parent if file == top else top
    for folder in (above, *above.parents):
        if folder.name and not _DATE_FOLDER.fullmatch(folder.name):
            return usable_camera_id(folder.name)
    return "camera"


def usable_camera_id(name: str) -> str:
    """Return `name` if it can be a camera's id, else its usable part with a hash that keeps different names apart."""
    try:
        return check_camera_id(name)
    except BadInput:
        mark = hashlib.sha256(os.fsencode(name)).hexdigest()[:6]
        plain = re.sub(r"[^\w .:@()+-]", "_", name.encode("utf-8", "replace").decode()).strip(" .:@()+-")
        return f"{plain[:56].rstrip() or 'camera'}#{mark}"
