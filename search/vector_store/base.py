"""The protocol that every vector store fulfils."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, Self

from search.types import Filter, Hit, Row, Vectors


class VectorStore(Protocol):
    """Rows with vectors. Safe for many threads between `open` and `close`; a context manager does both.

    Every method but `open` and `close` raises `Unavailable` where the store cannot be reached or is not open.
    """

    def open(self) -> None:
        """Get ready; everything slow happens here."""

    def close(self) -> None:
        """Release files and connections. Closing twice does nothing."""

    def drop(self) -> None:
        """Remove the collection with all its rows. Dropping it twice does nothing. The store is of no use then."""

    def __enter__(self) -> Self:
        """Open the store."""

    def __exit__(self, *exc: object) -> None:
        """Close the store."""

    def upsert(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """Store `rows` with `vectors` (n, dim); a row replaces the stored one with its id.

        Raises:
            BadInput: a vector is not finite or not of unit length, shapes do not fit, an id comes twice or cannot be
                stored. Nothing is written then.
        """

    def delete_segment(self, segment_id: str, keep: Collection[str] = ()) -> int:
        """Delete the segment's rows whose id is not in `keep`; return their number."""

    def delete_segments(self, segment_ids: Collection[str]) -> int:
        """Delete all rows of these segments; return their number. For Milvus, 50 segments cost as much as one.

        Raises:
            BadInput: more than 1,000 segments, or an id that cannot be stored.
        """

    def count_by_segment(self) -> dict[str, int]:
        """Return segment id -> number of its rows, for all segments that have rows."""

    def search(self, vector: Vectors, limit: int, where: Filter = Filter()) -> list[Hit]:  # noqa: B008 - frozen
        """Return the `limit` rows nearest to `vector` (dim,) by cosine among those that fit; best first, ties by id.

        Raises:
            BadInput: not a unit vector of the store's dimension, `limit` not in 1..16384, or too many cameras.
        """

    def get(self, ids: Collection[str]) -> tuple[list[Row], Vectors]:
        """Return the rows with these ids and their vectors (n, dim), by id; unknown ids are left out.

        Raises:
            BadInput: more than 1,000 ids, or one that cannot be stored.
        """

    def sample(self, limit: int, where: Filter = Filter()) -> tuple[list[Row], Vectors]:  # noqa: B008 - frozen
        """Return at most `limit` rows that fit with vectors (n, dim): a fair sample of them, always the same."""

    def count(self, where: Filter = Filter()) -> int:  # noqa: B008 - frozen
        """Return how many rows fit. Without a filter, rows that another process wrote may count a second later."""

    def ids(self, segment_id: str | None = None) -> set[str]:
        """Return the ids of the rows of a segment, or of all rows."""

    def rows_of(self, segment_ids: Collection[str]) -> list[Row]:
        """Return all rows of these segments, by id. For Milvus Lite, 50 segments cost as much as one.

        Raises:
            BadInput: more than 1,000 segments, or an id that cannot be stored.
        """

    def flush(self) -> None:
        """Write to disk what was stored so far. A kill loses nothing without it; a power cut may."""
