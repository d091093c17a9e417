"""Splits a sentence into tokens: words about time get a letter (D a day, P a part of it, C a clock time ...)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from search.parsing.time_lexicon import (
    AM_PM,
    DAY,
    DAYS_BACK,
    H_EN,
    H_ZH,
    MONTH,
    MONTHS,
    N_EN,
    N_ZH,
    NO_NOUN,
    PART_OF,
    SHORT,
    TRAPS,
    U_EN,
    U_ZH,
    UNIT_MIN,
    WEEKDAYS,
    ClockTime,
    DayPart,
    DayRange,
    Duration,
    NotATimeError,
    TimeToken,
    number,
)

_Match = re.Match[str]


def _days_back(m: _Match, today: date) -> DayRange:
    return DayRange(today - timedelta(days=DAYS_BACK[re.sub(" +", " ", m[0])]))


def _short_night(m: _Match, today: date) -> DayRange:
    """Read 昨晚, last night and the like: a day and its part in one word."""
    word = m[0]
    back = 1 if word[0] in "昨l" else 2 if word[0] == "前" else 0
    part = (
        PART_OF.get(SHORT.get(word[-1], ""))
        or PART_OF[word.split()[-1] if word[0] in "lt" and " " in word else "night"]
    )
    return DayRange(today - timedelta(days=back), part=part)


def _this_part(m: _Match, today: date) -> DayRange:
    return DayRange(today, part=PART_OF[m["part"]])


def _weekday_en(m: _Match, today: date) -> DayRange:
    """Return the latest weekday of this name up to today; with "last" before today."""
    back = (today.weekday() - WEEKDAYS[m["name"]]) % 7
    return DayRange(today - timedelta(days=7 if not back and m["last"] else back))


def _weekday_zh(m: _Match, today: date) -> DayRange:
    weeks, name = len(m["last"] or ""), WEEKDAYS[m["name"]]
    if weeks or m["this"]:
        return DayRange(today - timedelta(days=today.weekday() - name + 7 * weeks))
    return DayRange(today - timedelta(days=(today.weekday() - name) % 7))


def _week(m: _Match, today: date) -> DayRange:
    word, monday = m[0], today - timedelta(days=today.weekday())
    last = word[0] in "上l"
    if "末" in word or "end" in word:
        saturday = monday + timedelta(days=5)
        return DayRange(saturday - timedelta(days=7) if last or saturday > today else saturday, 2)
    return DayRange(monday - timedelta(days=7 if last else 0), 7)


def _iso_date(m: _Match, today: date) -> DayRange:
    return DayRange(date(int(m["y"]), int(m["m"]), int(m["d"])), written=True)


def _date_en(m: _Match, today: date) -> DayRange:
    month = [name[:3] for name in MONTHS].index(m["month"][:3]) + 1
    return _date_range(m["y"], month, int(m["d"]), today)


def _date_zh(m: _Match, today: date) -> DayRange:
    return _date_range(m["y"], int(number(m["m"])), int(number(m["d"])), today)


def _date_range(year: str | None, month: int, day: int, today: date) -> DayRange:
    """Return the date; without a year the latest up to today."""
    if year:
        return DayRange(date(int(year), month, day), written=True)
    for back in range(9):
        try:
            dated = date(today.year - back, month, day)
        except ValueError:
            continue
        if dated <= today:
            return DayRange(dated, written=True)
    raise NotATimeError


def _month_day(m: _Match, today: date) -> DayRange:
    first = today.replace(day=1)
    if m[0][0] == "上":
        first = (first - timedelta(days=1)).replace(day=1)
    return DayRange(first.replace(day=int(number(m["d"]))), written=True)


def _part(m: _Match, today: date) -> DayPart:
    word = m["part"]
    return PART_OF[SHORT.get(word, word)]


def _clock_en(m: _Match, today: date) -> ClockTime:
    groups = m.groupdict()
    hour, minute = int(number(groups["hour"])), int(groups.get("minute") or 0)
    if groups.get("half"):
        if not 1 <= hour <= 12:
            raise NotATimeError
        return ClockTime(hour % 12 * 60 + minute + (720 if groups["half"][0] == "p" else 0), True)
    return _clock(
        hour, minute, sure=len(groups["hour"]) == 2 and groups["hour"].isdigit() and bool(groups.get("minute"))
    )


def _clock_past(m: _Match, today: date) -> ClockTime:
    past = m["past"] or "quarter"
    minute = 30 if past == "half" else 15 if "quarter" in past else int(number(past))
    minutes = int(number(m["hour"])) * 60 + (minute if m["past"] else -minute)
    half = m.groupdict().get("half")
    return ClockTime(minutes % 720 + (720 if half and half[0] == "p" else 0), bool(half))


def _clock_zh(m: _Match, today: date) -> ClockTime:
    hour = int(number(m["hour"]))
    if m["quarter"]:
        minute = 15 * int(number(m["quarter"]))
    else:
        minute = 30 if m["halfpast"] else int(number(m["minute"])) if m["minute"] else 0
    return _clock(hour, minute, sure=False)


def _clock(hour: int, minute: int, sure: bool) -> ClockTime:
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise NotATimeError
    return ClockTime(hour * 60 + minute, sure or hour > 12 or hour == 0)


def _noon(m: _Match, today: date) -> ClockTime:
    return ClockTime(720 if m[0] in ("noon", "midday") else DAY, True)


def _bare(m: _Match, today: date) -> ClockTime:
    return _clock(int(number(m["hour"])), 0, sure=False)


def _duration(m: _Match, today: date) -> Duration:
    groups = m.groupdict()
    count = number(groups["n"] or "") + (0.5 if groups.get("more") else 0)
    unit = UNIT_MIN[groups["unit"]]
    return Duration(count * unit)


def _days_ago(m: _Match, today: date) -> DayRange:
    count = number(m["n"])
    if count < 1:
        raise NotATimeError
    return DayRange(today - timedelta(days=int(count * UNIT_MIN[m["unit"]] / DAY)))


def _nights_ago(m: _Match, today: date) -> DayRange:
    return DayRange(today - timedelta(days=int(number(m["n"]))), part=PART_OF["night"])


def _nothing(m: _Match, today: date) -> None:
    return None


def _month_day_alone(m: _Match, today: date) -> int:
    return int(number(m["d"]))


def _words(*words: str) -> str:
    return "|".join(sorted((w for word in words for w in word.split("|")), key=len, reverse=True))


_PARTS_EN = _words(*(w for w in PART_OF if w.isascii()))
_PARTS_ZH = _words(*(w for w in PART_OF if not w.isascii()))
_FULL_DAYS = _words(*(w for w in WEEKDAYS if w.endswith("day")))
_SHORT_DAYS = _words(*(w for w in WEEKDAYS if w.isascii() and len(w) < 6))
_BACK = _words(*DAYS_BACK).replace(" ", " +")
_Reader = Callable[[_Match, date], object]
_TABLE: tuple[tuple[str, str, _Reader], ...] = (
    ("x", "|".join(TRAPS), _nothing),
    # durations
    ("D", rf"(?P<n>a couple of|couple of|{N_EN}) *(?P<unit>day|week)s? +(?:ago|earlier|before now)", _days_ago),
    ("D", rf"(?P<n>{N_ZH}) *个?(?P<unit>天|日|周|星|礼)(?:期|拜)?(?:之前|以前|前)(?!面)", _days_ago),
    ("A", rf"(?P<n>half an?|a couple of|couple of|{N_EN}) *{U_EN}(?P<more> and a half)? +(?:ago|earlier"
    rf"|before now)", _duration),
    ("A", rf"(?P<n>{N_ZH}) *(?:多|来)?个?(?P<more>半)?多?{U_ZH}(?:之前|以前|前)(?!面)", _duration),
    ("L", rf"(?:(?:in|within|during|over|for) +)?(?:the +)?(?:last|past|previous) +(?P<n>half an?|couple of"
    rf"|{N_EN}) *{U_EN}", _duration),
    ("L", r"(?:(?:in|within|during|over) +)?(?:the +)?(?:past|last(?! +week)) +(?P<n>)"
     r"(?P<unit>min|hour|day|week)(?:ute)?",
     _duration),
    ("L", rf"(?:最近|过去|近|这)的?(?P<n>{N_ZH}) *个?(?P<more>半)?{U_ZH}(?:之内|以内|以来|里|内|来)?", _duration),
    ("L", rf"(?P<n>{N_ZH}) *个?(?P<more>半)?{U_ZH}(?:之内|以内|内)", _duration),
    ("D", rf"(?P<n>{N_EN}) +nights? +ago", _nights_ago),
    ("C", rf"(?P<hour>{H_EN})(?= +in +the +(?:early +)?(?:morning|afternoon|evening))", _bare),
    ("V", rf"(?:{N_EN}) +(?:month|year)s? +ago|\d{{1,2}}/\d{{1,2}}/(?:\d\d)?\d\d|最近(?![的一])", _nothing),
    ("V", rf"{N_ZH}个月(?:之前|以前|前)|{H_ZH}月份|in +(?:{'|'.join(m for m in MONTHS if m != 'may')})", _nothing),
    # days
    ("D", rf"(?:{_BACK})", _days_back),
    ("D", r"(?:昨|今|前|当)(?:早|晚|夜)|昨夜|last +(?:night|evening)|tonight", _short_night),
    ("D", rf"this +(?P<part>{_PARTS_EN})", _this_part),
    ("D", r"(?:last +|this +)?week-?end|(?:last|this) +week|(?:上个?|本|这个?)?(?:周末)|(?:上个?|本|这个?)(?:周"
    r"|星期|礼拜)(?![一二三四五六日天])", _week),
    ("D", rf"(?:(?P<last>last|past) +)?(?:this +)?(?P<name>{_FULL_DAYS})(?!s)", _weekday_en),
    ("D", rf"(?:(?P<last>last) +"
    rf"|on +)(?P<name>{_SHORT_DAYS})\.?", _weekday_en),
    ("D", r"(?:(?P<last>上+)个?|(?P<this>本|这)个?)?(?:周|星期|礼拜)(?P<name>[一二三四五六日天])", _weekday_zh),
    ("D", r"(?P<y>(?:19|20)\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)", _iso_date),
    ("D", rf"(?:(?P<y>(?:19|20)\d\d)年|今年)?(?P<m>{H_ZH})月(?P<d>{N_ZH})[日号]?(?![个岁名])", _date_zh),
    ("D", rf"{MONTH} *(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? +(?P<y>(?:19"
    rf"|20)\d\d)(?!:))?(?![\d:])(?! *[ap]\.?m)", _date_en),
    ("D", rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: +of)? +{MONTH}(?:,? +(?P<y>(?:19|20)\d\d)(?!:))?(?! +(?:be"
    rf"|have))", _date_en),
    ("D", rf"(?:本|这个|上个?)月(?P<d>{N_ZH})[日号]", _month_day),
    ("D", rf"on the +(?P<d>\d{{1,2}})(?:st|nd|rd|th){NO_NOUN}", _month_day),
    ("d", rf"(?P<d>{N_ZH})[日号]", _month_day_alone),
    # clock times
    ("C", rf"(?P<hour>{H_EN})(?:[:.](?P<minute>[0-5]\d))? *{AM_PM}", _clock_en),
    ("C", r"(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::[0-5]\d)?(?:z|[+-]\d\d:?\d\d)?(?: *o'?clock"
    r"|分)?(?![\d:])", _clock_en),
    ("C", rf"(?P<hour>{H_EN}) *o'? ?clock", _clock_en),
    ("C", rf"(?:(?P<past>half|(?:a )?quarter|ten|five|twenty|\d\d?) +past"
    rf"|(?P<to>(?:a )?quarter) +to) +(?P<hour>{H_EN})(?: *{AM_PM})?(?! +[ap]m)", _clock_past),
    ("C", rf"(?<=at |by )(?P<hour>{H_EN})" + NO_NOUN, _bare),
    ("C", r"noon|midday|midnight", _noon),
    ("c", r"(?P<hour>一)点(?![钟整半零过一二三四五十\d])(?P<quarter>)(?P<halfpast>)(?P<minute>)", _clock_zh),
    (
        "C",
        rf"(?P<hour>{H_ZH})(?:点|时(?![候间尚装髦常而刻]))(?:(?P<halfpast>半)|(?P<quarter>[一二三123])刻|(?:过|零)?"
        rf"(?P<minute>[0-5]?\d(?=分)|[0-5]\d|[二三四五]?十[一二三四五六七八九]?|[一二三四五六七八九](?=分)"
        rf"|(?<=[零过])[一-九])分?)?"
        r"(?:钟|整)?(?![一二三四五六七八九十\d点]*(?:米|公斤|斤)|方向|式)",
        _clock_zh,
    ),
    ("N", rf"(?P<hour>{H_EN})(?![.:/]\d)", _bare),
    # parts of the day
    ("P", rf"(?P<part>{_PARTS_ZH})", _part),
    ("P", rf"(?:(?:late )?(?:in|during|at|by) +(?:the +)?(?:late +|early +)?)(?P<part>{_PARTS_EN})(?! +of)", _part),
    ("q", rf"(?P<part>{_PARTS_EN})", _part),
    ("q", r"(?P<part>[早晚夜])(?![礼会饭餐装光班])", _part),
    # words between
    ("V", r"recently|lately|(?:a )?(?:while|long time|moment) ago|the other day|tomorrow|(?:a )?few +\w+ ago"
    r"|(?:last|this) (?:month|year)", _nothing),
    ("V", r"刚才|刚刚|明天|后天|前几天|前两天|前些天|这几天|这两天|前段时间|不久前|几(?:天|小时|个小时|分钟|周"
    r"|个月)(?:之前|以前|前)|上个月|去年|[半一二两三]年前", _nothing),
    ("n", r"not|不是|不在|并非", _nothing),
    ("b", r"between|in between|介于", _nothing),
    ("s", r"since|自从|自|从", _nothing),
    ("g", r"from", _nothing),
    ("f", r"after|later than", _nothing),
    ("t", r"until|till|直到|截至|截止", _nothing),
    ("u", r"before|by|no later than|earlier than|up to", _nothing),
    ("r", r"about|around|roughly|approximately|approx\.?|circa|大约|大概|约|差不多|~", _nothing),
    ("W", r"(?:这段)?(?:时间|时候|期间|之间|时分|那天|那会儿?)", _nothing),
    ("R", r"左右|前后|多|许|上下|or so|-?ish", _nothing),
    ("S", r"起|开始|以来|至今|onwards?|or later", _nothing),
    ("F", r"(?:以后|之后|过后|后)(?![面背边方脑])", _nothing),
    ("U", r"(?:之前|以前|前)(?![面方边胸后台门])|or earlier", _nothing),
    ("T", r"to|through|thru|-{1,2}|[–—~～到至]", _nothing),
    ("&", r"and|or|和|与|或者?", _nothing),
    ("O", r"now|现在|目前|此刻", _nothing),
    ("p", r"t(?=\d\d:)|at|on|in|during|the|在|于", _nothing),
    ("p", r"(?:late|early|earlier)(?= +(?:last|this|on|in the|yesterday|today)\b)", _nothing),
    ("o", r"of|的", _nothing),
    (",", r",", _nothing),
)  # fmt: skip
_EDGE = r"(?:(?<![a-z0-9])|(?![a-z0-9])|(?=t\d\d:)|(?<=\dt))"
_RULES = [(letter, re.compile(f"(?:{pattern})" + _EDGE), read) for letter, pattern, read in _TABLE]
_WORD = re.compile(r"[a-z][\w'-]*|\d+[\w]*|.", re.DOTALL)


def tokens_in(text: str, today: date) -> list[TimeToken]:
    """Return the tokens of a `flat` sentence; words that mean no time have the letter x."""
    tokens, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        token = _token(text, at, today)
        tokens.append(token)
        at = token.end
    return tokens


def _token(text: str, at: int, today: date) -> TimeToken:
    for letter, rule, read in _RULES:
        m = rule.match(text, at)
        if m is None or m.end() == at:
            continue
        try:
            return TimeToken(letter, at, m.end(), read(m, today))
        except OverflowError:
            continue
        except (ValueError, KeyError):
            if letter == "D":
                return TimeToken("V", at, m.end())
    word = _WORD.match(text, at)
    return TimeToken("x", at, word.end() if word else at + 1)
