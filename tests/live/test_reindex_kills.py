"""Killed while a second index is built, switched to and dropped: in the end every row is there once.

Each round buys one moment (`BUILD`, and one each of the switch and the drop). They were 18 at random.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command
from tests.support.kills import PIECES, DiskWatch, Moment, is_killed_at, make_recordings
from tests.support.reindex import contents, states

SECOND = "collection = 'xunren_2'"


def fills(after: int) -> Moment:
    """Return the moment when rows are written although the catalogue knows of `after` filled segments only."""
    return lambda w: w.vectors_changed and w.count("covered", f"{SECOND} AND state = 'done'") >= after


BUILD: dict[str, Moment] = {
    "the index is entered and has no collection": lambda w: w.count("indexes", SECOND) > 0,
    "segments are leased and not filled": lambda w: w.count("covered", f"{SECOND} AND state = 'leased'") > 0,
    "the first rows are written": fills(1),
    "in the middle": fills(PIECES // 2),
    "all is filled and the index is not yet ready": lambda w: (
        w.count("covered", f"{SECOND} AND state = 'done'") == PIECES
    ),
}


def is_switched(watch: DiskWatch) -> bool:
    """Return whether the catalogue names the other index; the saved searches are not measured yet."""
    return watch.count("indexes", f"{SECOND} AND state = 'live'") > 0


def is_dropping(watch: DiskWatch) -> bool:
    """Return whether the old index is marked, so that its rows are going."""
    return watch.count("indexes", "state = 'dropping'") > 0 and watch.vectors_changed


@pytest.mark.timeout(1800)  # on a busy machine
def test_killed_at_each_moment_it_ends_with_every_row_once(tmp_path: Path, second_model: str, xunren: Command) -> None:
    recordings, data = make_recordings(tmp_path / "videos"), tmp_path / "data"
    here, build = ("--data-dir", data, "--json"), ("reindex", "--model", second_model)
    assert xunren("index", recordings, *here).code == 0
    killed = [is_killed_at(moment, data, *build) for moment in BUILD.values()]
    assert sum(killed) >= 3, killed
    assert xunren(*build, *here).code == 0
    index = contents(data)
    assert index["live"][0] == index["ready"][0]
    for step, moment in (("switch", is_switched), ("drop", is_dropping)):
        is_killed_at(moment, data, "reindex", step)
        if step == "switch" or "xunren" in states(xunren("reindex", "status", *here).json):
            assert xunren("reindex", step, *here).code == 0
    assert states(xunren("reindex", "status", *here).json) == {"xunren_2": "live"}
    rows, vectors = contents(data)["live"]
    assert (rows, len(rows) > 30) == (index["ready"][0], True)
    np.testing.assert_allclose(vectors, index["ready"][1], atol=1e-4)
    assert not (data / "vectors.db" / "collections" / "xunren").exists()
