"""A query: a sentence, photos, marked clips, a filter and who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from search.access import ANYONE, Requester
from search.errors import BadInput
from search.geo import Reach
from search.parsing import check_sentence
from search.types import Filter, Image

MAX_LIMIT = 500
MAX_PHOTOS = 8
MAX_MARKS = 100


class Order(StrEnum):
    """The order of the clips: best first, or the likely ones by time."""

    BEST = "best"
    TIME = "time"


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One search: at least a sentence, a photo or a mark.

    `sentence` may name times, places and what must not be there; `without` are words of it that were understood as one
    of these and do not count (removed chips). `photos` are uint8 (H, W, 3). `like` and `unlike` are ids of clips that
    show the person, or do not. `limit` is the number of clips on a page, 1 to `MAX_LIMIT`. Cameras and clips that are
    not visible to the `requester` do not exist for them, and only they get the other pages of the answer.
    """

    sentence: str = ""
    where: Filter = field(default_factory=Filter)
    limit: int = 12
    photos: Sequence[Image] = ()
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    reach: Reach | None = None
    order: Order = Order.BEST
    requester: Requester = ANYONE

    def __post_init__(self) -> None:
        if self.sentence.strip() or not (len(self.photos) or self.like):
            check_sentence(self.sentence)
        if not 1 <= self.limit <= MAX_LIMIT:
            raise BadInput("limit is out of range", got=self.limit, expected=f"1 to {MAX_LIMIT}")
        if len(self.photos) > MAX_PHOTOS:
            raise BadInput("too many photos", got=len(self.photos), expected=f"at most {MAX_PHOTOS}")
        marks = (*self.like, *self.unlike)
        if len(marks) > MAX_MARKS:
            raise BadInput("too many marks", got=len(marks), expected=f"at most {MAX_MARKS}")
        if twice := set(self.like) & set(self.unlike):
            raise BadInput(
                "a clip cannot be like the person and not like them", got=min(twice), cure="undo one of the two marks"
            )
