"""Times in sentences: Wednesday 4 November 2026, 16:00, on Shanghai's clock, unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from search.parsing.normalize import flat
from search.parsing.time_expressions import find_times
from search.times import to_ms

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 4, 16, 0)
YESTERDAY = ("11-03 00:00", "11-04 00:00")


def read(
    text: str, now: datetime = NOW, zone: tzinfo = SHANGHAI
) -> tuple[str | None, str | None, list[str], list[str]]:
    """From, to, the words that were taken for a time, the words that are unclear."""
    found = find_times(flat(text), to_ms(now, zone), zone)
    said = [None if ms is None else _face(ms, zone) for ms in (found.from_ms, found.to_ms)]
    words, unclear = ([text[a:b] for a, b in spans] for spans in (found.spans, found.unclear))
    return said[0], said[1], words, unclear


def _face(ms: int, zone: tzinfo) -> str:
    at = datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
    return at.strftime("%m-%d %H:%M" if at.year == 2026 else "%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        # days
        ("today", "11-04 00:00", "11-05 00:00"),
        ("yesterday", *YESTERDAY),
        ("the day before yesterday", "11-02 00:00", "11-03 00:00"),
        ("three days ago", "11-01 00:00", "11-02 00:00"),
        ("a week ago", "10-28 00:00", "10-29 00:00"),
        ("on Monday", "11-02 00:00", "11-03 00:00"),
        ("Wednesday", "11-04 00:00", "11-05 00:00"),
        ("last Wednesday", "10-28 00:00", "10-29 00:00"),
        ("last Friday", "10-30 00:00", "10-31 00:00"),
        ("on Fri", "10-30 00:00", "10-31 00:00"),
        ("on 3 November", *YESTERDAY),
        ("Nov 3", *YESTERDAY),
        ("3rd of November", *YESTERDAY),
        ("November 5", "2025-11-05 00:00", "2025-11-06 00:00"),
        ("2026-11-03", *YESTERDAY),
        ("last week", "10-26 00:00", "11-02 00:00"),
        ("last weekend", "10-31 00:00", "11-02 00:00"),
        ("from Monday to Wednesday", "11-02 00:00", "11-05 00:00"),
        ("today and yesterday", "11-03 00:00", "11-05 00:00"),
        # parts of them
        ("this morning", "11-04 05:00", "11-04 12:00"),
        ("yesterday afternoon", "11-03 12:00", "11-03 18:00"),
        ("last night", "11-03 18:00", "11-04 06:00"),
        ("two nights ago", "11-02 18:00", "11-03 06:00"),
        ("late last night", "11-03 18:00", "11-04 06:00"),
        ("Friday night", "10-30 18:00", "10-31 06:00"),
        ("on the morning of 3 November", "11-03 05:00", "11-03 12:00"),
        ("in the evening", "11-03 17:00", "11-04 00:00"),
        # hours
        ("at 3:15 pm", "11-04 15:00", "11-04 15:30"),
        ("at 10 pm", "11-03 21:45", "11-03 22:15"),
        ("around 3 pm", "11-04 14:30", "11-04 15:30"),
        ("3 in the morning", "11-04 02:45", "11-04 03:15"),
        ("at 3 o'clock", "11-04 14:45", "11-04 15:15"),
        ("yesterday at 3", "11-03 14:45", "11-03 15:15"),
        ("at 8 last night", "11-03 19:45", "11-03 20:15"),
        ("1 am last night", "11-04 00:45", "11-04 01:15"),
        ("half past three", "11-04 15:15", "11-04 15:45"),
        ("quarter to four in the afternoon", "11-04 15:30", "11-04 16:00"),
        ("at noon", "11-04 11:45", "11-04 12:15"),
        ("2026-11-03 14:00", "11-03 13:45", "11-03 14:15"),
        ("2026-11-03T08:00", "11-03 07:45", "11-03 08:15"),
        # ranges
        ("yesterday between 3 and 5 pm", "11-03 15:00", "11-03 17:00"),
        ("between 15:00 and 17:30", "11-04 15:00", "11-04 17:30"),
        ("between 5 pm and 7 pm", "11-03 17:00", "11-03 19:00"),
        ("between 11 pm and 1 am", "11-03 23:00", "11-04 01:00"),
        ("between 11 and 1 pm", "11-04 11:00", "11-04 13:00"),
        ("3 to 5 o'clock yesterday", "11-03 15:00", "11-03 17:00"),
        ("from 2026-11-03T08:00 to 10:00", "11-03 08:00", "11-03 10:00"),
        ("from 9:00 to 17:00 yesterday", "11-03 09:00", "11-03 17:00"),
        ("November 3rd, 2026 between 2 and 4pm", "11-03 14:00", "11-03 16:00"),
        ("3-5pm", "11-04 15:00", "11-04 17:00"),
        ("10 pm - 2 am", "11-03 22:00", "11-04 02:00"),
        ("from Monday 8 am to Tuesday 5 pm", "11-02 08:00", "11-03 17:00"),
        ("from morning to evening", "11-04 05:00", "11-05 00:00"),
        # open
        ("since 9 am", "11-04 09:00", None),
        ("since yesterday", "11-03 00:00", None),
        ("from 3 pm until now", "11-04 15:00", None),
        ("after 18:00", "11-03 18:00", None),
        ("yesterday after 6 pm", "11-03 18:00", "11-04 00:00"),
        ("before 18:00", None, "11-03 18:00"),
        ("yesterday before 18:00", "11-03 00:00", "11-03 18:00"),
        ("until 5 pm yesterday", "11-03 00:00", "11-03 17:00"),
        ("by 3 pm", None, "11-04 15:00"),
        # from now
        ("two hours ago", "11-04 13:30", "11-04 14:30"),
        ("an hour and a half ago", "11-04 14:00", "11-04 15:00"),
        ("20 minutes ago", "11-04 15:30", "11-04 15:50"),
        ("in the last 30 minutes", "11-04 15:30", "11-04 16:00"),
        ("in the past hour", "11-04 15:00", "11-04 16:00"),
        ("last 24 hours", "11-03 16:00", "11-04 16:00"),
    ],
)
def test_english(text: str, begin: str | None, end: str | None) -> None:
    assert read(text) == (begin, end, [text], [])


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("今天", "11-04 00:00", "11-05 00:00"),
        ("昨天", *YESTERDAY),
        ("前天", "11-02 00:00", "11-03 00:00"),
        ("大前天", "11-01 00:00", "11-02 00:00"),
        ("三天前", "11-01 00:00", "11-02 00:00"),
        ("一周前", "10-28 00:00", "10-29 00:00"),
        ("上周五", "10-30 00:00", "10-31 00:00"),
        ("上上周五", "10-23 00:00", "10-24 00:00"),
        ("周五", "10-30 00:00", "10-31 00:00"),
        ("星期天", "11-01 00:00", "11-02 00:00"),
        ("礼拜三", "11-04 00:00", "11-05 00:00"),
        ("11月3日", *YESTERDAY),
        ("十一月三号", *YESTERDAY),
        ("12月1日", "2025-12-01 00:00", "2025-12-02 00:00"),
        ("２０２６年１１月３日", *YESTERDAY),
        ("11月1日到3日", "11-01 00:00", "11-04 00:00"),
        ("周一到周三", "11-02 00:00", "11-05 00:00"),
        ("昨天和今天", "11-03 00:00", "11-05 00:00"),
        ("上周末", "10-31 00:00", "11-02 00:00"),
        ("今天上午", "11-04 06:00", "11-04 12:00"),
        ("昨晚", "11-03 18:00", "11-04 06:00"),
        ("11月3日下午", "11-03 12:00", "11-03 18:00"),
        ("11月3日晚", "11-03 18:00", "11-04 06:00"),
        ("周一早上", "11-02 05:00", "11-02 10:00"),
        ("中午", "11-04 11:00", "11-04 14:00"),
        ("凌晨", "11-04 00:00", "11-04 06:00"),
        ("傍晚", "11-03 17:00", "11-03 20:00"),
        ("昨天的下午", "11-03 12:00", "11-03 18:00"),
        ("今早八点", "11-04 07:45", "11-04 08:15"),
        ("三点一刻", "11-04 15:00", "11-04 15:30"),
        ("三點半", "11-04 15:15", "11-04 15:45"),
        ("三点半左右", "11-04 15:00", "11-04 16:00"),
        ("大约三点", "11-04 14:30", "11-04 15:30"),
        ("昨天晚上十点多", "11-03 21:30", "11-03 22:30"),
        ("十点二十", "11-04 10:05", "11-04 10:35"),
        ("十点零五分", "11-04 09:50", "11-04 10:20"),
        ("下午一点", "11-04 12:45", "11-04 13:15"),
        ("一点左右", "11-04 12:30", "11-04 13:30"),
        ("中午一点", "11-04 12:45", "11-04 13:15"),
        ("晚上十二点", "11-03 23:45", "11-04 00:15"),
        ("昨晚两点", "11-04 01:45", "11-04 02:15"),
        ("昨天凌晨两点", "11-03 01:45", "11-03 02:15"),
        ("昨天14时30分", "11-03 14:15", "11-03 14:45"),
        ("１１月３日１４：００", "11-03 13:45", "11-03 14:15"),
        ("昨天下午三点到五点", "11-03 15:00", "11-03 17:00"),
        ("昨晚十一点到一点", "11-03 23:00", "11-04 01:00"),
        ("2026年11月3日8点到10点", "11-03 08:00", "11-03 10:00"),
        ("三点到五点之间", "11-04 15:00", "11-04 17:00"),
        ("今天早上八点和九点之间", "11-04 08:00", "11-04 09:00"),
        ("20时到22时", "11-03 20:00", "11-03 22:00"),
        ("上午十一点至下午一点", "11-04 11:00", "11-04 13:00"),
        ("从早上到中午", "11-04 05:00", "11-04 14:00"),
        ("昨天到现在", "11-03 00:00", None),
        ("九点以后", "11-04 09:00", None),
        ("昨天下午三点起", "11-03 15:00", None),
        ("昨天下午六点以后", "11-03 18:00", "11-04 00:00"),
        ("下午5点之前", None, "11-03 17:00"),
        ("两小时前", "11-04 13:30", "11-04 14:30"),
        ("两个小时之前", "11-04 13:30", "11-04 14:30"),
        ("一个半小时前", "11-04 14:00", "11-04 15:00"),
        ("最近半小时", "11-04 15:30", "11-04 16:00"),
        ("过去20分钟", "11-04 15:40", "11-04 16:00"),
        ("24小时内", "11-03 16:00", "11-04 16:00"),
        ("最近三天", "11-01 16:00", "11-04 16:00"),
    ],
)
def test_chinese(text: str, begin: str | None, end: str | None) -> None:
    assert read(text) == (begin, end, [text], [])


@pytest.mark.parametrize(
    "text",
    [
        "3 bags", "two women", "the second", "the second man", "24 years old", "a man of about 50", "5 feet tall",
        "may be",
        "ten-year-old boy", "second hand", "evening dress", "night gown", "midnight blue", "morning coat",
        "around 3 people",
        "at 2 tables", "size 10-12 coat", "in his 30s to 40s", "sat in a wheelchair", "sun hat", "I am 5",
        "he may be 3",
        "between 2 and 3 people", "a march through town", "five o'clock shadow", "7-eleven", "a quarter of them",
        "70岁", "七旬老人", "一个", "三四十岁", "二十三岁", "两三个人", "晚礼服", "夜光", "高一点的男人", "一点",
        "有一点胖",
        "身高一点七米", "身高1点75米", "三点式泳衣", "第二个", "周围的人", "前面的男人", "身后", "11路公交车",
        "五号楼", "3个月大",
        "一月大的婴儿", "当时", "同时", "小时候", "时尚", "后背", "午饭", "", " ", "点", "半", "十", "到", "前",
        "ago", "pm",
    ],
)  # fmt: skip
def test_no_times(text: str) -> None:
    assert read(text) == (None, None, [], [])


@pytest.mark.parametrize(
    "text",
    [
        "recently", "a few hours ago", "tomorrow", "two months ago", "刚才", "前几天", "几小时前", "明天", "去年",
        "三个月前",
        "on 30 February", "2月30日", "3/11/2026", "not yesterday", "不是昨天", "2026-13-01", "last month",
    ],
)  # fmt: skip
def test_words_of_time_that_are_not_understood_are_told(text: str) -> None:
    assert read(text) == (None, None, [], [text])


def test_a_day_here_and_an_hour_there_are_one_time() -> None:
    assert read("yesterday a man in red at 3 pm") == ("11-03 14:45", "11-03 15:15", ["yesterday", "at 3 pm"], [])
    assert read("三点到五点，红衣男子，昨天下午") == ("11-03 15:00", "11-03 17:00", ["三点到五点", "昨天下午"], [])


def test_a_second_time_is_unclear() -> None:
    assert read("at 3 pm, in a hat at 4 pm") == ("11-04 14:45", "11-04 15:15", ["at 3 pm"], ["at 4 pm"])


def test_words_that_were_removed_are_taken_but_do_not_count() -> None:
    found = find_times("yesterday in red at 3 pm", to_ms(NOW, SHANGHAI), SHANGHAI, {"yesterday"})
    assert (found.spans, len(found.taken)) == (((17, 24),), 2)
    assert found.from_ms == to_ms(datetime(2026, 11, 4, 14, 45), SHANGHAI)


@pytest.mark.parametrize(
    ("hour", "text", "begin", "end"),
    [
        (2, "晚上一点", "11-04 00:45", "11-04 01:15"),
        (2, "last night", "11-03 18:00", "11-04 06:00"),
        (2, "between 3 and 5 pm", "11-03 15:00", "11-03 17:00"),
        (2, "today at 3 pm", "11-04 14:45", "11-04 15:15"),
        (8, "at 3", "11-04 02:45", "11-04 03:15"),
        (2, "this morning", "11-04 05:00", "11-04 12:00"),
    ],
)
def test_what_is_still_to_come_was_yesterday(hour: int, text: str, begin: str, end: str) -> None:
    assert read(text, NOW.replace(hour=hour))[:2] == (begin, end)


def test_days_on_which_the_clock_is_changed() -> None:
    back, forward = datetime(2026, 10, 25, 16), datetime(2026, 3, 29, 16)

    def hours(text: str, now: datetime) -> float:
        found = find_times(text, to_ms(now, BERLIN), BERLIN)
        assert found.from_ms is not None
        assert found.to_ms is not None
        return (found.to_ms - found.from_ms) / 3_600_000

    assert (hours("today", back), hours("today", forward)) == (25, 23)
    assert (hours("between 1:00 am and 4:00 am", back), hours("between 1:00 am and 4:00 am", forward)) == (4, 2)
    assert hours("between 2:45 am and 3:15 am", forward) > 0  # 2:45 does not exist
    assert hours("two hours ago", forward.replace(hour=4)) == 1


def test_the_zone_is_the_sentences() -> None:
    assert find_times("at 15:00", to_ms(NOW, SHANGHAI), SHANGHAI) != find_times(
        "at 15:00", to_ms(NOW, SHANGHAI), BERLIN
    )
