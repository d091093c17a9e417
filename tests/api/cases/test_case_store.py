"""The store of cases over a real catalogue: numbers, marks that can be undone, sightings with their holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from api.cases import tables
from api.cases.case_store import CaseStore
from api.cases.pictures import PHOTO_PX, as_jpeg, person_in, photo_bytes
from api.cases.types import Case, CaseInput, LastSeen, Mark, Sighting, Sign, marks_of, track_of
from api.cases.views import CaseView, FileLinks, trail_of
from search.catalog.catalog import Catalog
from search.errors import BadInput, Conflict, NotFound, Unavailable
from search.geo.reachability import RIDING_MPS
from search.times import zone_of
from search.types import Box, Camera

T = 1_790_000_000_000
SEGMENT = "0123456789abcdef01234567"
YEAR_2026, YEAR_2027 = 1_793_577_600_000, 1_800_000_000_000
RED = CaseInput("Li Ming", ("a boy in a red coat",))


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog(catalog_url) as opened:
        opened.cameras.add(Camera("gate", "North gate", lat=22.72, lon=114.25))
        opened.cameras.add(Camera("hall"))
        yield opened


@pytest.fixture
def cases(catalog: Catalog, tmp_path: Path) -> CaseStore:
    return CaseStore(catalog, tmp_path / "cases")


@pytest.fixture
def case(cases: CaseStore) -> Case:
    return cases.new(RED, [jpeg()], YEAR_2026)


def jpeg(value: int = 90, width: int = 40, height: int = 60) -> bytes:
    return as_jpeg(np.full((height, width, 3), value, np.uint8))


def sighting(track: int = 1, offset: int = 5000, camera: str = "gate", note: str = "") -> Sighting:
    clip, start = f"{SEGMENT}-p{track}-{offset}", T + 1000 * track
    times = (start, start + 8000, start + offset)
    return Sighting(0, clip, camera, SEGMENT, *times, Box(4, 4, 20, 30), 64, 36, note)


def files(cases: CaseStore, case_id: str) -> list[str]:
    return sorted(path.name for path in cases.pictures.photo(case_id, 1).parent.glob("*"))


def holds(catalog: Catalog) -> list[tuple[str, int, int, str]]:
    return [(h.camera_id, h.start_ms, h.end_ms, h.why) for h in catalog.retention.holds()]


# cases -----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read(cases: CaseStore) -> None:
    seen = LastSeen(T, "gate", place="at the kiosk")
    draft = CaseInput("李明", ("穿红色外套的男孩", "a boy in red"), seen, RIDING_MPS, "蓝色书包")
    made = cases.new(draft, [jpeg(10), jpeg(200)], YEAR_2026)
    assert (made.id, made.draft, made.photos, made.mode) == ("2026-0001", draft, (1, 2), "riding")
    assert (made.created_ms, made.closed_ms, made.marks, made.sightings) == (YEAR_2026, None, (), ())
    assert cases.case(made.id) == made
    assert cases.cases() == [made]
    assert files(cases, made.id) == ["photo-1.jpg", "photo-2.jpg"]


def test_numbers_run_by_year_and_are_never_given_again(cases: CaseStore) -> None:
    ids = [cases.new(RED, at_ms=at).id for at in (YEAR_2026, YEAR_2026, YEAR_2027, YEAR_2026)]
    assert ids == ["2026-0001", "2026-0002", "2027-0001", "2026-0003"]
    cases.delete("2026-0003")
    assert cases.new(RED, at_ms=YEAR_2026).id == "2026-0004"
    assert [c.id for c in cases.cases()] == ["2027-0001", "2026-0004", "2026-0002", "2026-0001"]


def test_many_at_once_get_numbers_of_their_own(tmp_path: Path, catalog_url: str) -> None:
    together = threading.Barrier(8)

    def open_some(_: int) -> list[str]:
        together.wait()
        with Catalog(catalog_url) as own:  # as another process would
            cases = CaseStore(own, tmp_path / "cases")
            return [cases.new(RED, [jpeg()], YEAR_2026).id for _ in range(3)]

    with ThreadPoolExecutor(8) as threads:
        made = [case for some in threads.map(open_some, range(8)) for case in some]
    assert sorted(made) == [f"2026-{n:04d}" for n in range(1, 25)]


def test_an_unknown_case_names_the_nearest(cases: CaseStore) -> None:
    with pytest.raises(NotFound) as none_yet:
        cases.case("2026-0001")
    assert none_yet.value.expected == "(no case yet)"
    for _ in range(3):
        cases.new(RED, at_ms=YEAR_2026)
    for wrong in ("2026-0009", "0002", "../../etc", "", "2026-0001\0", "x" * 9999):
        with pytest.raises(NotFound) as found:
            cases.case(wrong)
        assert "2026-000" in found.value.expected


def test_changes_keep_what_is_not_changed(cases: CaseStore, case: Case) -> None:
    cases.mark(case.id, "clip", Sign.LIKE)
    cases.confirm(case.id, sighting(), jpeg())
    drafted = replace(RED, sentences=("a boy in blue",), last_seen=LastSeen(T, lat=22.7, lon=114.2))
    changed = cases.change(case.id, drafted, [jpeg(1), jpeg(2)], [1])
    assert (changed.draft, changed.photos) == (drafted, (2, 3))
    assert (len(changed.marks), len(changed.sightings)) == (1, 1)
    assert files(cases, case.id) == ["photo-2.jpg", "photo-3.jpg", "sighting-1.jpg"]
    assert cases.change(case.id, RED, [jpeg(3)], [3]).photos == (2, 4)


@pytest.mark.parametrize(
    ("draft", "add", "drop", "said"),
    [
        (replace(RED, sentences=()), 0, [1], "nothing says what the person looks like"),
        (RED, 8, [], "too many photos"),
        (RED, 0, [2], "no such photo"),
        (replace(RED, last_seen=LastSeen(T, "nowhere")), 1, [1], "unknown camera"),
    ],
)
def test_a_bad_change_changes_nothing(
    cases: CaseStore, case: Case, draft: CaseInput, add: int, drop: list[int], said: str
) -> None:
    with pytest.raises((BadInput, NotFound), match=said):
        cases.change(case.id, draft, [jpeg()] * add, drop)
    assert cases.case(case.id) == case
    assert files(cases, case.id) == ["photo-1.jpg"]


def test_a_disk_that_cannot_be_written_leaves_no_half_case(
    cases: CaseStore, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "write_bytes", full)
        with pytest.raises(Unavailable, match="cannot be written"):
            cases.new(RED, [jpeg()], YEAR_2026)
        with pytest.raises(Unavailable, match="cannot be written"):
            cases.change(case.id, replace(RED, name="other"), [jpeg()])
        with pytest.raises(Unavailable, match="cannot be written"):
            cases.confirm(case.id, sighting(), jpeg())
    assert cases.cases() == [case]
    assert cases._catalog.retention.holds() == []
    assert cases.new(RED, [jpeg()], YEAR_2026).id == "2026-0002"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: CaseInput(" "), "no name"),
        (lambda: CaseInput("a\ud800"), "not readable"),
        (lambda: CaseInput("a" * 201), "too long"),
        (lambda: replace(RED, sentences=("",)), "the sentence is empty"),
        (lambda: replace(RED, sentences=("red " * 1000,)), "the sentence is too long"),
        (lambda: replace(RED, sentences=("red",) * 21), "too many sentences"),
        (lambda: replace(RED, speed_mps=0), "not a speed"),
        (lambda: replace(RED, speed_mps=float("nan")), "not a speed"),
        (lambda: LastSeen(T), "nobody knows where"),
        (lambda: LastSeen(-1, "gate"), "out of range"),
        (lambda: LastSeen(T, lat=22.7), "only one of"),
        (lambda: LastSeen(T, lat=92.7, lon=3), "not a place on earth"),
        (lambda: LastSeen(T, "gate", 22.7, 114.2), "and somewhere else"),
        (lambda: LastSeen(T, 'gate"'), "not a usable camera id"),
    ],
)
def test_bad_words_are_refused(make: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make()  # type: ignore[operator]


def test_close_and_open(cases: CaseStore, case: Case) -> None:
    closed = cases.close(case.id)
    assert closed.closed_ms
    assert cases.close(case.id) == closed
    assert cases.close(case.id, closed=False) == case


def test_deleting_takes_everything_with_it(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    other = cases.new(RED, [jpeg()])
    kept = cases.confirm(other.id, sighting(), jpeg())
    cases.mark(case.id, "clip", Sign.LIKE)
    cases.confirm(case.id, sighting(), jpeg())
    assert len(holds(catalog)) == 2
    cases.delete(case.id)
    assert [c.id for c in cases.cases()] == [other.id]
    assert [h.id for h in catalog.retention.holds()] == [kept.hold_id]
    assert files(cases, case.id) == []
    assert files(cases, other.id) == ["photo-1.jpg", "sighting-1.jpg"]
    with catalog.begin() as db:
        for part in tables.PARTS:
            assert db.scalar(sa.select(sa.func.count()).where(part.c.case_id == case.id)) == 0
    with pytest.raises(NotFound):
        cases.delete(case.id)


def test_marks_are_undone_one_by_one(cases: CaseStore, case: Case) -> None:
    for clip, sign in (("a", Sign.LIKE), ("b", Sign.UNLIKE), ("a", Sign.UNLIKE)):
        marked = cases.mark(case.id, clip, sign)
    assert marked.marks == (Mark("b", Sign.UNLIKE), Mark("a", Sign.UNLIKE))
    assert (marked.marked(Sign.LIKE), marked.marked(Sign.UNLIKE)) == ((), ("b", "a"))
    assert cases.undo(case.id).marks == (Mark("a", Sign.LIKE), Mark("b", Sign.UNLIKE))
    assert cases.undo(case.id).marks == (Mark("a", Sign.LIKE),)
    assert cases.mark(case.id, "c", Sign.LIKE).marked(Sign.LIKE) == ("a", "c")
    assert cases.undo(case.id).marks == (Mark("a", Sign.LIKE),)
    assert cases.undo(case.id).marks == ()
    with pytest.raises(Conflict, match="no mark to undo"):
        cases.undo(case.id)


def test_the_history_only_grows(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    cases.mark(case.id, "a", Sign.LIKE)
    cases.undo(case.id)
    with catalog.begin() as db:
        m = tables.marks.c
        assert db.execute(sa.select(m.number, m.clip_id, m.sign)).all() == [(1, "a", "like"), (2, "", "undo")]


steps = st.lists(
    st.one_of(
        st.just(Mark("", Sign.UNDO)),
        st.builds(Mark, st.sampled_from("abc"), st.sampled_from([Sign.LIKE, Sign.UNLIKE])),
    )
)


@given(steps)
def test_undo_is_as_if_the_last_mark_had_never_been(history: list[Mark]) -> None:
    done: list[Mark] = []
    for mark in history:
        done = [*done, mark] if mark.sign is not Sign.UNDO else done[:-1]
    assert marks_of(history) == marks_of(done)
    assert {m.clip_id: m.sign for m in marks_of(done)} == {m.clip_id: m.sign for m in done}


# sightings -------------------------------------------------------------------------------------------------------


def test_a_sighting_is_kept_with_its_recording(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    asked = sighting(note="sure")
    made = cases.confirm(case.id, asked, jpeg(7))
    assert made == replace(asked, number=1, confirmed_ms=made.confirmed_ms, hold_id=made.hold_id)
    assert cases.case(case.id).sightings == (made,)
    assert holds(catalog) == [("gate", asked.start_ms, asked.end_ms, f"case {case.id}")]
    assert cases.still(cases.case(case.id), 1).read_bytes() == jpeg(7)


def test_confirming_twice_is_one_sighting(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    made = cases.confirm(case.id, sighting(), jpeg())
    other_crop = sighting(offset=6000)  # of the same track
    assert cases.confirm(case.id, other_crop, jpeg()) == made
    assert cases.confirm(case.id, replace(other_crop, note="now sure"), None) == replace(made, note="now sure")
    assert cases.confirm(case.id, other_crop, None).note == "now sure"
    assert len(holds(catalog)) == len(cases.case(case.id).sightings) == 1
    second = cases.confirm(case.id, sighting(track=2), None)
    assert (second.number, len(holds(catalog))) == (2, 2)
    with pytest.raises(NotFound, match="no such image"):
        cases.still(cases.case(case.id), 2)


def test_confirming_at_once_is_one_sighting(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    made: list[Sighting] = []
    ready = threading.Barrier(6)

    def confirm() -> None:
        ready.wait(20)
        made.append(cases.confirm(case.id, sighting(), jpeg()))

    threads = [threading.Thread(target=confirm) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 6
    assert len({s.number for s in made}) == len(holds(catalog)) == 1


def test_withdrawing(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    for track in (1, 2):
        cases.confirm(case.id, sighting(track=track), jpeg())
    assert cases.withdraw(case.id, 1).clip_id == sighting().clip_id
    assert [s.number for s in cases.case(case.id).sightings] == [2]
    assert [start for _, start, _, _ in holds(catalog)] == [sighting(track=2).start_ms]
    assert files(cases, case.id) == ["photo-1.jpg", "sighting-2.jpg"]
    with pytest.raises(NotFound) as gone:
        cases.withdraw(case.id, 1)
    assert gone.value.expected == "2"
    assert cases.confirm(case.id, sighting(), None).number == 3


def test_a_hold_that_was_removed_by_hand_is_no_obstacle(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    made = cases.confirm(case.id, sighting(), None)
    catalog.retention.remove_hold(made.hold_id)
    cases.withdraw(case.id, made.number)
    assert cases.case(case.id).sightings == ()


def test_a_sighting_of_an_unknown_camera_is_refused(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="unknown camera"):
        cases.confirm(case.id, sighting(camera="nowhere"), jpeg())
    assert cases.case(case.id) == case
    assert holds(catalog) == []


@pytest.mark.parametrize(
    ("row", "track"),
    [
        (f"{SEGMENT}-p12-340", f"{SEGMENT}-p12"),
        (f"{SEGMENT}-f-340", f"{SEGMENT}-f-340"),
        ("clip", "clip"),
        ("a-p1-2-p3-4", "a-p1-2-p3"),
    ],
)
def test_what_a_row_is_of(row: str, track: str) -> None:
    assert track_of(row) == track


def test_the_trail_knows_the_cameras_as_they_are_now(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    cases.confirm(case.id, sighting(), None)
    cases.confirm(case.id, sighting(track=2, camera="hall"), None)
    seen = cases.change(case.id, replace(RED, last_seen=LastSeen(T, lat=22.73, lon=114.25)))
    told = trail_of(catalog, seen)
    assert [(s.number, s.lat) for s in told.stops] == [(0, 22.73), (1, 22.72), (2, None)]
    assert [s.possible for s in told.steps] == [False, None]
    catalog.cameras.add(Camera("hall", lat=22.72, lon=114.25))
    assert [s.possible for s in trail_of(catalog, seen).steps] == [False, True]


def test_a_view_outlives_the_recording(cases: CaseStore, case: Case, catalog: Catalog) -> None:
    cases.confirm(case.id, sighting(), jpeg())
    view = CaseView(catalog, zone_of("Asia/Shanghai"), FileLinks(cases.pictures))
    shown = view.full(cases.case(case.id))["sightings"][0]
    assert (shown["path"], shown["clip_url"]) == (None, None)
    assert Path(shown["thumbnail"]).is_file()
    assert shown["start"].endswith("+08:00")


# pictures --------------------------------------------------------------------------------------------------------


def test_photos_are_kept_small_and_say_nothing_else(tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    Pillow.new("RGBA", (3000, 1500), (200, 10, 10, 255)).save(big)
    kept = photo_bytes(big.read_bytes())
    (tmp_path / "kept.jpg").write_bytes(kept)
    with Pillow.open(tmp_path / "kept.jpg") as opened:
        assert (opened.format, opened.size, len(opened.getexif())) == ("JPEG", (PHOTO_PX, PHOTO_PX // 2), 0)
    with pytest.raises(BadInput, match=r"x\.jpg is not an image"):
        photo_bytes(b"\xff\xd8\xff", "x.jpg")


def test_the_person_in_a_smaller_picture(tmp_path: Path) -> None:
    image = np.zeros((360, 640, 3), np.uint8)
    image[100:200, 300:340] = 250
    (tmp_path / "still.jpg").write_bytes(as_jpeg(image))
    crop = person_in(tmp_path / "still.jpg", Box(600, 200, 680, 400), 1280, 720)
    assert crop.shape == (100, 40, 3)
    assert crop.mean() > 230
