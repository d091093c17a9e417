"""The query side, with colours for a model and a plain store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from search.catalog import Catalog, segment_id
from search.config import Settings
from search.engine import Query, SearchEngine
from search.errors import BadInput, NotFound
from search.store import MemoryStore
from search.times import zone_of
from search.types import Box, Camera, Filter, Kind, Row, Segment, StartSource, Verdict
from tests.fakes import COLOURS, ColourEmbedder

START = 1_000_000


class House:
    """Two cameras, a recording of 100 s each, and people of one colour who pass."""

    def __init__(self, folder: Path) -> None:
        self.embedder = ColourEmbedder()
        self.catalog = Catalog(f"sqlite:///{folder / 'c.sqlite'}").open()
        self.store = MemoryStore(dim=self.embedder.dim)
        self.store.open()
        self.segments = {}
        for camera in ("gate", "hall"):
            self.catalog.add_camera(Camera(camera))
            sha = camera * 16
            segment = Segment(
                segment_id(camera, sha), camera, f"/v/{camera}.mp4", sha, 1, START, StartSource.MTIME, 100_000
            )
            self.catalog.add_segment(segment)
            self.segments[camera] = segment
        settings = Settings(data_dir=folder)
        self.engine = SearchEngine(settings, self.embedder, self.store, self.catalog)

    def passes(self, colour: str, camera: str, second: int, kind: Kind = Kind.PERSON) -> None:
        """Somebody in `colour` is seen at `second`."""
        random = np.random.default_rng(second)
        image = np.clip(random.normal(COLOURS[colour][0], 40, (24, 12, 3)), 0, 255).astype(np.uint8)
        time = START + 1000 * second
        id_ = f"{camera}-{kind}-{second}-{colour}"
        box = Box(0, 0, 12, 24)
        row = Row(id_, camera, self.segments[camera].id, kind, second, time, time, time, box, 640, 360)
        self.store.upsert([row], self.embedder.embed_images([image]))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    for second in range(0, 100, 5):
        made.passes("grey", "gate", second)
        made.passes("blue", "hall", second)
    made.passes("red", "gate", 42)
    yield made
    made.catalog.close()


def test_the_one_in_red_comes_first_and_is_a_match(house: House) -> None:
    answer = house.engine.search(Query("someone in red"))
    first = answer.clips[0]
    assert (first.camera_id, first.best.row.time_ms, first.verdict) == ("gate", START + 42_000, Verdict.MATCH)
    assert answer.verdict is Verdict.MATCH
    assert (first.start_ms, first.end_ms) == (START + 40_000, START + 44_000)
    assert all(clip.verdict is not Verdict.MATCH for clip in answer.clips[1:])


def test_filters_hold(house: House) -> None:
    answer = house.engine.search(Query("red", Filter(cameras=("hall",))))
    assert {clip.camera_id for clip in answer.clips} == {"hall"}
    early = house.engine.search(Query("red", Filter(to_ms=START + 42_000)))
    assert all(clip.best.row.time_ms < START + 42_000 for clip in early.clips)
    assert early.verdict is not Verdict.MATCH


def test_what_nobody_wears_is_not_found(house: House) -> None:
    assert house.engine.search(Query("green")).verdict is Verdict.NOTHING


def test_an_empty_index_answers_nothing(tmp_path: Path) -> None:
    answer = House(tmp_path).engine.search(Query("red"))
    assert (answer.verdict, list(answer.clips), answer.rows) == (Verdict.NOTHING, [], 0)


def test_padding_stays_inside_the_recording(house: House) -> None:
    house.passes("yellow", "gate", 0)
    house.passes("yellow", "gate", 99)
    clips = house.engine.search(Query("yellow", limit=2)).clips
    assert sorted((c.start_ms - START, c.end_ms - START) for c in clips) == [(0, 2_000), (97_000, 100_000)]


def test_the_background_follows_the_index(house: House) -> None:
    before = house.engine.search(Query("red")).clips[0].score
    for second in range(100):
        house.passes("red", "hall", second)
    assert house.engine.search(Query("red")).clips[0].score < before


def test_clips_of_a_segment_the_catalogue_lost_are_left_out(house: House, caplog: pytest.LogCaptureFixture) -> None:
    row = Row("x", "gate", "0" * 24, Kind.PERSON, 1, START, START, START, Box(0, 0, 5, 5), 640, 360)
    house.store.upsert([row], house.embedder.embed_texts(["red"]))
    answer = house.engine.search(Query("red"))
    assert all(clip.segment_id in answer.segments for clip in answer.clips)
    assert "left out" in caplog.text


def test_bad_queries_are_refused(house: House) -> None:
    for text, limit in (("", 3), ("x" * 10_000, 3), ("red", 0), ("red", 10**6)):
        with pytest.raises(BadInput):
            Query(text, limit=limit)
    with pytest.raises(NotFound, match="camera"):
        house.engine.search(Query("red", Filter(cameras=("gaet",))))


def test_the_answer_as_data(house: House) -> None:
    data = house.engine.search(Query("红色", limit=1)).as_dict(zone_of("Asia/Shanghai"), lambda _: "t.jpg")
    (clip,) = data["clips"]
    assert clip["offset_s"] == 40.0
    assert clip["start"] == "1970-01-01T08:17:20+08:00"
    assert clip["box"] == [0, 0, 12, 24]
    assert (clip["rank"], clip["kind"], clip["thumbnail"], clip["source"]) == (1, "person", "t.jpg", "/v/gate.mp4")
    assert data["verdict"] == clip["verdict"] == "match"
