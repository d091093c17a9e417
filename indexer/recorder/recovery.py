"""What a recorder that was killed left behind: files that were being written, and closed ones nobody was told about."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import av

from indexer.decoding.probe import probe
from indexer.recorder.camera_share import CameraShare
from indexer.recorder.segment_writer import PART, RecordingFolder, SegmentWriter, StreamShape, files_below, read_name
from search.catalog.catalog import Catalog
from search.errors import BadMedia, XunrenError
from search.media.containers import open_video
from search.media.timestamps import Timeline
from search.stream_types import Stream
from search.types import Segment, SegmentState, StreamRole

log = logging.getLogger(__name__)

_LOOK_BACK_MS = 86_400_000  # the catalogue may have been out of reach for as long


def salvage_parts(place: RecordingFolder) -> Iterator[Segment]:
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


def untold(place: RecordingFolder, catalog: Catalog, max_megapixels: float) -> Iterator[Segment]:
    """Closed files that the catalogue does not know, of the last day that was recorded into this folder.

    Not of the last day of the catalogue's account: another recorder may have gone on with it elsewhere.
    """
    files = _files(place, ".mp4")
    since = max((start_ms for _, start_ms in files), default=0) - _LOOK_BACK_MS
    known = catalog.recordings.paths(place.camera_id, place.role, since)
    for file, start_ms in files:
        if start_ms < since or str(file.absolute()) in known:
            continue
        try:
            yield _told_by(place, file, start_ms, max_megapixels)
        except (BadMedia, OSError) as e:  # the latter also where another process has moved it on
            log.warning("%s cannot be taken up: %s", file, e)


def _files(place: RecordingFolder, suffix: str) -> list[tuple[Path, int]]:
    """The stream's files of a kind in this folder with their starts (Unix ms), by start."""
    files = [(file, read_name(file)) for file in files_below(place.root / place.camera_id, 2) if file.suffix == suffix]
    return [(file, name[0]) for file, name in files if name is not None and name[1] is place.role]


def _completed(place: RecordingFolder, part: Path, start_ms: int) -> Segment | None:
    """The packets of a cut-off file in a file of their own; None if there are none."""
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


def _told_by(place: RecordingFolder, file: Path, start_ms: int, max_megapixels: float) -> Segment:
    info = probe(file, max_megapixels=max_megapixels)
    return place.segment(file, start_ms, info.duration_ms or 1, (info.width, info.height))


AGAIN_S = 5.0
LEAVE_S = 15.0


class RecoveryThread:
    """A thread from `start` to `stop`, which ends by itself when no camera is left to be looked at.

    Args:
        catalog: the catalogue.
        root: the folder.
        share: of its recorder.
        save: takes up what was left of a stream, in this state.
    """

    def __init__(
        self, catalog: Catalog, root: Path, share: CameraShare, save: Callable[[Stream, SegmentState], None]
    ) -> None:
        self._catalog = catalog
        self._root = root
        self._share = share
        self._save = save
        self._left: set[str] | None = None
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._saving = ""
        self._failing = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="strays", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not told yet is found again at the next start."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(LEAVE_S)

    def begin(self, cameras: Collection[str]) -> set[str]:
        """Those of the cameras that the recorder may begin: they are left to it from now on. The others soon."""
        with self._lock:
            free = set(cameras) - {self._saving}
            self._begun |= free
        return free

    def step(self) -> bool:
        """Take up what can be taken up now. Returns whether that was all.

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
        """Returns whether it is done with: the recorder began it meanwhile, or it is taken up."""
        with self._lock:
            if camera in self._begun:
                return True
            self._saving = camera
        try:
            folder = self._share.held_elsewhere(camera).get(camera)  # as it is now: it may change any second
            if folder is None:
                return False
            if folder == self._share.folder:  # another process records it into this folder, and took it up
                return True
            both = any(stream.role is StreamRole.SUB for stream in streams)
            for stream in streams:
                kept = both and stream.role is StreamRole.MAIN
                self._save(stream, SegmentState.KEPT if kept else SegmentState.PENDING)
            return True
        finally:
            self._saving = ""

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
