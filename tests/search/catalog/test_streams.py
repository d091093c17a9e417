"""The catalogue's part about live cameras, on SQLite; and a catalogue of the version before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.catalog.streams import CameraConfig
from search.coverage.queries import Backlog, CoverageQueries
from search.errors import BadInput, NotFound, Unavailable
from search.stream_types import Gap, Health, Reason, Rules, Stream, StreamState
from search.types import Camera, Segment, SegmentReport, SegmentState, StartSource, StreamRole

T = 1_790_000_000_000
SQUARE = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.4))


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        for camera in ("gate", "hall"):
            opened.cameras.add(Camera(camera))
        yield opened


def stream(camera: str = "gate", role: StreamRole = StreamRole.MAIN, since: int = T) -> Stream:
    return Stream(camera, role, f"sealed-{camera}-{role}", f"rtsp://***@{camera}", since)


def segment(n: int, camera: str = "gate", role: StreamRole = StreamRole.MAIN, duration: int = 10_000) -> Segment:
    sha = f"{camera}{role}{n}"
    start = T + n * 10_000
    path = f"/r/{camera}/{n}.{role}.mp4"
    return Segment(
        segment_id(camera, sha), camera, path, sha, 100, start, StartSource.RECORDER, duration, 1920, 1080, role=role
    )


def gap(start: int, end: int, reason: Reason = Reason.NOT_CONNECTED, camera: str = "gate") -> Gap:
    return Gap(camera, StreamRole.MAIN, T + start, T + end, reason, "detail")


def stored(catalog: Catalog, *segments: Segment, state: SegmentState = SegmentState.PENDING) -> None:
    catalog.recordings.write(RecorderUpdate(segments=[(one, state) for one in segments]))


# streams


def test_streams_are_kept_with_their_beginning(catalog: Catalog) -> None:
    main, sub = stream(), stream(role=StreamRole.SUB)
    catalog.streams.set("gate", [main, sub])
    catalog.streams.set("hall", [stream("hall")])
    assert catalog.streams.all() == [main, sub, stream("hall")]
    assert catalog.streams.indexed() == [sub, stream("hall")]
    catalog.streams.set("gate", [replace(main, sealed="other", since_ms=T + 99)])
    assert catalog.streams.all()[0] == replace(main, sealed="other"), "a new address is no new beginning"
    catalog.streams.set("gate", [])
    assert catalog.streams.all() == [stream("hall")]


def test_a_stream_that_ends_takes_its_health_along(catalog: Catalog) -> None:
    catalog.streams.set("gate", [stream(), stream(role=StreamRole.SUB)])
    both = [
        Health("gate", role, StreamState.RECORDING, "fine", T, fps=25.0) for role in (StreamRole.MAIN, StreamRole.SUB)
    ]
    catalog.recordings.write(RecorderUpdate(health=both))
    assert catalog.recordings.health() == both
    catalog.recordings.write(RecorderUpdate(health=[replace(both[0], state=StreamState.NO_FRAMES)] * 2))
    assert catalog.recordings.health()[0].state is StreamState.NO_FRAMES
    catalog.streams.set("gate", [stream()])
    assert [health.role for health in catalog.recordings.health()] == [StreamRole.MAIN]


def test_many_cameras_are_put_at_once(catalog: Catalog) -> None:
    catalog.streams.set("gate", [stream(), stream(role=StreamRole.SUB)])
    catalog.recordings.write(
        RecorderUpdate(
            health=[Health("gate", role, StreamState.RECORDING) for role in (StreamRole.MAIN, StreamRole.SUB)]
        )
    )
    wanted = [
        CameraConfig(Camera("gate", "North"), (stream(),), Rules("gate", 7, (SQUARE,))),
        CameraConfig(Camera("hall", "Hall")),
        *(CameraConfig(Camera(f"c{n}"), (stream(f"c{n}"),)) for n in range(1200)),
    ]
    catalog.streams.put(wanted)
    ids = [item.camera.id for item in wanted]
    assert catalog.streams.known([*ids, "nobody"]) == {item.camera.id: item for item in wanted}
    assert len(catalog.cameras.all()) == 1202
    assert [health.role for health in catalog.recordings.health()] == [StreamRole.MAIN]
    catalog.streams.put([])
    catalog.streams.put([CameraConfig(Camera("gate"))])
    assert catalog.streams.known(["gate"]) == {"gate": CameraConfig(Camera("gate"))}


def test_putting_is_all_or_nothing(catalog: Catalog) -> None:
    wrong = CameraConfig(Camera("gate", "changed"), (stream("nobody"),))
    with pytest.raises(Unavailable):
        catalog.streams.put([CameraConfig(Camera("new")), wrong])
    assert catalog.streams.known(["gate", "new"]) == {"gate": CameraConfig(Camera("gate"))}


# what the recorder writes


def test_a_known_segment_stays_as_it_is(catalog: Catalog) -> None:
    stored(catalog, segment(0), segment(0), segment(1))
    catalog.segments.finish(SegmentReport(segment(0), SegmentState.INDEXED, rows=3))
    stored(catalog, replace(segment(0), path="/elsewhere"), state=SegmentState.KEPT)
    found = CoverageQueries(catalog.database).recordings(0, 2**62)
    assert [(one.path, state) for one, state, _ in found] == [
        (segment(0).path, SegmentState.INDEXED),
        (segment(1).path, SegmentState.PENDING),
    ]
    assert found[0][2]["rows"] == 3
    assert found[1][2] == {}


def test_gaps_grow_and_go(catalog: Catalog) -> None:
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 10), gap(50, 60)]))
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 20), gap(0, 30)], no_gaps=[gap(50, 70)]))
    assert catalog.recordings.gaps(0, 2**62) == [gap(0, 30)]
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 30, camera="hall")]))
    assert catalog.recordings.gaps(T + 29, T + 30, ["hall"]) == [gap(0, 30, camera="hall")]
    assert catalog.recordings.gaps(T + 30, T + 99) == [], "the end is exclusive"
    assert catalog.recordings.gaps(0, T) == []


def test_nothing_of_a_write_is_there_if_a_part_fails(catalog: Catalog) -> None:
    with pytest.raises(Unavailable):
        catalog.recordings.write(
            RecorderUpdate(segments=[(segment(0), SegmentState.PENDING)], gaps=[gap(0, 1, camera="nobody")])
        )
    assert CoverageQueries(catalog.database).recordings(0, 2**62) == []
    assert not RecorderUpdate()
    assert RecorderUpdate(gaps=[gap(0, 1)])


def test_until_when_time_is_accounted_for(catalog: Catalog) -> None:
    assert catalog.recordings.covered_until(stream()) == T
    stored(catalog, segment(0, role=StreamRole.SUB), segment(5, "hall"))
    assert catalog.recordings.covered_until(stream()) == T
    stored(catalog, segment(0), segment(2, duration=90_000), segment(3))
    assert catalog.recordings.covered_until(stream()) == T + 110_000, "a longer file may have begun before the newest"
    catalog.recordings.write(RecorderUpdate(gaps=[gap(0, 120_000), gap(5, 6)]))
    assert catalog.recordings.covered_until(stream()) == T + 120_000
    assert catalog.recordings.covered_until(stream(since=T + 200_000)) == T + 200_000


def test_paths_of_a_stream(catalog: Catalog) -> None:
    stored(catalog, segment(0), segment(1), segment(2), segment(2, role=StreamRole.SUB), segment(2, "hall"))
    assert catalog.recordings.paths("gate", StreamRole.MAIN, T + 10_000) == {segment(1).path, segment(2).path}


# what is asked


def test_recordings_by_range_camera_state_and_role(catalog: Catalog) -> None:
    stored(catalog, segment(2), segment(0), segment(1, role=StreamRole.SUB))
    stored(catalog, segment(1, "hall"), state=SegmentState.KEPT)
    catalog.segments.add(file := replace(segment(0), id="f" * 24, role=StreamRole.FILE, duration_ms=10**8))

    def starts(*arguments: int, **options: object) -> list[tuple[str, int]]:
        found = CoverageQueries(catalog.database).recordings(*arguments, **options)  # type: ignore[arg-type]
        return [(one.camera_id, (one.start_ms - T) // 10_000) for one, _, _ in found]

    assert starts(0, 2**62, roles=[StreamRole.MAIN]) == [("gate", 0), ("gate", 2), ("hall", 1)]
    assert starts(T + 9_999, T + 20_000, roles=[StreamRole.MAIN, StreamRole.SUB]) == [
        ("gate", 0),
        ("gate", 1),
        ("hall", 1),
    ]
    assert starts(T + 10_000, T + 10_001, roles=[StreamRole.MAIN, StreamRole.SUB]) == [("gate", 1), ("hall", 1)]
    assert starts(0, 2**62, cameras=["hall"]) == [("hall", 1)]
    assert starts(0, 2**62, states=[SegmentState.KEPT]) == [("hall", 1)]
    late = CoverageQueries(catalog.database).recordings(T + 10**7, T + 10**7 + 1)
    assert [one.id for one, _, _ in late] == [file.id], "a long import is found by any of its parts"


def test_the_newest_that_is_indexed(catalog: Catalog) -> None:
    stored(catalog, segment(0), segment(1), segment(2), segment(1, "hall"))
    assert CoverageQueries(catalog.database).newest_indexed() == {}
    for n in (0, 1):
        catalog.segments.finish(SegmentReport(segment(n), SegmentState.INDEXED))
    assert CoverageQueries(catalog.database).newest_indexed() == {"gate": T + 20_000}


def test_what_waits(catalog: Catalog) -> None:
    assert CoverageQueries(catalog.database).backlog(0) == Backlog(0, 0.0, None, None)
    stored(catalog, *(segment(n) for n in range(4)), segment(9, "hall"))
    stored(catalog, segment(0, role=StreamRole.SUB), state=SegmentState.KEPT)
    catalog.segments.add(replace(segment(0), id="f" * 24, role=StreamRole.FILE))
    assert catalog.segments.lease("me", 60_000) is not None
    assert CoverageQueries(catalog.database).backlog(T + 20_000) == Backlog(5, 50.0, T, T + 30_000)
    assert CoverageQueries(catalog.database).backlog(T + 10**9) == Backlog(5, 50.0, T, None)


# rules and holds


def test_rules_replace_each_other(catalog: Catalog) -> None:
    assert catalog.streams.rules() == {}
    catalog.streams.set_rules(Rules("gate", 7, (SQUARE, SQUARE)))
    catalog.streams.set_rules(Rules("hall"))
    assert catalog.streams.rules() == {"gate": Rules("gate", 7, (SQUARE, SQUARE)), "hall": Rules("hall")}
    catalog.streams.set_rules(Rules("gate", 0.5))
    assert catalog.streams.rules()["gate"] == Rules("gate", 0.5)


def test_holds_come_and_go(catalog: Catalog) -> None:
    first = catalog.retention.add_hold("gate", T, T + 1, "case 17")
    second = catalog.retention.add_hold("", T, T + 1, "case 18")
    assert catalog.retention.holds() == [first, second]
    catalog.retention.remove_hold(first.id)
    assert catalog.retention.holds() == [second]
    with pytest.raises(NotFound, match="no such hold"):
        catalog.retention.remove_hold(first.id)


def test_a_hold_that_makes_no_sense(catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="gate"):
        catalog.retention.add_hold("gaet", T, T + 1, "case 17")
    for camera, start, end, why in (("gate", T, T, "x"), ("gate", T, T + 1, " "), ("gate", -1, 5, "x")):
        with pytest.raises(BadInput):
            catalog.retention.add_hold(camera, start, end, why)
    assert catalog.retention.holds() == []


# deletion


def test_marking_leaves_leased_and_held_ones_and_can_be_taken_back(catalog: Catalog) -> None:
    free, kept, leased, held = (segment(n) for n in range(4))
    stored(catalog, leased)
    assert catalog.segments.lease("me", 60_000) is not None
    stored(catalog, free, held)
    stored(catalog, kept, state=SegmentState.KEPT)
    hold = catalog.retention.add_hold("gate", held.start_ms + 9_999, held.end_ms, "case 17")
    ids = [one.id for one in (free, kept, leased, held)]
    catalog.retention.mark_deleting(ids)
    catalog.retention.mark_deleting(ids)
    assert [one.id for one in catalog.retention.deleting(9)] == [free.id, kept.id]
    assert [one.id for one in catalog.retention.deleting(1)] == [free.id]
    assert catalog.retention.unmark(ids, only_held=True) == 0
    catalog.retention.add_hold("", kept.start_ms, kept.start_ms + 1, "case 18")
    assert catalog.retention.unmark(ids, only_held=True) == 1
    assert catalog.retention.unmark(ids) == 1
    assert catalog.segments.states() == {"pending": 2, "kept": 1, "leased": 1}
    catalog.retention.remove_hold(hold.id)
    catalog.retention.mark_deleting([held.id])
    assert catalog.retention.deleting(9) == [held]


def test_what_is_marked_is_out_of_the_indexers_reach(catalog: Catalog) -> None:
    stored(catalog, segment(0))
    catalog.retention.mark_deleting([segment(0).id])
    assert catalog.segments.lease("me", 60_000) is None


def test_indexing_again(catalog: Catalog) -> None:
    stored(catalog, *(segment(n) for n in range(3)), segment(0, "hall"))
    for _ in range(3):
        leased = catalog.segments.lease("me", 60_000)
        assert leased is not None
        catalog.segments.finish(SegmentReport(leased, SegmentState.INDEXED, rows=2))
    of_gate = catalog.segments.indexed_of("gate", "", 9)
    assert of_gate == sorted(of_gate)
    assert catalog.segments.indexed_of("gate", of_gate[0], 9) == of_gate[1:]
    assert catalog.segments.indexed_of("gate", "", 1) == of_gate[:1]
    assert catalog.segments.index_again([*of_gate, "nobody"]) == len(of_gate)
    assert catalog.segments.index_again(of_gate) == 0
    again = catalog.segments.lease("me", 60_000)
    assert again is not None
    while again.id not in of_gate:
        again = catalog.segments.lease("me", 60_000)
        assert again is not None
    assert again.attempt == 2, "rows of the attempt before must go"


def test_entries_come_in_portions(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.catalog.segment_queue._PAGE", 3)
    stored(catalog, *(segment(n) for n in range(7)))
    catalog.segments.finish(SegmentReport(segment(0), SegmentState.INDEXED, rows=5))
    entries = list(catalog.segments.entries())
    assert [entry.id for entry in entries] == sorted(segment(n).id for n in range(7))
    assert {entry.path: entry.rows for entry in entries} == {segment(n).path: 0 if n else 5 for n in range(7)}


def test_what_is_not_open_says_so(tmp_path: Path) -> None:
    closed = Catalog(f"sqlite:///{tmp_path / 'c.sqlite'}")
    queries = CoverageQueries(closed.database)
    streams, recordings, holds = closed.streams, closed.recordings, closed.retention.holds
    for ask in (streams.all, recordings.health, streams.rules, holds, queries.newest_indexed):
        with pytest.raises(Unavailable, match="not open"):
            ask()
