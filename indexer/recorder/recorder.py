"""The recorder: a capture for each stream of the catalogue, one writer to the catalogue, a watch over the disk."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from indexer.recorder.camera_share import CameraShare
from indexer.recorder.capture import Capture, RecorderContext
from indexer.recorder.gap_ledger import GapLedger
from indexer.recorder.recovery import RecoveryThread, salvage_parts, untold
from indexer.recorder.segment_writer import RecordingFolder
from indexer.recorder.timebase import now
from indexer.recorder.uploader import Uploader
from search.catalog.camera_leases import HeldCameras
from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.config import Settings
from search.errors import Unavailable, XunrenError
from search.media.media_store import open_media
from search.stream_types import Gap, Health, Stream
from search.types import SegmentState, StreamRole
from search.vault import Vault

log = logging.getLogger(__name__)

TELL_S = 0.5  # between two transactions that tell the catalogue of closed files
HEALTH_S = 2.0
SYNC_S = 1.0  # until a camera that was added, or is this recorder's now, is recorded
CONNECTS_PER_S = 20.0  # of all streams together: more at once are a burst for the network and this machine
STUCK_S = 45.0  # a capture that gives no sign of life for so long hangs where nothing can interrupt it
BEGIN_AT_ONCE = 8  # cameras whose unfinished files are looked for at a time
LEAVE_S = 15.0  # for all files to be completed at the end
CHANGE_S = 2.0  # for the file of a stream whose address was changed
_ROOM_AGAIN = 1.02  # of the least free space, before recording begins again
_GIB = 2**30

Wanted = Callable[[Stream], bool]


class Recorder:
    """Records the streams of the catalogue that are `wanted`, from `start` to `stop`; others share them.

    Args:
        settings: folders, times and limits.
        catalog: the catalogue.
        wanted: which streams; all by default.
    """

    def __init__(self, settings: Settings, catalog: Catalog, wanted: Wanted = lambda _: True) -> None:
        self._settings = settings
        self._catalog = catalog
        self._wanted = wanted
        self._vault = Vault(settings.data_dir, settings.secret_key)
        self._opens: dict[str, bool] = {}  # by sealed address: there may be thousands
        self._media = open_media(settings)
        self._uploader: Uploader | None = None
        self._untold: list[RecorderUpdate] = []
        self._lock = threading.Lock()
        self._captures: dict[tuple[str, StreamRole], Capture] = {}
        self._rates: dict[tuple[str, StreamRole], tuple[float, int, int]] = {}
        self._room = threading.Event()
        self._next_connect = 0.0
        self._around = RecorderContext(settings, self._post, self._turn, self._room.is_set)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._share: CameraShare | None = None
        self._strays: RecoveryThread | None = None

    def start(self) -> None:
        """Begin to record."""
        try:
            self._settings.recordings_dir.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            cure = f"{e.strerror}; choose another --data-dir"
            raise Unavailable(
                "the folder of recordings cannot be made", got=self._settings.recordings_dir, cure=cure
            ) from None
        s = self._settings
        self._share = CameraShare(self._catalog, s.recordings_dir, s.camera_lease_s, self._cameras)
        if self._media.takes_recordings:
            self._uploader = Uploader(self._catalog, self._media, s.recordings_dir, self._share.folder)
        self._share.start()
        self._strays = RecoveryThread(self._catalog, s.recordings_dir, self._share, self._save)
        self._strays.start()
        self._thread.start()
        if self._uploader is not None:
            self._uploader.start()

    def stop(self) -> None:
        """Complete all files, tell the catalogue, and end."""
        self._around.stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._strays is not None:
            self._strays.stop()
        if self._share is not None:
            self._share.stop()
        if self._uploader is not None:
            self._uploader.stop()

    def __enter__(self) -> Recorder:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def held(self) -> HeldCameras:
        """The cameras that this recorder holds, and with how many others it shares them."""
        return self._share.held if self._share is not None else HeldCameras()

    def health(self) -> list[Health]:
        """Every stream that is recorded, as it is now."""
        return [capture.health() for capture in list(self._captures.values())]

    # the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        due = dict.fromkeys((self._look_at_disk, self._sync, self._tell_health), 0.0)
        every = {self._look_at_disk: 1.0, self._sync: SYNC_S, self._tell_health: HEALTH_S}
        while not self._around.stop.is_set():
            for task, at in due.items():
                if time.monotonic() >= at:
                    self._guarded(task)
                    due[task] = time.monotonic() + every[task]
            self._guarded(self._tell)
            self._around.stop.wait(TELL_S)
        self._end()

    def _guarded(self, task: Callable[[], None]) -> None:
        """The catalogue may be locked or away for a while: recording goes on, and it is told later."""
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
        self._guarded(self._tell_health)
        self._guarded(self._tell)

    # streams -------------------------------------------------------------------------------------------------

    def _sync(self) -> None:
        """Record what the catalogue wants recorded and this recorder holds, and nothing else."""
        held = self.held
        mine = held.cameras - held.asked
        wanted = {
            (s.camera_id, s.role): s for s in self._catalog.streams.all() if s.camera_id in mine and self._wanted(s)
        }
        for key, capture in list(self._captures.items()):
            if self._is_stuck(capture):
                log.error("%s hangs; its connection is given up", capture.stream.camera_id)
            elif wanted.get(key) == capture.stream:
                continue
            capture.leave()
            capture.join(CHANGE_S)
            del self._captures[key]
            self._tell()
        if held.asked and self._share is not None:
            self._tell()  # all that was recorded of them, before somebody else's account of them begins
            self._share.hand_over(held.asked)
        both = {camera for camera, role in wanted if role is StreamRole.SUB}
        new = [(key, stream) for key, stream in wanted.items() if key not in self._captures]
        if self._strays is not None:
            free = self._strays.begin({stream.camera_id for _, stream in new})
            new = [(key, stream) for key, stream in new if stream.camera_id in free]
        with ThreadPoolExecutor(BEGIN_AT_ONCE, "record-begin") as pool:
            begun = [
                (key, pool.submit(self._begin, stream, stream.role is StreamRole.MAIN and stream.camera_id in both))
                for key, stream in new
            ]
        for key, future in begun:
            try:
                self._captures[key] = future.result()
            except Exception as e:  # the others record, and the next look tries this one again
                surprise = not isinstance(e, XunrenError | OSError)
                log.warning("%s %s is not recorded yet; trying again: %s", *key, e, exc_info=surprise)

    def _cameras(self) -> dict[str, bool]:
        """Ids of the cameras that are wanted -> whether the addresses of all their streams can be opened here."""
        wanted = [stream for stream in self._catalog.streams.all() if self._wanted(stream)]
        known = self._opens
        self._opens = {s.sealed: known[s.sealed] if s.sealed in known else self._vault.opens(s.sealed) for s in wanted}
        found: dict[str, bool] = {}
        for stream in wanted:
            found[stream.camera_id] = found.get(stream.camera_id, True) and self._opens[stream.sealed]
        return found

    def _is_stuck(self, capture: Capture) -> bool:
        return time.monotonic() - capture.alive_at > STUCK_S

    def _begin(self, stream: Stream, kept: bool) -> Capture:
        """Take up what was left and record on; `kept`: as evidence that is not indexed."""
        state = SegmentState.KEPT if kept else SegmentState.PENDING
        started = round(now().wall_ms)
        self._save(stream, state)
        account = GapLedger(stream, self._catalog.recordings.covered_until(stream), started)
        capture = Capture(stream, lambda: self._vault.open(stream.sealed), state, account, self._around)
        capture.start()
        return capture

    def _save(self, stream: Stream, state: SegmentState) -> None:
        """Take up what an earlier recorder left of this stream."""
        place = RecordingFolder(self._settings.recordings_dir, stream.camera_id, stream.role)
        found = RecorderUpdate()
        try:
            found.segments = [(segment, state) for segment in salvage_parts(place)]
        except OSError as e:
            log.warning("%s: files that were cut off wait for room (%s)", stream.camera_id, e.strerror)
        known = {segment.id for segment, _ in found.segments}
        missed = list(untold(place, self._catalog, self._settings.max_megapixels))
        found.segments += [(segment, state) for segment in missed if segment.id not in known]
        self._write(found)
        if self._uploader is not None:
            self._uploader.tidy(missed)  # those that were sent, and not yet removed when a kill came

    # what streams share --------------------------------------------------------------------------------------

    def _post(self, written: RecorderUpdate) -> None:
        with self._lock:
            self._untold.append(written)

    def _turn(self) -> float:
        with self._lock:
            at = max(time.monotonic(), self._next_connect)
            self._next_connect = at + 1 / CONNECTS_PER_S
            return at - time.monotonic()

    def _look_at_disk(self) -> None:
        least = self._settings.min_free_gib * _GIB
        free = shutil.disk_usage(self._settings.recordings_dir).free
        if free < least and self._room.is_set():
            log.error("recording stops: %.2f GiB free, %g are kept free", free / _GIB, self._settings.min_free_gib)
            self._room.clear()
        elif free >= least * _ROOM_AGAIN and not self._room.is_set():
            self._room.set()

    # telling -------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """All closed files, in one transaction; they are kept until it has succeeded."""
        with self._lock:
            waiting = list(self._untold)
        if waiting:
            self._write(_together(waiting))
            with self._lock:
                del self._untold[: len(waiting)]

    def _write(self, written: RecorderUpdate) -> None:
        self._catalog.recordings.write(written, uploading_from=self._uploader.folder if self._uploader else "")

    def _tell_health(self) -> None:
        """Health and open gaps as they are now."""
        at = now()
        told = RecorderUpdate()
        for key, capture in self._captures.items():
            told.health.append(self._measured(key, capture, at.mono_ms / 1000, round(at.wall_ms)))
            told.gaps += capture.account.open_gaps(round(at.wall_ms))
        self._catalog.recordings.write(told)

    def _measured(self, key: tuple[str, StreamRole], capture: Capture, mono_s: float, wall_ms: int) -> Health:
        """With frames and bytes a second since the last time."""
        frames, size = capture.frames, capture.bytes
        before_s, before_frames, before_size = self._rates.get(key, (mono_s - HEALTH_S, 0, 0))
        self._rates[key] = (mono_s, frames, size)
        seconds = max(mono_s - before_s, 0.1)
        return replace(
            capture.health(),
            fps=round(max(0, frames - before_frames) / seconds, 1),
            kbit_s=round(max(0, size - before_size) * 8 / 1000 / seconds, 1),
            updated_ms=wall_ms,
        )


def _together(waiting: list[RecorderUpdate]) -> RecorderUpdate:
    """In one, the later word about a gap being the one that holds."""
    whole = RecorderUpdate()
    gaps: dict[tuple[str, StreamRole, int], tuple[Gap, bool]] = {}
    for written in waiting:
        whole.segments += written.segments
        gaps |= {(g.camera_id, g.role, g.start_ms): (g, False) for g in written.no_gaps}
        gaps |= {(g.camera_id, g.role, g.start_ms): (g, True) for g in written.gaps}
    whole.gaps = [gap for gap, is_one in gaps.values() if is_one]
    whole.no_gaps = [gap for gap, is_one in gaps.values() if not is_one]
    return whole
