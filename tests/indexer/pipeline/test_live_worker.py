"""Recorded files of live cameras through the whole worker: one after the other, masked, under load, newest first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest

from indexer.decoding.lookback import earlier_frames
from indexer.detection.camera_memory import PerCamera
from indexer.pipeline.load_control import CALM_S, LOOK_S, MOST, LoadController
from indexer.recorder.segment_writer import RecordingFolder
from search.catalog.recordings import RecorderUpdate
from search.query import Query
from search.stream_types import Rules
from search.times import now_ms
from search.types import Camera, Filter, Image, RowKind, Segment, SegmentReport, SegmentState, StreamRole
from tests.indexer.detection.test_detector import HEIGHT, WIDTH, figure, scene, walker
from tests.indexer.pipeline.test_worker import House

RED = 1  # the number of the one in red, see `figure`
FILE_MS = 10_000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(House(tmp_path)) as opened:
        opened.catalog.cameras.add(Camera("gate"))
        yield opened


def shot(*people: tuple[int, int]) -> Image:
    """The street with people: (left edge, number of clothes)."""
    picture = scene()
    for x, who in people:
        figure(picture, walker(x), who)
    noise = np.random.default_rng(len(people)).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def record(
    house: House, pictures: Sequence[Image], start_ms: int, camera: str = "gate", step_ms: int = 2000
) -> Segment:
    """A file as the recorder leaves it, each picture a key frame, told to the catalogue."""
    place = RecordingFolder(house.settings.recordings_dir, camera, StreamRole.MAIN)
    path = place.file(start_ms, ".mp4")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "1", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for n, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = n * step_ms * 25 // 1000
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    segment = place.segment(path, start_ms, len(pictures) * step_ms, (WIDTH, HEIGHT))
    house.catalog.recordings.write(RecorderUpdate(segments=[(segment, SegmentState.PENDING)]))
    return segment


def people(house: House, segment: Segment | None = None) -> list[tuple[str, int]]:
    """(segment, moment) of the person rows."""
    rows, _ = house.store.sample(10_000, Filter(kinds=(RowKind.PERSON,)))
    return [(r.segment_id, r.time_ms) for r in rows if segment is None or r.segment_id == segment.id]


def walk(file: int, who: int) -> list[Image]:
    """Five pictures of somebody on the way through the street."""
    return [shot((20 + 55 * n + 3 * file, who)) for n in range(5)]


def test_who_is_only_behind_a_mask_cannot_be_found(house: House) -> None:
    start = now_ms() - 600_000
    behind = [shot((40 + 20 * n, RED)) for n in range(5)]
    empty = [shot() for _ in range(5)]
    open_one = record(house, [*empty, *empty, *behind, *empty], start)
    list(house.executor.run())
    assert people(house, open_one)
    assert house.engine.search(Query("red", Filter(kinds=(RowKind.PERSON,)))).clips

    house.catalog.streams.set_rules(Rules("gate", masks=(((0, 0.3), (0.45, 0.3), (0.45, 1), (0, 1)),)))
    folder = house.settings.data_dir / "masked"
    folder.mkdir()
    with closing(House(folder)) as masked:
        masked.catalog.cameras.add(Camera("gate"))
        rules = house.catalog.streams.rules()["gate"]
        masked.catalog.streams.set_rules(rules)
        file = record(masked, [*empty, *empty, *behind, *empty], start)
        list(masked.executor.run())
        assert people(masked, file) == []
        rows, vectors = masked.store.sample(10_000)
        assert rows
        assert vectors[:, 0].max() < 0.05, "no red in any vector"
        for row in rows:
            jpeg = masked.media.thumbnail_path(row.segment_id, row.time_ms - file.start_ms)
            with av.open(str(jpeg)) as container:
                picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
            assert picture[HEIGHT // 2 :, : int(0.4 * WIDTH)].max() < 40
        assert masked.media.now_path("gate").is_file()


def test_a_background_goes_from_file_to_file(house: House) -> None:
    start = now_ms() - 600_000
    files = [record(house, [shot()] * 5, start + n * FILE_MS) for n in range(8)]
    files += [record(house, walk(n, n), start + n * FILE_MS) for n in range(8, 11)]
    list(house.executor.run())
    assert [bool(people(house, file)) for file in files] == [False] * 8 + [True] * 3


def test_an_unchanged_scene_is_kept_ever_more_seldom_not_with_every_file(house: House) -> None:
    start = now_ms() - 600_000
    for n in range(12):
        record(house, [shot()] * 5, start + n * FILE_MS)
    reports = list(house.executor.run())
    assert house.store.count(Filter(kinds=(RowKind.FRAME,))) == 3, "at once, after half a minute, and a minute later"
    assert all(r.seen == 5 == r.indexed + sum(r.skipped.values()) for r in reports)


def test_after_a_restart_the_background_is_learnt_from_earlier_files(tmp_path: Path) -> None:
    start = now_ms() - 600_000
    with closing(House(tmp_path)) as first:
        first.catalog.cameras.add(Camera("gate"))
        for n in range(8):
            record(first, [shot()] * 5, start + n * FILE_MS)
        list(first.executor.run())
        standing = record(first, [shot((300, RED))] * 5, start + 8 * FILE_MS)
        frames = list(earlier_frames(first.catalog, first.media, standing, 17))
        assert len(frames) == 8 * 2, "one in five seconds"
    with closing(House(tmp_path)) as second:
        list(second.executor.run())
        assert people(second, standing), "who stands there for the whole file is not taken for background"


def test_the_picture_of_now_is_the_newest_one(house: House) -> None:
    start = now_ms() - 600_000
    record(house, [shot()] * 5, start)
    newest = record(house, [shot()] * 5, start + 2 * FILE_MS)
    list(house.executor.run())
    record(house, [shot()] * 5, start + FILE_MS)  # was told late
    list(house.executor.run())
    taken = house.media.now_path("gate").stat().st_mtime_ns // 1_000_000
    assert taken == newest.start_ms + 8000


def test_recent_files_come_first_in_order_then_the_newest_then_imports(house: House) -> None:
    now = now_ms()
    ages = {"recent-2": 12_000, "recent-1": 20_000, "old-1": 300_000, "old-2": 600_000, "import": 900_000}
    written = RecorderUpdate()
    for name, age in ages.items():
        role = StreamRole.FILE if name == "import" else StreamRole.MAIN
        made = RecordingFolder(house.settings.recordings_dir, "gate", StreamRole.MAIN)
        path = made.file(now - age, ".mp4")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        segment = replace(made.segment(path, now - age, FILE_MS, (1, 1)), role=role)
        written.segments.append((segment, SegmentState.PENDING))
        ages[name] = now - age
    house.catalog.recordings.write(written)
    leased = [house.catalog.segments.lease("me", 60_000) for _ in ages]
    order = [segment.start_ms for segment in leased if segment is not None]
    assert order == [ages[name] for name in ("recent-1", "recent-2", "old-1", "old-2", "import")]
    assert house.catalog.segments.lease("me", 60_000) is None


def test_it_follows_until_it_is_told_to_stop(house: House) -> None:
    until = threading.Event()
    seen: list[SegmentReport] = []

    def follow() -> None:
        seen.extend(house.executor.run(until=until))

    thread = threading.Thread(target=follow)
    thread.start()
    for n in range(3):
        record(house, [shot()] * 2, now_ms() - 60_000 + n * FILE_MS)
        time.sleep(0.7)
    end = time.monotonic() + 20
    while house.catalog.segments.states().get(SegmentState.INDEXED, 0) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    until.set()
    thread.join(20)
    assert not thread.is_alive()
    assert [report.state for report in seen] == [SegmentState.INDEXED] * 3
    assert not [t.name for t in threading.enumerate() if t.name.startswith(("decode-", "embed", "write", "lease"))]


class Clock:
    """Monotonic time that tests set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 1000.0
        monkeypatch.setattr("indexer.pipeline.load_control.time.monotonic", lambda: self.at)

    def look(self, governor: LoadController, seconds: float = LOOK_S) -> float:
        self.at += seconds
        return governor.interval_s(2.0)


def test_it_looks_at_fewer_frames_before_it_is_too_far_behind(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    catalog = house.catalog
    governor = LoadController(catalog, 30.0)
    assert clock.look(governor) == 2.0
    late = record(house, [shot()] * 2, now_ms() - 24_000)
    assert (now_ms() - late.end_ms) / 1000 > 15
    intervals = [clock.look(governor) for _ in range(MOST + 2)]
    assert intervals == [4.0, 8.0, 16.0, 32.0, 64.0, 64.0, 64.0]
    list(house.executor.run())
    assert clock.look(governor) == 64.0, "not at once"
    assert clock.look(governor, CALM_S) == 32.0
    assert [clock.look(governor, CALM_S + 1) for _ in range(5)] == [16.0, 8.0, 4.0, 2.0, 2.0]


def test_what_is_too_old_is_no_reason_to_look_at_fewer_frames(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    record(house, [shot()] * 5, now_ms() - 3_600_000)
    assert clock.look(LoadController(house.catalog, 30.0)) == 2.0


def test_frames_left_out_for_load_are_counted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.worker.looker._governor, "interval_s", lambda wanted: 4 * wanted)
    record(house, [shot()] * 10, now_ms() - 60_000)
    (report,) = house.executor.run()
    assert report.seen == 10 == report.indexed + sum(report.skipped.values())
    assert report.skipped["load"] == 7, "of 20 s, every 8 s instead of every 2 s"


def test_a_memory_of_cameras_forgets_the_one_that_was_not_asked_for_longest() -> None:
    numbers = count()
    memory = PerCamera(lambda: next(numbers), most=2)
    assert [memory.of(name) for name in ("a", "b", "a", "c", "a", "b")] == [0, 1, 0, 2, 0, 3]
