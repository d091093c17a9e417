from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import BadInput, Unavailable
from search.media.media_store import MediaStore
from search.media.track_boxes import packed, person_row_id, segment_and_track, unpacked
from search.types import Box

SEGMENT = "0123456789abcdef01234567"
PLACE = st.integers(0, 4000)
BOXES = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), PLACE, PLACE, st.integers(1, 900), st.integers(1, 900))


@given(st.dictionaries(st.integers(1, 10**6), st.lists(st.tuples(st.integers(0, 10**9), BOXES), max_size=5)))
def test_tracks_come_back_as_they_were(tracks: dict[int, list[tuple[int, Box]]]) -> None:
    assert unpacked(packed(tracks)) == tracks


@given(st.from_regex(r"[0-9a-f]{24}", fullmatch=True), st.integers(1, 10**8), st.integers(0, 10**11))
def test_a_rows_id_names_its_track(segment: str, track: int, offset_ms: int) -> None:
    assert segment_and_track(person_row_id(segment, track, offset_ms)) == (segment, track)


@pytest.mark.parametrize("row_id", ["", f"{SEGMENT}-f-12", "../../x-p1-1", f"{SEGMENT}-p1", f"{SEGMENT}-p-1-2"])
def test_what_is_no_person_has_no_track(row_id: str) -> None:
    with pytest.raises(BadInput, match="not a clip of a person"):
        segment_and_track(row_id)


def test_tracks_are_kept_with_their_segment_and_go_with_it(tmp_path: Path) -> None:
    store = MediaStore(tmp_path)
    assert store.tracks(SEGMENT) is None
    store.put_thumbnail(SEGMENT, 40, b"jpeg")
    store.put_tracks(SEGMENT, b"{}")
    assert store.tracks(SEGMENT) == b"{}"
    assert store.delete_thumbnails(SEGMENT) == 1  # one thumbnail
    assert store.tracks(SEGMENT) is None
    assert not any((tmp_path / "thumbnails").iterdir())


def test_tracks_that_cannot_be_read_are_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "thumbnails" / SEGMENT / "tracks.json").mkdir(parents=True)
    with pytest.raises(Unavailable, match="cannot be read"):
        MediaStore(tmp_path).tracks(SEGMENT)
