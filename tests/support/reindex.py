"""Two indexes side by side: what they hold, and one written whole without a process of its own."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from api.composition import open_context
from api.jobs.workers import open_executor
from api.reindex import IndexSynchronizer, begin
from api.runtime.context import AppContext
from indexer.importer.registration import register
from search.catalog import IndexInfo, ReindexScope
from search.config import Settings
from search.types import Row, Vectors
from tests.conftest import SAMPLES

SENTENCE = "a man in red"


def contents(data_dir: Path) -> dict[str, tuple[list[Row], Vectors]]:
    """Return the rows by id and the vectors of each index, by the index's state."""
    with open_context(Settings(data_dir=data_dir)) as context:
        return {index.info.state.value: _content(index.store) for index in context.indexes.written()}


def _content(store: Any) -> tuple[list[Row], Vectors]:
    rows, vectors = store.sample(100_000)
    order = sorted(range(len(rows)), key=lambda n: rows[n].id)
    assert store.count() == len(rows)
    return [rows[n] for n in order], np.asarray(vectors[order])


def states(status: dict[str, Any]) -> dict[str, str]:
    """Return collection -> state out of a status."""
    return {index["collection"]: index["state"] for index in status["indexes"]}


def second(context: AppContext) -> IndexInfo:
    """Return the catalogue's entry of the index that is not active."""
    index = context.catalog.indexes.other()
    assert index is not None
    return index


def build(context: AppContext, model: str, worker: AppContext | None = None) -> IndexInfo:
    """Begin a second index and fill it until nothing is left; `worker` is the context that does the work."""
    begin(context, model, ReindexScope())
    synchronizer = IndexSynchronizer(worker or context)
    while synchronizer.step(threading.Event()):
        pass
    return second(context)


def index_sample(context: AppContext, camera: str) -> None:
    """Index the sample video of a camera."""
    zone, most = context.zone, context.settings.max_megapixels
    register(context.catalog, [SAMPLES / camera], camera_id=None, start_ms=None, zone=zone, max_megapixels=most)
    with open_executor(context) as executor:
        assert [report.state for report in executor.run()] == ["indexed"]
