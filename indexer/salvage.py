"""What a recorder that was killed left behind: files that were being written, and closed ones nobody was told about."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import av

from indexer.probing import probe
from indexer.recording import PART, Place, SegmentWriter, Shape, files_below, read_name
from search.containers import open_video
from search.errors import BadMedia
from search.live_catalog import LiveCatalog
from search.timeline import Timeline
from search.types import Segment

log = logging.getLogger(__name__)

_LOOK_BACK_MS = 86_400_000  # the catalogue may have been out of reach for as long


def salvage_parts(place: Place) -> Iterator[Segment]:
    """Complete the files of a stream that were cut off while they were written, as far as they go.

    Raises:
        OSError: there is no room, or a folder cannot be read.
    """
    for part, start_ms in _files(place, PART):
        segment = _completed(place, part, start_ms)
        part.unlink(missing_ok=True)
        if segment is not None:
            log.info("%s: %d ms saved of a file that was cut off", place.camera_id, segment.duration_ms)
            yield segment


def untold(place: Place, live: LiveCatalog, max_megapixels: float) -> Iterator[Segment]:
    """Closed files that the catalogue does not know, of the last day that was recorded into this folder.

    Not of the last day of the catalogue's account: another recorder may have gone on with it elsewhere.
    """
    files = _files(place, ".mp4")
    since = max((start_ms for _, start_ms in files), default=0) - _LOOK_BACK_MS
    known = live.paths(place.camera_id, place.role, since)
    for file, start_ms in files:
        if start_ms < since or str(file.absolute()) in known:
            continue
        try:
            yield _told_by(place, file, start_ms, max_megapixels)
        except (BadMedia, OSError) as e:  # the latter also where another process has moved it on
            log.warning("%s cannot be taken up: %s", file, e)


def _files(place: Place, suffix: str) -> list[tuple[Path, int]]:
    """The stream's files of a kind in this folder with their starts (Unix ms), by start."""
    files = [(file, read_name(file)) for file in files_below(place.root / place.camera_id, 2) if file.suffix == suffix]
    return [(file, name[0]) for file, name in files if name is not None and name[1] is place.role]


def _completed(place: Place, part: Path, start_ms: int) -> Segment | None:
    """The packets of a cut-off file in a file of their own; None if there are none."""
    writer: SegmentWriter | None = None
    offset = 0.0
    try:
        with open_video(part) as (container, stream):
            timeline = Timeline(container, stream)
            shape = Shape(stream.codec_context.name, stream.width, stream.height)
            for packet in timeline:
                if not packet.size or packet.is_corrupt:
                    continue
                if writer is None:
                    writer = SegmentWriter(place, stream, shape, start_ms - 1)  # beside the one that is read
                offset = max(offset, float(timeline.offset_ms(packet.dts or packet.pts or 0)))
                writer.write(packet, offset)
            step = timeline.step_ms
    except BadMedia:
        pass  # not even its head was written
    except av.FFmpegError as e:
        log.warning("%s: the rest cannot be saved (%s)", part, type(e).__name__)
    if writer is None:
        return None
    return writer.close(start_ms, round(offset + step))


def _told_by(place: Place, file: Path, start_ms: int, max_megapixels: float) -> Segment:
    info = probe(file, max_megapixels=max_megapixels)
    return place.segment(file, start_ms, info.duration_ms or 1, (info.width, info.height))
