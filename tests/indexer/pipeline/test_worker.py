"""The whole worker on real videos and a real store, with an embedder that sees colours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from indexer.detection.detector import MotionDetector
from indexer.importer.registration import register
from indexer.pipeline.executors import ThreadExecutor
from indexer.pipeline.threads import StoppedWork
from indexer.pipeline.worker import AWAITING, PREPARING, IndexWorker, WriteBatch
from search.catalog.catalog import Catalog
from search.config import Settings
from search.engine import SearchEngine
from search.errors import Unavailable
from search.media.media_store import MediaStore
from search.media.track_boxes import unpacked
from search.query import Query
from search.times import zone_of
from search.types import Filter, Image, Row, RowKind, SegmentReport, SegmentState, Vectors
from search.vector_store.milvus import MilvusStore
from tests.conftest import SAMPLES
from tests.support.fakes import ColourEmbedder

UTC = zone_of("UTC")


class House:
    """All parts over one folder."""

    def __init__(self, folder: Path, embedder: ColourEmbedder | None = None, **changes: object) -> None:
        self.settings = Settings(data_dir=folder).model_copy(update=changes)
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.embedder = embedder or ColourEmbedder()
        self.catalog = Catalog(self.settings.catalog_address).open()
        self.store = MilvusStore(self.settings.store_address, collection="xunren", dim=self.embedder.dim)
        self.store.open()
        self.media = MediaStore(self.settings.media_dir)
        self.worker = IndexWorker(self.settings, self.embedder, self.store, self.catalog, self.media, MotionDetector())
        self.executor = ThreadExecutor(self.worker, self.catalog, lease_s=self.settings.lease_s)
        self.engine = SearchEngine(self.settings, self.embedder, self.store, self.catalog)

    def register(self, *paths: Path) -> None:
        register(self.catalog, paths, camera_id=None, start_ms=None, zone=UTC, max_megapixels=17)

    def close(self) -> None:
        self.store.close()
        self.catalog.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(House(tmp_path)) as opened:
        yield opened


def gate() -> Path:
    return SAMPLES / "gate"


def test_rows_thumbnails_and_report_agree(house: House) -> None:
    house.register(gate())
    (report,) = house.executor.run()
    assert report.state is SegmentState.INDEXED
    assert report.seen == report.indexed + sum(report.skipped.values())
    assert report.rows == house.store.count() == len(house.store.ids())
    assert house.store.count(Filter(kinds=(RowKind.PERSON,))) > 5
    assert house.store.count(Filter(kinds=(RowKind.FRAME,))) >= 2
    rows, _ = house.store.sample(10_000)
    for row in rows:
        assert house.media.thumbnail_path(row.segment_id, row.time_ms - report.segment.start_ms).is_file()
        assert report.segment.start_ms <= row.time_ms < report.segment.end_ms
    assert report.segment.end_ms - report.segment.start_ms == pytest.approx(60_000, abs=2_500)
    assert {"decode", "detect", "embed", "write"} == set(house.worker.clocks.seconds())
    waits = {"waiting for decoding and detecting", "waiting for the vector store"}
    assert set(house.worker.profile.seconds()) == {PREPARING, AWAITING, "storing thumbnails", *waits}
    assert house.worker.computing() == 0  # this embedder has no device


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


def test_a_card_is_given_a_batch_before_the_one_before_is_fetched(house: House, tmp_path: Path) -> None:
    house.register(SAMPLES)
    list(house.executor.run())
    rows, vectors = house.store.sample(10_000)
    with closing(House(tmp_path / "card", embedder=Card())) as other:
        other.register(SAMPLES)
        list(other.executor.run())
        card = cast(Card, other.embedder)
        assert (card.most, card.under_way) == (2, 0)
        assert other.store.ids() == house.store.ids()
        found = dict(zip((row.id for row in rows), vectors, strict=True))
        for row, vector in zip(*other.store.sample(10_000), strict=True):
            np.testing.assert_allclose(vector, found[row.id], atol=1e-6)
        busy = 0.01 * card.finished
        assert 0 < other.worker.computing() <= 100 * busy / sum(other.worker.profile.seconds().values()) + 1e-6


def test_where_each_track_was_is_kept_from_its_first_box_to_its_last(house: House) -> None:
    house.register(gate())
    (report,) = house.executor.run()
    tracks = unpacked(house.media.tracks(report.segment.id) or b"{}")
    rows = [row for row in house.store.sample(10_000)[0] if row.kind is RowKind.PERSON]
    assert {row.track for row in rows} == tracks.keys()
    for row in rows:
        seen = dict(tracks[row.track])
        assert seen[row.time_ms - report.segment.start_ms] == row.box
        assert (min(seen), max(seen)) == (row.start_ms - report.segment.start_ms, row.end_ms - report.segment.start_ms)
    assert max(len(seen) for seen in tracks.values()) > house.settings.crops_per_track


def test_a_colour_is_found_by_its_name_in_both_languages(house: House) -> None:
    house.register(SAMPLES)
    assert len(list(house.executor.run())) == 4
    english = house.engine.search(Query("red", Filter(kinds=(RowKind.PERSON,)))).clips
    chinese = house.engine.search(Query("红色", Filter(kinds=(RowKind.PERSON,)))).clips
    assert [c.best.row.id for c in english] == [c.best.row.id for c in chinese]
    vectors = {row.id: vector for row, vector in zip(*house.store.sample(10_000), strict=True)}
    reddest = max(vectors, key=lambda id_: float(vectors[id_][0]) if "-p" in id_ else -1)
    assert english[0].best.row.id == reddest


def test_a_second_run_with_other_settings_leaves_nothing_behind(tmp_path: Path) -> None:
    with closing(House(tmp_path)) as first:
        first.register(gate())
        list(first.executor.run())
        segment = first.catalog.segments.reports()[0].segment
    with closing(House(tmp_path, sample_interval_s=5.0)) as second:
        moved = (gate(),)
        register(second.catalog, moved, camera_id=None, start_ms=segment.start_ms + 1000, zone=UTC, max_megapixels=17)
        (report,) = second.executor.run()
        rows, _ = second.store.sample(10_000)
        assert len(rows) == report.rows == len(second.store.ids(segment.id))
        assert all(r.time_ms >= segment.start_ms + 1000 for r in rows)


def test_a_broken_file_is_skipped_and_the_others_are_not(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "videos" / "cam"
    folder.mkdir(parents=True)
    good = (gate() / "gate.mp4").read_bytes()
    (folder / "good.mp4").write_bytes(good)
    (folder / "gone.mp4").write_bytes(good + b"\0")
    house.register(folder)
    (folder / "gone.mp4").unlink()
    reports = {Path(r.segment.path).name: r for r in house.executor.run()}
    assert reports["good.mp4"].state is SegmentState.INDEXED
    assert reports["gone.mp4"].state is SegmentState.SKIPPED
    assert reports["gone.mp4"].reason
    assert reports["gone.mp4"].cure
    assert house.store.ids(reports["gone.mp4"].segment.id) == set()


def test_a_store_that_fails_stops_the_run_and_marks_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_rows: list[Row], _vectors: Vectors) -> None:
        raise Unavailable("the store is gone")

    house.register(gate())
    monkeypatch.setattr(house.store, "upsert", fails)
    with pytest.raises(Unavailable, match="the store is gone"):
        list(house.executor.run())
    assert house.catalog.segments.states() == {"pending": 1}
    monkeypatch.undo()
    (report,) = house.executor.run()
    assert report.rows == house.store.count()


def test_a_run_can_be_stopped_in_the_middle_of_a_file(house: House) -> None:
    house.register(gate())
    seen = threading.Event()

    def stop(_segment: object, offset_ms: int) -> None:
        if offset_ms > 5_000:
            seen.set()
            raise StoppedWork

    with pytest.raises(StoppedWork):
        list(house.executor.run(stop))
    assert seen.is_set()
    assert house.catalog.segments.states() == {"pending": 1}


class Listener:
    """Is told of new rows, and looks at once what the store and the catalogue know then."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ids: list[str] = []
        self.states: list[dict[str, int]] = []
        house.worker = IndexWorker(
            *(house.settings, house.embedder, house.store, house.catalog, house.media, MotionDetector()), self.told
        )
        house.executor = ThreadExecutor(house.worker, house.catalog, lease_s=house.settings.lease_s)

    def told(self, rows: Sequence[Row], vectors: Vectors) -> None:
        ids = [row.id for row in rows]
        stored, there = self.house.store.get(ids)
        assert {row.id: row for row in stored} == {row.id: row for row in rows}
        order = sorted(range(len(ids)), key=ids.__getitem__)
        assert np.allclose(there, vectors[order], atol=1e-6)
        self.ids += ids
        self.states.append(self.house.catalog.segments.states())


def test_new_rows_are_told_once_they_are_stored_and_before_their_segment_is_done(house: House) -> None:
    listener = Listener(house)
    house.register(gate())
    list(house.executor.run())
    assert sorted(listener.ids) == sorted(house.store.ids())
    assert listener.states == [{"leased": 1}] * len(listener.states)


def test_who_has_lost_its_lease_stores_tidies_and_says_nothing(house: House) -> None:
    house.register(gate())
    lost = house.catalog.segments.lease("slow", -1)
    assert lost is not None
    (report,) = house.executor.run()
    rows = house.store.ids()
    late = WriteBatch(house.worker.begin(lost), [], SegmentReport(lost, SegmentState.SKIPPED, reason="internal error"))
    assert house.worker.write([late]) == []
    assert (house.store.ids(), house.catalog.segments.states()) == (rows, {"indexed": 1})
    assert len(rows) == report.rows > 0


def test_who_is_killed_after_telling_tells_the_same_rows_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_report: SegmentReport, _collections: object) -> None:
        raise Unavailable("killed here")

    listener = Listener(house)
    house.register(gate())
    monkeypatch.setattr(house.catalog.segments, "finish", killed)
    with pytest.raises(Unavailable, match="killed here"):
        list(house.executor.run())
    first, listener.ids = listener.ids, []
    monkeypatch.undo()
    list(house.executor.run())
    assert first
    assert sorted(listener.ids) == sorted(first)


def test_rows_of_a_file_that_turns_out_to_be_broken_are_not_told(house: House, tmp_path: Path) -> None:
    listener = Listener(house)
    folder = tmp_path / "videos" / "cam"
    folder.mkdir(parents=True)
    (folder / "gone.mp4").write_bytes((gate() / "gate.mp4").read_bytes())
    house.register(folder)
    (folder / "gone.mp4").unlink()
    (report,) = house.executor.run()
    assert report.state is SegmentState.SKIPPED
    assert listener.ids == []
