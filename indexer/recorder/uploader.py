"""Moves what was recorded to the storage of media: while it is away, recording goes on, and the files wait on the disk.

The catalogue is the queue: a closed file is told to it as `UPLOADING` under its path here; once the storage has it
whole, the entry gets its address and the state in which it waits for the indexer; then the file goes. A kill at any
point leaves a file that is sent again, to the same place, or one that is found and removed at the next start.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from search.catalog.catalog import Catalog
from search.errors import Unavailable
from search.media.media_store import MediaStore
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
        media: with a storage that takes recordings.
        root: the folder.
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
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is there, if the storage answers, and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> int:
        """Send up to `STEP` files, side by side, oldest first; how many.

        Raises:
            Unavailable: storage or catalogue do not answer; what was sent until then is told.
        """
        waiting = self._catalog.recordings.uploading(self.folder, STEP)
        with ThreadPoolExecutor(AT_ONCE, "upload") as pool:
            sending = [pool.submit(self._send, segment) for segment in waiting]
        for sent in sending:
            sent.result()
        return len(waiting)

    def tidy(self, segments: Iterable[Segment]) -> None:
        """Remove the files of those segments that the storage has."""
        there = list(segments)
        moved = self._catalog.recordings.moved([segment.id for segment in there])
        for segment in there:
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
