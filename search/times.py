"""Times in and out: ISO 8601 text and Unix milliseconds, with a zone for text that has none."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from search.errors import BadInput
from search.types import check_time_ms

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LocalZone(tzinfo):
    """The zone of this machine with its changes over the year, which a fixed offset would get wrong."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """Return the offset that the C library gives."""
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Return None: summer time is not told apart."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """Return a name such as CET."""
        return time.tzname[0] if dt is None else dt.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, dt: datetime) -> datetime:
        """Convert `dt`, which is UTC with this zone attached, to local time."""
        exact = dt.replace(tzinfo=UTC).astimezone()
        face = exact.replace(tzinfo=self, fold=0)
        return face if face.utcoffset() == exact.utcoffset() else face.replace(fold=1)


def zone_of(name: str) -> tzinfo:
    """Return the zone of a setting: 'local' or an IANA name.

    Raises:
        BadInput: an unknown name.
    """
    if name == "local":
        return LocalZone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput("unknown time zone", got=name, expected="'local' or a name like Asia/Shanghai") from None


def parse_time(text: str, zone: tzinfo) -> int:
    """Return the Unix ms of an ISO 8601 date or time; `zone` holds where the text names none.

    Raises:
        BadInput: not a time, or not between 1970 and 2100.
    """
    try:
        return to_ms(datetime.fromisoformat(text.strip()), zone)
    except (ValueError, OverflowError):
        raise BadInput(
            "not a time",
            got=text,
            expected="ISO 8601, 1970 to 2100, such as 2026-11-02, 2026-11-02T08:00:00 or 2026-11-02T08:00+08:00",
        ) from None


def to_ms(moment: datetime, zone: tzinfo) -> int:
    """Return the Unix ms of `moment`, which is in `zone` where it has none of its own.

    Raises:
        BadInput: not between 1970 and 2100.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return check_time_ms((aware - _EPOCH) // timedelta(milliseconds=1), "the time")


def iso(ms: int, zone: tzinfo) -> str:
    """Return ISO 8601 in `zone`, with its offset; milliseconds only where they are not zero."""
    moment = (_EPOCH + timedelta(milliseconds=ms)).astimezone(zone)
    return moment.isoformat(timespec="milliseconds" if ms % 1000 else "seconds")


def now_ms() -> int:
    """Return the Unix milliseconds of now, UTC."""
    return time.time_ns() // 1_000_000
