"""The decoding side of the worker: frames of a segment in, images to be embedded out.

Of a live camera it keeps what earlier files have shown: the background and the last new view.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer.decoding import FrameCounts, PrivacyMasks, VideoSource, blackened, decoding_card, earlier_frames
from indexer.detection import Detector, PerCamera, track_people
from indexer.pipeline.load_control import LoadController
from indexer.pipeline.open_index import OpenIndex
from indexer.pipeline.rows import crop_rows, frame_row, indexed_report, measured, skipped_report, unsampled_frames
from indexer.pipeline.scene_change import SceneChange
from indexer.pipeline.threads import Stopwatch
from search.catalog import Catalog
from search.config import Settings
from search.errors import BadMedia
from search.media import MediaStore, Seen, encode_thumbnail, packed, shrink
from search.stream_types import Polygon
from search.types import Frame, Image, Row, Segment, SegmentReport, StreamRole, Vectors

log = logging.getLogger(__name__)

GAP_STEPS = 2.2  # a track may miss one sample
WHOLE_FRAME_PX = 640  # longer side of a whole frame that waits for embedding; models see 128 to 384

Progress = Callable[[Segment, int], None]
EmbeddedRow = tuple[Row, Mapping[OpenIndex, Vectors]]
"""A row with its vector (dim,) for each index of its task."""


@dataclass(eq=False, slots=True)
class Task:
    """A segment on its way through the threads. Only the thread that holds it writes to it."""

    segment: Segment
    ids: set[str] = field(default_factory=set)
    used_offsets: set[int] = field(default_factory=set)
    indexes: Sequence[OpenIndex] = ()
    embedded: list[EmbeddedRow] = field(default_factory=list)
    report: SegmentReport | None = None  # set when the last image is on its way


@dataclass(frozen=True, slots=True)
class CropJob:
    """An image to be embedded: `image` uint8 (h, w, 3) for `row`, with its frame's thumbnail (JPEG)."""

    task: Task
    row: Row
    image: Image
    thumbnail: bytes


class FrameAnalyzer:
    """Decodes, masks, samples, detects and tracks. Safe for threads; it opens and closes none of its parts.

    Raises:
        Unavailable: the card that is to decode is missing.
    """

    def __init__(
        self, settings: Settings, catalog: Catalog, media: MediaStore, detector: Detector, stopwatch: Stopwatch
    ) -> None:
        self._settings = settings
        self._card = decoding_card(settings)
        self._catalog = catalog
        self._media = media
        self._detector = detector
        self._stopwatch = stopwatch
        self._masks = PrivacyMasks(catalog)
        self._load = LoadController(catalog, settings.max_lag_s)
        self._scenes = PerCamera(lambda: SceneChange(settings.frame_interval_s))
        self._newest_ms = PerCamera(lambda: [0])

    def analyze(self, task: Task, send: Callable[[CropJob], None], progress: Progress) -> SegmentReport:
        """Decode a segment and send all its crops and new frames to be embedded. Return its report.

        An unreadable file is reported as skipped; `BadMedia` is never raised.
        """
        segment = task.segment
        is_live = segment.role is not StreamRole.FILE
        interval_s = self._interval_s(is_live)
        try:
            source = self._source(segment, interval_s)
        except BadMedia as e:
            return skipped_report(segment, FrameCounts(), e)
        tap = _FrameTap(task, send, progress, self._scene(segment, is_live), self._masks.masks(segment.camera_id))
        began = time.perf_counter()
        try:
            with closing(source.frames()) as frames:
                self._send_people(tap.observe(frames), task, tap, interval_s, is_live)
            if is_live:
                self._keep_newest(segment, tap.last_frame)
            return self._report(task, tap, source.counts, interval_s)
        except BadMedia as e:
            return skipped_report(segment, source.counts, e)
        except (OSError, RuntimeError, ValueError, MemoryError) as e:
            # One file must not stop the batch; the traceback is in the log, and the file in the report.
            log.exception("%s broke the worker", segment.path)
            return skipped_report(segment, source.counts, _internal_error(e))
        finally:
            self._stopwatch.add("decode", tap.decode_s)
            self._stopwatch.add("detect", time.perf_counter() - began - tap.decode_s - tap.wait_s)

    def _interval_s(self, is_live: bool) -> float:
        sample_s = self._settings.sample_interval_s
        return self._load.interval_s(sample_s) if is_live else sample_s

    def _source(self, segment: Segment, interval_s: float) -> VideoSource:
        file = Path(self._media.local(segment).path)
        largest = self._settings.max_megapixels
        return VideoSource(file, interval_s=interval_s, max_megapixels=largest, card=self._card)

    def _scene(self, segment: Segment, is_live: bool) -> SceneChange:
        return self._scenes.of(segment.camera_id) if is_live else SceneChange(self._settings.frame_interval_s)

    def _report(self, task: Task, tap: _FrameTap, counts: FrameCounts, interval_s: float) -> SegmentReport:
        segment, sample_s = measured(task.segment, *tap.last), self._settings.sample_interval_s
        load = unsampled_frames(segment, counts, sample_s) if interval_s > sample_s else 0
        return indexed_report(segment, counts, task.used_offsets, len(task.ids), load)

    def _send_people(
        self, frames: Iterator[Frame], task: Task, tap: _FrameTap, interval_s: float, is_live: bool
    ) -> None:
        camera, earlier = (task.segment.camera_id, lambda: self._earlier(task.segment)) if is_live else ("", None)
        boxes: defaultdict[int, list[Seen]] = defaultdict(list)
        tracks = track_people(
            self._detector.detect(frames, camera=camera, earlier=earlier),
            crops_per_track=self._settings.crops_per_track,
            thumbnail=encode_thumbnail,
            max_gap_s=GAP_STEPS * interval_s,
            on_seen=lambda number, offset_ms, box: boxes[number].append((offset_ms, box)),
        )
        numbers = []
        for track in tracks:
            numbers.append(track.number)
            for row, image, thumbnail in crop_rows(task.segment, track):
                tap.submit(row, image, thumbnail)
        if numbers:
            self._media.put_tracks(task.segment.id, packed({number: boxes[number] for number in sorted(numbers)}))

    def _earlier(self, segment: Segment) -> Iterator[Frame]:
        masks = self._masks.masks(segment.camera_id)
        for frame in earlier_frames(self._catalog, self._media, segment, self._settings.max_megapixels):
            yield replace(frame, image=blackened(frame.image, masks))

    def _keep_newest(self, segment: Segment, frame: Frame | None) -> None:
        """Keep the camera's current view, which is the last frame of its newest file."""
        newest = self._newest_ms.of(segment.camera_id)
        if frame is not None and segment.start_ms > newest[0]:
            newest[0] = segment.start_ms
            self._media.put_now(segment.camera_id, encode_thumbnail(frame.image), segment.start_ms + frame.offset_ms)


def _internal_error(error: Exception) -> BadMedia:
    return BadMedia(
        "the file broke the indexer",
        reason="internal error",
        got=f"{type(error).__name__}: {error}",
        cure="please report it with the log",
    )


class _FrameTap:
    """Observes the frames on their way to the detector: sends whole frames that are new, and keeps the last."""

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

    def observe(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield the frames with their masks applied."""
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
        """Send an image to be embedded, and count the time that this waits."""
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
