"""Registers recordings: files on disk become segments in the catalogue, or are refused with reason and cure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path

from indexer.decoding.video_source import probe
from indexer.importer.discovery import Recording, discover, fingerprint, start_of
from search.catalog.catalog import Catalog
from search.catalog.segment_queue import segment_id
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
    """What `register` found: segments that wait for indexing, those already indexed, and refused files."""

    waiting: list[Segment] = field(default_factory=list)
    known: list[Segment] = field(default_factory=list)
    refused: list[RejectedFile] = field(default_factory=list)

    @property
    def files(self) -> int:
        """How many files were looked at."""
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
        start_ms: wall-clock start (Unix ms) of a single file; None finds it out.
        zone: of times without one.
        max_megapixels: larger pictures are refused.
        on_file: told about each file before it is read.

    Raises:
        BadInput: an impossible camera id, or a start for more than one file.
    """
    if camera_id is not None:
        check_camera_id(camera_id)
    given = list(paths)
    for path in given:
        catalog.rejected_files.remove(_text(path))  # what was wrong with it the last time may be mended
    recordings = discover(given, camera_id=camera_id)
    if start_ms is not None and len(recordings) > 1:
        raise BadInput(
            "one start time cannot hold for several files",
            got=f"{len(recordings)} files",
            cure="index them one by one, or leave --start away",
        )
    found = Registered()
    for recording in recordings:
        on_file(recording.path)
        try:
            _register_one(catalog, recording, found, start_ms, zone, max_megapixels)
        except BadMedia as e:
            refused = RejectedFile(
                _text(recording.path), e.reason, f"{e.what}; got: {e.got}" if e.got else e.what, e.cure
            )
            catalog.rejected_files.add(refused.path, refused.reason, refused.message, refused.cure)
            found.refused.append(refused)
    return found


def _register_one(
    catalog: Catalog,
    recording: Recording,
    found: Registered,
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
    (found.waiting if catalog.segments.add(segment) else found.known).append(segment)
    catalog.rejected_files.remove(_text(recording.path))


def _text(path: Path) -> str:
    """A path that can be stored and shown, also where its name is no valid text."""
    return os.fsencode(path).decode("utf-8", "replace")
