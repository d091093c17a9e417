"""Reading Milvus Lite by columns gives what Lite's own reading gives, row for row, whatever was written."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from search.vector_store import lite_patch
from search.vector_store.milvus import MilvusStore
from search.vector_store.milvus_schema import ROW_FIELDS, expression, to_entity
from tests.search.vector_store.test_milvus import DIM, make_filter, make_row, unit

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:google.protobuf")
FIELDS = list(ROW_FIELDS)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Any]:
    """Lite's own object, of a collection that the store made; without a server in between."""
    from milvus_lite.db import MilvusLite  # type: ignore[import-untyped, unused-ignore]

    path = str(tmp_path / "vectors.db")
    with MilvusStore(path, collection="rows", dim=DIM):
        pass  # which installs, too
    database = MilvusLite(path)
    made = database.get_collection("rows")
    made.load()
    yield made
    database.close()


@pytest.fixture
def lites(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lite's own functions, as if nothing had been installed."""
    from milvus_lite.engine import collection as module  # type: ignore[import-untyped, unused-ignore]

    search = inspect.getclosurevars(module.execute_search_with_index).nonlocals["lites"]
    query = inspect.getclosurevars(module.Collection.query).nonlocals["lites"]
    count = inspect.getclosurevars(module.Collection._num_entities).nonlocals["lites"]

    def searched(collection: Any, *args: Any, **named: Any) -> Any:
        with monkeypatch.context() as m:
            m.setattr(module, "execute_search_with_index", search)
            return collection.search(*args, **named)

    return SimpleNamespace(search=searched, query=query, count=count)


def write(collection: Any, r: random.Random, rng: np.random.Generator) -> None:
    """A step of a life: rows, again some of them, deletions, and sometimes a file of them."""
    ids = r.sample([f"r{n}" for n in range(120)], r.randrange(1, 60))
    vectors = unit(len(ids), rng)
    entities = [to_entity(make_row(i, r), v) for i, v in zip(ids, vectors, strict=True)]
    collection.upsert([e | {"vector": e["vector"].tolist()} for e in entities])
    if r.random() < 0.7:
        collection.delete(r.sample([f"r{n}" for n in range(120)], 15))
    if r.random() < 0.6:
        collection.flush()


@pytest.mark.parametrize("seed", range(4))
def test_the_same_rows_as_lites_own(collection: Any, lites: Any, seed: int) -> None:
    r, rng, files = random.Random(seed), np.random.default_rng(seed), 0
    for _ in range(25):
        write(collection, r, rng)
        files = max(files, len(collection._segments_snapshot()))
        condition, limit, query = expression(make_filter(r)) or None, r.choice([1, 5, 500]), unit(1, rng).tolist()
        asked: dict[str, Any] = {"top_k": limit, "metric_type": "COSINE", "expr": condition, "output_fields": FIELDS}
        ours, theirs = collection.search(query, **asked)[0], lites.search(collection, query, **asked)[0]
        assert [hit["id"] for hit in ours] == [hit["id"] for hit in theirs]
        assert [hit["distance"] for hit in ours] == pytest.approx([hit["distance"] for hit in theirs], abs=1e-5)
        assert [hit["entity"] for hit in ours] == [hit["entity"] for hit in theirs]
        fields = r.choice([["id"], ["segment_id"], FIELDS, [*FIELDS, "vector"]])
        assert by_id(collection.query(condition, fields)) == by_id(lites.query(collection, condition, fields))
        assert len(collection.query(condition, ["id"], limit=3)) == min(3, len(collection.query(condition, ["id"])))
        assert collection.num_entities == lites.count(collection, None)
    assert files >= 2


def by_id(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {record["id"]: record for record in records}
    assert len(found) == len(records)
    return found


def test_a_row_that_comes_and_goes_and_comes_again(collection: Any) -> None:
    """Deleted twice, it must not come back with the file of its first life."""
    vector = unit(1, np.random.default_rng(0))[0]
    entity = to_entity(make_row("r"), vector) | {"vector": vector.tolist()}
    for _ in range(3):
        for there in (True, False):
            if there:
                collection.upsert([entity])
            else:
                collection.delete(["r"])
            for _ in range(2):
                assert collection.num_entities == len(collection.query(None, ["id"])) == int(there)
                collection.flush()


def test_what_is_not_known_is_left_to_lite(collection: Any) -> None:
    vectors = unit(3, np.random.default_rng(0))
    collection.upsert([to_entity(make_row(f"r{n}"), v) | {"vector": v.tolist()} for n, v in enumerate(vectors)])
    query = vectors[:1].tolist()
    assert len(collection.search(query, top_k=3, metric_type="L2", output_fields=["id"])[0]) == 3
    assert len(collection.search(query, top_k=3, metric_type="COSINE", partition_names=["_default"])[0]) == 3
    assert [e["id"] for e in collection.query(None, ["id"], offset=1, order_by_pk=True)] == ["r1", "r2"]
    assert collection.partition_num_entities("_default") == 3


def test_another_lite_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from milvus_lite.engine import collection as module

    def query(self: object, where: str) -> None:
        """Another version's."""

    monkeypatch.setattr(module.Collection, "query", query)
    before = module.execute_search_with_index
    lite_patch.install()
    assert module.execute_search_with_index is before
    assert module.Collection.query is query
    assert "searching large indexes is slow" in caplog.text
