"""A second index is begun and filled from the recordings, all of them or a part, until it is complete."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from api.reindex import IndexSynchronizer, begin, status, switch
from api.runtime.context import AppContext
from search.catalog import IndexState, ReindexScope
from search.errors import Conflict
from tests.conftest import SAMPLES, Command
from tests.support.reindex import states
from tests.support.turned import turned_model
from tests.support.waiting import until


def test_a_running_process_hears_that_all_is_wanted_after_a_part(context: AppContext, second_model: str) -> None:
    synchronizer, never = IndexSynchronizer(context), threading.Event()

    def is_ready() -> bool:
        return not synchronizer.step(never) and context.catalog.indexes.all()[1].state is IndexState.READY

    for scope, done in ((ReindexScope(cameras=("gate",)), 1), (ReindexScope(), 4)):
        index = begin(context, second_model, scope)
        until(is_ready)
        assert context.catalog.backfill.progress(context.catalog.indexes.all()[1]).done == done
        if done == 1:
            with pytest.raises(Conflict, match="a part of the recordings"):
                switch(context)
    assert index.collection == "xunren_2"


def test_a_third_model_and_the_one_that_answers_are_refused(
    context: AppContext, second_model: str, tmp_path: Path
) -> None:
    begin(context, second_model, ReindexScope())
    with pytest.raises(Conflict, match="a second index of another model"):
        begin(context, turned_model(tmp_path / "third", seed=2), ReindexScope())
    with pytest.raises(Conflict):
        begin(context, "xunren-small", ReindexScope())
    assert states(status(context.catalog)) == {"xunren": "live", "xunren_2": "building"}


def test_a_recording_that_is_gone_is_named_and_may_be_put_back(
    demo_copy: Path, second_model: str, xunren: Command, tmp_path: Path
) -> None:
    here = ("--data-dir", demo_copy, "--json")
    video = Path(shutil.copytree(SAMPLES / "gate", tmp_path / "gate")) / "gate.mp4"
    assert xunren("index", video, "--camera", "gate", *here).code == 0  # known, but it lies here now
    away = video.rename(tmp_path / "away.mp4")
    built = xunren("reindex", "--model", second_model, *here)
    assert (built.code, str(video) in "".join(built.err.split())) == (1, True)
    assert "could not be indexed again" in built.err
    assert xunren("reindex", "switch", *here).code == 1
    away.rename(video)
    assert xunren("reindex", "--model", second_model, *here).code == 0
    assert xunren("reindex", "switch", *here).code == 0
