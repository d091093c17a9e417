"""Pages of an answer that stay as they are while new rows arrive: the list of clips is kept and grows at its end."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from search.errors import NotFound
from search.ranking.calibration import Track, track_of
from search.types import Clip, Hit, Segment
from search.vector_store import MAX_LIMIT

GROWTH = 4  # the list grows by searching so many times more rows
KEPT = 500  # answers whose lists are kept

T = TypeVar("T")
Fetch = Callable[[int], tuple[Sequence[Hit], bool]]
Arrange = Callable[[Sequence[Hit], Sequence[Clip]], tuple[Sequence[Clip], Mapping[str, Segment]]]


class RankedList:
    """The clips of one query in one order. Safe for many threads.

    Args:
        fetch: returns the best rows, at most as many as it is given, and whether there are others.
        arrange: returns the ordered clips of new rows, with their segments, given the clips in the list.
        rows: how many rows are fetched first.
    """

    def __init__(self, fetch: Fetch, arrange: Arrange, rows: int) -> None:
        self._fetch, self._arrange = fetch, arrange
        self._rows = min(rows, MAX_LIMIT)
        self._fetched = 0
        self._exhausted = False
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._clips: list[Clip] = []
        self.segments: dict[str, Segment] = {}

    def page(self, start: int, limit: int) -> tuple[list[Clip], bool]:
        """Return clips `start` to ``start + limit``, and whether there may be more after them."""
        with self._lock:
            while len(self._clips) < start + limit and not self._exhausted:
                self._grow()
            return self._clips[start : start + limit], len(self._clips) > start + limit or not self._exhausted

    def down_to(self, score: float) -> list[Clip]:
        """Return all clips that score at least `score`, in the order of the list."""
        with self._lock:
            while not self._exhausted and (not self._clips or min(c.score for c in self._clips) >= score):
                self._grow()
            return [clip for clip in self._clips if clip.score >= score]

    def _grow(self) -> None:
        rows = min(MAX_LIMIT, self._fetched * GROWTH if self._fetched else self._rows)
        hits, others = self._fetch(rows)
        self._exhausted = not others or rows == MAX_LIMIT
        self._fetched = rows
        new_hits = [hit for hit in hits if hit.row.id not in self._known]
        self._known |= {hit.row.id for hit in new_hits}
        clips, segments = self._arrange(_not_in(self._clips, new_hits), self._clips)
        self._clips += clips
        self.segments |= segments


def _not_in(clips: Iterable[Clip], hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits that no clip contains; it contains other crops of its tracks during its time."""
    spans: dict[Track, list[tuple[int, int]]] = {}
    for clip in clips:
        for track in {track_of(hit.row) for hit in clip.hits}:
            spans.setdefault(track, []).append((clip.start_ms, clip.end_ms))
    return [
        hit
        for hit in hits
        if not any(start <= hit.row.time_ms < end for start, end in spans.get(track_of(hit.row), ()))
    ]


class AnswerCache(Generic[T]):
    """The latest answers, each under an id that nobody can guess. Safe for many threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()

    def put(self, answer: T) -> str:
        """Keep `answer` and return its id."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[name] = answer
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return name

    def get(self, name: str) -> T:
        """Return the answer with the id `name`. Raise `NotFound` once too many others came after it."""
        with self._lock:
            if name not in self._kept:
                raise unknown_answer(name)
            self._kept.move_to_end(name)
            return self._kept[name]


def unknown_answer(name: str) -> NotFound:
    """Return the error for an answer that is no longer kept, or is another requester's."""
    return NotFound("this answer is no longer kept", got=name, cure="search again")
