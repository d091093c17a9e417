"""The worker: a segment goes in, a report comes out. Decoding, embedding and writing run side by side.

    decode threads (one segment each)  ->  embed thread (full batches across segments)  ->  write thread

Pixels never leave the worker. A segment is marked indexed only after all its rows and thumbnails are stored; rows
have deterministic ids, so a segment that is indexed again after a crash writes the same rows again.
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.detection import Detector
from indexer.pipeline.analyzer import CropJob, EmbeddedRow, FrameAnalyzer, Progress, Task
from indexer.pipeline.open_index import OpenIndex, OpenIndexes
from indexer.pipeline.threads import BoundedQueue, StoppedWork, Stopwatch, ThreadGroup
from search.catalog import Catalog
from search.config import Settings
from search.media import MediaStore
from search.types import Row, Segment, SegmentReport, SegmentState, Vectors
from search.vector_store import VectorStore

log = logging.getLogger(__name__)

PARTIAL_BATCH_S = 0.2  # a batch that does not fill is embedded after this long
WRITE_ROWS = 512  # rows of a segment are stored in batches, so that a long recording needs little memory
PREPARING = "preparing images and starting the model (without a card: also computing)"
AWAITING = "waiting for the model's card"
WRITE_S = 1.0  # segments that end within it are stored together: a flush for each would cost more than its rows

NextSegment = Callable[[], Segment | None]


class EndOfWork(enum.Enum):
    """The last item of a queue."""

    END = enum.auto()


@dataclass(frozen=True, slots=True)
class EmbedBatch:
    """Crops that are being embedded, with the tasks that end among them; `finish` waits for their vectors."""

    items: Sequence[CropJob | Task]
    crops: Sequence[CropJob]
    finish: Callable[[], list[dict[OpenIndex, Vectors]]]


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Rows of a segment that are ready to be stored. The segment's last batch has its `report`."""

    task: Task
    rows: list[EmbeddedRow]
    report: SegmentReport | None = None


class IndexWorker:
    """Indexes segments with the parts it is given; it opens and closes none of them.

    Each segment is decoded once, for all `indexes` that are open when it begins; the catalogue learns which of them
    have its rows.

    An index's `on_rows` is called before the segment is marked as done: rows that a kill kept from it are written and
    passed on again.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, media: MediaStore, detector: Detector, indexes: OpenIndexes
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._media = media
        self._indexes = indexes
        self.batch_size = indexes()[0].embedder.batch_size
        self.stopwatch = Stopwatch()  # of all threads, by kind of work
        self.profile = Stopwatch()  # of the embed thread: its work, and its waiting
        self.analyzer = FrameAnalyzer(settings, catalog, media, detector, self.stopwatch)
        self._busy_before_s = {index.embedder: index.embedder.busy_s for index in indexes()}

    def run(self, next_segment: NextSegment, progress: Progress | None = None) -> Generator[SegmentReport, None, None]:
        """Index the segments that `next_segment` returns until it has no more, and yield each one's report.

        Closing the generator stops the threads; segments under way stay leased and unmarked.

        Args:
            next_segment: called by several threads.
            progress: called, by several threads, with a segment and the offset (ms) that was reached in it; it may
                raise `StoppedWork` to end the run.
        """
        run = _Run(self, next_segment, progress or (lambda _segment, _offset: None))
        try:
            yield from run.reports()
        finally:
            run.stop()

    def begin(self, segment: Segment) -> Task:
        """Return a segment's task, for the indexes that are open now."""
        return Task(segment, indexes=self._indexes())

    def start(self, items: Sequence[CropJob | Task]) -> EmbedBatch:
        """Begin to embed the crops of a batch; a card goes on by itself."""
        crops = [item for item in items if isinstance(item, CropJob)]
        with self.stopwatch.time("embed"), self.profile.time(PREPARING):
            return EmbedBatch(items, crops, _start_embedding(crops))

    def finish(self, batch: EmbedBatch) -> Iterator[WriteBatch]:
        """Yield the rows of the tasks that end in a batch, and of long ones."""
        with self.stopwatch.time("embed"), self.profile.time(AWAITING):
            vectors = iter(batch.finish())
        with self.stopwatch.time("write"), self.profile.time("storing thumbnails"):
            self._media.put_thumbnails({_frame_key(crop): crop.thumbnail for crop in batch.crops})
        for item in batch.items:
            task = item if isinstance(item, Task) else item.task
            if isinstance(item, CropJob):
                task.embedded.append((item.row, next(vectors)))
            if isinstance(item, Task) or len(task.embedded) >= WRITE_ROWS:
                yield WriteBatch(task, task.embedded, task.report if isinstance(item, Task) else None)
                task.embedded = []

    def computing(self) -> float:
        """Return the percentage of the embed thread's time in which the model's device computed."""
        embedders = {index.embedder for index in self._indexes()}
        busy_s = sum(embedder.busy_s - self._busy_before_s.get(embedder, 0.0) for embedder in embedders)
        return 100 * busy_s / (sum(self.profile.seconds().values()) or 1.0)

    def write(self, batches: Sequence[WriteBatch]) -> list[SegmentReport]:
        """Store rows, remove what earlier attempts left over, then mark segments as done. Return their reports.

        An index that is dropped meanwhile gets nothing more; one that is new gets the segment by `IndexFiller`.
        """
        open_now = {index.info.collection for index in self._indexes()}
        with self.stopwatch.time("write"):
            batches = self._still_leased(batches)
            for index in _indexes_of(batch.task for batch in batches):
                if index.info.collection in open_now:
                    self._write_to(index, batches)
            return [b.report for b in batches if b.report is not None and self._mark_done(b.report, b.task, open_now)]

    def _still_leased(self, batches: Sequence[WriteBatch]) -> Sequence[WriteBatch]:
        """Leave out segments that another worker has by now: the rows that it stores must not be deleted."""
        held = self._catalog.segments.held({batch.task.segment.id: batch.task.segment for batch in batches}.values())
        return [batch for batch in batches if batch.task.segment.id in held]

    def _mark_done(self, report: SegmentReport, task: Task, open_now: set[str]) -> bool:
        """Return whether the segment is done; if not, it waits again, is another worker's, or is deleted."""
        done = self._catalog.segments.finish(report, open_now & {index.info.collection for index in task.indexes})
        if not done:
            log.warning("%s was taken over, or its index was dropped: it is not done", report.segment.path)
        return done

    def _write_to(self, index: OpenIndex, batches: Sequence[WriteBatch]) -> None:
        own = [batch for batch in batches if index in batch.task.indexes]
        if rows := _rows_for(index, own):
            index.store.upsert([row for row, _ in rows], np.stack([vector for _, vector in rows]))
        reports = [(batch.task, batch.report) for batch in own if batch.report is not None]
        for task, report in reports:
            _delete_leftovers(index.store, task, report)
        if reports:
            index.store.flush()
        _pass_on(index, own)


def _frame_key(crop: CropJob) -> tuple[str, int]:
    """Return the segment and the offset (ms) of the frame that a crop was cut from."""
    return crop.row.segment_id, crop.row.time_ms - crop.task.segment.start_ms


def _indexes_of(tasks: Iterable[Task]) -> list[OpenIndex]:
    """Return each index once; one collection may occur twice, where it was opened again."""
    return list(dict.fromkeys(index for task in tasks for index in task.indexes))


def _start_embedding(crops: Sequence[CropJob]) -> Callable[[], list[dict[OpenIndex, Vectors]]]:
    """Start all models. The returned function waits for each crop's vector (dim,) for each index of its task."""
    started = []
    for index in _indexes_of(crop.task for crop in crops):
        own = [n for n, crop in enumerate(crops) if index in crop.task.indexes]
        started.append((index, own, index.embedder.start_images([crops[n].image for n in own])))

    def finish() -> list[dict[OpenIndex, Vectors]]:
        by_crop: list[dict[OpenIndex, Vectors]] = [{} for _ in crops]
        for index, own, vectors in started:
            for n, vector in zip(own, vectors(), strict=True):
                by_crop[n][index] = vector
        return by_crop

    return finish


def _rows_for(index: OpenIndex, batches: Sequence[WriteBatch]) -> list[tuple[Row, Vectors]]:
    return [(row, vectors[index]) for batch in batches for row, vectors in batch.rows]


def _pass_on(index: OpenIndex, batches: Sequence[WriteBatch]) -> None:
    """Call `on_rows` with the rows that stay: those of an unreadable segment are deleted again."""
    rows = _rows_for(index, [b for b in batches if b.report is None or b.report.state is SegmentState.INDEXED])
    if index.on_rows and rows:
        index.on_rows([row for row, _ in rows], np.stack([vector for _, vector in rows]))


def _delete_leftovers(store: VectorStore, task: Task, report: SegmentReport) -> None:
    keep = task.ids if report.state is SegmentState.INDEXED else ()
    if task.segment.attempt > 1 or not keep:
        store.delete_segment(task.segment.id, keep=keep)


class _Run:
    """The threads of one `IndexWorker.run`."""

    def __init__(self, worker: IndexWorker, next_segment: NextSegment, progress: Progress) -> None:
        self._worker = worker
        self._next_segment = next_segment
        self._report_progress = progress
        self._batch_size = worker.batch_size
        self._threads = ThreadGroup()
        self._crops: BoundedQueue[CropJob | Task | EndOfWork] = BoundedQueue(self._threads, 4 * self._batch_size)
        self._batches: BoundedQueue[WriteBatch | EndOfWork] = BoundedQueue(self._threads, 8)
        self._reports: BoundedQueue[SegmentReport | EndOfWork] = BoundedQueue(self._threads, 1024)
        self._decoders = worker._settings.workers
        self._lock = threading.Lock()
        for n in range(self._decoders):
            self._threads.start(f"decode-{n}", self._decode)
        self._threads.start("embed", self._embed)
        self._threads.start("write", self._write)

    def reports(self) -> Iterator[SegmentReport]:
        """Yield each segment's report until all are done."""
        while not isinstance(report := self._reports.get(), EndOfWork):
            if report is not None:
                yield report

    def stop(self) -> None:
        """Stop the threads and wait for them."""
        self._threads.stop.set()
        self._threads.join()

    def _progress(self, segment: Segment, offset_ms: int) -> None:
        """Report progress; raise `StoppedWork` after a stop, which a long file without people would not notice."""
        if self._threads.stop.is_set():
            raise StoppedWork
        self._report_progress(segment, offset_ms)

    def _decode(self) -> None:
        while (segment := self._next_segment()) is not None:
            task = self._worker.begin(segment)
            task.report = self._worker.analyzer.analyze(task, self._crops.put, self._progress)
            self._crops.put(task)
        with self._lock:
            self._decoders -= 1
            if not self._decoders:
                self._crops.put(EndOfWork.END)

    def _embed(self) -> None:
        """Start each batch before the one before is finished: a card need not wait for the work of this thread."""
        worker, items = self._worker, list[CropJob | Task]()
        item: CropJob | Task | EndOfWork | None = None
        under_way: EmbedBatch | None = None
        while not isinstance(item, EndOfWork):
            item = self._crops.get(timeout_s=0) if under_way else None
            if item is None:  # nothing to prepare meanwhile
                self._finish(under_way)
                under_way = None
                with worker.profile.time("waiting for decoding and detecting"):
                    item = self._crops.get(timeout_s=PARTIAL_BATCH_S)
            if isinstance(item, CropJob | Task):
                items.append(item)
            full = sum(isinstance(i, CropJob) for i in items) >= self._batch_size
            if items and (full or item is None or isinstance(item, EndOfWork)):
                started = worker.start(items)
                self._finish(under_way)
                under_way, items = started, []
        self._finish(under_way)
        self._batches.put(EndOfWork.END)
        shares = ", ".join(f"{share:.0f} % {part}" for part, share in worker.profile.shares().items())
        log.info("the model computed %.0f %% of the time; its thread: %s", worker.computing(), shares)

    def _finish(self, batch: EmbedBatch | None) -> None:
        if batch is None:
            return
        for write_batch in self._worker.finish(batch):
            with self._worker.profile.time("waiting for the vector store"):
                self._batches.put(write_batch)

    def _write(self) -> None:
        batches: list[WriteBatch] = []
        due = 0.0
        item: WriteBatch | EndOfWork | None = None
        while not isinstance(item, EndOfWork):
            item = self._batches.get(timeout_s=max(0.01, due - time.monotonic()) if batches else None)
            if isinstance(item, WriteBatch):
                due = due if batches else time.monotonic() + WRITE_S
                batches.append(item)
            many = sum(len(batch.rows) for batch in batches) >= WRITE_ROWS
            if batches and (many or isinstance(item, EndOfWork) or time.monotonic() >= due):
                for report in self._worker.write(batches):
                    self._reports.put(report)
                batches = []
        self._reports.put(EndOfWork.END)
