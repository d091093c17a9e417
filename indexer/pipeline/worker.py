"""The worker: a segment goes in, a report comes out. Decoding, embedding and writing run side by side.

    decode threads (one segment each)  ->  embed thread (full batches across segments)  ->  write thread

Pixels never leave the worker. A segment is marked indexed only after all its rows and thumbnails are stored; rows
have deterministic ids, so a segment that is done again after a crash writes the same rows again.
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.detection.detector import Detector
from indexer.pipeline.analyzer import CropJob, FrameAnalyzer, OnRows, Progress, Target, Task
from indexer.pipeline.threads import BoundedQueue, StoppedWork, Stopwatch, ThreadGroup
from search.catalog.catalog import Catalog
from search.config import Settings
from search.media.media_store import MediaStore
from search.models.embedder import Embedder
from search.types import Row, Segment, SegmentReport, SegmentState, Vectors
from search.vector_store.base import VectorStore

log = logging.getLogger(__name__)

PARTIAL_BATCH_S = 0.2  # a batch that does not fill is embedded after this long
WRITE_ROWS = 512  # rows of a segment are stored in portions, so that a long recording needs little memory
PREPARING = "preparing pictures and starting the model (without a card: also computing)"
AWAITING = "waiting for the model's card"
WRITE_S = 1.0  # segments that end within it are stored together: a flush for each would cost more than its rows

NextSegment = Callable[[], Segment | None]
Targets = Callable[[], Sequence[Target]]
"""The indexes that rows go to at this moment: one, or two while `xunren reindex` is at work. Asked often."""


class EndOfWork(enum.Enum):
    """No more will come."""

    END = enum.auto()


@dataclass(frozen=True, slots=True)
class EmbedBatch:
    """Pictures that are being embedded, with the tasks that end among them; `finish` waits for their vectors."""

    items: Sequence[CropJob | Task]
    pictures: Sequence[CropJob]
    finish: Callable[[], list[dict[Target, Vectors]]]


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Rows ready to be stored. `report` is there with the segment's last portion."""

    task: Task
    rows: list[tuple[Row, Mapping[Target, Vectors]]]
    report: SegmentReport | None = None


class IndexWorker:
    """Indexes segments with the parts it is given; it opens and closes none of them.

    Each segment is decoded once, for all indexes that there are when it begins (`targets`; without it, one index of
    `embedder` and `store`); the catalogue is told which of them have its rows.

    `on_rows` is called before the catalogue knows that a segment is done: rows that a kill kept from being told are
    written and told again.
    """

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder,
        store: VectorStore,
        catalog: Catalog,
        media: MediaStore,
        detector: Detector,
        on_rows: OnRows | None = None,
        targets: Targets | None = None,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._media = media
        self.batch_size = embedder.batch_size
        self._one = targets is None
        only = (Target("", embedder, store, on_rows),)
        self._targets: Targets = targets or (lambda: only)
        self.clocks = Stopwatch()
        self.profile = Stopwatch()  # of the thread that feeds the model: what it does, and what it waits for
        self.looker = FrameAnalyzer(settings, catalog, media, detector, self.clocks)
        self._before = {target.embedder: target.embedder.busy_s for target in self._targets()}

    def run(self, next_segment: NextSegment, progress: Progress | None = None) -> Generator[SegmentReport, None, None]:
        """Index what `next_segment` hands out until it has no more, and report each segment as it is done.

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
        """A segment's task, for the indexes that there are now."""
        return Task(segment, targets=self._targets())

    def start(self, items: Sequence[CropJob | Task]) -> EmbedBatch:
        """Begin to embed the pictures of a batch; a card goes on alone."""
        pictures = [item for item in items if isinstance(item, CropJob)]
        with self.clocks.time("embed"), self.profile.time(PREPARING):
            return EmbedBatch(items, pictures, _started(pictures))

    def finish(self, batch: EmbedBatch) -> Iterator[WriteBatch]:
        """Give the rows of the tasks that end in a batch, and of long ones, to be stored."""
        with self.clocks.time("embed"), self.profile.time(AWAITING):
            vectors = iter(batch.finish())
        with self.clocks.time("write"), self.profile.time("storing thumbnails"):
            self._media.put_thumbnails({_moment(picture): picture.thumbnail for picture in batch.pictures})
        for item in batch.items:
            task = item if isinstance(item, Task) else item.task
            if isinstance(item, CropJob):
                task.embedded.append((item.row, next(vectors)))
            if isinstance(item, Task) or len(task.embedded) >= WRITE_ROWS:
                yield WriteBatch(task, task.embedded, task.report if isinstance(item, Task) else None)
                task.embedded = []

    def computing(self) -> float:
        """Per cent of the time of the model's thread in which the model's device computed; the rest it waited."""
        embedders = {target.embedder for target in self._targets()}
        busy = sum(one.busy_s - self._before.get(one, 0.0) for one in embedders)
        return 100 * busy / (sum(self.profile.seconds().values()) or 1.0)

    def write(self, portions: Sequence[WriteBatch]) -> list[SegmentReport]:
        """Rows first, then what earlier attempts left over, and only then the catalogue's word.

        An index that is dropped meanwhile gets nothing more; one that is new gets the segment by `Refill`.
        """
        there = {target.collection for target in self._targets()}
        with self.clocks.time("write"):
            portions = self._held(portions)
            for target in _targets_of(portion.task for portion in portions):
                if target.collection in there:
                    self._write_to(target, portions)
            return [p.report for p in portions if p.report is not None and self._finish(p.report, p.task, there)]

    def _held(self, portions: Sequence[WriteBatch]) -> Sequence[WriteBatch]:
        """Without those of segments that another worker has by now: what it stores must not be tidied away."""
        held = self._catalog.segments.held(
            {portion.task.segment.id: portion.task.segment for portion in portions}.values()
        )
        return [portion for portion in portions if portion.task.segment.id in held]

    def _finish(self, report: SegmentReport, task: Task, there: set[str]) -> bool:
        """Whether it is done; else it waits again, or is another worker's, or is deleted."""
        collections = None if self._one else there & {target.collection for target in task.targets}
        done = self._catalog.segments.finish(report, collections)
        if not done:
            log.warning("%s was taken over, or its index was dropped: it is not done", report.segment.path)
        return done

    def _write_to(self, target: Target, portions: Sequence[WriteBatch]) -> None:
        mine = [portion for portion in portions if target in portion.task.targets]
        if rows := _rows_for(target, mine):
            target.store.upsert([row for row, _ in rows], np.stack([vector for _, vector in rows]))
        ended = [portion for portion in mine if portion.report is not None]
        for portion in ended:
            if portion.report is not None:
                _tidy(target.store, portion.task, portion.report)
        if ended:
            target.store.flush()
        _tell(target, mine)


def _moment(picture: CropJob) -> tuple[str, int]:
    """Segment and offset (ms) of what a picture was cut out of."""
    return picture.row.segment_id, picture.row.time_ms - picture.task.segment.start_ms


def _targets_of(tasks: Iterable[Task]) -> list[Target]:
    """Each once; of one collection there may be two, where it was opened again."""
    return list(dict.fromkeys(target for task in tasks for target in task.targets))


def _started(pictures: Sequence[CropJob]) -> Callable[[], list[dict[Target, Vectors]]]:
    """Gives for each picture its vector (dim,) for each target of its task."""
    started = []
    for target in _targets_of(picture.task for picture in pictures):
        mine = [n for n, picture in enumerate(pictures) if target in picture.task.targets]
        started.append((target, mine, target.embedder.start_images([pictures[n].image for n in mine])))

    def finish() -> list[dict[Target, Vectors]]:
        found: list[dict[Target, Vectors]] = [{} for _ in pictures]
        for target, mine, vectors in started:
            for n, vector in zip(mine, vectors(), strict=True):
                found[n][target] = vector
        return found

    return finish


def _rows_for(target: Target, portions: Sequence[WriteBatch]) -> list[tuple[Row, Vectors]]:
    return [(row, vectors[target]) for portion in portions for row, vectors in portion.rows]


def _tell(target: Target, portions: Sequence[WriteBatch]) -> None:
    """Tell of the rows that stay: those of a segment that turned out to be unreadable are gone again."""
    rows = _rows_for(target, [p for p in portions if p.report is None or p.report.state is SegmentState.INDEXED])
    if target.on_rows and rows:
        target.on_rows([row for row, _ in rows], np.stack([vector for _, vector in rows]))


def _tidy(store: VectorStore, task: Task, report: SegmentReport) -> None:
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
        self._crew = ThreadGroup()
        self._pictures: BoundedQueue[CropJob | Task | EndOfWork] = BoundedQueue(self._crew, 4 * self._batch_size)
        self._portions: BoundedQueue[WriteBatch | EndOfWork] = BoundedQueue(self._crew, 8)
        self._reports: BoundedQueue[SegmentReport | EndOfWork] = BoundedQueue(self._crew, 1024)
        self._decoders = worker._settings.workers
        self._lock = threading.Lock()
        for n in range(self._decoders):
            self._crew.start(f"decode-{n}", self._decode)
        self._crew.start("embed", self._embed)
        self._crew.start("write", self._write)

    def reports(self) -> Iterator[SegmentReport]:
        while not isinstance(report := self._reports.get(), EndOfWork):
            if report is not None:
                yield report

    def stop(self) -> None:
        self._crew.stop.set()
        self._crew.join()

    def _progress(self, segment: Segment, offset_ms: int) -> None:
        """A long file without people would otherwise not notice that the run was stopped."""
        if self._crew.stop.is_set():
            raise StoppedWork
        self._report_progress(segment, offset_ms)

    def _decode(self) -> None:
        while (segment := self._next_segment()) is not None:
            task = self._worker.begin(segment)
            task.report = self._worker.looker.look(task, self._pictures.put, self._progress)
            self._pictures.put(task)
        with self._lock:
            self._decoders -= 1
            if not self._decoders:
                self._pictures.put(EndOfWork.END)

    def _embed(self) -> None:
        """Start a batch, and only then finish the one before: a card need not wait for what this thread does."""
        worker, items = self._worker, list[CropJob | Task]()
        item: CropJob | Task | EndOfWork | None = None
        under_way: EmbedBatch | None = None
        while not isinstance(item, EndOfWork):
            item = self._pictures.get(timeout_s=0) if under_way else None
            if item is None:  # nothing to prepare meanwhile
                self._finish(under_way)
                under_way = None
                with worker.profile.time("waiting for decoding and detecting"):
                    item = self._pictures.get(timeout_s=PARTIAL_BATCH_S)
            if isinstance(item, CropJob | Task):
                items.append(item)
            full = sum(isinstance(i, CropJob) for i in items) >= self._batch_size
            if items and (full or item is None or isinstance(item, EndOfWork)):
                started = worker.start(items)
                self._finish(under_way)
                under_way, items = started, []
        self._finish(under_way)
        self._portions.put(EndOfWork.END)
        shares = ", ".join(f"{share:.0f} % {part}" for part, share in worker.profile.shares().items())
        log.info("the model computed %.0f %% of the time; its thread: %s", worker.computing(), shares)

    def _finish(self, batch: EmbedBatch | None) -> None:
        if batch is None:
            return
        for portion in self._worker.finish(batch):
            with self._worker.profile.time("waiting for the vector store"):
                self._portions.put(portion)

    def _write(self) -> None:
        portions: list[WriteBatch] = []
        due = 0.0
        item: WriteBatch | EndOfWork | None = None
        while not isinstance(item, EndOfWork):
            item = self._portions.get(timeout_s=max(0.01, due - time.monotonic()) if portions else None)
            if isinstance(item, WriteBatch):
                due = due if portions else time.monotonic() + WRITE_S
                portions.append(item)
            many = sum(len(portion.rows) for portion in portions) >= WRITE_ROWS
            if portions and (many or isinstance(item, EndOfWork) or time.monotonic() >= due):
                for report in self._worker.write(portions):
                    self._reports.put(report)
                portions = []
        self._reports.put(EndOfWork.END)
