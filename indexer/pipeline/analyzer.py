"""The decoding side of the worker: frames of a segment in, pictures to be embedded out.

Of a live camera it remembers what the files before have shown: its background and its last new view.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer.decoding.lookback import earlier_frames
from indexer.decoding.nvdec import decoding_card
from indexer.decoding.privacy_masks import MaskBook, blackened
from indexer.decoding.video_source import FrameCounts, VideoSource
from indexer.detection.camera_memory import PerCamera
from indexer.detection.detector import Detector
from indexer.detection.tracker import track_people
from indexer.pipeline.load_control import LoadController
from indexer.pipeline.rows import crop_rows, frame_row, indexed_report, measured, not_looked_at, skipped_report
from indexer.pipeline.scene_change import SceneChange
from indexer.pipeline.threads import Stopwatch
from search.catalog.catalog import Catalog
from search.config import Settings
from search.errors import BadMedia
from search.media.media_store import MediaStore, encode_thumbnail, shrink
from search.media.track_boxes import Seen, packed
from search.models.embedder import Embedder
from search.stream_types import Polygon
from search.types import Frame, Image, Row, Segment, SegmentReport, StreamRole, Vectors
from search.vector_store.base import VectorStore

log = logging.getLogger(__name__)

GAP_STEPS = 2.2  # a track may miss one sample
WHOLE_FRAME_PX = 640  # longer side of a whole frame that waits for embedding; models see 128 to 384

Progress = Callable[[Segment, int], None]


OnRows = Callable[[Sequence[Row], Vectors], None]
"""Told of new rows and their vectors (n, dim) once they are stored; must not raise."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """An index that rows go to: its collection, what embeds for it, where it lies, and who is told."""

    collection: str
    embedder: Embedder
    store: VectorStore
    on_rows: OnRows | None = None


@dataclass(eq=False, slots=True)
class Task:
    """A segment on its way through the threads. Only the thread that holds it writes to it."""

    segment: Segment
    ids: set[str] = field(default_factory=set)
    used_offsets: set[int] = field(default_factory=set)
    targets: Sequence[Target] = ()
    embedded: list[tuple[Row, Mapping[Target, Vectors]]] = field(default_factory=list)
    report: SegmentReport | None = None  # set when the last picture is on its way


@dataclass(frozen=True, slots=True)
class CropJob:
    """What waits to be embedded: `image` uint8 (h, w, 3) for `row`, with its frame's thumbnail (JPEG)."""

    task: Task
    row: Row
    image: Image
    thumbnail: bytes


class FrameAnalyzer:
    """Decodes, masks, samples, detects and tracks. Safe for threads; it opens and closes none of its parts.

    Raises:
        Unavailable: the card that is to decode is not there.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, media: MediaStore, detector: Detector, clocks: Stopwatch
    ) -> None:
        self._settings = settings
        self._card = decoding_card(settings)
        self._catalog = catalog
        self._media = media
        self._detector = detector
        self._clocks = clocks
        self._masks = MaskBook(catalog)
        self._governor = LoadController(catalog, settings.max_lag_s)
        self._scenes = PerCamera(lambda: SceneChange(settings.frame_interval_s))
        self._shown = PerCamera(lambda: [0])

    def look(self, task: Task, send: Callable[[CropJob], None], progress: Progress) -> SegmentReport:
        """Decode a segment and send all its pictures on their way. Returns its account; never raises `BadMedia`."""
        segment, s = task.segment, self._settings
        is_live = segment.role is not StreamRole.FILE
        interval_s = self._governor.interval_s(s.sample_interval_s) if is_live else s.sample_interval_s
        try:
            file = Path(self._media.local(segment).path)
        except BadMedia as e:
            return skipped_report(segment, FrameCounts(), e)
        source = VideoSource(file, interval_s=interval_s, max_megapixels=s.max_megapixels, card=self._card)
        scene = self._scenes.of(segment.camera_id) if is_live else SceneChange(s.frame_interval_s)
        masks = self._masks.masks(segment.camera_id)
        watcher = _FrameTap(task, send, progress, scene, masks)
        began = time.perf_counter()
        try:
            with closing(source.frames()) as frames:
                self._send_people(watcher.watch(frames), task, watcher, interval_s, is_live)
            if is_live:
                self._show(segment, watcher.last_frame)
            found = measured(segment, *watcher.last)
            load = not_looked_at(found, source.counts, s.sample_interval_s) if interval_s > s.sample_interval_s else 0
            return indexed_report(found, source.counts, task.used_offsets, len(task.ids), load)
        except BadMedia as e:
            return skipped_report(segment, source.counts, e)
        except (OSError, RuntimeError, ValueError, MemoryError) as e:
            # One file must not stop the batch; what it broke is in the log, and the file in the report.
            log.exception("%s broke the worker", segment.path)
            error = BadMedia(
                "the file broke the indexer",
                reason="internal error",
                got=f"{type(e).__name__}: {e}",
                cure="please report it with the log",
            )
            return skipped_report(segment, source.counts, error)
        finally:
            self._clocks.add("decode", watcher.decode_s)
            self._clocks.add("detect", time.perf_counter() - began - watcher.decode_s - watcher.wait_s)

    def _send_people(
        self, frames: Iterator[Frame], task: Task, watcher: _FrameTap, interval_s: float, is_live: bool
    ) -> None:
        camera, earlier = (task.segment.camera_id, lambda: self._earlier(task.segment)) if is_live else ("", None)
        seen: defaultdict[int, list[Seen]] = defaultdict(list)
        tracks = track_people(
            self._detector.detect(frames, camera=camera, earlier=earlier),
            crops_per_track=self._settings.crops_per_track,
            thumbnail=encode_thumbnail,
            max_gap_s=GAP_STEPS * interval_s,
            on_seen=lambda number, offset_ms, box: seen[number].append((offset_ms, box)),
        )
        given = []
        for track in tracks:
            given.append(track.number)
            for row, image, thumbnail in crop_rows(task.segment, track):
                watcher.submit(row, image, thumbnail)
        if given:
            self._media.put_tracks(task.segment.id, packed({number: seen[number] for number in sorted(given)}))

    def _earlier(self, segment: Segment) -> Iterator[Frame]:
        masks = self._masks.masks(segment.camera_id)
        for frame in earlier_frames(self._catalog, self._media, segment, self._settings.max_megapixels):
            yield replace(frame, image=blackened(frame.image, masks))

    def _show(self, segment: Segment, frame: Frame | None) -> None:
        """Keep the picture of now, which is the last one of the newest file."""
        newest = self._shown.of(segment.camera_id)
        if frame is not None and segment.start_ms > newest[0]:
            newest[0] = segment.start_ms
            self._media.put_now(segment.camera_id, encode_thumbnail(frame.image), segment.start_ms + frame.offset_ms)


class _FrameTap:
    """Looks at the frames on their way to the detector: sends whole frames that are new, and remembers the last."""

    def __init__(
        self,
        task: Task,
        send: Callable[[CropJob], None],
        progress: Progress,
        scene: SceneChange,
        masks: Sequence[Polygon],
    ) -> None:
        self._task = task
        self._send = send
        self._progress = progress
        self._scene = scene
        self._masks = masks
        self.last_frame: Frame | None = None
        self.last = (0, 0, 0)  # offset ms, width, height
        self.decode_s = 0.0
        self.wait_s = 0.0

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        while (frame := self._next(frames)) is not None:
            height, width = frame.image.shape[:2]
            self.last = (frame.offset_ms, width, height)
            self.last_frame = frame
            if self._scene.is_new(frame.image, self._task.segment.start_ms + frame.offset_ms):
                small = shrink(frame.image, WHOLE_FRAME_PX)
                self.submit(frame_row(self._task.segment, frame), small, encode_thumbnail(frame.image))
            self._progress(self._task.segment, frame.offset_ms)
            yield frame

    def submit(self, row: Row, image: Image, thumbnail: bytes) -> None:
        began = time.perf_counter()
        self._task.ids.add(row.id)
        self._task.used_offsets.add(row.time_ms - self._task.segment.start_ms)
        self._send(CropJob(self._task, row, image, thumbnail))
        self.wait_s += time.perf_counter() - began

    def _next(self, frames: Iterator[Frame]) -> Frame | None:
        began = time.perf_counter()
        frame = next(frames, None)
        if frame is not None and self._masks:
            frame = replace(frame, image=blackened(frame.image, self._masks))
        self.decode_s += time.perf_counter() - began
        return frame
