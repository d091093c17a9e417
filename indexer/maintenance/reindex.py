"""Fills an index with what it lacks: the rows that another index has, of the same pictures, by another model.

A row's id, box and times are taken from the index that answers, and only its picture is cut out of the recording again:
no detector runs, and marks, sightings and trails, which name rows by id, mean the same in both. (Looking anew would not
do: what is found in a file of a live camera depends on the files before it, and on the load of that hour.)

Nothing here knows how a job began. What an index lacks is asked of the catalogue, leased, filled and told; after a
kill, or with several processes at it, the next one asks again.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np

from indexer.decoding.nvdec import decoding_card
from indexer.decoding.privacy_masks import MaskBook, blackened
from indexer.decoding.video_source import VideoSource
from indexer.detection.crops import CROP_PX
from indexer.pipeline.analyzer import WHOLE_FRAME_PX
from indexer.pipeline.threads import BoundedQueue, StoppedWork, ThreadGroup
from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo, ReindexScope
from search.config import Settings
from search.coverage.queries import CoverageQueries
from search.errors import BadMedia
from search.media.media_store import MediaStore, shrink
from search.models.embedder import Embedder
from search.types import Image, Row, RowKind, Segment
from search.vector_store.base import VectorStore

log = logging.getLogger(__name__)

SEGMENTS = 16  # at once: their rows are found together, and a kill costs at most their work
WRITE_ROWS = 512
REST = 10  # times as long as it took to see that nothing is missing, nobody looks again
PATIENCE_S = 1.0  # so long a segment waits for live indexing that is behind
NICE = 10  # of the threads that decode
EVERY_PICTURE_S = 0.001

MISSING = "its pictures are not in the file"


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """An index that is open: its entry, what embeds for it, where it lies."""

    index: IndexInfo
    embedder: Embedder
    store: VectorStore


class Backfill:
    """Makes up what `target` lacks of `source`. Opens and closes nothing; one of it is enough for a process.

    Args:
        settings: of the index; `lease_s`, `workers`, `sample_interval_s` and `max_megapixels` count.
        catalog: open.
        source: the index whose rows are taken.
        target: the one that gets them.
    """

    def __init__(self, settings: Settings, catalog: Catalog, media: MediaStore, source: Side, target: Side) -> None:
        self._settings = settings
        self._card = decoding_card(settings)
        self._media = media
        self._book = catalog.backfill
        self._catalog = catalog
        self._masks = MaskBook(self._catalog)
        self._source, self._target = source, target
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._lease_ms = round(1000 * settings.lease_s)
        self._until_ms: int | None = None  # what begins later is done already
        self._rest_until = 0.0
        self._renewed = 0.0

    def step(self, stop: threading.Event, progress: Callable[[Segment], None], scope: ReindexScope) -> int:
        """Fill up to `SEGMENTS` segments; how many. 0: nothing is missing, or others are at it.

        To see that nothing is missing means to go through all segments: after that, it is taken for granted for a time.

        Args:
            stop: ends it.
            progress: called with each segment that was filled.
            scope: what the target is to have by now; its entry may be older.

        Raises:
            Stopped: `stop` is set; what is under way waits again.
            Unavailable: a part does not answer.
        """
        if time.monotonic() < self._rest_until:
            return 0
        segments = self._next(replace(self._target.index, scope=scope))
        if not segments:
            return 0
        try:
            self._fill(segments, stop, progress)
        finally:
            self._book.release(self._owner)
        return len(segments)

    def _next(self, target: IndexInfo) -> list[Segment]:
        began = time.monotonic()
        for until_ms in dict.fromkeys((self._until_ms, None)):  # from where it was, then from the newest on
            segments = self._book.take(
                target, self._source.index, self._owner, SEGMENTS, self._lease_ms, until_ms=until_ms
            )
            if segments:
                self._until_ms = segments[0].start_ms
                return segments
        self._until_ms = None
        self._rest_until = time.monotonic() + REST * (time.monotonic() - began)
        return []

    def unlike(self, segment: Segment, least: float) -> list[str]:
        """Ids of this segment's rows whose vector in the target is not that of their picture (cosine below `least`).

        Raises:
            BadMedia: the file does not have the pictures.
        """
        found = list(self._pictures(segment, self._target.store.rows_of([segment.id]), threading.Event()))
        bad: list[str] = []
        for at in range(0, len(found), self._target.embedder.batch_size):
            part = sorted(found[at : at + self._target.embedder.batch_size], key=lambda item: item[0].id)
            stored = self._target.store.get([row.id for row, _ in part])[1]
            fresh = self._target.embedder.embed_images([image for _, image in part])
            cosines = (stored * fresh).sum(axis=1)
            bad += [row.id for (row, _), cosine in zip(part, cosines, strict=True) if cosine < least]
        return bad

    def rate(self, segment: Segment) -> float | None:
        """Seconds a row of this segment, decoded, embedded, and thrown away; None: it has none, or its file is gone."""
        rows = self._source.store.rows_of([segment.id])
        began = time.monotonic()
        try:
            images = [image for _, image in self._pictures(segment, rows, threading.Event())]
        except BadMedia:
            return None
        for at in range(0, len(images), self._target.embedder.batch_size):
            self._target.embedder.embed_images(images[at : at + self._target.embedder.batch_size])
        return (time.monotonic() - began) / len(images) if images else None

    def _fill(self, segments: Sequence[Segment], stop: threading.Event, progress: Callable[[Segment], None]) -> None:
        ids = [segment.id for segment in segments]
        wanted = _by_segment(self._source.store.rows_of(ids))
        there = _by_segment(self._target.store.rows_of(ids))
        faults: dict[str, str] = {}
        filling = _Filling(self._target)
        with closing(self._decoded(segments, wanted, faults, stop, progress)) as pictures:
            for row, image in pictures:
                filling.add(row, image)
                self._renew()
        filling.write()
        for segment in segments:
            keep = {row.id for row in wanted.get(segment.id, [])}
            if any(row.id not in keep for row in there.get(segment.id, [])):
                self._target.store.delete_segment(segment.id, keep=keep)
        self._target.store.flush()
        for segment in segments:
            done = self._book.done(self._target.index, self._owner, segment, faults.get(segment.id, ""))
            if not done and self._book.deleted(segment.id):  # what was indexed anew is tidied when it is filled again
                self._target.store.delete_segment(segment.id)

    def _decoded(
        self,
        segments: Sequence[Segment],
        wanted: Mapping[str, Sequence[Row]],
        faults: dict[str, str],
        stop: threading.Event,
        progress: Callable[[Segment], None],
    ) -> Generator[tuple[Row, Image], None, None]:
        """All their pictures; files are decoded side by side, while whoever takes the pictures embeds them.

        Raises:
            Stopped: `stop` is set.
        """
        crew, waiting = ThreadGroup(), SimpleQueue[Segment]()
        pictures: BoundedQueue[tuple[Row, Image] | None] = BoundedQueue(crew, self._target.embedder.batch_size)
        decoders = min(self._settings.workers, len(segments))
        for segment in segments:
            waiting.put(segment)

        def decode() -> None:
            _give_way()
            with suppress(Empty):
                while True:
                    segment = waiting.get_nowait()
                    self._give_live_indexing_way(stop)
                    try:
                        for picture in self._pictures(segment, wanted.get(segment.id, []), stop):
                            pictures.put(picture)
                    except BadMedia as e:
                        faults[segment.id] = f"{e.what}: {e.got}"
                    progress(segment)
            pictures.put(None)

        for n in range(decoders):
            crew.start(f"refill-{n}", decode)
        try:
            while decoders:
                picture = pictures.get()
                if picture is None:
                    decoders -= 1
                else:
                    yield picture
        finally:
            crew.stop.set()
            crew.join()  # raises what stopped one of them

    def _pictures(self, segment: Segment, rows: Sequence[Row], stop: threading.Event) -> Iterator[tuple[Row, Image]]:
        """Each row with its picture (uint8 (h, w, 3)), as the worker cut it out.

        The frames that the sampling takes are tried first, as they cost least; of a file that was sampled otherwise,
        under load or by other settings, every picture is decoded.
        """
        left = {row.id: row for row in rows}
        for interval_s in (self._settings.sample_interval_s, EVERY_PICTURE_S):
            if left:
                for row, image in self._at(segment, interval_s, list(left.values()), stop):
                    del left[row.id]
                    yield row, image
        if left:
            raise BadMedia(
                MISSING,
                reason="changed",
                got=segment.path,
                cure="put back the file that was indexed",
            )

    def _at(
        self, segment: Segment, interval_s: float, rows: Sequence[Row], stop: threading.Event
    ) -> Iterator[tuple[Row, Image]]:
        by_offset: dict[int, list[Row]] = {}
        for row in rows:
            by_offset.setdefault(row.time_ms - segment.start_ms, []).append(row)
        last = max(by_offset)
        masks = self._masks.masks(segment.camera_id)
        file = Path(self._media.local(segment).path)
        largest = self._settings.max_megapixels
        source = VideoSource(file, interval_s=interval_s, max_megapixels=largest, card=self._card)
        with closing(source.frames()) as frames:
            for frame in frames:
                if stop.is_set():
                    raise StoppedWork
                self._renew()
                for row in by_offset.get(frame.offset_ms, ()):
                    image = blackened(frame.image, masks) if masks else frame.image
                    yield row, _cut(row, image)
                if frame.offset_ms >= last:
                    return

    def _renew(self) -> None:
        """The leases, now and then."""
        if time.monotonic() - self._renewed > self._lease_ms / 3000:
            self._renewed = time.monotonic()
            self._book.renew(self._target.index, self._owner, self._lease_ms)

    def _give_live_indexing_way(self, stop: threading.Event) -> None:
        """Wait a moment where recorded files wait to be indexed: a search for what is new comes first."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and CoverageQueries(self._catalog.database).backlog(0).segments:
            if stop.wait(0.1):
                raise StoppedWork


class _Filling:
    """Rows on their way into an index: embedded in full batches, across segments."""

    def __init__(self, target: Side) -> None:
        self._target = target
        self._waiting: list[tuple[Row, Image]] = []
        self._rows: list[tuple[Row, np.ndarray[tuple[int], np.dtype[np.float32]]]] = []

    def add(self, row: Row, image: Image) -> None:
        self._waiting.append((row, image))
        if len(self._waiting) >= self._target.embedder.batch_size:
            self._embed()

    def _embed(self) -> None:
        vectors = self._target.embedder.embed_images([image for _, image in self._waiting])
        self._rows += [(row, vector) for (row, _), vector in zip(self._waiting, vectors, strict=True)]
        self._waiting = []
        if len(self._rows) >= WRITE_ROWS:
            self._upsert()

    def _upsert(self) -> None:
        self._target.store.upsert([row for row, _ in self._rows], np.stack([vector for _, vector in self._rows]))
        self._rows = []

    def write(self) -> None:
        """All that is left."""
        if self._waiting:
            self._embed()
        if self._rows:
            self._upsert()


def _by_segment(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.segment_id, []).append(row)
    return found


def _cut(row: Row, image: Image) -> Image:
    """As `indexer.pipeline.analyzer` and `indexer.detection.crops` do."""
    return shrink(image, WHOLE_FRAME_PX) if row.kind is RowKind.FRAME else shrink(row.box.crop(image), CROP_PX).copy()


def _give_way() -> None:
    """Let this thread's decoding wait for that of others, where the system can."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
