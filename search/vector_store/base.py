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
        """Let go of files and connections. Closing twice does nothing."""

    def __enter__(self) -> Self:
        """Open."""

    def __exit__(self, *exc: object) -> None:
        """Close."""

    def upsert(self, rows: Sequence[Row], vectors: Vectors) -> None:
        """Store `rows` with `vectors` (n, dim); a row whose id is there replaces it.

        Raises:
            BadInput: a vector is not finite or not of unit length, shapes do not fit, an id comes twice or cannot be
                stored. Nothing was written then.
        """

    def delete_segment(self, segment_id: str, keep: Collection[str] = ()) -> int:
        """Remove the segment's rows whose id is not in `keep`; how many those were."""

    def delete_segments(self, segment_ids: Collection[str]) -> int:
        """Remove all rows of these segments; how many those were. Finding them costs Milvus the same for 50 as for one.

        Raises:
            BadInput: more than 1,000 segments, or an id that cannot be stored.
        """

    def count_by_segment(self) -> dict[str, int]:
        """Segment id -> how many rows it has, of all segments that have any."""

    def search(self, vector: Vectors, limit: int, where: Filter = Filter()) -> list[Hit]:  # noqa: B008 - frozen
        """The `limit` rows nearest to `vector` (dim,) by cosine among those that fit; best first, ties by id.

        Raises:
            BadInput: not a unit vector of the store's dimension, `limit` not in 1..16384, or too many cameras.
        """

    def get(self, ids: Collection[str]) -> tuple[list[Row], Vectors]:
        """The rows with these ids and their vectors (n, dim), by id; unknown ones are left out.

        Raises:
            BadInput: more than 1,000 ids, or one that cannot be stored.
        """

    def sample(self, limit: int, where: Filter = Filter()) -> tuple[list[Row], Vectors]:  # noqa: B008 - frozen
        """At most `limit` rows that fit, drawn fairly over all of them, with vectors (n, dim); always the same ones."""

    def count(self, where: Filter = Filter()) -> int:  # noqa: B008 - frozen
        """How many rows fit. Of all rows those that another process wrote may be counted a second later."""

    def ids(self, segment_id: str | None = None) -> set[str]:
        """Ids of the rows of a segment, or of all rows."""

    def rows_of(self, segment_ids: Collection[str]) -> list[Row]:
        """All rows of these segments, by id. Costs Milvus Lite the same for 50 as for one.

        Raises:
            BadInput: more than 1,000 segments, or an id that cannot be stored.
        """

    def flush(self) -> None:
        """Write to disk what was stored so far. A kill loses nothing without it; a power cut may."""
