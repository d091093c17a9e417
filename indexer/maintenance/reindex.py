"""Fills an index with what it lacks: the rows that another index has, of the same images, by another model.

A row's id, box and times are taken from the active index, and only its image is cut out of the recording again: no
detector runs, and marks, sightings and trails, which name rows by id, mean the same in both. (Detecting again would not
do: the detections in a file of a live camera depend on the files before it, and on the load of that hour.)

The state of a job is in the catalogue alone: the segments that an index lacks are queried, leased, filled and reported
there. After a kill, or with several processes at work, the next one queries again.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from queue import Empty, SimpleQueue

import numpy as np

from indexer.maintenance.row_images import RowImages
from indexer.pipeline import BoundedQueue, OpenIndex, StoppedWork, ThreadGroup
from search.catalog import Catalog, IndexInfo, ReindexScope
from search.config import Settings
from search.errors import BadMedia
from search.media import MediaStore
from search.types import Image, Row, Segment, Vectors

log = logging.getLogger(__name__)

SEGMENTS = 16  # at once: their rows are read together, and a kill costs at most their work
WRITE_ROWS = 512
REST = 10  # times the duration of a query that found nothing missing, until the next one
PATIENCE_S = 1.0  # so long a segment waits for live indexing that is behind
NICE = 10  # of the threads that decode


class IndexFiller:
    """Fills `target` with the rows of `source` that it lacks. Opens and closes nothing; a process needs one a pair.

    Args:
        settings: settings of the index; `lease_s`, `workers`, `sample_interval_s` and `max_megapixels` count.
        catalog: open.
        media: has the recordings.
        source: the index whose rows are taken.
        target: the index that gets them.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, media: MediaStore, source: OpenIndex, target: OpenIndex
    ) -> None:
        self._workers = settings.workers
        self._backfill = catalog.backfill
        self._catalog = catalog
        self._images = RowImages(settings, self._catalog, media)
        self._source, self._target = source, target
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._lease_ms = round(1000 * settings.lease_s)
        self._until_ms: int | None = None  # segments that begin later are done already
        self._rest_until = 0.0
        self._renewed = 0.0

    def step(self, stop: threading.Event, progress: Callable[[Segment], None], scope: ReindexScope) -> int:
        """Fill up to `SEGMENTS` segments and return how many; 0: nothing is missing, or others fill it.

        To find that nothing is missing takes a query over all segments: for a time after it, none is made.

        Args:
            stop: ends it.
            progress: called with each segment that was filled.
            scope: the segments that the target is to have; the one in its entry may be older.

        Raises:
            StoppedWork: `stop` is set; segments under way wait again.
            Unavailable: a part does not answer.
        """
        if time.monotonic() < self._rest_until:
            return 0
        segments = self._next(replace(self._target.info, scope=scope))
        if not segments:
            return 0
        try:
            self._fill(segments, stop, progress)
        finally:
            self._backfill.release(self._owner)
        return len(segments)

    def _next(self, target: IndexInfo) -> list[Segment]:
        began = time.monotonic()
        for until_ms in dict.fromkeys((self._until_ms, None)):  # from the last position, then from the newest on
            segments = self._backfill.take(
                target, self._source.info, self._owner, SEGMENTS, self._lease_ms, until_ms=until_ms
            )
            if segments:
                self._until_ms = segments[0].start_ms
                return segments
        self._until_ms = None
        self._rest_until = time.monotonic() + REST * (time.monotonic() - began)
        return []

    def _fill(self, segments: Sequence[Segment], stop: threading.Event, progress: Callable[[Segment], None]) -> None:
        ids = [segment.id for segment in segments]
        source_rows = _by_segment(self._source.store.rows_of(ids))
        target_rows = _by_segment(self._target.store.rows_of(ids))
        faults: dict[str, str] = {}
        writer = _RowWriter(self._target)
        with closing(self._decode_row_images(segments, source_rows, faults, stop, progress)) as images:
            for row, image in images:
                writer.add(row, image)
                self._renew_leases()
        writer.finish()
        for segment in segments:
            keep = {row.id for row in source_rows.get(segment.id, [])}
            if any(row.id not in keep for row in target_rows.get(segment.id, [])):
                self._target.store.delete_segment(segment.id, keep=keep)
        self._target.store.flush()
        for segment in segments:
            self._mark_done(segment, faults.get(segment.id, ""))

    def _mark_done(self, segment: Segment, fault: str) -> None:
        done = self._backfill.done(self._target.info, self._owner, segment, fault)
        if not done and self._backfill.deleted(segment.id):  # one that was indexed again is filled again
            self._target.store.delete_segment(segment.id)

    def _decode_row_images(
        self,
        segments: Sequence[Segment],
        rows: Mapping[str, Sequence[Row]],
        faults: dict[str, str],
        stop: threading.Event,
        progress: Callable[[Segment], None],
    ) -> Generator[tuple[Row, Image], None, None]:
        """Yield the images of all rows; files are decoded side by side, while the caller embeds the images.

        Raises:
            StoppedWork: `stop` is set.
        """
        group, waiting = ThreadGroup(), SimpleQueue[Segment]()
        images: BoundedQueue[tuple[Row, Image] | None] = BoundedQueue(group, self._target.embedder.batch_size)
        decoders = min(self._workers, len(segments))
        for segment in segments:
            waiting.put(segment)

        def decode() -> None:
            _lower_priority()
            with suppress(Empty):
                while True:
                    segment = waiting.get_nowait()
                    self._wait_for_live_indexing(stop)
                    try:
                        self._decode(segment, rows.get(segment.id, []), images.put, stop)
                    except BadMedia as e:
                        faults[segment.id] = f"{e.what}: {e.got}"
                    progress(segment)
            images.put(None)

        for n in range(decoders):
            group.start(f"refill-{n}", decode)
        try:
            while decoders:
                item = images.get()
                if item is None:
                    decoders -= 1
                else:
                    yield item
        finally:
            group.stop.set()
            group.join()  # raises what stopped one of them

    def _decode(
        self,
        segment: Segment,
        rows: Sequence[Row],
        put: Callable[[tuple[Row, Image]], None],
        stop: threading.Event,
    ) -> None:
        for item in self._images.of(segment, rows, lambda: self._on_frame(stop)):
            put(item)

    def _on_frame(self, stop: threading.Event) -> None:
        if stop.is_set():
            raise StoppedWork
        self._renew_leases()

    def _renew_leases(self) -> None:
        """Renew the leases, if a third of their time is over."""
        if time.monotonic() - self._renewed > self._lease_ms / 3000:
            self._renewed = time.monotonic()
            self._backfill.renew(self._target.info, self._owner, self._lease_ms)

    def _wait_for_live_indexing(self, stop: threading.Event) -> None:
        """Wait up to `PATIENCE_S` while recorded files wait to be indexed: new recordings come first."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self._catalog.coverage.backlog(0).segments:
            if stop.wait(0.1):
                raise StoppedWork


class _RowWriter:
    """Embeds rows in full batches across segments, and writes them to an index."""

    def __init__(self, target: OpenIndex) -> None:
        self._target = target
        self._waiting: list[tuple[Row, Image]] = []
        self._rows: list[tuple[Row, Vectors]] = []

    def add(self, row: Row, image: Image) -> None:
        """Take a row; embed and write where there are enough."""
        self._waiting.append((row, image))
        if len(self._waiting) >= self._target.embedder.batch_size:
            self._embed()

    def finish(self) -> None:
        """Embed and write the rows that are left."""
        if self._waiting:
            self._embed()
        if self._rows:
            self._upsert()

    def _embed(self) -> None:
        vectors = self._target.embedder.embed_images([image for _, image in self._waiting])
        self._rows += [(row, vector) for (row, _), vector in zip(self._waiting, vectors, strict=True)]
        self._waiting = []
        if len(self._rows) >= WRITE_ROWS:
            self._upsert()

    def _upsert(self) -> None:
        self._target.store.upsert([row for row, _ in self._rows], np.stack([vector for _, vector in self._rows]))
        self._rows = []


def _by_segment(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    by_segment: dict[str, list[Row]] = {}
    for row in rows:
        by_segment.setdefault(row.segment_id, []).append(row)
    return by_segment


def _lower_priority() -> None:
    """Let this thread's decoding wait for that of others, where the system can."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
