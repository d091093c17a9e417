"""The query side, with colours for a model and a plain store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.catalog.catalog import Catalog
from search.catalog.playback import chosen
from search.catalog.segment_queue import segment_id
from search.config import Settings
from search.engine import SearchEngine
from search.errors import BadInput, NotFound
from search.geo.reachability import MOST_OFF, Point, Reach
from search.parsing.parser import ChipKind
from search.query import Order, Query
from search.times import zone_of
from search.types import Box, Camera, Filter, Image, Row, RowKind, Segment, StartSource, StreamRole, Verdict
from search.vector_store.memory import MemoryStore
from tests.support.fakes import COLOURS, ColourEmbedder

START = 1_000_000


class TwoCameras:
    """Two cameras, a recording of 100 s each, and people of one colour who pass."""

    def __init__(self, folder: Path) -> None:
        self.embedder = ColourEmbedder()
        self.catalog = Catalog(f"sqlite:///{folder / 'c.sqlite'}").open()
        self.store = MemoryStore(dim=self.embedder.dim)
        self.store.open()
        self.segments = {}
        for camera in ("gate", "hall"):
            self.catalog.cameras.add(Camera(camera))
            sha = camera * 16
            segment = Segment(
                segment_id(camera, sha), camera, f"/v/{camera}.mp4", sha, 1, START, StartSource.MTIME, 100_000
            )
            self.catalog.segments.add(segment)
            self.segments[camera] = segment
        # There are so few colours that many a usual description fits somebody here.
        settings = Settings(data_dir=folder, false_match_share=0.3, false_maybe_share=0.5)
        self.engine = SearchEngine(settings, self.embedder, self.store, self.catalog)

    def records(self, *starts: int, role: StreamRole = StreamRole.SUB) -> list[Segment]:
        """The camera `live` has files of 10 s that begin at these seconds."""
        self.catalog.cameras.add(Camera("live"))
        made = []
        for start in starts:
            id_ = segment_id("live", f"{role}{start}")
            path = f"/v/live/{role}{start}.mp4"
            at = START + 1000 * start
            made.append(Segment(id_, "live", path, id_, 1, at, StartSource.RECORDER, 10_000, role=role))
            self.catalog.segments.add(made[-1])
        return made

    def passes(
        self, colour: str, camera: str, second: int, kind: RowKind = RowKind.PERSON, segment: Segment | None = None
    ) -> None:
        """Somebody in `colour` is seen at `second`."""
        random = np.random.default_rng(second)
        image = np.clip(random.normal(COLOURS[colour][0], 40, (24, 12, 3)), 0, 255).astype(np.uint8)
        time = START + 1000 * second
        id_ = f"{camera}-{kind}-{second}-{colour}"
        box = Box(0, 0, 12, 24)
        where = (segment or self.segments[camera]).id
        row = Row(id_, camera, where, kind, second, time, time, time, box, 640, 360)
        self.store.upsert([row], self.embedder.embed_images([image]))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[TwoCameras]:
    made = TwoCameras(tmp_path)
    for second in range(0, 100, 5):
        made.passes("grey", "gate", second)
        made.passes("blue", "hall", second)
    made.passes("red", "gate", 42)
    yield made
    made.catalog.close()


def test_the_one_in_red_comes_first_and_is_a_match(scene: TwoCameras) -> None:
    answer = scene.engine.search(Query("someone in red"))
    first = answer.clips[0]
    assert (first.camera_id, first.best.row.time_ms, first.verdict) == ("gate", START + 42_000, Verdict.MATCH)
    assert answer.verdict is Verdict.MATCH
    assert (first.start_ms, first.end_ms) == (START + 40_000, START + 44_000)
    assert all(clip.verdict is not Verdict.MATCH for clip in answer.clips[1:])


def test_filters_hold(scene: TwoCameras) -> None:
    answer = scene.engine.search(Query("red", Filter(cameras=("hall",))))
    assert {clip.camera_id for clip in answer.clips} == {"hall"}
    early = scene.engine.search(Query("red", Filter(end_ms=START + 42_000)))
    assert all(clip.best.row.time_ms < START + 42_000 for clip in early.clips)
    assert early.verdict is not Verdict.MATCH


def test_what_nobody_wears_is_not_found(scene: TwoCameras) -> None:
    assert scene.engine.search(Query("green")).verdict is Verdict.NOTHING


def test_an_empty_index_answers_nothing(tmp_path: Path) -> None:
    answer = TwoCameras(tmp_path).engine.search(Query("red"))
    assert (answer.verdict, list(answer.clips), answer.rows) == (Verdict.NOTHING, [], 0)


def test_padding_stays_inside_the_recording(scene: TwoCameras) -> None:
    scene.passes("yellow", "gate", 0)
    scene.passes("yellow", "gate", 99)
    clips = scene.engine.search(Query("yellow", limit=2)).clips
    assert sorted((c.start_ms - START, c.end_ms - START) for c in clips) == [(0, 2_000), (97_000, 100_000)]


def test_a_live_presence_is_one_clip_over_its_files(scene: TwoCameras) -> None:
    first, second, third, fourth = scene.records(0, 10, 20, 30)
    scene.records(0, 10, 20, 30, role=StreamRole.MAIN)
    for at, segment in ((11, second), (14, second), (18, second), (21, third)):
        scene.passes("yellow", "live", at, segment=segment)
    answer = scene.engine.search(Query("yellow", limit=1))
    (clip,) = answer.clips
    assert (clip.segment_id, clip.start_ms - START, clip.end_ms - START) == (first.id, 9_000, 23_000)
    assert len(clip.hits) == 4
    data = answer.as_dict(zone_of("UTC"), lambda c: "/".join(map(str, answer.moment(c))))["clips"][0]
    assert (data["offset_s"], data["segment"], data["path"]) == (9.0, first.id, first.path)
    best = clip.best.row
    assert data["thumbnail"] == f"{best.segment_id}/{(best.time_ms - START) % 10_000}"
    assert fourth.id not in {hit.row.segment_id for hit in clip.hits}


def test_what_is_being_deleted_is_not_answered(scene: TwoCameras, caplog: pytest.LogCaptureFixture) -> None:
    first, second, third = scene.records(0, 10, 20)
    for at, segment in ((5, first), (11, second), (19, second), (21, third)):
        scene.passes("yellow", "live", at, segment=segment)
    scene.catalog.retention.mark_deleting([second.id])
    clips = scene.engine.search(Query("yellow", Filter(cameras=("live",)))).clips
    assert sorted((c.segment_id, c.start_ms - START, c.end_ms - START) for c in clips) == sorted(
        [(first.id, 3_000, 7_000), (third.id, 20_000, 23_000)]
    )
    scene.catalog.retention.mark_deleting([third.id])
    (clip,) = scene.engine.search(Query("yellow", Filter(cameras=("live",)))).clips
    assert clip.segment_id == first.id
    assert "left out" not in caplog.text
    with pytest.raises(NotFound):
        scene.catalog.playback.segment(second.id)


def test_neighbours_of_very_many_segments_are_found(scene: TwoCameras) -> None:
    """Also where they lie so far apart that each is a range of its own."""
    segments = scene.records(*range(0, 900 * 100, 100))
    near = scene.records(10, 95, 40_010, 80_000 + 30)
    found = scene.catalog.playback.near(segments, 4_500)
    assert {s.id for s in found} == {s.id for s in (*segments, *near[:3])}
    assert scene.catalog.playback.near(scene.segments.values(), 4_500) == []
    assert len(scene.catalog.playback.segments([s.id for s in segments])) == 900


def test_the_stream_in_full_quality_is_shown_where_it_shows_as_much(scene: TwoCameras) -> None:
    subs, mains = scene.records(0, 10, 20), scene.records(0, 10, 20, role=StreamRole.MAIN)
    shifted = [replace(s, start_ms=s.start_ms + 4_000) for s in mains]

    def ids(recorded: list[Segment], start: int, end: int) -> list[str]:
        return [s.id for s in chosen(recorded, subs[0], START + start, START + end)]

    sub, main = [s.id for s in subs], [s.id for s in mains]
    assert ids(subs + mains, 0, 30_000) == main
    assert ids(subs + mains, 12_000, 19_000) == main[1:2]
    assert ids(subs + shifted, 0, 20_000) == sub[:2]
    assert ids(subs + shifted, 5_000, 20_000) == main[:2]
    assert ids([*subs, mains[0], mains[2]], 3_000, 23_000) == sub
    assert ids([subs[0], subs[2], mains[0], mains[2]], 3_000, 23_000) == [main[0], main[2]]
    assert ids([subs[0], *mains[1:]], 3_000, 30_000) == main[1:]
    assert ids(subs, 40_000, 50_000) == []


def test_of_files_that_overlap_the_asked_one_is_shown(scene: TwoCameras) -> None:
    files = scene.records(0, 10, 20)
    again = [replace(s, id=f"again{n}", start_ms=s.start_ms + 5_000) for n, s in enumerate(files)]
    shown = [[s.id for s in chosen([*files, *again], s, START + 3_000, START + 28_000)] for s in (files[1], again[1])]
    assert shown == [[s.id for s in files], [files[0].id, again[1].id, again[2].id]]


def test_the_background_follows_the_index(scene: TwoCameras) -> None:
    before = scene.engine.search(Query("red"))
    assert before.verdict is Verdict.MATCH
    for second in range(100):
        scene.passes("red", "hall", second)
    after = scene.engine.search(Query("red"))
    assert after.scale != before.scale


def test_clips_of_a_segment_the_catalogue_lost_are_left_out(
    scene: TwoCameras, caplog: pytest.LogCaptureFixture
) -> None:
    row = Row("x", "gate", "0" * 24, RowKind.PERSON, 1, START, START, START, Box(0, 0, 5, 5), 640, 360)
    scene.store.upsert([row], scene.embedder.embed_texts(["red"]))
    answer = scene.engine.search(Query("red"))
    assert all(clip.segment_id in answer.segments for clip in answer.clips)
    assert "left out" in caplog.text


def test_bad_queries_are_refused(scene: TwoCameras) -> None:
    for text, limit in (("", 3), ("x" * 10_000, 3), ("red", 0), ("red", 10**6)):
        with pytest.raises(BadInput):
            Query(text, limit=limit)
    with pytest.raises(NotFound, match="camera"):
        scene.engine.search(Query("red", Filter(cameras=("gaet",))))


def test_the_answer_as_data(scene: TwoCameras) -> None:
    data = scene.engine.search(Query("红色", limit=1)).as_dict(zone_of("Asia/Shanghai"), lambda _: "t.jpg")
    (clip,) = data["clips"]
    assert clip["offset_s"] == 40.0
    assert clip["start"] == "1970-01-01T08:17:20+08:00"
    assert clip["box"] == [0, 0, 12, 24]
    assert (clip["rank"], clip["kind"], clip["thumbnail"], clip["path"]) == (1, "person", "t.jpg", "/v/gate.mp4")
    assert data["verdict"] == clip["verdict"] == "match"


# pictures, marks, pages ------------------------------------------------------------------------------------------


def picture(colour: str) -> Image:
    return np.full((24, 12, 3), COLOURS[colour][0], np.uint8)


def test_a_photo_finds_with_and_without_a_sentence(scene: TwoCameras) -> None:
    for query in (Query(photos=[picture("red")]), Query("someone", photos=[picture("red")])):
        first = scene.engine.search(query).clips[0]
        assert (first.camera_id, first.best.row.time_ms) == ("gate", START + 42_000)


def test_a_marked_clip_ranks_like_it_first_and_one_that_is_not_it_is_left_out(scene: TwoCameras) -> None:
    plain = scene.engine.search(Query("someone"))
    blue = next(clip for clip in plain.clips if clip.camera_id == "hall")
    liked = scene.engine.search(Query("someone", like=(blue.id,)))
    assert liked.clips[0].camera_id == "hall" != plain.clips[0].camera_id
    unliked = scene.engine.search(Query("someone", unlike=(blue.id,)))
    assert blue.id not in {clip.id for clip in unliked.clips}
    assert len(scene.engine.page(unliked.id, 0, 500).clips) == len(scene.engine.page(plain.id, 0, 500).clips) - 1


def test_a_mark_on_nothing_is_told(scene: TwoCameras) -> None:
    with pytest.raises(NotFound, match="marked clip"):
        scene.engine.search(Query("red", like=("nothing",)))


def test_pages_are_one_list_and_stay_while_rows_arrive(scene: TwoCameras) -> None:
    first = scene.engine.search(Query("blue", limit=4))
    assert (first.start, first.more, len(first.clips)) == (0, True, 4)
    scene.passes("blue", "gate", 77)
    pages = [scene.engine.page(first.id, start, 4) for start in range(0, 60, 4)]
    ids = [clip.id for page in pages for clip in page.clips]
    assert [clip.id for clip in first.clips] == ids[:4]
    assert len(ids) == len(set(ids)) == 41
    assert [page.more for page in pages[-5:]] == [False] * 5
    with pytest.raises(NotFound, match="no longer kept"):
        scene.engine.page("unknown", 0, 4)
    with pytest.raises(BadInput, match="no such page"):
        scene.engine.page(first.id, -1, 4)


def test_likely_clips_in_order_of_time(scene: TwoCameras) -> None:
    scene.passes("red", "hall", 12)
    answer = scene.engine.search(Query("red", order=Order.TIME))
    assert [clip.start_ms for clip in answer.clips] == [START + 10_000, START + 40_000]
    assert not answer.more


def test_time_place_and_what_is_not_there_are_understood(scene: TwoCameras) -> None:
    scene.catalog.cameras.add(Camera("hall", name="Town Hall 大厅"))
    answer = scene.engine.search(Query("someone in blue without red near the town hall"))
    assert answer.query.where.cameras == ("hall",)
    assert {chip.kind for chip in answer.parsed.chips} == {ChipKind.PLACE, ChipKind.NOT}
    place = next(chip.words for chip in answer.parsed.chips if chip.kind is ChipKind.PLACE)
    removed = scene.engine.search(Query("someone in blue without red near the town hall", without=(place,)))
    assert removed.query.where.cameras == ()
    with pytest.raises(BadInput, match="not what the person looks like"):
        scene.engine.search(Query("yesterday near the town hall"))


def test_what_is_within_reach_comes_first_and_hard_leaves_the_rest_out(scene: TwoCameras) -> None:
    scene.catalog.cameras.add(Camera("gate", lat=22.0, lon=114.0))
    scene.catalog.cameras.add(Camera("hall", lat=23.0, lon=114.0))  # 111 km away
    scene.passes("red", "hall", 43)
    near = Reach((Point(22.0, 114.0, START + 40_000),))
    first, second = scene.engine.search(Query("red", reach=near)).clips[:2]
    assert (first.camera_id, first.reach) == ("gate", 0.0)
    assert (second.camera_id, second.reach) == ("hall", -MOST_OFF)
    assert second.score == second.looks + second.reach
    hard = scene.engine.search(Query("red", reach=replace(near, hard=True)))
    assert {clip.camera_id for clip in hard.clips} == {"gate"}


def test_whole_frames_answer_only_when_they_are_asked_for(scene: TwoCameras) -> None:
    scene.passes("red", "hall", 60, kind=RowKind.FRAME)
    assert all(clip.best.row.kind is RowKind.PERSON for clip in scene.engine.search(Query("red")).clips)
    frames = scene.engine.search(Query("red", Filter(kinds=(RowKind.FRAME,))))
    assert [clip.best.row.kind for clip in frames.clips] == [RowKind.FRAME]


def test_a_search_counts_the_rows_once(scene: TwoCameras, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def counted() -> int:
        counts.append(MemoryStore.count(scene.store))
        return counts[-1]

    monkeypatch.setattr(scene.store, "count", counted)
    assert scene.engine.search(Query("red")).rows == counts[0] == 41
    assert len(counts) == 1
    scene.engine.parse_and_embed(Query("red"))
    assert len(counts) == 2


def test_a_saved_search_gets_the_vector_and_the_filter_of_a_search(scene: TwoCameras) -> None:
    scene.catalog.cameras.add(Camera("hall", name="Town Hall 大厅"))
    query = scene.engine.parse_and_embed(Query("someone in red near the town hall"))
    assert (query.where.cameras, query.where.kinds) == (("hall",), (RowKind.PERSON,))
    answer = scene.engine.search(Query("someone in red near the town hall"))
    assert (answer.query.where, answer.scale) == (query.where, query.scale)
    rows, vectors = scene.store.sample(100, query.where)
    scores = query.calibration.scores(rows, vectors, query.vector, query.shape)
    assert answer.clips[0].looks == pytest.approx(float(scores.max()), abs=1e-4)
