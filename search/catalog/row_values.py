"""Domain objects as values of a table's row, and long lists of ids in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from search.stream_types import (
    Gap,
    Health,
    Stream,
)
from search.types import Camera

AT_ONCE = 500  # ids or ranges in one statement


def in_pieces(ids: Iterable[str]) -> Iterator[list[str]]:
    """The ids in as many at once as a statement takes."""
    wanted = list(ids)
    for n in range(0, len(wanted), AT_ONCE):
        yield wanted[n : n + AT_ONCE]


def row_values(item: Gap | Health | Stream | Camera) -> dict[str, Any]:
    """Return the fields of an item by column."""
    values = {name: getattr(item, name) for name in type(item).__dataclass_fields__}
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}
