from __future__ import annotations

from search.catalog.catalog import Catalog


def test_refused_files_are_remembered_until_they_are_accepted(catalog: Catalog) -> None:
    catalog.rejected_files.add("/v/x.mp4", "empty", "the file is empty", "copy it again")
    catalog.rejected_files.add("/v/x.mp4", "empty", "the file is empty", "copy it again")
    assert [r["reason"] for r in catalog.rejected_files.all()] == ["empty"]
    catalog.rejected_files.remove("/v/x.mp4")
    assert catalog.rejected_files.all() == []
