"""Takes up what an earlier recorder left in this folder of cameras that others record into other folders now.

A camera of this recorder's own needs none of it: what was left of it is taken up when it is begun. One that nobody
holds yet is waited for: its recorder may be starting too, and may be this one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from indexer.sharing import Share
from search.errors import XunrenError
from search.live import Stream
from search.live_catalog import LiveCatalog
from search.types import Role, SegmentState

log = logging.getLogger(__name__)

AGAIN_S = 5.0
LEAVE_S = 15.0


class Strays:
    """A thread from `start` to `stop`, which ends by itself when no camera is left to be looked at.

    Args:
        live: the catalogue.
        root: the folder.
        share: of its recorder.
        save: takes up what was left of a stream, in this state.
    """

    def __init__(
        self, live: LiveCatalog, root: Path, share: Share, save: Callable[[Stream, SegmentState], None]
    ) -> None:
        self._live = live
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
        for stream in self._live.streams():
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
            both = any(stream.role is Role.SUB for stream in streams)
            for stream in streams:
                kept = both and stream.role is Role.MAIN
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
