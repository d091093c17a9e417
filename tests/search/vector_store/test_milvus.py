"""One contract for every vector store, the plain in-memory one as the oracle; then what only Milvus can get wrong."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from search.config import Settings
from search.errors import BadInput, Conflict, Unavailable
from search.types import Box, Filter, Hit, Row, RowKind, Vectors, Window
from search.vector_store.base import VectorStore
from search.vector_store.checks import MAX_CAMERAS, MAX_LIMIT
from search.vector_store.factory import open_vector_store
from search.vector_store.memory import MemoryStore
from search.vector_store.milvus import MilvusStore
from search.vector_store.milvus_schema import expression
from tests.support.milvus_server import ROOT, database

# pymilvus 3 and its parts; nothing of ours
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:google.protobuf")

DIM = 16
KILLED_AFTER = (1, 2, 3, 8)
"""Lines that a writer printed: in the first batch, between two, in the second one, and in the middle of a run."""
CAMERAS = ("gate", "street 2", "北门-1", "a.b:c@d#(e)+")
ODD = (
    "it's",
    'say "hi"',
    "back\\slash",
    "ends\\",
    '\\"',
    "' or '1'=='1",
    '" or id != "',
    "穿红色外套",
    "%_",
    "🚶",
    "{x}",
    "  ",
)


def unit(n: int, rng: np.random.Generator, dim: int = DIM) -> Vectors:
    vectors = rng.standard_normal((n, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def make_row(row_id: str, rng: random.Random | None = None, **changes: Any) -> Row:
    r = rng or random.Random(row_id)
    at, before, after = r.randrange(10_000, 90_000), r.randrange(5_000), r.randrange(5_000)
    row = Row(
        id=row_id,
        camera_id=r.choice(CAMERAS),
        segment_id=f"s{r.randrange(8)}",
        kind=r.choice(list(RowKind)),
        track=r.randrange(-1, 9),
        time_ms=at,
        start_ms=at - before,
        end_ms=at + after,
        box=Box(r.randrange(100), r.randrange(100), r.randrange(200, 999), r.randrange(200, 999)),
        frame_width=1280,
        frame_height=720,
    )
    return replace(row, **changes)


def make_filter(r: random.Random) -> Filter:
    times = sorted(r.sample(range(5_000, 95_000), 2))
    return Filter(
        cameras=tuple(r.sample(CAMERAS, r.randrange(4))),
        kinds=tuple(r.sample(list(RowKind), r.randrange(3))),
        start_ms=times[0] if r.random() < 0.5 else None,
        end_ms=times[1] if r.random() < 0.5 else None,
        without=tuple(r.sample(CAMERAS, r.choice((0, 0, 0, 1, 2)))),
        windows=tuple(make_window(r) for _ in range(r.choice((0, 0, 0, 1, 3)))),
    )


def make_window(r: random.Random) -> Window:
    begin, end = sorted(r.sample(range(5_000, 95_000), 2))
    return Window(tuple(r.sample(CAMERAS, r.randrange(1, 3))), begin, end)


def same_hits(found: Sequence[Hit], expected: Sequence[Hit]) -> None:
    """Same scores in order, and the same rows, but for rows that tie within float noise."""
    assert [h.score for h in found] == pytest.approx([h.score for h in expected], abs=1e-5)
    floor = expected[-1].score + 1e-5 if expected else 0.0
    assert {h.row for h in found if h.score > floor} == {h.row for h in expected if h.score > floor}
    assert [(-h.score, h.row.id) for h in found] == sorted((-h.score, h.row.id) for h in found)


def same_content(store: VectorStore, oracle: VectorStore) -> None:
    assert store.count() == oracle.count()
    assert store.ids() == oracle.ids()
    rows, vectors = store.sample(100_000)
    expected_rows, expected_vectors = oracle.sample(100_000)
    assert rows == expected_rows
    np.testing.assert_allclose(vectors, expected_vectors, atol=1e-6)


# The three stores ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def milvus_uri(milvus_server: str) -> Iterator[str]:
    with database(milvus_server) as address:
        yield address


@pytest.fixture(scope="module")
def on_server(milvus_uri: str) -> Iterator[MilvusStore]:
    """One collection for all tests: a server takes seconds to make another."""
    with MilvusStore(milvus_uri, collection="rows", dim=DIM) as made:
        yield made


@pytest.fixture(params=["memory", "lite", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    """Open and empty."""
    made: VectorStore
    if request.param == "server":
        made = request.getfixturevalue("on_server")
        for segment in {row.segment_id for row in made.sample(10**6)[0]}:
            made.delete_segment(segment)
        yield made
        return
    if request.param == "memory":
        made = MemoryStore(dim=DIM)
    else:
        made = MilvusStore(str(tmp_path / "vectors.db"), collection="rows", dim=DIM)
    with made:
        yield made


@pytest.fixture
def lite(tmp_path: Path) -> MilvusStore:
    """Not open yet."""
    return MilvusStore(str(tmp_path / "vectors.db"), collection="rows", dim=DIM)


# The contract ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_random_steps_agree_with_the_oracle(store: VectorStore, seed: int) -> None:
    r, rng = random.Random(seed), np.random.default_rng(seed)
    oracle = MemoryStore(dim=DIM)
    for _ in range(6):
        ids = r.sample([f"r{n}" for n in range(400)], r.randrange(1, 200))
        rows, vectors = [make_row(i, r) for i in ids], unit(len(ids), rng)
        segment = f"s{r.randrange(8)}"
        kept = set(r.sample(sorted(oracle.ids(segment)), len(oracle.ids(segment)) // 2))
        answers = []
        for each in (store, oracle):
            each.upsert(rows, vectors)
            answers.append(each.delete_segment(segment, keep=kept))
        assert answers[0] == answers[1]
        assert store.ids(segment) == oracle.ids(segment) <= kept
        where, query, limit = make_filter(r), unit(1, rng)[0], r.choice([1, 7, 1000])
        same_hits(store.search(query, limit, where), oracle.search(query, limit, where))
        assert store.count(where) == oracle.count(where)
        assert store.sample(9, where)[0] == oracle.sample(9, where)[0]
    same_content(store, oracle)


def test_filters_are_exact_to_the_millisecond(store: VectorStore) -> None:
    row = make_row("r", time_ms=1500, start_ms=1000, end_ms=2000)
    vector = unit(1, np.random.default_rng(0))
    store.upsert([row], vector)
    there = [
        Filter(start_ms=2000),
        Filter(end_ms=1001),
        Filter(start_ms=1999, end_ms=5000),
        Filter(cameras=(row.camera_id,)),
    ]
    gone = [Filter(start_ms=2001), Filter(end_ms=1000), Filter(start_ms=2001, end_ms=5000), Filter(cameras=("other",))]
    for where in (*there, *gone):
        expected = 1 if where in there else 0
        assert (
            len(store.search(vector[0], 5, where)) == store.count(where) == len(store.sample(5, where)[0]) == expected
        )


def test_a_rare_camera_is_found_among_many_nearer_rows(store: VectorStore) -> None:
    """The filter is inside the search: the best 2 of one camera, though 1,500 rows of another are nearer."""
    rng = np.random.default_rng(5)
    query = unit(1, rng)[0]
    near = query + 0.05 * unit(1500, rng)
    near = np.asarray(near / np.linalg.norm(near, axis=1, keepdims=True), dtype=np.float32)
    store.upsert([make_row(f"n{i}", camera_id="busy") for i in range(1500)], near)
    store.upsert([make_row(f"f{i}", camera_id="rare") for i in range(2)], unit(2, rng))
    assert {h.row.id for h in store.search(query, 5, Filter(cameras=("rare",)))} == {"f0", "f1"}
    many = tuple(f"no such camera {n}" for n in range(30_000))
    assert {h.row.id for h in store.search(query, 5, Filter(cameras=(*many, "rare")))} == {"f0", "f1"}


def test_rows_are_got_by_their_ids(store: VectorStore) -> None:
    rows = [make_row(name) for name in ("b", "a", "c", *ODD)]
    vectors = unit(len(rows), np.random.default_rng(3))
    store.upsert(rows, vectors)
    found, theirs = store.get(["c", "nowhere", ODD[1], "a", "a"])
    assert [row.id for row in found] == sorted(["c", ODD[1], "a"])
    known = {row.id: n for n, row in enumerate(rows)}
    np.testing.assert_allclose(theirs, vectors[[known[row.id] for row in found]], atol=1e-6)
    assert found == [rows[known[row.id]] for row in found]
    assert store.get([])[1].shape == store.get(["nowhere"])[1].shape == (0, DIM)
    with pytest.raises(BadInput, match="too many rows"):
        store.get([f"r{n}" for n in range(1001)])


def test_rows_of_segments(store: VectorStore) -> None:
    rng = np.random.default_rng(3)
    rows = [make_row(f"r{n}", random.Random(n), segment_id=f"s{n % 3}") for n in range(30)]
    store.upsert(rows, unit(30, rng))
    expected = sorted((row for row in rows if row.segment_id != "s1"), key=lambda row: row.id)
    assert store.rows_of(["s0", "s2", "none"]) == expected
    assert store.rows_of([]) == []


@pytest.mark.parametrize("kind", ["memory", "lite", "server"])
def test_a_collection_is_dropped_and_the_one_beside_it_stays(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rows, rng = [make_row(f"r{n}") for n in range(30)], np.random.default_rng(3)
    with ExitStack() as stack:
        store: VectorStore
        other: VectorStore
        if kind == "memory":
            store, other = MemoryStore(dim=DIM), MemoryStore(dim=DIM + 2)
        else:
            uri = request.getfixturevalue("milvus_uri") if kind == "server" else ""
            settings = Settings(data_dir=tmp_path, store_uri=uri)
            store = stack.enter_context(open_vector_store(settings, collection="stays", dim=DIM))
            other = stack.enter_context(open_vector_store(settings, collection="goes", dim=DIM + 2, beside=store))
        store.upsert(rows, unit(30, rng))
        other.upsert(rows, unit(30, rng, DIM + 2))
        assert (other.count(), store.count()) == (30, 30)
        other.drop()
        other.drop()
        assert sorted(store.rows_of({row.segment_id for row in rows}), key=lambda r: r.id) == sorted(
            rows, key=lambda r: r.id
        )


def test_writing_twice_changes_nothing_and_replaces(store: VectorStore) -> None:
    rng = np.random.default_rng(7)
    rows, vectors, others = [make_row(f"r{n}") for n in range(50)], unit(50, rng), unit(50, rng)
    for _ in range(3):
        store.upsert(rows, vectors)
    assert store.count() == 50
    moved = [replace(row, segment_id="moved") for row in rows]
    store.upsert(moved, others)
    assert store.count() == len(store.ids("moved")) == 50
    best = store.search(others[3], 50)
    assert best[0].row == moved[3]
    assert best[0].score == pytest.approx(1.0, abs=1e-5)
    assert len({hit.row.id for hit in best}) == 50
    assert store.delete_segment("moved", keep={"r1", "r2", "never there"}) == 48
    assert store.ids() == {"r1", "r2"}
    assert store.delete_segment("no such segment") == 0


def test_ties_are_in_order_of_id(store: VectorStore) -> None:
    vector = unit(1, np.random.default_rng(1))
    ids = [f"r{n:02d}" for n in range(20)]
    store.upsert([make_row(i) for i in reversed(ids)], np.repeat(vector, 20, axis=0))
    assert [hit.row.id for hit in store.search(vector[0], 20)] == ids


def test_strange_strings_come_back_as_they_are(store: VectorStore) -> None:
    rows = [make_row(f"id {text}", segment_id=text) for text in ODD]
    vectors = unit(len(rows), np.random.default_rng(2))
    store.upsert(rows, vectors)
    store.upsert(rows, vectors)
    assert store.ids() == {row.id for row in rows}
    for row in rows:
        assert store.ids(row.segment_id) == {row.id}
    assert store.delete_segment(ODD[0], keep={rows[0].id}) == 0
    for left, row in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
        assert store.delete_segment(row.segment_id) == 1
        assert store.count() == left


def test_a_sample_is_spread_and_always_the_same(store: VectorStore) -> None:
    rows = [make_row(f"{camera}/{n}", camera_id=camera) for camera in CAMERAS for n in range(300)]
    store.upsert(rows, unit(len(rows), np.random.default_rng(3)))
    drawn, vectors = store.sample(200)
    assert len(drawn) == len({row.id for row in drawn}) == 200
    assert vectors.shape == (200, DIM)
    assert vectors.dtype == np.float32
    shares = [sum(row.camera_id == camera for row in drawn) for camera in CAMERAS]
    assert min(shares) > 25, shares
    assert store.sample(200)[0] == drawn
    assert store.sample(0)[0] == []


def test_an_empty_store_answers(store: VectorStore) -> None:
    assert store.count() == 0
    assert store.ids() == set()
    assert store.search(unit(1, np.random.default_rng(0))[0], 10, Filter(cameras=("gate",))) == []
    rows, vectors = store.sample(10)
    assert (rows, vectors.shape) == ([], (0, DIM))
    store.upsert([], np.empty((0, DIM), np.float32))
    store.flush()


def test_many_threads_write_and_read(store: VectorStore) -> None:
    """Each thread's rows are there, none twice, and readers never see a wrong row meanwhile."""
    vectors = unit(800, np.random.default_rng(4))
    failures: list[BaseException] = []

    def write(thread: int) -> None:
        try:
            for start in range(0, 100, 25):
                rows = [make_row(f"t{thread}-{start + n}", segment_id=f"t{thread}") for n in range(25)]
                store.upsert(rows, vectors[100 * thread + start :][:25])
                assert {row.id for row in rows} <= store.ids(f"t{thread}")
                assert len(store.search(vectors[0], 10)) == 10
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert store.ids() == {f"t{t}-{n}" for t in range(8) for n in range(100)}
    assert store.count() == 800


def test_more_rows_than_one_answer_of_a_server_has(store: VectorStore) -> None:
    n = MAX_LIMIT + 600
    rows = [make_row(f"r{i}", segment_id="one") for i in range(n)]
    vectors = unit(n, np.random.default_rng(8))
    store.upsert(rows, vectors)
    assert store.count() == len(store.ids("one")) == len(store.sample(10**6)[0]) == n
    hits = store.search(vectors[0], MAX_LIMIT)
    assert len({hit.row.id for hit in hits}) == MAX_LIMIT
    assert store.delete_segment("one") == n
    assert store.count() == 0


# Refusals --------------------------------------------------------------------------------------------------------

GOOD = unit(2, np.random.default_rng(9))


WRONG_BATCHES: list[tuple[list[str], Any, str]] = [
    (["a", "b"], GOOD * 1.01, "unit length"),
    (["a", "b"], np.stack([GOOD[0], np.full(DIM, np.nan, np.float32)]), "vector 1 is not finite"),
    (["a", "b"], np.stack([GOOD[0], np.full(DIM, np.inf, np.float32)]), "vector 1 is not finite"),
    (["a", "b"], np.zeros((2, DIM), np.float32), "unit length"),
    (["a", "b"], GOOD[:1], r"float32 \(2, 16\)"),
    (["a", "b"], GOOD[:, :8], r"float32 \(2, 16\)"),
    (["a", "b"], GOOD.ravel(), r"float32 \(2, 16\)"),
    (["a", "b"], GOOD.astype(np.int64), "int64"),
    (["a", "a"], GOOD, "same id"),
    (["a", ""], GOOD, "cannot be stored"),
    (["a", "x" * 300], GOOD, "cannot be stored"),
    (["a", "tab\tand\nline"], GOOD, "cannot be stored"),
    (["a", "\ud800"], GOOD, "cannot be stored"),
]


def test_a_wrong_batch_is_refused_and_nothing_of_it_written(store: VectorStore) -> None:
    for ids, vectors, what in WRONG_BATCHES:
        with pytest.raises(BadInput, match=what) as e:
            store.upsert([make_row("r", id=i) for i in ids], vectors)
        assert e.value.got
        assert e.value.cure
    assert store.count() == 0


def test_wrong_searches_are_refused(store: VectorStore) -> None:
    for limit in (0, -1, MAX_LIMIT + 1):
        with pytest.raises(BadInput, match="1 to 16384"):
            store.search(GOOD[0], limit)
    for vector in (GOOD, GOOD[0][:8], GOOD[0] * 2, np.full(DIM, np.nan, np.float32)):
        with pytest.raises(BadInput):
            store.search(vector, 5)
    many = Filter(cameras=tuple(f"c{n}" for n in range(MAX_CAMERAS + 1)))
    for ask in (lambda: store.search(GOOD[0], 5, many), lambda: store.count(many), lambda: store.sample(5, many)):
        with pytest.raises(BadInput, match="too many cameras"):
            ask()
    for ask_segment in (store.ids, store.delete_segment):
        with pytest.raises(BadInput, match="segment id"):
            ask_segment("line\nbreak")


def test_values_of_a_filter_are_escaped() -> None:
    object.__setattr__(where := Filter(cameras=("gate",)), "cameras", ('x"] or id != "\\',))
    assert expression(where) == 'camera_id in ["x\\"] or id != \\"\\\\"]'


@pytest.mark.parametrize(
    ("address", "index"),
    [("x.db", "HNSW"), ("x.db", "flat?"), ("http://h:1", "IVF"), ("tcp://h:1", "FLAT"), ("", "FLAT")],
)
def test_unknown_index_kinds_and_addresses_are_refused(address: str, index: str) -> None:
    with pytest.raises(BadInput):
        MilvusStore(address, collection="rows", dim=DIM, index=index)


# Only Milvus -----------------------------------------------------------------------------------------------------


def test_an_index_of_another_dimension_is_refused(lite: MilvusStore, milvus_uri: str, tmp_path: Path) -> None:
    for address in (str(tmp_path / "vectors.db"), milvus_uri):
        with MilvusStore(address, collection="dims", dim=DIM):
            pass
        with pytest.raises(Conflict, match=r"another length.*cure: choose the model"):
            MilvusStore(address, collection="dims", dim=2 * DIM).open()


def test_closed_and_opened_again_all_is_there(lite: MilvusStore) -> None:
    rows, vectors = [make_row(f"r{n}") for n in range(30)], unit(30, np.random.default_rng(0))
    oracle = MemoryStore(dim=DIM)
    oracle.upsert(rows, vectors)
    with lite:
        lite.upsert(rows, vectors)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"not open.*open\(\)"):
            lite.count()
        with lite:
            same_content(lite, oracle)
            lite.open()
    lite.close()


def test_a_server_keeps_its_rows_between_connections(milvus_uri: str) -> None:
    rows, vectors = [make_row(f"r{n}") for n in range(30)], unit(30, np.random.default_rng(0))
    with (
        MilvusStore(milvus_uri, collection="kept", dim=DIM) as first,
        MilvusStore(milvus_uri, collection="kept", dim=DIM) as second,
    ):
        first.upsert(rows, vectors)
        assert second.count() == 30  # Strong: another client sees it at once
    with MilvusStore(milvus_uri, collection="kept", dim=DIM) as again:
        assert again.ids() == {row.id for row in rows}


def test_hnsw_on_a_server_answers(milvus_uri: str) -> None:
    rows, vectors = [make_row(f"r{n}") for n in range(300)], unit(300, np.random.default_rng(0))
    with MilvusStore(milvus_uri, collection="hnsw", dim=DIM, index="HNSW") as store:
        store.upsert(rows, vectors)
        assert store.search(vectors[7], 3)[0].row == rows[7]


def in_another_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)


OPEN = """
import sys
from search.errors import XunrenError
from search.vector_store.milvus import MilvusStore
try:
    MilvusStore(sys.argv[1], collection="rows", dim=16).open()
except XunrenError as e:
    print(type(e).__name__, e)
"""


def test_a_lost_server_or_a_damaged_index_is_told_without_a_trace(tmp_path: Path) -> None:
    damaged = tmp_path / "vectors.db"
    with MilvusStore(str(damaged), collection="rows", dim=DIM):
        pass
    (damaged / "collections" / "rows" / "schema.json").write_text("{")
    for address in (damaged, "http://127.0.0.1:1"):
        with in_another_process(OPEN, address) as other:
            out, err = other.communicate(timeout=30)
        assert out.startswith("Unavailable the vector store cannot be opened; got: ")
        assert err == ""


def test_an_index_in_use_is_refused_with_its_cure(lite: MilvusStore, tmp_path: Path) -> None:
    with lite:
        with in_another_process(OPEN, tmp_path / "vectors.db") as other:
            out, err = other.communicate(timeout=30)
        assert out.startswith("Unavailable the index is in use by another xunren process (xunren serve?)")
        assert "cure: " in out
        assert err == ""
        with pytest.raises(Unavailable, match="in use"):  # nor twice in one process
            MilvusStore(str(tmp_path / "vectors.db"), collection="rows", dim=DIM).open()
        assert lite.count() == 0


def test_a_folder_with_a_long_name_opens(tmp_path: Path) -> None:
    folder = tmp_path / ("长" * 50) / "vectors.db"
    with MilvusStore(str(folder), collection="rows", dim=DIM) as store:
        assert store.count() == 0


def test_no_port_is_opened_for_milvus_lite(lite: MilvusStore, tmp_path: Path) -> None:
    """pymilvus' own way opens a TCP port without a password; ours a socket that only this user can write to."""

    def ports() -> set[int]:
        return {c.laddr.port for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN}

    before = ports()
    with lite:
        lite.count()
        assert ports() == before
        assert (tmp_path / "vectors.db" / "socket").stat().st_mode & 0o022 == 0


@pytest.mark.parametrize("kind", ["text file", "foreign folder"])
def test_what_is_no_index_is_refused_and_left_alone(lite: MilvusStore, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "vectors.db"
    if kind == "text file":
        path.write_text("not an index")
    else:
        path.mkdir()
        (path / "holiday.jpg").write_text("mine")
    with pytest.raises(Conflict, match=r"not a Milvus Lite index.*cure"):
        lite.open()
    assert path.is_file() or [p.name for p in path.iterdir()] == ["holiday.jpg"]


def test_a_damaged_index_is_refused_never_half_answered(lite: MilvusStore, tmp_path: Path) -> None:
    """Each of its files in turn is cut short or filled with rubbish: all rows, or a clear error."""
    rows, vectors = [make_row(f"r{n}") for n in range(300)], unit(300, np.random.default_rng(0))
    with lite:
        lite.upsert(rows, vectors)
        lite.flush()
    whole, path = tmp_path / "whole", tmp_path / "vectors.db"
    path.rename(whole)
    files = [p.relative_to(whole) for p in sorted(whole.rglob("*")) if p.is_file() and p.stat().st_size]
    assert len(files) >= 3
    outcomes = {}
    for name in files:
        for damage in (b"", b"\xff" * 64):
            shutil.copytree(whole, path)
            content = (path / name).read_bytes()
            (path / name).write_bytes(damage or content[: len(content) // 2])
            try:
                with lite:
                    same = lite.count() == 300 and len(lite.search(vectors[0], 300)) == 300
                    outcomes[f"{name} {damage[:1]!r}"] = "whole" if same else "HALF"
            except (Unavailable, Conflict):
                outcomes[f"{name} {damage[:1]!r}"] = "refused"
            finally:
                lite.close()
                shutil.rmtree(path)
    assert "HALF" not in outcomes.values(), outcomes
    assert "refused" in outcomes.values(), outcomes


def test_an_unreachable_server_ends_the_wait_and_the_token_is_not_told() -> None:
    """The second one accepts and never answers: without an end of the wait the test would run into pytest's own."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        secret = "u:geheim"
        for port in (1, silent.getsockname()[1]):
            with pytest.raises(Unavailable, match=r"cannot be opened.*cure") as e:
                MilvusStore(f"http://{secret}@127.0.0.1:{port}", collection="rows", dim=DIM, token=secret).open()
            assert "geheim" not in str(e.value) + repr(e.value.__cause__)


WRITE = """
import sys
import numpy as np
from tests.search.vector_store.test_milvus import DIM, make_row, unit
from search.vector_store.milvus import MilvusStore
vectors = unit(400, np.random.default_rng(0))
with MilvusStore(sys.argv[1], collection="rows", dim=DIM) as store:
    chosen = np.random.default_rng(int(sys.argv[2]))
    while True:
        batch = [int(n) for n in chosen.choice(400, 40, replace=False)]
        print("begin", *batch, flush=True)
        store.upsert([make_row(f"r{n}") for n in batch], vectors[batch])
        print("done", *batch, flush=True)
"""


def test_killed_at_any_moment_no_acknowledged_row_is_lost_or_doubled(lite: MilvusStore, tmp_path: Path) -> None:
    acknowledged: set[int] = set()
    tried: set[int] = set()
    vectors = unit(400, np.random.default_rng(0))
    for seed, count in enumerate(KILLED_AFTER):
        with in_another_process(WRITE, tmp_path / "vectors.db", seed) as writer:
            assert writer.stdout is not None
            first = [writer.stdout.readline() for _ in range(count)]
            writer.send_signal(signal.SIGKILL)
            lines = [*first, *writer.stdout.read().splitlines(keepends=True)]
        for line in lines:
            word, *numbers = line.split() or [""]
            if line.endswith("\n"):
                (acknowledged if word == "done" else tried).update(map(int, numbers))
        with lite:
            ids = lite.ids()
            assert {f"r{n}" for n in acknowledged} <= ids <= {f"r{n}" for n in tried}
            hits = lite.search(vectors[0], 1000)
            assert len(hits) == len({hit.row.id for hit in hits}) == lite.count() == len(ids)
            rows, stored = lite.sample(1000)
            np.testing.assert_allclose(stored, vectors[[int(row.id[1:]) for row in rows]], atol=1e-6)
    assert acknowledged


def test_a_collection_whose_making_was_killed_is_made_again(tmp_path: Path) -> None:
    """Milvus Lite makes the folder, then writes the schema into it; between the two there is nothing to lose."""
    address = str(tmp_path / "vectors.db")
    with MilvusStore(address, collection="first", dim=4):
        pass
    begun, lost = (tmp_path / "vectors.db" / "collections" / name for name in ("begun", "lost"))
    begun.mkdir()
    (begun / "schema.json.tmp").write_text("{")
    with MilvusStore(address, collection="begun", dim=4) as store:
        assert store.count() == 0
    lost.mkdir()
    (lost / "wal.log").write_text("rows")
    with pytest.raises(Unavailable, match="File exists"), MilvusStore(address, collection="lost", dim=4):
        pass
    assert (lost / "wal.log").exists(), "what may be rows is never removed"
