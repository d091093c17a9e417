from __future__ import annotations

from pathlib import Path

import pytest

from search.catalog.catalog import Catalog
from search.errors import Unavailable


def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match="cannot be opened"):
        Catalog(f"sqlite:///{tmp_path / 'c.sqlite'}").open()


def test_what_is_not_open_says_so(tmp_path: Path) -> None:
    closed = Catalog(f"sqlite:///{tmp_path / 'c.sqlite'}")
    queries = closed.coverage
    streams, recordings, holds = closed.streams, closed.recordings, closed.retention.holds
    for ask in (streams.all, recordings.health, streams.rules, holds, queries.newest_indexed):
        with pytest.raises(Unavailable, match="not open"):
            ask()
