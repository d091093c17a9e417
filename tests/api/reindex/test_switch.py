"""Switched to the new index, back, and the other one dropped, while other processes are at work on both."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from api.composition import open_context
from api.reindex import IndexSynchronizer, begin, drop, switch
from api.runtime.context import AppContext
from search.catalog import ReindexScope
from search.config import Settings
from search.errors import Conflict, NotFound
from search.query import Query
from tests.support.reindex import SENTENCE, build, index_sample, states
from tests.support.waiting import until

Two = tuple[AppContext, AppContext]


def test_each_step_done_twice_is_done_once(built_context: AppContext) -> None:
    """As after a kill or a lost answer: the second time there is nothing left to do."""
    context = built_context
    before = [clip.id for clip in context.engine.search(Query(SENTENCE)).clips]
    with pytest.raises(Conflict, match="never answered"):
        switch(context, back=True)
    for _ in range(2):
        assert states(switch(context)) == {"xunren": "old", "xunren_2": "live"}
    assert [clip.id for clip in context.engine.search(Query(SENTENCE)).clips][:3] == before[:3]
    for _ in range(2):
        assert states(switch(context, back=True)) == {"xunren": "live", "xunren_2": "old"}
    assert [clip.id for clip in context.engine.search(Query(SENTENCE)).clips] == before
    switch(context)
    assert states(drop(context)) == {"xunren_2": "live"}
    for act in (switch, drop):
        with pytest.raises(NotFound, match="only one index"):
            act(context)
    assert [clip.id for clip in context.engine.search(Query(SENTENCE)).clips][:3] == before[:3]
    assert begin(context, "xunren-small", ReindexScope()).collection == "xunren_3", "no name is given twice"


def test_no_setting_undoes_a_switch(built: Path, second_model: str) -> None:
    with open_context(Settings(data_dir=built)) as context:
        switch(context)
    for setting in ("xunren-small", second_model):
        with open_context(Settings(data_dir=built, model=setting)) as context:
            assert context.embedder.label.startswith("turned@")


def test_on_a_server_two_processes_switch_at_once(two_contexts: Two, second_model: str) -> None:
    one, other = two_contexts
    index_sample(one, "gate")
    before = other.engine.search(Query(SENTENCE))
    build(one, second_model, worker=other)
    switch(one)
    assert other.engine.search(Query(SENTENCE)).clips
    assert other.embedder.label == one.embedder.label != one.settings.model
    assert other.indexes.page(before.id, 0, 1).clips == before.clips[:1]  # of before the switch
    old, active = other.indexes.written()
    assert old.store.ids() == active.store.ids()
    drop(one)
    assert other.engine.search(Query(SENTENCE)).clips
    until(lambda: len(other.indexes.written()) == 1)


def test_a_process_that_cannot_load_the_new_model_goes_on_with_the_old_one(
    two_contexts: Two, second_model: str, tmp_path: Path
) -> None:
    one, other = two_contexts
    weights = Path(shutil.copytree(second_model.removeprefix("local-dir:"), tmp_path / "model"))
    index_sample(one, "gate")
    old = one.embedder.label
    begin(one, f"local-dir:{weights}", ReindexScope())
    weights.rename(tmp_path / "elsewhere")  # from here on no other process finds it
    index_sample(other, "street")
    assert len(other.indexes.written()) == 1
    synchronizer = IndexSynchronizer(one)
    while synchronizer.step(threading.Event()):
        pass
    switch(one)
    assert one.embedder.label != other.embedder.label == old
    clips = other.engine.search(Query(SENTENCE, limit=20)).clips
    assert {clip.camera_id for clip in clips} == {"gate", "street"}
    assert {row.camera_id for row in one.store.sample(1000)[0]} == {"gate", "street"}
