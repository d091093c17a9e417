"""A made week of a city's cameras, as rows, vectors and catalogue entries; the same for the same size, piece by piece.

No picture is behind them. The vectors lie around the shipped model's own sentence vectors as its pictures do: people
of some 500 looks, three crops a track, whole frames further off. Each camera records one block a day, in files of 10 s
that follow each other; every tenth camera's blocks are imported files instead, and another tenth of the cameras cannot
be reached between its blocks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from search.catalog import Catalog, RecorderUpdate
from search.stream_types import Gap, Health, Reason, Stream, StreamState
from search.times import now_ms
from search.types import Box, Camera, Row, RowKind, Segment, SegmentState, StartSource, StreamRole, Vectors
from search.vector_store import VectorStore

CAMERAS = 200
DAYS = 7
DAY_MS = 86_400_000
FILE_MS = 10_000
START_MS = 1_793_000_000_000 // DAY_MS * DAY_MS
END_MS = START_MS + DAYS * DAY_MS
CROPS = 3
FRAME_SHARE = 0.15
ROWS_A_FILE = 5
TRACK_MS = 4000
_SIZE = (1920, 1080)

_WHO = ("man", "woman", "child", "old man", "old woman")
_COLOURS = ("red", "blue", "black", "white", "green", "yellow", "grey", "brown", "pink", "orange")
_WORN = ("coat", "t-shirt", "dress", "jacket", "hoodie")
_WITH = ("a backpack", "a hat")
LOOKS = tuple(
    f"a {who} in a {colour} {worn} with {item}" for who, colour, worn, item in product(_WHO, _COLOURS, _WORN, _WITH)
)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one camera recorded on one day: rows with vectors (n, dim), and the segments that they lie in."""

    rows: Sequence[Row]
    vectors: Vectors
    segments: Sequence[Segment]


@dataclass(frozen=True)
class City:
    """`rows` rows, give or take a piece's rounding; `looks` are the vectors of `LOOKS`, float32 (m, dim)."""

    rows: int
    looks: Vectors

    @cached_property
    def pieces(self) -> int:
        """One for each camera and day."""
        return CAMERAS * DAYS

    def rows_before(self, piece: int) -> int:
        """How many rows the pieces before this one have."""
        return self.rows * piece // self.pieces

    def piece(self, number: int) -> Piece:
        """Pieces go by day, then camera."""
        rng = np.random.default_rng((self.rows, number))
        count = self.rows_before(number + 1) - self.rows_before(number)
        day, camera = divmod(number, CAMERAS)
        files = max(1, -(-count // ROWS_A_FILE))
        begin = START_MS + day * DAY_MS + int(rng.integers(0, DAY_MS - files * FILE_MS))
        segments = _segments(camera_id(camera), begin, files, imported=camera % 10 == 0)
        frames = round(count * FRAME_SHARE)
        rows = [*_frames(rng, segments, files, frames), *_crops(rng, segments, files, count - frames)]
        return Piece(rows, self._vectors(rng, frames, count - frames), segments)

    def __iter__(self) -> Iterator[Piece]:
        return map(self.piece, range(self.pieces))

    def _vectors(self, rng: np.random.Generator, frames: int, crops: int) -> Vectors:
        dim = self.looks.shape[1]
        middle = np.random.default_rng(0).normal(size=(2, dim)) / np.sqrt(dim)  # where crops lie, and where frames
        tracks = -(-crops // CROPS)
        look = self.looks[rng.integers(0, len(self.looks), frames + tracks)]
        own = (look + 0.6 * rng.normal(size=look.shape) / np.sqrt(dim)).astype(np.float32)
        of_tracks = np.repeat(own[frames:], CROPS, axis=0)[:crops] + 0.8 * middle[0]
        mixed = np.concatenate([0.3 * own[:frames] + middle[1], of_tracks])
        mixed += 0.3 * rng.normal(size=mixed.shape) / np.sqrt(dim)
        return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


def camera_id(number: int) -> str:
    """Of the camera with this number."""
    return f"cam-{number:03d}"


def cameras() -> Iterator[Camera]:
    """All of them, on a grid of streets."""
    for n in range(CAMERAS):
        yield Camera(camera_id(n), f"corner {n}", lat=31.2 + 0.002 * (n // 20), lon=121.4 + 0.002 * (n % 20))


def fill(city: City, store: VectorStore, from_row: int = 0, batch: int = 5000) -> Iterator[int]:
    """Store the rows of all pieces but those that are there already; tells how many rows are stored so far."""
    rows: list[Row] = []
    vectors: list[Vectors] = []
    for number in range(city.pieces):
        if city.rows_before(number + 1) <= from_row:
            continue
        piece = city.piece(number)
        rows += piece.rows
        vectors.append(piece.vectors)
        if len(rows) >= batch or number == city.pieces - 1:
            store.upsert(rows, np.concatenate(vectors))
            rows, vectors = [], []
            yield city.rows_before(number + 1)
    store.flush()


def fill_catalogue(city: City, catalog: Catalog, batch: int = 5000) -> None:
    """Enter cameras, streams, segments, and gaps."""
    for camera in cameras():
        catalog.cameras.add(camera)
        if not is_imported(camera.id):
            catalog.streams.set(camera.id, [Stream(camera.id, StreamRole.MAIN, "", "rtsp://camera", START_MS)])
    waiting = RecorderUpdate()
    covered = dict.fromkeys((camera.id for camera in cameras()), START_MS)
    for piece in city:
        id_ = piece.segments[0].camera_id
        if is_flaky(id_):
            waiting.gaps.append(_gap(id_, covered[id_], piece.segments[0].start_ms))
        covered[id_] = piece.segments[-1].end_ms
        waiting.segments += [(segment, SegmentState.INDEXED) for segment in piece.segments]
        if len(waiting.segments) >= batch:
            catalog.recordings.write(waiting)
            waiting = RecorderUpdate()
    waiting.gaps += [_gap(id_, end, END_MS) for id_, end in covered.items() if is_flaky(id_)]
    catalog.recordings.write(waiting)


def is_imported(camera: str) -> bool:
    """Whether the camera's recordings are imported files."""
    return camera.endswith("0")


def is_flaky(camera: str) -> bool:
    """Whether the camera could not be reached between its blocks."""
    return camera.endswith("1")


def recording(catalog: Catalog) -> None:
    """Let the recorder be running, now and for the next hour."""
    then = now_ms() + 3_600_000
    there = [camera.id for camera in cameras() if not is_imported(camera.id)]
    catalog.recordings.write(RecorderUpdate(health=[_health(camera, then) for camera in there]))


def _gap(camera: str, start_ms: int, end_ms: int) -> Gap:
    return Gap(camera, StreamRole.MAIN, start_ms, end_ms, Reason.NOT_CONNECTED, "made")


def _health(camera: str, then: int) -> Health:
    return Health(
        camera, StreamRole.MAIN, StreamState.RECORDING, last_frame_ms=then, open_since_ms=then, updated_ms=then
    )


def _segments(camera: str, begin: int, files: int, *, imported: bool) -> list[Segment]:
    count, length = (1, files * FILE_MS) if imported else (files, FILE_MS)
    return [_segment(camera, begin + n * length, length, imported) for n in range(count)]


def _segment(camera: str, start_ms: int, length_ms: int, imported: bool) -> Segment:
    sha256 = hashlib.sha256(f"{camera} {start_ms}".encode()).hexdigest()
    return Segment(
        id=sha256[:24],
        camera_id=camera,
        path=f"/recordings/{camera}/{start_ms}.mp4",
        sha256=sha256,
        size_bytes=5_000_000,
        start_ms=start_ms,
        start_source=StartSource.CONTAINER if imported else StartSource.RECORDER,
        duration_ms=length_ms,
        width=_SIZE[0],
        height=_SIZE[1],
        role=StreamRole.FILE if imported else StreamRole.MAIN,
    )


def _frames(rng: np.random.Generator, segments: Sequence[Segment], files: int, count: int) -> Iterator[Row]:
    offsets = np.sort(rng.choice(files * FILE_MS // 100, count, replace=False)) * 100
    for offset in offsets.tolist():
        segment, at = _at(segments, offset)
        yield _row(segment, f"f-{at}", RowKind.FRAME, 0, (at, at, at), Box(0, 0, *_SIZE))


def _crops(rng: np.random.Generator, segments: Sequence[Segment], files: int, count: int) -> Iterator[Row]:
    for track in range(-(-count // CROPS)):
        segment, at = _at(segments, int(rng.integers(0, files)) * FILE_MS + int(rng.integers(0, FILE_MS - TRACK_MS)))
        x, y = int(rng.integers(0, 1700)), int(rng.integers(0, 700))
        for n in range(min(CROPS, count - CROPS * track)):
            time = at + n * TRACK_MS // CROPS
            life = (at, time, at + TRACK_MS)
            yield _row(segment, f"p{track}-{time}", RowKind.PERSON, track, life, Box(x, y, x + 120, y + 300))


def _at(segments: Sequence[Segment], offset: int) -> tuple[Segment, int]:
    """The segment that shows this moment of the block, and the moment's offset in it."""
    number, at = divmod(offset, segments[0].duration_ms)
    return segments[number], at


def _row(segment: Segment, name: str, kind: RowKind, track: int, life: tuple[int, int, int], box: Box) -> Row:
    start, time, end = (segment.start_ms + at for at in life)
    return Row(f"{segment.id}-{name}", segment.camera_id, segment.id, kind, track, time, start, end, box, *_SIZE)
