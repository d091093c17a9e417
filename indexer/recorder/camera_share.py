"""A recorder's share of the cameras: keeps its leases alive in a thread of its own, whatever the recorder waits for."""

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

from search.catalog.camera_leases import BEATS, CameraLeases, HeldCameras
from search.catalog.catalog import Catalog
from search.errors import Unavailable

log = logging.getLogger(__name__)

FOLDER_ID = ".folder"
"""File in a folder of recordings with an id of it."""


class CameraShare:
    """From `start` to `stop`, the cameras that this recorder is to record.

    While the catalogue does not answer, they stay what they were: better recorded twice than not at all. Whoever took
    them meanwhile is found out with the first answer.

    Args:
        catalog: open.
        root: the folder that is recorded into.
        lease_s: seconds after its last sign of life when its cameras are free for others.
        wanted: ids of all cameras that it would record -> whether it has the key of their addresses. While others
            live, those without are left to them; one that is alone keeps them, so that their health says the cause.
    """

    def __init__(self, catalog: Catalog, root: Path, lease_s: float, wanted: Callable[[], Mapping[str, bool]]) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        self.folder = folder_id(root)
        self._leases = CameraLeases(catalog.database, f"{name}:{uuid.uuid4().hex[:8]}", name, self.folder, lease_s)
        self._wanted = wanted
        self._beat_s = lease_s / BEATS
        self._held = HeldCameras()
        self._stop = threading.Event()
        self._failing = False
        self._without_key = 0
        self._thread = threading.Thread(target=self._run, name="leases", daemon=True)

    @property
    def held(self) -> HeldCameras:
        """What it holds, as far as is known."""
        return self._held

    def start(self) -> None:
        """Take a share and keep it."""
        with suppress(Unavailable):
            self._bury()
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Give it back: all files are closed."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(Unavailable):
            self._leases.leave()

    def hand_over(self, cameras: Iterable[str]) -> None:
        """These are no longer recorded here: let those who asked have them. Raises `Unavailable`."""
        self._leases.hand_over(cameras)

    def held_elsewhere(self, camera_id: str = "") -> dict[str, str]:
        """Camera id -> id of the folder of its live holder, this recorder's own not included; of one camera, or all.

        Raises:
            Unavailable: the catalogue does not answer.
        """
        found = self._leases.holders(camera_id)
        mine = self._held.cameras
        return {h.camera_id: h.folder for h in found if h.alive and h.camera_id not in mine}

    def _bury(self) -> None:
        """A recorder of this folder and machine whose process is gone needs no time to be given up."""
        host = f"{socket.gethostname()}:"
        dead = [
            id_
            for id_, (name, folder) in self._leases.known().items()
            if folder == self.folder and name.startswith(host) and not _lives(int(name.removeprefix(host)))
        ]
        self._leases.bury(dead)

    def _beat(self) -> None:
        try:
            wanted = self._wanted()
            locked = {camera for camera, opens in wanted.items() if not opens}
            found = self._leases.beat(wanted, locked)
            self._say(len(locked) if found.recorders > 1 else 0)
            lost = self._held.cameras - found.cameras
            if lost:
                log.info("%d cameras are another recorder's now", len(lost))
            self._held, self._failing = found, False
        except Unavailable as e:
            if not self._failing:
                log.warning("the recorder cannot renew its cameras' leases; it records on: %s", e)
            self._failing = True

    def _say(self, without_key: int) -> None:
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
    """Of a folder, the same for all who see it, on this machine and others; written when it is first asked for."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / FOLDER_ID).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two that start at once
        file.seek(0)
        found = file.read().strip()
        if not found:  # it is new, or the power went before it was on disk
            found = uuid.uuid4().hex
            file.write(found)
            file.flush()
            os.fsync(file.fileno())
    return found
