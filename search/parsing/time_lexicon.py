"""Words of time and what they stand for: types, tables and numbers, in Chinese and English. Used by `time_tokens`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

AT_MIN, AROUND_MIN = 15, 30
"""Minutes on either side of "at 3:15" and "around 3"."""
JUST_NOW_MIN = 15
DAY = 24 * 60


# what words stand for ------------------------------------------------------------------------------------------------


class NotATimeError(ValueError):
    """Raised for words of a time that is none, such as 30 February."""


@dataclass(frozen=True, slots=True)
class DayPart:
    """A part of the day in minutes from midnight; its clock times lie in the twelve hours from `base`."""

    first: int
    last: int
    base: int


@dataclass(frozen=True, slots=True)
class DayRange:
    """One or more days; where they are `written` as a date, hours count to 24."""

    first: date
    days: int = 1
    part: DayPart | None = None
    written: bool = False


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A clock time in minutes from midnight; unless `sure`, it may be twelve hours later or earlier."""

    minutes: int
    sure: bool


@dataclass(frozen=True, slots=True)
class Duration:
    """A number of minutes."""

    minutes: float


@dataclass(frozen=True, slots=True)
class TimeToken:
    """A part of the sentence with its letter (see `time_tokens`) and its value."""

    letter: str
    start: int
    end: int
    value: object = None


@dataclass(frozen=True, slots=True)
class TimePoint:
    """A point in time as the sentence names it: any part may be missing."""

    day: DayRange | None = None
    part: DayPart | None = None
    clock: ClockTime | None = None
    about: bool = False
    month_day: int | None = None


@dataclass(frozen=True, slots=True)
class TimePhrase:
    """Neighbouring words about one time; `how` is the kind of phrase."""

    start: int
    end: int
    how: str
    one: TimePoint = TimePoint()
    two: TimePoint | None = None
    fixed: Duration | None = None
    ago: bool = False


@dataclass(frozen=True, slots=True)
class TimeMatch:
    """The time of a sentence and the spans of its words; `taken` are the spans of all words of time."""

    spans: tuple[tuple[int, int], ...] = ()
    from_ms: int | None = None
    to_ms: int | None = None
    unclear: tuple[tuple[int, int], ...] = ()
    taken: tuple[tuple[int, int], ...] = ()


# tables of words -----------------------------------------------------------------------------------------------------

_PARTS: tuple[tuple[DayPart, str], ...] = (
    (DayPart(0, 360, 0), "凌晨|拂晓|early hours|small hours"),
    (DayPart(300, 600, 0), "清晨|清早|大清早|一大早|早上|早晨|早间|early morning"),
    (DayPart(300, 720, 0), "morning"),
    (DayPart(360, 720, 0), "上午|午前"),
    (DayPart(660, 840, 540), "中午|正午|晌午|lunchtime|lunch time"),
    (DayPart(720, 1080, 720), "下午|午后|afternoon"),
    (DayPart(1020, 1200, 720), "傍晚|黄昏|dusk"),
    (DayPart(1020, 1440, 960), "evening"),
    (DayPart(1080, 1800, 1020), "晚上|晚间"),
    (DayPart(1080, 1800, 1080), "夜里|夜间|夜晚|深夜|半夜|午夜|夜半|night|nighttime"),
    (DayPart(360, 1080, 360), "白天|daytime"),
)
PART_OF = {word: part for part, words in _PARTS for word in words.split("|")}
SHORT = {"早": "早上", "晚": "晚上", "夜": "夜里"}
DAYS_BACK = {
    "the day before yesterday": 2, "day before yesterday": 2, "yesterday": 1, "earlier today": 0, "today": 0,
    "大前天": 3, "前天": 2, "前日": 2, "昨天": 1, "昨日": 1, "今天": 0, "今日": 0, "今儿": 0, "昨儿": 1,
}  # fmt: skip
WEEKDAYS = {
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
    "mon": 0, "tues": 1, "tue": 1, "wed": 2, "thurs": 3, "thur": 3, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6,
}  # fmt: skip
MONTHS = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
]  # fmt: skip
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45,
    "fifty": 50, "sixty": 60, "ninety": 90, "half": 0.5, "half a": 0.5, "half an": 0.5, "a couple of": 2,
    "couple of": 2, "半": 0.5, "": 1, "the": 1,
}  # fmt: skip
_DIGITS_ZH = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
UNIT_MIN = {
    "sec": 1 / 60, "min": 1, "hour": 60, "hr": 60, "h": 60, "day": DAY, "week": 7 * DAY,
    "秒": 1 / 60, "分": 1, "小": 60, "钟": 60, "天": DAY, "日": DAY, "周": 7 * DAY, "星": 7 * DAY, "礼": 7 * DAY,
}  # fmt: skip
TRAPS = (
    r"(?:evening|morning|night|midnight|sunday|friday|afternoon)[ -](?:dress|gown|coat|blue|black|suit|shirt|wear"
    r"|light|best|clothes|bag|market|bus|shift|club|tea)(?:e?s)?",
    r"(?:a )?(?:three|five) o'clock shadow|second[ -]?hand|nine to five|9 to 5 job|24/7|7-1?11?",
    r"晚礼服|晚装|晚饭|晚餐|早饭|早餐|早点|午饭|夜光|夜跑|夜市|夜班|夜宵|下午茶|中午饭|三点式|有一?点|一点点"
    r"|一点儿|一点[也都]",
    r"周[围边到身长]|[一二三四五六七八九]点钟方向|现在[穿戴]",
)
N_EN = r"(?:[a-z]+-five|[a-z]+|\d{1,3}(?:\.5)?)"
N_ZH = r"(?:\d{1,3}|[零〇一二两三四五六七八九十]{1,3}|半)"
H_ZH = r"(?:\d{1,2}|[零〇一二两三四五六七八九十]{1,3})"
H_EN = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[01]?\d|2[0-4])"
AM_PM = r"(?P<half>a\.m\.|p\.m\.|[ap]m)"
U_EN = r"(?P<unit>sec|min|hour|hr|h|day|week)(?:ond|ute)?s?"
U_ZH = r"(?P<unit>秒|分|小|钟|天|日|周|星|礼)(?:钟|时|头|期|拜)?"
MONTH = "(?P<month>" + "|".join(f"{m}|{m[:3]}" for m in MONTHS) + r"|sept)\.?"
NO_NOUN = r"(?= *(?:$|[,.;!?:。]|at night|yesterday|today|on |in the |this |last ))"


def number(word: str) -> float:
    """Return the value of digits, Chinese numerals up to 99, or an English word.

    Raises:
        ValueError: none of these.
    """
    word = word.strip()
    if word in _NUMBERS:
        return _NUMBERS[word]
    if word.isascii():
        return float(word)
    tens, ten, ones = word.rpartition("十")
    if ten:
        return 10 * (_DIGITS_ZH[tens] if tens else 1) + (_DIGITS_ZH[ones] if ones else 0)
    return float("".join(str(_DIGITS_ZH[char]) for char in word)) if word in _DIGITS_ZH or word[0] in "零〇" else _bad()


def _bad() -> float:
    raise NotATimeError
