"""The recorder: a capture for each stream of the catalogue, one writer to the catalogue, a watch over the disk."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from indexer.recorder.camera_share import CameraShare
from indexer.recorder.capture import Capture, RecorderContext
from indexer.recorder.catalog_writer import CatalogWriter
from indexer.recorder.gap_ledger import GapLedger
from indexer.recorder.recovery import RecoveryThread, salvage_parts, unregistered
from indexer.recorder.segment_writer import RecordingFolder
from indexer.recorder.timebase import now
from indexer.recorder.uploader import Uploader
from search.catalog import Catalog, HeldCameras, RecorderUpdate
from search.config import Settings
from search.errors import Unavailable, XunrenError
from search.media import open_media
from search.stream_types import Health, Stream
from search.types import SegmentState, StreamRole
from search.vault import Vault

log = logging.getLogger(__name__)

FLUSH_S = 0.5  # between two transactions that write closed files to the catalogue
HEALTH_S = 2.0
SYNC_S = 1.0  # until a camera that was added, or is this recorder's now, is recorded
CONNECTS_PER_S = 20.0  # of all streams together: more at once are a burst for the network and this machine
STUCK_S = 45.0  # a capture that gives no sign of life for so long hangs where nothing can interrupt it
BEGIN_AT_ONCE = 8  # cameras whose unfinished files are looked for at a time
LEAVE_S = 15.0  # for all files to be completed at the end
CHANGE_S = 2.0  # for the file of a stream whose address was changed
_ROOM_AGAIN = 1.02  # of the least free space, before recording begins again
_GIB = 2**30

Key = tuple[str, StreamRole]
StreamFilter = Callable[[Stream], bool]


class Recorder:
    """Records the streams of the catalogue that `selects` accepts, from `start` to `stop`; recorders share them.

    Args:
        settings: folders, times and limits.
        catalog: the catalogue.
        selects: which streams; all by default.
    """

    def __init__(self, settings: Settings, catalog: Catalog, selects: StreamFilter = lambda _: True) -> None:
        self._settings = settings
        self._catalog = catalog
        self._selects = selects
        self._vault = Vault(settings.data_dir, settings.secret_key)
        self._opens: dict[str, bool] = {}  # by sealed address: there may be thousands
        self._media = open_media(settings)
        self._uploader: Uploader | None = None
        self._writer = CatalogWriter(catalog)
        self._captures: dict[Key, Capture] = {}
        self._room = threading.Event()
        self._lock = threading.Lock()
        self._next_connect = 0.0
        self._context = RecorderContext(settings, self._writer.post, self._turn, self._room.is_set)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._share: CameraShare | None = None
        self._recovery: RecoveryThread | None = None

    def start(self) -> None:
        """Start to record. Raises `Unavailable` if the folder of recordings cannot be made."""
        s = self._settings
        try:
            s.recordings_dir.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            cure = f"{e.strerror}; choose another --data-dir"
            raise Unavailable("the folder of recordings cannot be made", got=s.recordings_dir, cure=cure) from None
        self._share = CameraShare(self._catalog, s.recordings_dir, s.camera_lease_s, self._cameras)
        if self._media.takes_recordings:
            self._uploader = Uploader(self._catalog, self._media, s.recordings_dir, self._share.folder)
            self._writer.uploading_from = self._uploader.folder
        self._share.start()
        self._recovery = RecoveryThread(self._catalog, s.recordings_dir, self._share, self._recover)
        self._recovery.start()
        self._thread.start()
        if self._uploader is not None:
            self._uploader.start()

    def stop(self) -> None:
        """Complete all files, write them to the catalogue, and end."""
        self._context.stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for part in (self._recovery, self._share, self._uploader):
            if part is not None:
                part.stop()

    def __enter__(self) -> Recorder:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def held(self) -> HeldCameras:
        """Return the cameras that this recorder holds, and with how many others it shares them."""
        return self._share.held if self._share is not None else HeldCameras()

    def health(self) -> list[Health]:
        """Return the health of every recorded stream now."""
        return [capture.status.health() for capture in list(self._captures.values())]

    # the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        due = dict.fromkeys((self._check_disk, self._sync, self._write_health), 0.0)
        every = {self._check_disk: 1.0, self._sync: SYNC_S, self._write_health: HEALTH_S}
        while not self._context.stop.is_set():
            for task, at in due.items():
                if time.monotonic() >= at:
                    self._run_guarded(task)
                    due[task] = time.monotonic() + every[task]
            self._run_guarded(self._writer.flush)
            self._context.stop.wait(FLUSH_S)
        self._end()

    def _run_guarded(self, task: Callable[[], None]) -> None:
        """Run a task of the loop. While the catalogue is locked or away recording goes on, and the task runs later."""
        try:
            task()
        except Unavailable as e:
            log.warning("the recorder cannot reach the catalogue; trying again: %s", e)
        except Exception:
            log.exception("the recorder's %s failed; trying again", task.__name__)

    def _end(self) -> None:
        captures = list(self._captures.values())
        until = time.monotonic() + LEAVE_S
        for capture in captures:
            if not capture.join(max(0.1, until - time.monotonic())):
                log.warning("%s does not end; its open file is saved at the next start", capture.stream.camera_id)
        self._run_guarded(self._write_health)
        self._run_guarded(self._writer.flush)

    # streams -------------------------------------------------------------------------------------------------

    def _sync(self) -> None:
        """Record the selected streams of the cameras that this recorder holds, and nothing else."""
        held = self.held
        own = held.cameras - held.requested
        streams = {
            (s.camera_id, s.role): s for s in self._catalog.streams.all() if s.camera_id in own and self._selects(s)
        }
        self._leave_others(streams)
        if held.requested and self._share is not None:
            self._writer.flush()  # all that was recorded of them, before another recorder's ledger begins
            self._share.hand_over(held.requested)
        self._begin_new(streams)

    def _leave_others(self, streams: dict[Key, Stream]) -> None:
        """End the captures that hang, and those whose stream is gone or changed."""
        for key, capture in list(self._captures.items()):
            if self._is_stuck(capture):
                log.error("%s hangs; its connection is given up", capture.stream.camera_id)
            elif streams.get(key) == capture.stream:
                continue
            capture.leave()
            capture.join(CHANGE_S)
            del self._captures[key]
            self._writer.flush()

    def _begin_new(self, streams: dict[Key, Stream]) -> None:
        """Begin the streams that are not recorded yet, several at a time."""
        both = {camera for camera, role in streams if role is StreamRole.SUB}
        new = [(key, stream) for key, stream in streams.items() if key not in self._captures]
        if self._recovery is not None:
            free = self._recovery.begin({stream.camera_id for _, stream in new})
            new = [(key, stream) for key, stream in new if stream.camera_id in free]
        with ThreadPoolExecutor(BEGIN_AT_ONCE, "record-begin") as pool:
            begun = [
                (key, pool.submit(self._begin, stream, stream.role is StreamRole.MAIN and stream.camera_id in both))
                for key, stream in new
            ]
        for key, future in begun:
            try:
                self._captures[key] = future.result()
            except Exception as e:  # the others record, and the next call of `_sync` tries this one again
                surprise = not isinstance(e, XunrenError | OSError)
                log.warning("%s %s is not recorded yet; trying again: %s", *key, e, exc_info=surprise)

    def _cameras(self) -> dict[str, bool]:
        """Return the ids of all selected cameras -> whether the addresses of all their streams can be opened here."""
        streams = [stream for stream in self._catalog.streams.all() if self._selects(stream)]
        known = self._opens
        self._opens = {s.sealed: known[s.sealed] if s.sealed in known else self._vault.opens(s.sealed) for s in streams}
        cameras: dict[str, bool] = {}
        for stream in streams:
            cameras[stream.camera_id] = cameras.get(stream.camera_id, True) and self._opens[stream.sealed]
        return cameras

    def _is_stuck(self, capture: Capture) -> bool:
        return time.monotonic() - capture.status.alive_at > STUCK_S

    def _begin(self, stream: Stream, kept: bool) -> Capture:
        """Recover what was left and record on; `kept`: as evidence that is not indexed."""
        state = SegmentState.KEPT if kept else SegmentState.PENDING
        started = round(now().wall_ms)
        self._recover(stream, state)
        ledger = GapLedger(stream, self._catalog.recordings.covered_until(stream), started)
        capture = Capture(stream, lambda: self._vault.open(stream.sealed), state, ledger, self._context)
        capture.start()
        return capture

    def _recover(self, stream: Stream, state: SegmentState) -> None:
        """Write to the catalogue what an earlier recorder left of this stream in files."""
        folder = RecordingFolder(self._settings.recordings_dir, stream.camera_id, stream.role)
        update = RecorderUpdate()
        try:
            update.segments = [(segment, state) for segment in salvage_parts(folder)]
        except OSError as e:
            log.warning("%s: files that were cut off wait for room (%s)", stream.camera_id, e.strerror)
        known = {segment.id for segment, _ in update.segments}
        missed = list(unregistered(folder, self._catalog, self._settings.max_megapixels))
        update.segments += [(segment, state) for segment in missed if segment.id not in known]
        self._writer.write(update)
        if self._uploader is not None:
            self._uploader.tidy(missed)  # those that were sent, and not yet removed when a kill came

    # what streams share --------------------------------------------------------------------------------------

    def _turn(self) -> float:
        with self._lock:
            at = max(time.monotonic(), self._next_connect)
            self._next_connect = at + 1 / CONNECTS_PER_S
            return at - time.monotonic()

    def _check_disk(self) -> None:
        least = self._settings.min_free_gib * _GIB
        free = shutil.disk_usage(self._settings.recordings_dir).free
        if free < least and self._room.is_set():
            log.error("recording stops: %.2f GiB free, %g are kept free", free / _GIB, self._settings.min_free_gib)
            self._room.clear()
        elif free >= least * _ROOM_AGAIN and not self._room.is_set():
            self._room.set()

    def _write_health(self) -> None:
        """Write the streams' health and open gaps as they are now."""
        wall_ms = round(now().wall_ms)
        update = RecorderUpdate()
        for capture in self._captures.values():
            update.health.append(capture.status.measured())
            update.gaps += capture.ledger.open_gaps(wall_ms)
        self._catalog.recordings.write(update)
