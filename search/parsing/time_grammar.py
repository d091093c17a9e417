"""Joins tokens of time into phrases: a phrase is a pattern of their letters. Used by `time_expressions`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from search.parsing.time_lexicon import (
    ClockTime,
    DayPart,
    DayRange,
    Duration,
    NotATimeError,
    TimePhrase,
    TimePoint,
    TimeToken,
)

_ONE = "[DPCcq]"
_M = f"r?{_ONE}R?(?:,?[pro]{{0,4}}{_ONE}R?)*"
_MN = "r?[DPCcqN]R?(?:,?[pro]{0,4}[DPCcqN]R?)*"
_SHAPES = tuple(
    (how, re.compile(shape))
    for how, shape in {
        "range": f"n?p{{0,3}}(?:(?P<ctx>{_M}),?p{{0,3}})?bp{{0,3}}(?P<one>{_MN})[T&t]p{{0,3}}(?P<two>{_MN}|d)W?",
        "to": f"n?p{{0,3}}(?:(?P<ctx>{_M}),?p{{0,3}}[sg])?[sg]?p{{0,3}}(?P<one>{_MN})[Tt]p{{0,3}}(?P<two>{_MN}|d)W?",
        "to_": f"n?p{{0,3}}(?P<one>{_MN})&p{{0,3}}(?P<two>{_MN})W",
        "days": "n?p{0,3}(?P<one>D)&p{0,3}(?P<two>D)",
        "now": f"n?p{{0,3}}[sg]?p{{0,3}}(?P<one>{_M})[Tt]p{{0,3}}O",
        "before": f"n?p{{0,3}}(?:(?P<ctx>{_M}),?p{{0,3}})?(?P<how>[ut])p{{0,3}}(?P<one>{_M})",
        "after": f"n?p{{0,3}}(?:(?P<ctx>{_M}),?p{{0,3}})?(?P<how>f)p{{0,3}}(?P<one>{_M})",
        "since": f"n?p{{0,3}}(?:(?P<ctx>{_M}),?p{{0,3}})?(?P<how>[sg])p{{0,3}}(?P<one>{_M})",
        "after_": f"n?p{{0,3}}(?P<one>{_M})F",
        "before_": f"n?p{{0,3}}(?P<one>{_M})U",
        "since_": f"n?p{{0,3}}s?(?P<one>{_M})S",
        "fixed": "n?p{0,3}r?p{0,3}(?P<one>[AL])R?",
        "at": f"n?p{{0,3}}(?P<one>{_M})W?",
        "vague": "p{0,3}(?P<one>V)",
    }.items()
)


def phrases_in(tokens: Sequence[TimeToken]) -> Iterator[TimePhrase]:
    """Yield the phrases in tokens, in order; the longest that fits at each position."""
    letters, at = "".join(token.letter for token in tokens), 0
    while at < len(letters):
        best = max((p for p in _read_at(letters, at, tokens) if p), key=lambda p: p[0], default=None)
        if best:
            yield best[1]
        at = best[0] if best else at + 1


def _read_at(letters: str, at: int, tokens: Sequence[TimeToken]) -> Iterator[tuple[int, TimePhrase] | None]:
    for how, shape in _SHAPES:
        if m := shape.match(letters, at):
            yield from [(m.end(), phrase)] if (phrase := _phrase(how, m, tokens)) else []


def _phrase(how: str, m: re.Match[str], tokens: Sequence[TimeToken]) -> TimePhrase | None:
    """Return the phrase, or None if these words are no time."""
    inside = tokens[m.start() : m.end()]
    start, end = inside[0].start, inside[-1].end
    letters = m[0]
    if how == "vague" or letters[0] == "n":
        return TimePhrase(start, end, "vague")
    if how == "fixed":
        fixed = tokens[m.start("one")]
        value = fixed.value
        return TimePhrase(
            start, end, how, fixed=value if isinstance(value, Duration) else None, ago=fixed.letter == "A"
        )
    if not _sound(how, letters):
        return None
    try:
        return _dated_phrase(how.strip("_"), m, tokens, start, end)
    except NotATimeError:
        return TimePhrase(start, end, "vague")


def _sound(how: str, letters: str) -> bool:
    """Return whether letters that alone mean nothing stand beside one that does."""
    if "q" in letters and not re.search("q[po]*D|[DC][po]*q|q[Tt]q", letters):
        return False
    if "N" in letters and not re.search("[CDP]", letters):
        return False
    if "c" in letters and not re.search("[CDPRrFUT]", letters):
        return False
    return "d" not in letters or -1 < letters.find("D") < letters.find("d")


def _dated_phrase(how: str, m: re.Match[str], tokens: Sequence[TimeToken], start: int, end: int) -> TimePhrase:
    groups = m.groupdict()
    one = _moment(tokens[m.start("one") : m.end("one")])
    two = _moment(tokens[m.start("two") : m.end("two")]) if groups.get("two") else None
    if groups.get("ctx"):
        one = joined(one, _moment(tokens[m.start("ctx") : m.end("ctx")]))
    if how == "since" and groups.get("how") == "g" and not one.clock:
        how = "at"  # "the man from yesterday"
    if how == "days" and one.day and two and two.day:
        one, two = sorted((one, two), key=lambda point: point.day.first if point.day else date.min)
    return TimePhrase(start, end, {"to": "range", "days": "range", "now": "since"}.get(how, how), one, two)


def _moment(tokens: Sequence[TimeToken]) -> TimePoint:
    point = TimePoint()
    for token in tokens:
        value = token.value
        if isinstance(value, DayRange):
            point = joined(point, TimePoint(replace(value, part=None), value.part))
        elif isinstance(value, DayPart):
            point = joined(point, TimePoint(part=value))
        elif isinstance(value, ClockTime):
            point = joined(point, TimePoint(clock=value))
        elif isinstance(value, int):
            point = joined(point, TimePoint(month_day=value))
        elif token.letter in "rR":
            point = replace(point, about=True)
    return point


def joined(a: TimePoint, b: TimePoint) -> TimePoint:
    """Return one point of both, with the later part of the day. Raise `NotATimeError` for two days or clock times."""
    if (a.day and b.day and a.day != b.day) or (a.clock and b.clock):
        raise NotATimeError
    return TimePoint(
        a.day or b.day, b.part or a.part, a.clock or b.clock, a.about or b.about, a.month_day or b.month_day
    )
