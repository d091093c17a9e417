"""Registers recordings: files on disk become segments in the catalogue, or are refused with reason and cure.

A file is read once here, for the fingerprint that makes its segment's id; the probe reads 0.1 to 1 % of it. It is read
again when it is decoded: a worker, perhaps on another machine, leases the segment by that id. Measured on 70 MB: the
fingerprint takes 0.2 to 0.4 s from the disk, sampling takes 13 to 39 s and finds the file in the page cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from indexer.decoding import probe
from indexer.importer.discovery import Recording, discover, fingerprint, start_of
from search.catalog import Catalog, segment_id
from search.errors import BadInput, BadMedia
from search.types import Camera, Segment, check_camera_id


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that could not become a segment."""

    path: str
    reason: str
    message: str
    cure: str


@dataclass(slots=True)
class Registered:
    """The result of `register`: segments that wait for indexing, those already indexed, and refused files."""

    waiting: list[Segment] = field(default_factory=list)
    known: list[Segment] = field(default_factory=list)
    refused: list[RejectedFile] = field(default_factory=list)

    @property
    def files(self) -> int:
        """Return the number of files."""
        return len(self.waiting) + len(self.known) + len(self.refused)


def register(
    catalog: Catalog,
    paths: Iterable[Path],
    *,
    camera_id: str | None,
    start_ms: int | None,
    zone: tzinfo,
    max_megapixels: float,
    on_file: Callable[[Path], None] = lambda _: None,
) -> Registered:
    """Put all recordings under `paths` into the catalogue. One bad file stops nothing.

    Args:
        catalog: open.
        paths: files, or folders whose sub-folders are cameras.
        camera_id: camera of all files; None takes it from the folders.
        start_ms: wall-clock start (Unix ms) of a single file; None: see `start_of`.
        zone: time zone of times without one.
        max_megapixels: larger frames are refused.
        on_file: called with each file before it is read.

    Raises:
        BadInput: an impossible camera id, or a start for more than one file.
    """
    if camera_id is not None:
        check_camera_id(camera_id)
    tops = list(paths)
    for path in tops:
        catalog.rejected_files.remove(_text(path))  # what was wrong with it the last time may be mended
    recordings = discover(tops, camera_id=camera_id)
    if start_ms is not None and len(recordings) > 1:
        raise BadInput(
            "one start time cannot hold for several files",
            got=f"{len(recordings)} files",
            cure="index them one by one, or leave --start away",
        )
    registered = Registered()
    for recording in recordings:
        on_file(recording.path)
        try:
            _register_one(catalog, recording, registered, start_ms, zone, max_megapixels)
        except BadMedia as e:
            refused = RejectedFile(
                _text(recording.path), e.reason, f"{e.what}; got: {e.got}" if e.got else e.what, e.cure
            )
            catalog.rejected_files.add(refused.path, refused.reason, refused.message, refused.cure)
            registered.refused.append(refused)
    return registered


def _register_one(
    catalog: Catalog,
    recording: Recording,
    registered: Registered,
    start_ms: int | None,
    zone: tzinfo,
    max_megapixels: float,
) -> None:
    if _text(recording.path) != str(recording.path):
        raise BadMedia(
            "the file's name is no valid text", reason="unreadable", got=_text(recording.path), cure="rename it"
        )
    info = probe(recording.path, max_megapixels=max_megapixels)
    sha256 = fingerprint(recording.path)
    catalog.cameras.add(Camera(recording.camera_id), replace=False)
    camera = catalog.cameras.get(recording.camera_id)
    start, source = start_of(recording.path, info, given_ms=start_ms, zone=zone)
    path = recording.path.absolute()
    segment = Segment(
        id=segment_id(camera.id, sha256),
        camera_id=camera.id,
        path=str(path),
        sha256=sha256,
        size_bytes=path.stat().st_size,
        start_ms=start + camera.clock_offset_ms,
        start_source=source,
        duration_ms=info.duration_ms or 0,
        width=info.width,
        height=info.height,
    )
    (registered.waiting if catalog.segments.add(segment) else registered.known).append(segment)
    catalog.rejected_files.remove(_text(recording.path))


def _text(path: Path) -> str:
    """Return a path as text that can be stored and shown, also where its name is no valid text."""
    return os.fsencode(path).decode("utf-8", "replace")
