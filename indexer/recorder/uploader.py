"""Moves recordings to the storage of media. While that is away, recording goes on, and the files wait on the disk.

The catalogue is the queue. A closed file enters it as `UPLOADING` under its path on this machine. Once the storage has
the file whole, the entry gets its address and the state in which it waits for the indexer. Then the file is deleted. A
kill at any point leaves a file that is sent again, to the same place, or one that is deleted at the next start.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from search.catalog import Catalog
from search.errors import Unavailable
from search.media import MediaStore
from search.types import Segment

log = logging.getLogger(__name__)

AT_ONCE = 8
STEP = 64
LOOK_S = 0.5
AGAIN_S = 5.0  # after a failure
_DEPTH = 4  # CAMERA/DATE/HOUR/FILE, as `indexer.recorder.segment_writer.RecordingFolder` names it


class Uploader:
    """Sends the files of one folder from `start` to `stop`.

    Args:
        catalog: the catalogue.
        media: the store, with a storage that takes recordings.
        root: the folder of recordings.
        folder: its id (`indexer.recorder.camera_share.folder_id`); files of other folders are other recorders'.
    """

    def __init__(self, catalog: Catalog, media: MediaStore, root: Path, folder: str) -> None:
        self.folder = folder
        self._catalog = catalog
        self._media = media
        self._root = root.absolute()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upload", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Send the waiting files, if the storage answers, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> int:
        """Send up to `STEP` files side by side, oldest first, and return how many.

        Raises:
            Unavailable: storage or catalogue do not answer; files sent until then are in the catalogue.
        """
        waiting = self._catalog.recordings.uploading(self.folder, STEP)
        with ThreadPoolExecutor(AT_ONCE, "upload") as pool:
            sending = [pool.submit(self._send, segment) for segment in waiting]
        for sent in sending:
            sent.result()
        return len(waiting)

    def tidy(self, segments: Iterable[Segment]) -> None:
        """Delete the files of those segments that the storage has."""
        candidates = list(segments)
        moved = self._catalog.recordings.moved([segment.id for segment in candidates])
        for segment in candidates:
            if segment.id in moved:
                Path(segment.path).unlink(missing_ok=True)

    def _send(self, segment: Segment) -> None:
        file = self._root.joinpath(*Path(segment.path).parts[-_DEPTH:])  # the folder may have another path by now
        if not file.is_file():  # another process was quicker, or somebody removed it: the indexer will say so
            self._catalog.recordings.uploaded(segment, segment.path)
            return
        address = self._media.put_recording(file, self._root)
        self._catalog.recordings.uploaded(segment, address)
        file.unlink(missing_ok=True)
        for folder in file.parents[:2]:  # its hour and its day, when they are empty
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _run(self) -> None:
        failing = False
        while True:
            stopping = self._stop.is_set()
            try:
                while self.step():
                    pass
                if failing:
                    log.warning("the storage of media answers again")
                failing = False
            except Unavailable as e:
                if not failing:
                    log.warning("recordings wait on this disk: %s", e)
                failing = True
            except Exception:
                log.exception("sending recordings failed; trying again")
                failing = True
            if stopping:
                return
            self._stop.wait(AGAIN_S if failing else LOOK_S)
