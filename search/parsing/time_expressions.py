"""Times in a sentence, in Chinese and English, by rules: on the local clock, half-open.

The sentence is split into tokens (`time_tokens`), tokens are joined into phrases (`time_grammar`), and phrases become
times on the clock here. What no pattern matches is no time and stays in the description.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from search.errors import BadInput
from search.parsing.time_grammar import joined, phrases_in
from search.parsing.time_lexicon import (
    AROUND_MIN,
    AT_MIN,
    DAY,
    ClockTime,
    DayRange,
    NotATimeError,
    TimeMatch,
    TimePhrase,
    TimePoint,
)
from search.parsing.time_tokens import tokens_in
from search.times import to_ms

# on the local clock --------------------------------------------------------------------------------------------------

_Span = tuple[datetime | None, datetime | None]


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _offsets(point: TimePoint) -> list[int]:
    """Return the minutes from midnight that a point may mean."""
    clock, part = point.clock, point.part
    if clock is None:
        return [part.first if part else 0]
    low = clock.minutes % 720
    if part is None:
        as_written = clock.sure or (point.day is not None and point.day.written)
        return [clock.minutes] if as_written else [low, low + 720]
    choices = [clock.minutes, clock.minutes + DAY] if clock.sure else [low, low + 720, low + 1440, low + 2160]
    inside = [minutes for minutes in choices if part.base <= minutes < part.base + 720]
    return inside or [clock.minutes]


def _begin(point: TimePoint, now: datetime) -> datetime:
    """Return the latest possible begin that is past, else the next."""
    if point.day and point.day.days > 1 and (point.clock or point.part):
        raise NotATimeError
    days = [point.day.first] if point.day else [now.date() - timedelta(days=back) for back in range(3)]
    moments = [_midnight(day) + timedelta(minutes=minutes) for day in days for minutes in _offsets(point)]
    past = [moment for moment in moments if moment <= now]
    return max(past) if past else min(moments)


def _end(point: TimePoint, now: datetime) -> datetime:
    if point.clock:
        return _begin(point, now)
    if point.part:
        return _begin(point, now) + timedelta(minutes=point.part.last - point.part.first)
    return _begin(point, now) + timedelta(days=point.day.days if point.day else 1)


def _at(point: TimePoint, now: datetime) -> _Span:
    begin = _begin(point, now)
    if point.clock is None:
        return begin, _end(point, now)
    around = timedelta(minutes=AROUND_MIN if point.about else AT_MIN)
    return begin - around, begin + around


def _range(one: TimePoint, two: TimePoint, now: datetime) -> _Span:
    if two.month_day:
        if one.day is None:
            raise NotATimeError
        two = replace(two, day=replace(one.day, first=one.day.first.replace(day=two.month_day)))
    if two.day and not one.day and (one.clock or one.part) and (two.clock or two.part):
        one, two = replace(one, day=two.day), replace(two, day=None)
    if one.clock and two.clock and not two.day:
        return _hours(one, two, now)
    begin = _begin(one, now)
    if two.day is None:
        two = replace(two, day=DayRange(begin.date() if two.part or two.clock else now.date()))
    end = _end(two, now)
    if end <= begin:
        raise NotATimeError
    return begin, end


def _hours(one: TimePoint, two: TimePoint, now: datetime) -> _Span:
    """Return the shortest range between two clock times; the sure one decides which half of the day the other is in."""
    if one.clock is None or two.clock is None:
        raise NotATimeError
    is_sure = two.clock.sure or two.part is not None
    as_written = one.day is not None and one.day.written and one.part is None
    fixed, last = is_sure or as_written, _offsets(two)[0]
    if is_sure and not one.clock.sure and not one.part:
        low = one.clock.minutes % 720
        first = min(low, low + 720, key=lambda minutes: (last - minutes - 1) % DAY)
        one = replace(one, clock=ClockTime(first, True))
    begin = _begin(one, now)
    first, step = begin.hour * 60 + begin.minute, DAY if fixed else 720
    return begin, begin + timedelta(minutes=(last - first - 1) % step + 1)


def _after(point: TimePoint, now: datetime) -> _Span:
    """Return the range from a point until the end of its day or night, where one is named."""
    begin = _begin(point, now)
    if point.day is None or (point.clock is None and point.part is None):
        return begin, None
    ends = _midnight(point.day.first) + timedelta(minutes=max(DAY, point.part.last if point.part else 0))
    return begin, ends if ends > begin else None


def _before(point: TimePoint, now: datetime) -> _Span:
    """Return the range up to a point, from the start of its day, where one is named."""
    end = _begin(point, now)
    return (_midnight(point.day.first) if point.day and end > _midnight(point.day.first) else None), end


def _span(phrase: TimePhrase, now: datetime) -> _Span:
    one = phrase.one
    if phrase.how == "range" and phrase.two:
        return _range(one, phrase.two, now)
    if phrase.how == "after":
        return _after(one, now)
    if phrase.how == "before":
        return _before(one, now)
    return (_begin(one, now), None) if phrase.how == "since" else _at(one, now)


# sentences -----------------------------------------------------------------------------------------------------------


def find_times(text: str, now_ms: int, zone: tzinfo, without: Collection[str] = ()) -> TimeMatch:
    """Return the time that a `flat` sentence names.

    Args:
        text: from `flat`.
        now_ms: Unix ms.
        zone: time zone of the times in the sentence.
        without: flat words that do not count, although they are taken.
    """
    now = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now_ms)).astimezone(zone)
    local = now.replace(tzinfo=None, fold=0)
    try:
        phrases = list(phrases_in(tokens_in(text, local.date())))
    except OverflowError:
        return TimeMatch()
    taken = tuple((p.start, p.end) for p in phrases)
    counted = [p for p in phrases if text[p.start : p.end] not in without]
    unclear = [p for p in counted if p.how == "vague"]
    used, span = _agree([p for p in counted if p.how != "vague"], now_ms, local, zone)
    unclear += [p for p in counted if p not in unclear and p not in used]
    return TimeMatch(
        tuple((p.start, p.end) for p in used),
        *span,
        tuple((p.start, p.end) for p in sorted(unclear, key=lambda p: p.start)),
        taken,
    )


def _agree(
    phrases: Sequence[TimePhrase], now_ms: int, now: datetime, zone: tzinfo
) -> tuple[list[TimePhrase], tuple[int | None, int | None]]:
    """Return the phrases that agree on one time, as many as can, and that time in Unix ms."""
    used: list[TimePhrase] = []
    whole: TimePhrase | None = None
    span: tuple[int | None, int | None] = (None, None)
    for phrase in phrases:
        try:
            both = phrase if whole is None else _together(whole, phrase)
            span = _in_ms(both, now_ms, now, zone)
        except (ValueError, OverflowError, BadInput):
            continue
        whole = both
        used.append(phrase)
    return used, span


def _together(a: TimePhrase, b: TimePhrase) -> TimePhrase:
    """Join two phrases, such as a day and an hour; raise `NotATimeError` if they contradict each other."""
    if a.fixed or b.fixed:
        raise NotATimeError
    if b.how == "at" and (b.one.clock is None or a.how == "at"):
        return replace(a, one=joined(a.one, b.one))
    if a.how == "at" and a.one.clock is None:
        return replace(b, one=joined(a.one, b.one))
    raise NotATimeError


def _in_ms(phrase: TimePhrase, now_ms: int, now: datetime, zone: tzinfo) -> tuple[int | None, int | None]:
    if phrase.fixed:
        return _duration_ms(phrase.fixed.minutes, phrase.ago, now_ms)
    start, end = _span(phrase, now)
    from_ms = None if start is None else to_ms(start, zone)
    until_ms = None if end is None else to_ms(end, zone)
    if start and end and from_ms is not None and until_ms is not None and until_ms <= from_ms:  # in a gap of the clock
        until_ms = from_ms + (end - start) // timedelta(milliseconds=1)
    return from_ms, until_ms


def _duration_ms(minutes: float, ago: bool, now_ms: int) -> tuple[int, int]:
    since = now_ms - round(minutes * 60_000)
    if since < 0 or minutes <= 0:
        raise NotATimeError
    if not ago:
        return since, now_ms
    around = round(60_000 * (AROUND_MIN if minutes >= 60 else max(5, minutes / 2)))
    return since - around, min(since + around, now_ms)
