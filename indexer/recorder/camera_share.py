"""A recorder's share of the cameras. A thread of its own keeps the leases alive, whatever the recorder waits for."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from search.catalog import BEATS, CameraLeases, Catalog, HeldCameras
from search.errors import Unavailable

log = logging.getLogger(__name__)

FOLDER_ID = ".folder"
"""Name of the file in a folder of recordings that holds the folder's id."""


class CameraShare:
    """The cameras that this recorder is to record, from `start` to `stop`.

    While the catalogue does not answer, they stay the same: better recorded twice than not at all. The first answer
    says which ones another recorder took meanwhile.

    Args:
        catalog: open.
        root: the folder that is recorded into.
        lease_s: seconds after the last sign of life when the cameras are free for others.
        cameras: returns the ids of all cameras to record -> whether this recorder has the key of their addresses.
            Those without are left to other recorders; if there are none it keeps them, and their health says the cause.
    """

    def __init__(self, catalog: Catalog, root: Path, lease_s: float, cameras: Callable[[], Mapping[str, bool]]) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        self.folder = folder_id(root)
        self._leases = CameraLeases(catalog.database, f"{name}:{uuid.uuid4().hex[:8]}", name, self.folder, lease_s)
        self._cameras = cameras
        self._beat_s = lease_s / BEATS
        self._held = HeldCameras()
        self._stop = threading.Event()
        self._failing = False
        self._without_key = 0
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    @property
    def held(self) -> HeldCameras:
        """Return the cameras that it holds, as far as is known."""
        return self._held

    def start(self) -> None:
        """Take a share and keep it."""
        with suppress(Unavailable):
            self._release_dead()
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Give the share back; call it when all files are closed."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(Unavailable):
            self._leases.leave()

    def hand_over(self, cameras: Iterable[str]) -> None:
        """Give these, which are no longer recorded here, to the recorders that asked for them. Raises `Unavailable`."""
        self._leases.hand_over(cameras)

    def held_elsewhere(self, camera_id: str = "") -> dict[str, str]:
        """Return camera id -> folder id of its live holder, without this recorder's own; for one camera, or all.

        Raises:
            Unavailable: the catalogue does not answer.
        """
        holders = self._leases.holders(camera_id)
        own = self._held.cameras
        return {h.camera_id: h.folder for h in holders if h.alive and h.camera_id not in own}

    def _release_dead(self) -> None:
        """Release the leases of this folder's recorders on this machine whose process is gone, without waiting."""
        host = f"{socket.gethostname()}:"
        dead = [
            id_
            for id_, (name, folder) in self._leases.known().items()
            if folder == self.folder and name.startswith(host) and not _lives(int(name.removeprefix(host)))
        ]
        self._leases.bury(dead)

    def _beat(self) -> None:
        try:
            cameras = self._cameras()
            locked = {camera for camera, opens in cameras.items() if not opens}
            held = self._leases.beat(cameras, locked)
            self._log_without_key(len(locked) if held.recorders > 1 else 0)
            lost = self._held.cameras - held.cameras
            if lost:
                log.info("%d cameras are another recorder's now", len(lost))
            self._held, self._failing = held, False
        except Unavailable as e:
            if not self._failing:
                log.warning("the recorder cannot renew its cameras' leases; it records on: %s", e)
            self._failing = True

    def _log_without_key(self, without_key: int) -> None:
        if without_key and not self._without_key:
            log.warning(
                "%d cameras are left to other recorders: their addresses were sealed with another key; set secret_key "
                "to that of the machine where they were added, and start this recorder again",
                without_key,
            )
        self._without_key = without_key

    def _run(self) -> None:
        while not self._stop.wait(self._beat_s):
            try:
                self._beat()
            except Exception:
                log.exception("the recorder's leases were not renewed; trying again")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def folder_id(root: Path) -> str:
    """Return a folder's id, the same on every machine that sees the folder; the first call writes it."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / FOLDER_ID).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two that start at once
        file.seek(0)
        id_ = file.read().strip()
        if not id_:  # it is new, or the power went before it was on disk
            id_ = uuid.uuid4().hex
            file.write(id_)
            file.flush()
            os.fsync(file.fileno())
    return id_
