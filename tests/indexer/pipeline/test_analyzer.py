"""Recorded files of live cameras through the whole worker: one after the other, masked, under load, newest first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import av
import pytest

from indexer.decoding.lookback import earlier_frames
from indexer.recorder.segment_writer import RecordingFolder
from search.catalog.recordings import RecorderUpdate
from search.query import Query
from search.stream_types import Rules
from search.times import now_ms
from search.types import Camera, Filter, RowKind, Segment, SegmentReport, SegmentState, StreamRole
from tests.support.pipeline import FILE_MS, Pipeline, record, shot, walk
from tests.support.street import HEIGHT, WIDTH
from tests.support.waiting import until

RED = 1  # the number of the one in red, see `figure`


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with closing(Pipeline(tmp_path)) as opened:
        opened.catalog.cameras.add(Camera("gate"))
        yield opened


def people(pipeline: Pipeline, segment: Segment | None = None) -> list[tuple[str, int]]:
    """(segment, moment) of the person rows."""
    rows, _ = pipeline.store.sample(10_000, Filter(kinds=(RowKind.PERSON,)))
    return [(r.segment_id, r.time_ms) for r in rows if segment is None or r.segment_id == segment.id]


def test_who_is_only_behind_a_mask_cannot_be_found(pipeline: Pipeline) -> None:
    start = now_ms() - 600_000
    behind = [shot((40 + 20 * n, RED)) for n in range(5)]
    empty = [shot() for _ in range(5)]
    open_one = record(pipeline, [*empty, *empty, *behind, *empty], start)
    list(pipeline.executor.run())
    assert people(pipeline, open_one)
    assert pipeline.engine.search(Query("red", Filter(kinds=(RowKind.PERSON,)))).clips

    pipeline.catalog.streams.set_rules(Rules("gate", masks=(((0, 0.3), (0.45, 0.3), (0.45, 1), (0, 1)),)))
    folder = pipeline.settings.data_dir / "masked"
    folder.mkdir()
    with closing(Pipeline(folder)) as masked:
        masked.catalog.cameras.add(Camera("gate"))
        rules = pipeline.catalog.streams.rules()["gate"]
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


def test_a_background_goes_from_file_to_file(pipeline: Pipeline) -> None:
    start = now_ms() - 600_000
    files = [record(pipeline, [shot()] * 5, start + n * FILE_MS) for n in range(8)]
    files += [record(pipeline, walk(n, n), start + n * FILE_MS) for n in range(8, 11)]
    list(pipeline.executor.run())
    assert [bool(people(pipeline, file)) for file in files] == [False] * 8 + [True] * 3


def test_an_unchanged_scene_is_kept_ever_more_seldom_not_with_every_file(pipeline: Pipeline) -> None:
    start = now_ms() - 600_000
    for n in range(12):
        record(pipeline, [shot()] * 5, start + n * FILE_MS)
    reports = list(pipeline.executor.run())
    assert pipeline.store.count(Filter(kinds=(RowKind.FRAME,))) == 3, "at once, after half a minute, and a minute later"
    assert all(r.seen == 5 == r.indexed + sum(r.skipped.values()) for r in reports)


def test_after_a_restart_the_background_is_learnt_from_earlier_files(tmp_path: Path) -> None:
    start = now_ms() - 600_000
    with closing(Pipeline(tmp_path)) as first:
        first.catalog.cameras.add(Camera("gate"))
        for n in range(8):
            record(first, [shot()] * 5, start + n * FILE_MS)
        list(first.executor.run())
        standing = record(first, [shot((300, RED))] * 5, start + 8 * FILE_MS)
        frames = list(earlier_frames(first.catalog, first.media, standing, 17))
        assert len(frames) == 8 * 2, "one in five seconds"
    with closing(Pipeline(tmp_path)) as second:
        list(second.executor.run())
        assert people(second, standing), "who stands there for the whole file is not taken for background"


def test_the_picture_of_now_is_the_newest_one(pipeline: Pipeline) -> None:
    start = now_ms() - 600_000
    record(pipeline, [shot()] * 5, start)
    newest = record(pipeline, [shot()] * 5, start + 2 * FILE_MS)
    list(pipeline.executor.run())
    record(pipeline, [shot()] * 5, start + FILE_MS)  # was told late
    list(pipeline.executor.run())
    taken = pipeline.media.now_path("gate").stat().st_mtime_ns // 1_000_000
    assert taken == newest.start_ms + 8000


def test_recent_files_come_first_in_order_then_the_newest_then_imports(pipeline: Pipeline) -> None:
    now = now_ms()
    ages = {"recent-2": 12_000, "recent-1": 20_000, "old-1": 300_000, "old-2": 600_000, "import": 900_000}
    written = RecorderUpdate()
    for name, age in ages.items():
        role = StreamRole.FILE if name == "import" else StreamRole.MAIN
        made = RecordingFolder(pipeline.settings.recordings_dir, "gate", StreamRole.MAIN)
        path = made.file(now - age, ".mp4")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        segment = replace(made.segment(path, now - age, FILE_MS, (1, 1)), role=role)
        written.segments.append((segment, SegmentState.PENDING))
        ages[name] = now - age
    pipeline.catalog.recordings.write(written)
    leased = [pipeline.catalog.segments.lease("me", 60_000) for _ in ages]
    order = [segment.start_ms for segment in leased if segment is not None]
    assert order == [ages[name] for name in ("recent-1", "recent-2", "old-1", "old-2", "import")]
    assert pipeline.catalog.segments.lease("me", 60_000) is None


def test_it_follows_until_it_is_told_to_stop(pipeline: Pipeline) -> None:
    stop = threading.Event()
    seen: list[SegmentReport] = []

    def has(count: int) -> bool:
        return len(seen) == count

    def follow() -> None:
        seen.extend(pipeline.executor.run(until=stop))

    thread = threading.Thread(target=follow)
    thread.start()
    for n in range(3):
        record(pipeline, [shot()] * 2, now_ms() - 60_000 + n * FILE_MS)
        until(partial(has, n + 1))
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert [report.state for report in seen] == [SegmentState.INDEXED] * 3
    assert not [t.name for t in threading.enumerate() if t.name.startswith(("decode-", "embed", "write", "lease"))]


def test_frames_left_out_for_load_are_counted(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.worker.analyzer._load, "interval_s", lambda wanted: 4 * wanted)
    record(pipeline, [shot()] * 10, now_ms() - 60_000)
    (report,) = pipeline.executor.run()
    assert report.seen == 10 == report.indexed + sum(report.skipped.values())
    assert report.skipped["load"] == 7, "of 20 s, every 8 s instead of every 2 s"
