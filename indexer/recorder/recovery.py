"""Recovers what a killed recorder left: files that were being written, and closed files the catalogue does not know."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from indexer.decoding import probe
from indexer.recorder.camera_share import CameraShare
from indexer.recorder.segment_writer import PART, RecordingFolder, SegmentWriter, StreamShape, files_below, read_name
from search.catalog import Catalog
from search.errors import BadMedia, XunrenError
from search.media import Timeline, open_video
from search.stream_types import Stream
from search.types import Segment, SegmentState, StreamRole

log = logging.getLogger(__name__)

AGAIN_S = 5.0
LEAVE_S = 15.0
_LOOK_BACK_MS = 86_400_000  # the catalogue may have been out of reach for as long


def salvage_parts(folder: RecordingFolder) -> Iterator[Segment]:
    """Complete the files of a stream that were cut off while they were written, as far as they go.

    Raises:
        OSError: there is no room, or a folder cannot be read.
    """
    for part, start_ms in _files(folder, PART):
        segment = _complete(folder, part, start_ms)
        part.unlink(missing_ok=True)
        if segment is not None:
            log.info("%s: %d ms saved of a file that was cut off", folder.camera_id, segment.duration_ms)
            yield segment


def unregistered(folder: RecordingFolder, catalog: Catalog, max_megapixels: float) -> Iterator[Segment]:
    """Yield the closed files that the catalogue does not know, of the last day that was recorded into this folder.

    Not of the last day in the catalogue: another recorder may have gone on with the stream elsewhere.
    """
    files = _files(folder, ".mp4")
    since = max((start_ms for _, start_ms in files), default=0) - _LOOK_BACK_MS
    known = catalog.recordings.paths(folder.camera_id, folder.role, since)
    for file, start_ms in files:
        if start_ms < since or str(file.absolute()) in known:
            continue
        try:
            info = probe(file, max_megapixels=max_megapixels)
            yield folder.segment(file, start_ms, info.duration_ms or 1, (info.width, info.height))
        except (BadMedia, OSError) as e:  # the latter also where another process has moved it on
            log.warning("%s cannot be taken up: %s", file, e)


def _files(folder: RecordingFolder, suffix: str) -> list[tuple[Path, int]]:
    """Return the stream's files with this suffix and their starts (Unix ms), by start."""
    files = [(f, read_name(f)) for f in files_below(folder.root / folder.camera_id, 2) if f.suffix == suffix]
    return [(file, name[0]) for file, name in files if name is not None and name[1] is folder.role]


def _complete(folder: RecordingFolder, part: Path, start_ms: int) -> Segment | None:
    """Copy the packets of a cut-off file into a file of their own; None if there are none."""
    import av

    writer: SegmentWriter | None = None
    offset = 0.0
    try:
        with open_video(part) as (container, stream):
            timeline = Timeline(container, stream)
            shape = StreamShape(stream.codec_context.name, stream.width, stream.height)
            for packet in timeline:
                if not packet.size or packet.is_corrupt:
                    continue
                if writer is None:
                    writer = SegmentWriter(folder, stream, shape, start_ms - 1)  # beside the one that is read
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


class RecoveryThread:
    """Recovers the files of cameras that other recorders record now; ends by itself when none is left.

    Args:
        catalog: the catalogue.
        root: the folder of recordings.
        share: share of its recorder.
        recover: writes what was left of a stream to the catalogue, in this state.
    """

    def __init__(
        self, catalog: Catalog, root: Path, share: CameraShare, recover: Callable[[Stream, SegmentState], None]
    ) -> None:
        self._catalog = catalog
        self._root = root
        self._share = share
        self._recover = recover
        self._left: set[str] | None = None
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._recovering = ""
        self._failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recovery", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; files not yet in the catalogue are found again at the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(LEAVE_S)

    def begin(self, cameras: Collection[str]) -> set[str]:
        """Return the cameras that the recorder may begin, and leave them to it from now on; the others may soon."""
        with self._lock:
            free = set(cameras) - {self._recovering}
            self._begun |= free
        return free

    def step(self) -> bool:
        """Recover what can be recovered now, and return whether that was all.

        Raises:
            Unavailable: the catalogue does not answer.
            OSError: the folder cannot be read.
        """
        if self._left is None:
            self._left = {path.name for path in self._root.iterdir()}
        elsewhere = self._share.held_elsewhere()
        streams: dict[str, list[Stream]] = {}
        for stream in self._catalog.streams.all():
            streams.setdefault(stream.camera_id, []).append(stream)
        with self._lock:
            self._left &= streams.keys() - self._begun
        for camera in sorted(self._left & elsewhere.keys()):
            if self._stop.is_set():
                break
            if self._take_up(camera, streams[camera]):
                self._left.discard(camera)
        return not self._left

    def _take_up(self, camera: str, streams: list[Stream]) -> bool:
        """Recover a camera, and return whether it is done: recovered, or left to another thread or process."""
        with self._lock:
            if camera in self._begun:
                return True
            self._recovering = camera
        try:
            folder = self._share.held_elsewhere(camera).get(camera)  # as it is now: it may change any second
            if folder is None:
                return False
            if folder == self._share.folder:  # another process records it into this folder, and took it up
                return True
            both = any(stream.role is StreamRole.SUB for stream in streams)
            for stream in streams:
                kept = both and stream.role is StreamRole.MAIN
                self._recover(stream, SegmentState.KEPT if kept else SegmentState.PENDING)
            return True
        finally:
            self._recovering = ""

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if self.step():
                    return
                self._failing = False
            except Exception as e:
                if not self._failing:
                    surprise = not isinstance(e, XunrenError | OSError)
                    log.warning("what was left here is not taken up yet; trying again: %s", e, exc_info=surprise)
                self._failing = True
            self._stop.wait(AGAIN_S)
