"""The vector store in Milvus: in a Milvus Lite folder, or on a Milvus server.

This is the only module that imports pymilvus, and it does so in `open`; Milvus Lite itself is started by
`search.vector_store.lite_server`.

These choices have measured reasons: one writer (Lite lost acknowledged rows with several); flush on open (after a
kill Lite shows some keys twice until then); FLAT (with a filter HNSW misses rows, most of them on Lite); Session for a
search (a server's default does not see its own writes; Strong waits for its clock, 200 ms) and Strong for reads that
deletions are based on; Lite behind a Unix socket in its own folder rather than pymilvus' open
TCP port, through which every user of the machine could read and write.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np

from search.errors import BadInput, Unavailable, XunrenError
from search.types import Filter, Hit, Row, Vectors
from search.vector_store.checks import (
    LOTS,
    MAX_LIMIT,
    MAX_STRING_BYTES,
    best_first,
    check_ids,
    check_limit,
    check_rows,
    check_segments,
    check_string,
    check_vectors,
    stacked,
)
from search.vector_store.lite_server import DAMAGED, lite_server
from search.vector_store.milvus_schema import (
    INTEGER_FIELDS,
    ROW_FIELDS,
    STRING_FIELDS,
    check_collection,
    expression,
    one_of,
    quoted,
    to_entity,
    to_row,
)

INDEX_KINDS: dict[str, dict[str, int]] = {"FLAT": {}, "HNSW": {"M": 32, "efConstruction": 256}}
"""Allowed kinds of index with their parameters. FLAT is exact. HNSW, for servers with many millions of rows, found
97.6 % of the right rows with a 10 % filter."""

_CONNECT_S = 5.0
_LOAD_S = 900.0  # a million rows take 20 s to load, on Lite with the first call
_CALL_S = 60.0
_WRITE_ROWS = 1000
_READ_ROWS = 4096
_LITE_IDS = 1_000_000  # Lite has no such limit, and reads all rows again for each page
_COUNT_S = 1.0  # a count of all rows is kept for so long, unless this store writes
_COUNT_ROWS = 250_000
_FLUSH_ROWS = 2000  # unflushed rows make each search on Lite 35 to 45 ms per 1,000 slower


class MilvusStore:
    """Rows in Milvus.

    Args:
        address: a path, for Milvus Lite (a folder that belongs to one process), or ``http(s)://host:port``.
        collection: name of the collection; made by `open` where it is missing.
        dim: length of the vectors.
        token: ``user:password`` or API key of a server; never shown.
        index: one of `INDEX_KINDS`; Milvus Lite takes only FLAT.
        beside: an open store at the same address, which stays open longer: its connection is shared.

    Raises:
        BadInput: unknown kind of index, or an address that is neither.
    """

    def __init__(
        self,
        address: str,
        *,
        collection: str,
        dim: int,
        token: str = "",
        index: str = "FLAT",
        beside: MilvusStore | None = None,
    ) -> None:
        self._lite = None if address.startswith(("http://", "https://")) else Path(address)
        allowed = ("FLAT",) if self._lite else tuple(INDEX_KINDS)
        if index not in allowed:
            raise BadInput("this kind of index cannot be used here", got=index, expected=" or ".join(allowed))
        if not address or ("://" in str(address) and self._lite):
            raise BadInput("not an address of a vector store", got=address, expected="a path or http(s)://host:port")
        self._address, self._collection, self._dim, self._index = address, collection, dim, index
        self._secrets = [secret for secret in (token, _password(address), token.partition(":")[2]) if secret]
        self._token = token
        self._client: Any = None
        self._beside = beside
        self._uri = ""
        self._stack = contextlib.ExitStack()
        self._writing = threading.RLock()
        self._unflushed = 0
        self._changes = 0
        self._counted: tuple[int, float, int] | None = None  # `_changes` then, when, how many rows

    # open and close ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect, make or check the collection, load it.

        Raises:
            Unavailable: no server answers, another process has the Lite folder open, or it is damaged.
            Conflict: the collection has vectors of another length, or was not made by this program.
        """
        if self._client is not None:
            return
        with contextlib.ExitStack() as stack:
            if self._beside is not None:
                uri = self._beside._uri
            else:
                uri = stack.enter_context(lite_server(self._lite)) if self._lite else self._address
            cure = DAMAGED if self._lite else "is Milvus running at this address, and is the token right?"
            with self._translate_errors("the vector store cannot be opened", cure):
                client = self._connect(uri)
                stack.callback(client.close)
                self._prepare(client)
            self._stack = stack.pop_all()
            self._client, self._uri = client, uri

    def close(self) -> None:
        """See `VectorStore.close`."""
        with self._writing:
            self._client = self._counted = None
            self._stack.close()

    def drop(self) -> None:
        """See `VectorStore.drop`."""
        with self._writing, self._translate_errors("the collection could not be removed"):
            self._open().drop_collection(self._collection, timeout=_CALL_S)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _connect(self, uri: str) -> Any:
        from pymilvus import MilvusClient

        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # after its import, which sets its own; we raise
        return MilvusClient(uri, token=self._token, timeout=_CONNECT_S)

    def _prepare(self, client: Any) -> None:
        if client.has_collection(self._collection, timeout=_LOAD_S if self._lite else _CONNECT_S):
            check_collection(client.describe_collection(self._collection, timeout=_CALL_S)["fields"], self._dim)
        else:
            self._forget_begun()
            self._create(client)
        client.load_collection(self._collection, timeout=_LOAD_S)
        if self._lite:
            client.flush(self._collection, timeout=_CALL_S)

    def _forget_begun(self) -> None:
        """Remove the folder of a collection whose making was killed: without a schema, Lite would not make it again."""
        if self._lite is None:
            return
        folder = self._lite / "collections" / self._collection
        if folder.is_dir() and all(entry.name.startswith("schema.json.") for entry in folder.iterdir()):
            shutil.rmtree(folder)

    def _create(self, client: Any) -> None:
        from pymilvus import DataType

        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.VARCHAR, max_length=MAX_STRING_BYTES, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dim)
        for name in STRING_FIELDS:
            schema.add_field(name, DataType.VARCHAR, max_length=MAX_STRING_BYTES)
        for name in INTEGER_FIELDS:
            schema.add_field(name, DataType.INT64)
        index = client.prepare_index_params()
        index.add_index("vector", index_type=self._index, metric_type="COSINE", params=INDEX_KINDS[self._index])
        options = {"consistency_level": "Strong", "timeout": _CALL_S}
        client.create_collection(self._collection, schema=schema, index_params=index, **options)

    @contextlib.contextmanager
    def _translate_errors(
        self, what: str, cure: str = "see whether the vector store runs, then try again"
    ) -> Iterator[None]:
        from grpc import RpcError  # type: ignore[import-untyped, unused-ignore]
        from pymilvus import MilvusException

        try:
            yield
        except XunrenError:
            raise
        except (MilvusException, RpcError, OSError, ValueError) as e:  # ValueError: a channel closed meanwhile
            message = str(getattr(e, "message", "") or e)
            for secret in self._secrets:
                message = message.replace(secret, "***")
            raise Unavailable(what, got=message, cure=cure) from None

    def _open(self) -> Any:
        if self._client is None:
            raise Unavailable("the vector store is not open", cure="call open() first")
        return self._client

    # write ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _changing(self, what: str) -> Iterator[None]:
        """Let one writer at a time change rows; the kept count is not valid after it, even if it fails."""
        with self._writing, self._translate_errors(what):
            try:
                yield
            finally:
                self._changes += 1

    def upsert(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """See `VectorStore.upsert`."""
        checked = check_rows(rows, vectors, self._dim)
        with self._changing("rows could not be stored"):
            client = self._open()
            for at in range(0, len(rows), _WRITE_ROWS):
                part = slice(at, at + _WRITE_ROWS)
                entities = [to_entity(row, v) for row, v in zip(rows[part], checked[part], strict=True)]
                client.upsert(self._collection, entities, timeout=_CALL_S)
                self._unflushed += len(entities)
            if self._unflushed >= _FLUSH_ROWS:
                self.flush()

    def delete_segment(self, segment_id: str, keep: Collection[str] = ()) -> int:
        """See `VectorStore.delete_segment`."""
        with self._changing("rows could not be deleted"):
            return self._delete(sorted(self.ids(segment_id) - set(keep)))

    def delete_segments(self, segment_ids: Collection[str]) -> int:
        """See `VectorStore.delete_segments`."""
        check_segments(segment_ids)
        if not segment_ids:
            return 0
        found = self._read(one_of("segment_id", sorted(set(segment_ids))), ["id"])  # slow, so outside the lock
        with self._changing("rows could not be deleted"):
            return self._delete(sorted(entity["id"] for entity in found))

    def _delete(self, ids: list[str]) -> int:
        for at in range(0, len(ids), _WRITE_ROWS):
            condition = one_of("id", ids[at : at + _WRITE_ROWS])
            self._open().delete(self._collection, filter=condition, timeout=_CALL_S)
        self._unflushed += len(ids)
        return len(ids)

    def flush(self) -> None:
        """See `VectorStore.flush`. A server has acknowledged only what its log keeps, so there is nothing to do."""
        with self._writing, self._translate_errors("rows could not be written to disk"):
            client = self._open()
            if self._lite and self._unflushed:
                client.flush(self._collection, timeout=_CALL_S)
            self._unflushed = 0

    # read ----------------------------------------------------------------------------------------------------

    def search(self, vector: Vectors, limit: int, where: Filter = Filter()) -> list[Hit]:  # noqa: B008
        """See `VectorStore.search`. Where rows tie at the last place, which of them is left out is Milvus' choice."""
        query = check_vectors(np.asarray(vector)[None], 1, self._dim)
        params = {"ef": min(32_768, max(512, 2 * check_limit(limit)))}  # FLAT does without
        condition = expression(where)
        with self._translate_errors("the search failed"):
            found = self._open().search(
                self._collection,
                data=query,
                filter=condition,
                limit=limit,
                output_fields=list(ROW_FIELDS),
                search_params={"metric_type": "COSINE", "params": params},
                anns_field="vector",
                consistency_level="Session",
                timeout=_CALL_S,
            )
            return best_first(
                [Hit(to_row(hit["entity"] | {"id": hit["id"]}), float(hit["distance"])) for hit in found[0]]
            )

    def get(self, ids: Collection[str]) -> tuple[list[Row], Vectors]:
        """See `VectorStore.get`."""
        check_ids(ids)
        if not ids:
            return [], stacked([], self._dim)
        fields, options = [*ROW_FIELDS, "vector"], {"consistency_level": "Session", "timeout": _CALL_S}
        with self._translate_errors("the rows could not be read"):
            found = self._open().query(self._collection, ids=sorted(set(ids)), output_fields=fields, **options)
        found = sorted(found, key=lambda entity: str(entity["id"]))
        return [to_row(e) for e in found], stacked([e["vector"] for e in found], self._dim)

    def sample(self, limit: int, where: Filter = Filter()) -> tuple[list[Row], Vectors]:  # noqa: B008
        """See `VectorStore.sample`."""
        condition, total = expression(where), self.count()  # with a filter, Lite counts by reading every row
        bound = min(LOTS, LOTS * (limit + 100) * 5 // (4 * total)) if total and limit > 0 else 0
        drawn: list[dict[str, Any]] = []
        while bound:
            drawn = self._read(condition, [*ROW_FIELDS, "vector"], high=bound)
            if len(drawn) >= limit or bound == LOTS:
                break
            wider = 2 * limit // len(drawn) if drawn else 16
            bound = min(LOTS, bound * max(2, wider))
        drawn = sorted(drawn, key=lambda e: (e["lot"], e["id"]))[: max(limit, 0)]
        return [to_row(e) for e in drawn], stacked([e["vector"] for e in drawn], self._dim)

    def count(self, where: Filter = Filter()) -> int:  # noqa: B008
        """See `VectorStore.count`."""
        condition, changes, last = expression(where), self._changes, self._counted
        if not condition and last is not None and last[0] == changes and time.monotonic() - last[1] < _COUNT_S:
            return last[2]
        if condition and self._lite:  # which would read every field of the rows to count them
            return len(self._read(condition, ["id"]))
        options = {"consistency_level": "Strong", "timeout": _CALL_S}
        with self._translate_errors("the rows could not be counted"):
            found = self._open().query(self._collection, filter=condition, output_fields=["count(*)"], **options)
        rows = int(found[0]["count(*)"])
        if not condition:
            self._counted = (changes, time.monotonic(), rows)
        return rows

    def ids(self, segment_id: str | None = None) -> set[str]:
        """See `VectorStore.ids`."""
        condition = ""
        if segment_id is not None:
            condition = f"segment_id == {quoted(check_string(segment_id, 'the segment id'))}"
        return {entity["id"] for entity in self._read(condition, ["id"])}

    def rows_of(self, segment_ids: Collection[str]) -> list[Row]:
        """See `VectorStore.rows_of`."""
        check_segments(segment_ids)
        if not segment_ids:
            return []
        found = self._read(one_of("segment_id", sorted(set(segment_ids))), list(ROW_FIELDS))
        return sorted((to_row(entity) for entity in found), key=lambda row: row.id)

    def count_by_segment(self) -> dict[str, int]:
        """See `VectorStore.count_by_segment`. Read in parts: each row costs some hundred bytes until it is counted."""
        parts = max(1, -(-self.count() // _COUNT_ROWS))
        bounds = [LOTS * n // parts for n in range(parts + 1)]
        counts: Counter[str] = Counter()
        for low, high in itertools.pairwise(bounds):
            counts.update(entity["segment_id"] for entity in self._read("", ["segment_id"], low, high))
        return dict(counts)

    def _read(self, where: str, fields: list[str], low: int = 0, high: int = LOTS) -> list[dict[str, Any]]:
        """Return all rows that fit with a lot in [low, high), by halves: a server's answer has at most 16,384 rows.

        pymilvus' own iterator pages by the id and does not escape it: a quote in an id breaks it.
        """
        page = _READ_ROWS if "vector" in fields else _LITE_IDS if self._lite else MAX_LIMIT
        options = {"limit": page, "consistency_level": "Strong", "timeout": _CALL_S}
        condition = _both(where, f"lot >= {low} and lot < {high}")
        with self._translate_errors("the rows could not be read"):
            found = list(self._open().query(self._collection, filter=condition, output_fields=fields, **options))
        if len(found) < page or high - low == 1:
            return found
        middle = (low + high) // 2
        return self._read(where, fields, low, middle) + self._read(where, fields, middle, high)


def _password(address: str) -> str:
    return (urlsplit(address).password or "") if "://" in address else ""


def _both(first: str, second: str) -> str:
    return f"{first} and {second}" if first else second
