"""The whole worker on real videos and a real store, with an embedder that sees colours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from indexer.importer.registration import register
from indexer.pipeline.threads import StoppedWork
from indexer.pipeline.worker import AWAITING, PREPARING, WriteBatch
from search.errors import Unavailable
from search.media.track_boxes import unpacked
from search.query import Query
from search.types import Filter, Image, Row, RowKind, SegmentReport, SegmentState, Vectors
from tests.conftest import SAMPLES
from tests.support.fakes import ColourEmbedder
from tests.support.pipeline import UTC, Pipeline


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with closing(Pipeline(tmp_path)) as opened:
        yield opened


def gate() -> Path:
    return SAMPLES / "gate"


def test_rows_thumbnails_and_report_agree(pipeline: Pipeline) -> None:
    pipeline.register(gate())
    (report,) = pipeline.executor.run()
    assert report.state is SegmentState.INDEXED
    assert report.seen == report.indexed + sum(report.skipped.values())
    assert report.rows == pipeline.store.count() == len(pipeline.store.ids())
    assert pipeline.store.count(Filter(kinds=(RowKind.PERSON,))) > 5
    assert pipeline.store.count(Filter(kinds=(RowKind.FRAME,))) >= 2
    rows, _ = pipeline.store.sample(10_000)
    for row in rows:
        assert pipeline.media.thumbnail_path(row.segment_id, row.time_ms - report.segment.start_ms).is_file()
        assert report.segment.start_ms <= row.time_ms < report.segment.end_ms
    assert report.segment.end_ms - report.segment.start_ms == pytest.approx(60_000, abs=2_500)
    assert {"decode", "detect", "embed", "write"} == set(pipeline.worker.stopwatch.seconds())
    waits = {"waiting for decoding and detecting", "waiting for the vector store"}
    assert set(pipeline.worker.profile.seconds()) == {PREPARING, AWAITING, "storing thumbnails", *waits}
    assert pipeline.worker.computing() == 0  # this embedder has no device


class Card(ColourEmbedder):
    """One that computes beside: vectors are there only when they are asked for."""

    batch_size = 2

    def __init__(self) -> None:
        self.under_way = self.most = self.finished = 0

    def start_images(self, images: Sequence[Image]) -> Callable[[], Vectors]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        kept = [image.copy() for image in images]

        def finish() -> Vectors:
            self.under_way -= 1
            self.finished += 1
            self.busy_s += 0.01
            return self.embed_images(kept)

        return finish


def test_a_card_is_given_a_batch_before_the_one_before_is_fetched(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.register(SAMPLES)
    list(pipeline.executor.run())
    rows, vectors = pipeline.store.sample(10_000)
    with closing(Pipeline(tmp_path / "card", embedder=Card())) as other:
        other.register(SAMPLES)
        list(other.executor.run())
        card = cast(Card, other.embedder)
        assert (card.most, card.under_way) == (2, 0)
        assert other.store.ids() == pipeline.store.ids()
        found = dict(zip((row.id for row in rows), vectors, strict=True))
        for row, vector in zip(*other.store.sample(10_000), strict=True):
            np.testing.assert_allclose(vector, found[row.id], atol=1e-6)
        busy = 0.01 * card.finished
        assert 0 < other.worker.computing() <= 100 * busy / sum(other.worker.profile.seconds().values()) + 1e-6


def test_where_each_track_was_is_kept_from_its_first_box_to_its_last(pipeline: Pipeline) -> None:
    pipeline.register(gate())
    (report,) = pipeline.executor.run()
    tracks = unpacked(pipeline.media.tracks(report.segment.id) or b"{}")
    rows = [row for row in pipeline.store.sample(10_000)[0] if row.kind is RowKind.PERSON]
    assert {row.track for row in rows} == tracks.keys()
    for row in rows:
        seen = dict(tracks[row.track])
        assert seen[row.time_ms - report.segment.start_ms] == row.box
        assert (min(seen), max(seen)) == (row.start_ms - report.segment.start_ms, row.end_ms - report.segment.start_ms)
    assert max(len(seen) for seen in tracks.values()) > pipeline.settings.crops_per_track


def test_a_colour_is_found_by_its_name_in_both_languages(pipeline: Pipeline) -> None:
    pipeline.register(SAMPLES)
    assert len(list(pipeline.executor.run())) == 4
    english = pipeline.engine.search(Query("red", Filter(kinds=(RowKind.PERSON,)))).clips
    chinese = pipeline.engine.search(Query("红色", Filter(kinds=(RowKind.PERSON,)))).clips
    assert [c.best.row.id for c in english] == [c.best.row.id for c in chinese]
    vectors = {row.id: vector for row, vector in zip(*pipeline.store.sample(10_000), strict=True)}
    reddest = max(vectors, key=lambda id_: float(vectors[id_][0]) if "-p" in id_ else -1)
    assert english[0].best.row.id == reddest


def test_a_second_run_with_other_settings_leaves_nothing_behind(tmp_path: Path) -> None:
    with closing(Pipeline(tmp_path)) as first:
        first.register(gate())
        list(first.executor.run())
        segment = first.catalog.segments.reports()[0].segment
    with closing(Pipeline(tmp_path, sample_interval_s=5.0)) as second:
        moved = (gate(),)
        register(second.catalog, moved, camera_id=None, start_ms=segment.start_ms + 1000, zone=UTC, max_megapixels=17)
        (report,) = second.executor.run()
        rows, _ = second.store.sample(10_000)
        assert len(rows) == report.rows == len(second.store.ids(segment.id))
        assert all(r.time_ms >= segment.start_ms + 1000 for r in rows)


def test_a_broken_file_is_skipped_and_the_others_are_not(pipeline: Pipeline, tmp_path: Path) -> None:
    folder = tmp_path / "videos" / "cam"
    folder.mkdir(parents=True)
    good = (gate() / "gate.mp4").read_bytes()
    (folder / "good.mp4").write_bytes(good)
    (folder / "gone.mp4").write_bytes(good + b"\0")
    pipeline.register(folder)
    (folder / "gone.mp4").unlink()
    reports = {Path(r.segment.path).name: r for r in pipeline.executor.run()}
    assert reports["good.mp4"].state is SegmentState.INDEXED
    assert reports["gone.mp4"].state is SegmentState.SKIPPED
    assert reports["gone.mp4"].reason
    assert reports["gone.mp4"].cure
    assert pipeline.store.ids(reports["gone.mp4"].segment.id) == set()


def test_a_failing_store_stops_the_run_and_marks_nothing(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_rows: list[Row], _vectors: Vectors) -> None:
        raise Unavailable("the store is gone")

    pipeline.register(gate())
    monkeypatch.setattr(pipeline.store, "upsert", fails)
    with pytest.raises(Unavailable, match="the store is gone"):
        list(pipeline.executor.run())
    assert pipeline.catalog.segments.states() == {"pending": 1}
    monkeypatch.undo()
    (report,) = pipeline.executor.run()
    assert report.rows == pipeline.store.count()


def test_a_run_can_be_stopped_in_the_middle_of_a_file(pipeline: Pipeline) -> None:
    pipeline.register(gate())
    seen = threading.Event()

    def stop(_segment: object, offset_ms: int) -> None:
        if offset_ms > 5_000:
            seen.set()
            raise StoppedWork

    with pytest.raises(StoppedWork):
        list(pipeline.executor.run(stop))
    assert seen.is_set()
    assert pipeline.catalog.segments.states() == {"pending": 1}


class Listener:
    """Receives new rows, and checks at once what the store and the catalogue hold then."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.ids: list[str] = []
        self.states: list[dict[str, int]] = []
        pipeline.use(replace(pipeline.index, on_rows=self.receive))

    def receive(self, rows: Sequence[Row], vectors: Vectors) -> None:
        ids = [row.id for row in rows]
        stored, there = self.pipeline.store.get(ids)
        assert {row.id: row for row in stored} == {row.id: row for row in rows}
        order = sorted(range(len(ids)), key=ids.__getitem__)
        assert np.allclose(there, vectors[order], atol=1e-6)
        self.ids += ids
        self.states.append(self.pipeline.catalog.segments.states())


def test_new_rows_are_passed_on_once_stored_and_before_their_segment_is_done(pipeline: Pipeline) -> None:
    listener = Listener(pipeline)
    pipeline.register(gate())
    list(pipeline.executor.run())
    assert sorted(listener.ids) == sorted(pipeline.store.ids())
    assert listener.states == [{"leased": 1}] * len(listener.states)


def test_a_worker_that_lost_its_lease_stores_deletes_and_reports_nothing(pipeline: Pipeline) -> None:
    pipeline.register(gate())
    lost = pipeline.catalog.segments.lease("slow", -1)
    assert lost is not None
    (report,) = pipeline.executor.run()
    rows = pipeline.store.ids()
    late = WriteBatch(
        pipeline.worker.begin(lost), [], SegmentReport(lost, SegmentState.SKIPPED, reason="internal error")
    )
    assert pipeline.worker.write([late]) == []
    assert (pipeline.store.ids(), pipeline.catalog.segments.states()) == (rows, {"indexed": 1})
    assert len(rows) == report.rows > 0


def test_after_a_kill_the_same_rows_are_passed_on_again(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_report: SegmentReport, _collections: object) -> None:
        raise Unavailable("killed here")

    listener = Listener(pipeline)
    pipeline.register(gate())
    monkeypatch.setattr(pipeline.catalog.segments, "finish", killed)
    with pytest.raises(Unavailable, match="killed here"):
        list(pipeline.executor.run())
    first, listener.ids = listener.ids, []
    monkeypatch.undo()
    list(pipeline.executor.run())
    assert first
    assert sorted(listener.ids) == sorted(first)


def test_rows_of_a_broken_file_are_not_passed_on(pipeline: Pipeline, tmp_path: Path) -> None:
    listener = Listener(pipeline)
    folder = tmp_path / "videos" / "cam"
    folder.mkdir(parents=True)
    (folder / "gone.mp4").write_bytes((gate() / "gate.mp4").read_bytes())
    pipeline.register(folder)
    (folder / "gone.mp4").unlink()
    (report,) = pipeline.executor.run()
    assert report.state is SegmentState.SKIPPED
    assert listener.ids == []
