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
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from indexer.detector import Detector
from indexer.pipes import Clocks, Crew, Pipe, Stopped
from indexer.rows import crop_rows, frame_row, indexed_report, measured, skipped_report
from indexer.sampling import SceneChange
from indexer.sources import VideoSource
from indexer.tracker import track_people
from search.catalog import Catalog
from search.config import Settings
from search.embedder import Embedder
from search.errors import BadMedia
from search.media import MediaStore, encode_thumbnail, shrink
from search.store import VectorStore
from search.types import Frame, Image, Row, Segment, SegmentReport, SegmentState, Vectors

log = logging.getLogger(__name__)

PARTIAL_BATCH_S = 0.2  # a batch that does not fill is embedded after this long
WRITE_ROWS = 512  # rows of a segment are stored in portions, so that a long recording needs little memory
GAP_STEPS = 2.2  # a track may miss one sample
WHOLE_FRAME_PX = 640  # longer side of a whole frame that waits for embedding; models see 128 to 384

NextSegment = Callable[[], Segment | None]
Progress = Callable[[Segment, int], None]


class End(enum.Enum):
    """No more will come."""

    END = enum.auto()


@dataclass(eq=False, slots=True)
class Task:
    """A segment on its way through the threads. Only the thread that holds it writes to it."""

    segment: Segment
    ids: set[str] = field(default_factory=set)
    used_offsets: set[int] = field(default_factory=set)
    embedded: list[tuple[Row, Vectors]] = field(default_factory=list)
    report: SegmentReport | None = None  # set when the last picture is on its way


@dataclass(frozen=True, slots=True)
class Picture:
    """What waits to be embedded: `image` uint8 (h, w, 3) for `row`, with its frame's thumbnail (JPEG)."""

    task: Task
    row: Row
    image: Image
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows ready to be stored. `report` is there with the segment's last portion."""

    task: Task
    rows: list[tuple[Row, Vectors]]
    report: SegmentReport | None = None


class IndexWorker:
    """Indexes segments with the parts it is given; it opens and closes none of them."""

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder,
        store: VectorStore,
        catalog: Catalog,
        media: MediaStore,
        detector: Detector,
    ) -> None:
        self._settings = settings
        self._embedder = embedder
        self._store = store
        self._catalog = catalog
        self._media = media
        self._detector = detector
        self.clocks = Clocks()

    def run(self, next_segment: NextSegment, progress: Progress | None = None) -> Generator[SegmentReport, None, None]:
        """Index what `next_segment` hands out until it has no more, and report each segment as it is done.

        Closing the generator stops the threads; segments under way stay leased and unmarked.

        Args:
            next_segment: called by several threads.
            progress: called, by several threads, with a segment and the offset (ms) that was reached in it; it may
                raise `Stopped` to end the run.
        """
        run = _Run(self, next_segment, progress or (lambda _segment, _offset: None))
        try:
            yield from run.reports()
        finally:
            run.stop()

    # decode

    def look(self, task: Task, send: Callable[[Picture], None], progress: Progress) -> SegmentReport:
        """Decode a segment and send all its pictures on their way. Returns its account; never raises `BadMedia`."""
        source = VideoSource(
            Path(task.segment.path),
            interval_s=self._settings.sample_interval_s,
            max_megapixels=self._settings.max_megapixels,
        )
        watcher = _Watcher(task, send, progress, SceneChange(self._settings.frame_interval_s))
        began = time.perf_counter()
        try:
            with closing(source.frames()) as frames:
                stream = self._detector.detect(watcher.watch(frames))
                tracks = track_people(
                    stream,
                    crops_per_track=self._settings.crops_per_track,
                    thumbnail=encode_thumbnail,
                    max_gap_s=GAP_STEPS * self._settings.sample_interval_s,
                )
                for track in tracks:
                    for row, image, thumbnail in crop_rows(task.segment, track):
                        watcher.submit(row, image, thumbnail)
            segment = measured(task.segment, *watcher.last)
            return indexed_report(segment, source.counts, task.used_offsets, len(task.ids))
        except BadMedia as e:
            return skipped_report(task.segment, source.counts, e)
        except (OSError, RuntimeError, ValueError, MemoryError) as e:
            # One file must not stop the batch; what it broke is in the log, and the file in the report.
            log.exception("%s broke the worker", task.segment.path)
            error = BadMedia(
                "the file broke the indexer",
                reason="internal error",
                got=f"{type(e).__name__}: {e}",
                cure="please report it with the log",
            )
            return skipped_report(task.segment, source.counts, error)
        finally:
            self.clocks.add("decode", watcher.decode_s)
            self.clocks.add("detect", time.perf_counter() - began - watcher.decode_s - watcher.wait_s)

    def embed(self, batch: list[Picture | Task]) -> Iterator[Portion]:
        """Embed the pictures of a batch; give the rows of the tasks that end in it, and of long ones, to be stored."""
        pictures = [item for item in batch if isinstance(item, Picture)]
        with self.clocks.time("embed"):
            vectors = iter(self._embedder.embed_images([picture.image for picture in pictures]))
        with self.clocks.time("write"):
            for picture in pictures:
                offset = picture.row.time_ms - picture.task.segment.start_ms
                self._media.put_thumbnail(picture.row.segment_id, offset, picture.thumbnail)
        for item in batch:
            task = item if isinstance(item, Task) else item.task
            if isinstance(item, Picture):
                task.embedded.append((item.row, next(vectors)))
            if isinstance(item, Task) or len(task.embedded) >= WRITE_ROWS:
                yield Portion(task, task.embedded, task.report if isinstance(item, Task) else None)
                task.embedded = []

    def write(self, portion: Portion) -> SegmentReport | None:
        """Rows first, then what an earlier attempt left over, and only then the catalogue's word."""
        with self.clocks.time("write"):
            task, report = portion.task, portion.report
            if portion.rows:
                vectors = np.stack([vector for _, vector in portion.rows])
                self._store.upsert([row for row, _ in portion.rows], vectors)
            if report is None:
                return None
            keep = task.ids if report.state is SegmentState.INDEXED else ()
            if task.segment.attempt > 1 or not keep:
                self._store.delete_segment(task.segment.id, keep=keep)
            self._store.flush()
            self._catalog.finish(report)
            return report


class _Watcher:
    """Looks at the frames on their way to the detector: sends whole frames that are new, and remembers the last."""

    def __init__(self, task: Task, send: Callable[[Picture], None], progress: Progress, scene: SceneChange) -> None:
        self._task = task
        self._send = send
        self._progress = progress
        self._scene = scene
        self.last = (0, 0, 0)  # offset ms, width, height
        self.decode_s = 0.0
        self.wait_s = 0.0

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        while (frame := self._next(frames)) is not None:
            height, width = frame.image.shape[:2]
            self.last = (frame.offset_ms, width, height)
            if self._scene.is_new(frame):
                small = shrink(frame.image, WHOLE_FRAME_PX)
                self.submit(frame_row(self._task.segment, frame), small, encode_thumbnail(frame.image))
            self._progress(self._task.segment, frame.offset_ms)
            yield frame

    def submit(self, row: Row, image: Image, thumbnail: bytes) -> None:
        began = time.perf_counter()
        self._task.ids.add(row.id)
        self._task.used_offsets.add(row.time_ms - self._task.segment.start_ms)
        self._send(Picture(self._task, row, image, thumbnail))
        self.wait_s += time.perf_counter() - began

    def _next(self, frames: Iterator[Frame]) -> Frame | None:
        began = time.perf_counter()
        frame = next(frames, None)
        self.decode_s += time.perf_counter() - began
        return frame


class _Run:
    """The threads of one `IndexWorker.run`."""

    def __init__(self, worker: IndexWorker, next_segment: NextSegment, progress: Progress) -> None:
        self._worker = worker
        self._next_segment = next_segment
        self._report_progress = progress
        self._batch_size = worker._embedder.batch_size
        self._crew = Crew()
        self._pictures: Pipe[Picture | Task | End] = Pipe(self._crew, 4 * self._batch_size)
        self._portions: Pipe[Portion | End] = Pipe(self._crew, 8)
        self._reports: Pipe[SegmentReport | End] = Pipe(self._crew, 1024)
        self._decoders = worker._settings.workers
        self._lock = threading.Lock()
        for n in range(self._decoders):
            self._crew.start(f"decode-{n}", self._decode)
        self._crew.start("embed", self._embed)
        self._crew.start("write", self._write)

    def reports(self) -> Iterator[SegmentReport]:
        while not isinstance(report := self._reports.get(), End):
            if report is not None:
                yield report

    def stop(self) -> None:
        self._crew.stop.set()
        self._crew.join()

    def _progress(self, segment: Segment, offset_ms: int) -> None:
        """A long file without people would otherwise not notice that the run was stopped."""
        if self._crew.stop.is_set():
            raise Stopped
        self._report_progress(segment, offset_ms)

    def _decode(self) -> None:
        while (segment := self._next_segment()) is not None:
            task = Task(segment)
            task.report = self._worker.look(task, self._pictures.put, self._progress)
            self._pictures.put(task)
        with self._lock:
            self._decoders -= 1
            if not self._decoders:
                self._pictures.put(End.END)

    def _embed(self) -> None:
        batch: list[Picture | Task] = []
        item: Picture | Task | End | None = None
        while not isinstance(item, End):
            item = self._pictures.get(timeout_s=PARTIAL_BATCH_S)
            if isinstance(item, Picture | Task):
                batch.append(item)
            full = sum(isinstance(i, Picture) for i in batch) >= self._batch_size
            if batch and (full or item is None or isinstance(item, End)):
                for portion in self._worker.embed(batch):
                    self._portions.put(portion)
                batch = []
        self._portions.put(End.END)

    def _write(self) -> None:
        while not isinstance(portion := self._portions.get(), End):
            if portion is not None and (report := self._worker.write(portion)) is not None:
                self._reports.put(report)
        self._reports.put(End.END)
