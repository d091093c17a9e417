"""Requests from commands to a backend, checked. Account, case and reason are in the settings."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from api.alerts import AlertRule, SavedSearchInput, expiry
from search.errors import BadInput
from search.media import MAX_BYTES
from search.query import Order
from search.times import now_ms
from search.types import Box, RowKind

MAX_ALARMS_PER_DAY = 1000
MAX_URL_CHARS = 2000


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo of the person. `box` is the part that shows them, pixels of the upright photo; None: all of it."""

    path: Path
    box: Box | None = None

    def data(self) -> bytes:
        """Return the bytes of the file. Raises `BadInput` where it cannot be read or is too large."""
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as e:
            raise BadInput("the photo cannot be read", got=self.path, cure=str(e.strerror or e)) from None
        if len(data) > MAX_BYTES:
            expected = f"at most {MAX_BYTES} bytes"
            raise BadInput("the photo is too large", got=self.path, expected=expected, cure="save it as JPEG or PNG")
        return data


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One page of a search, as `search.query.Query` but for the photos, which are files. `offset`: clips before it."""

    query: str = ""
    photos: tuple[PhotoFile, ...] = ()
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    kinds: tuple[RowKind, ...] = ()
    start_ms: int | None = None
    end_ms: int | None = None
    order: Order = Order.BEST
    limit: int = 12
    offset: int = 0


@dataclass(frozen=True, slots=True)
class SavedSearchRequest:
    """A saved search that is to be previewed or added. `like`: ids of clips that show the person."""

    query: str = ""
    name: str = ""
    case: str = ""
    like: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    alarms_per_day: float = 2.0
    cool_down_s: float = 300.0
    per_camera_per_day: int = 20
    days: float = 7.0
    include_old: bool = False
    webhook_url: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.alarms_per_day <= MAX_ALARMS_PER_DAY:
            expected = f"above 0, at most {MAX_ALARMS_PER_DAY}"
            raise BadInput("alarms_per_day is out of range", got=self.alarms_per_day, expected=expected)
        if not math.isfinite(self.cool_down_s):
            raise BadInput("cool_down_s is no number of seconds", got=self.cool_down_s, expected="0 to 86400")
        if self.webhook_url is not None and len(self.webhook_url) > MAX_URL_CHARS:
            raise BadInput("the webhook's address is too long", got=len(self.webhook_url), expected=f"{MAX_URL_CHARS}")
        self.draft(now_ms())

    def draft(self, at_ms: int) -> SavedSearchInput:
        """Return what is saved at a time (Unix ms). Raises `BadInput`."""
        return SavedSearchInput(
            name=self.name.strip() or self.query.strip()[:100] or "clips that show the person",
            sentence=self.query,
            expires_ms=expiry(at_ms, self.days),
            case_id=self.case,
            like=self.like,
            cameras=self.cameras,
            alarms_per_day=self.alarms_per_day,
            rule=AlertRule(round(1000 * self.cool_down_s), self.per_camera_per_day),
            include_old=self.include_old,
        )


@dataclass(frozen=True, slots=True)
class ReindexRequest:
    """A second index of `model`, over the recordings that overlap [start_ms, end_ms), Unix ms, of `cameras` (all)."""

    model: str
    start_ms: int | None = None
    end_ms: int | None = None
    cameras: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.start_ms is not None and self.end_ms is not None and self.start_ms >= self.end_ms:
            raise BadInput("--from is not before --to", got=(self.start_ms, self.end_ms))
