from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from indexer.recorder.catalog_writer import CatalogWriter, merged
from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate, RecordingStore
from search.errors import Unavailable
from search.stream_types import Gap, Reason
from search.types import Camera, Segment, SegmentState, StartSource, StreamRole


class AwayRecordings(RecordingStore):
    """Recordings that do not answer while `away`."""

    away = False

    def write(self, update: RecorderUpdate, *, uploading_from: str = "") -> None:
        if self.away:
            raise Unavailable("the catalogue does not answer")
        super().write(update, uploading_from=uploading_from)


class Away(Catalog):
    """A catalogue whose recordings may be away."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.recordings: AwayRecordings = AwayRecordings(self.database)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Away]:
    with closing(Away(f"sqlite:///{tmp_path / 'c.sqlite'}")) as catalog:
        catalog.open()
        catalog.cameras.add(Camera("gate"))
        yield catalog


def segment(n: int) -> Segment:
    start, end = 10_000 * n, StartSource.RECORDER
    return Segment(f"s{n}", "gate", f"/r/{n}.mp4", f"{n}" * 64, 1, start, end, 10_000, role=StreamRole.MAIN)


def gap(start_ms: int, end_ms: int) -> Gap:
    return Gap("gate", StreamRole.MAIN, start_ms, end_ms, Reason.NO_FRAMES, "")


def stored(catalog: Catalog) -> list[str]:
    return [segment.id for segment, _, _ in catalog.coverage.recordings(0, 2**62)]


def test_what_the_catalogue_did_not_take_is_written_later(catalog: Away) -> None:
    writer = CatalogWriter(catalog)
    writer.post(RecorderUpdate(segments=[(segment(1), SegmentState.PENDING)]))
    catalog.recordings.away = True
    with pytest.raises(Unavailable):
        writer.flush()
    writer.post(RecorderUpdate(segments=[(segment(2), SegmentState.PENDING)]))
    catalog.recordings.away = False
    writer.flush()
    assert stored(catalog) == ["s1", "s2"]
    catalog.recordings.away = True
    writer.flush()  # nothing waits


def test_the_last_entry_about_a_gap_holds() -> None:
    first = RecorderUpdate(segments=[(segment(1), SegmentState.KEPT)], gaps=[gap(1, 5), gap(10, 15)])
    second = RecorderUpdate(segments=[(segment(2), SegmentState.KEPT)], gaps=[gap(1, 7)], no_gaps=[gap(10, 10)])
    whole = merged([first, second])
    assert [one.id for one, _ in whole.segments] == ["s1", "s2"]
    assert (whole.gaps, whole.no_gaps) == ([gap(1, 7)], [gap(10, 10)])
