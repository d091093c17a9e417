"""A sentence taken apart: what is left of it, and what its parts were taken for."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.parsing.parser import ChipKind, ParsedQuery, parse_query
from search.times import iso, to_ms
from search.types import Camera, Filter
from training.paraphrases import TEMPLATES_EN, TEMPLATES_ZH

ZONE = ZoneInfo("Asia/Shanghai")
NOW = to_ms(datetime(2026, 11, 4, 16, 0), ZONE)
CAMERAS = (
    Camera("gate", "North Gate 北门", "Longcheng 龙城区"),
    Camera("market-3", "市场3号", "Longcheng 龙城区"),
)
TRUTH = json.loads((Path(__file__).parents[3] / "sample_videos/truth.json").read_text("utf-8"))
SAMPLES = [text for person in TRUTH["people"] for texts in person["sentences"].values() for text in texts]
NEGATIVE = {
    "a man with a black cap wearing a red coat, no bag": (
        "a man with a black cap wearing a red coat",
        "a man with a black cap wearing a red coat with a bag",
    ),
    "戴黑帽子、穿红外套、没有背包的男人": ("戴黑帽子、穿红外套的男人", "戴黑帽子、穿红外套、有背包的男人"),
}


def read(text: str, *without: str) -> ParsedQuery:
    return parse_query(text, now_ms=NOW, zone=ZONE, cameras=CAMERAS, without=without)


@pytest.mark.parametrize("text", [text for text in SAMPLES if text not in NEGATIVE])
def test_a_plain_description_comes_back_as_it_was(text: str) -> None:
    assert read(text) == ParsedQuery(text, (), None, None, (), (), ())


@pytest.mark.parametrize("text", NEGATIVE)
def test_the_samples_that_deny_something(text: str) -> None:
    parsed = read(text)
    assert (parsed.description, parsed.negations) == (NEGATIVE[text][0], NEGATIVE[text][1:])
    assert text in SAMPLES


@pytest.mark.parametrize("template", [*TEMPLATES_ZH, *TEMPLATES_EN])
def test_paraphrases_keep_their_description(template: str) -> None:
    zh = template in TEMPLATES_ZH
    text = (
        template.format(who="小男童", how="上身红色") if zh else template.format(who="an aged lady", how="a red cap on")
    )
    parsed = read(text)
    assert parsed.description == text.removeprefix("昨天下午")
    assert [chip.words for chip in parsed.chips] == (["昨天下午"] if text.startswith("昨天") else [])
    assert parsed.unclear == ()


@pytest.mark.parametrize(
    ("text", "wanted", "kinds"),
    [
        ("a woman in red yesterday between 3 and 5 pm", "a woman in red", "time"),
        ("yesterday, a man in red", "a man in red", "time"),
        ("a man in red seen last night", "a man in red", "time"),
        ("a man in red, last seen at 3 pm near the north gate.", "a man in red", "time place"),
        ("last night at the north gate: a boy in blue", "a boy in blue", "time place"),
        ("a boy who was at the north gate yesterday with a red bag", "a boy who was with a red bag", "place time"),
        ("a man at market-3 in a black hat", "a man in a black hat", "place"),
        ("a man near the north gate, in black", "a man, in black", "place"),
        ("A Man In Red Yesterday", "A Man In Red", "time"),
        ("yesterday near the north gate", "", "time place"),
        ("a woman without a bag yesterday", "a woman", "not time"),
        ("昨天下午在北门附近穿红衣服的女人", "穿红衣服的女人", "time place"),
        ("穿红衣服的女人，昨天下午三点到五点，在北门附近", "穿红衣服的女人", "time place"),
        ("穿红衣服的女人昨天下午在北门出现", "穿红衣服的女人出现", "time place"),
        ("龙城区的老人", "老人", "place"),
        ("一个昨天在北门的男人", "一个男人", "time place"),
        ("昨天，红衣男子，市场3号", "红衣男子", "time place"),
        ("今天上午的男孩，穿蓝衣服，不戴帽子", "男孩，穿蓝衣服", "time not"),
        ("昨晚在龙城区没戴眼镜的老人", "老人", "time place not"),
        ("昨晚", "", "time"),
        ("穿红衣\u3000\u3000昨晚", "穿红衣", "time"),
    ],
)
def test_what_is_left_is_tidy(text: str, wanted: str, kinds: str) -> None:
    parsed = read(text)
    assert (parsed.description, " ".join(chip.kind for chip in parsed.chips), parsed.unclear) == (wanted, kinds, ())


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("a woman without a bag", "a woman", ["a woman with a bag"]),
        ("a man with no hat", "a man", ["a man with a hat"]),
        ("a boy in red, no backpack", "a boy in red", ["a boy in red with a backpack"]),
        ("a man not wearing a hat", "a man", ["a man wearing a hat"]),
        ("a girl without a hat or a bag", "a girl", ["a girl with a hat", "a girl with a bag"]),
        ("a man without a hat and in black trousers", "a man in black trousers",
         ["a man with a hat in black trousers"]),
        ("a woman who has no bag and is walking", "a woman is walking", ["a woman with a bag is walking"]),
        ("a man in a suit, not wearing a tie, on a bench", "a man in a suit, on a bench",
         ["a man in a suit, wearing a tie, on a bench"]),
        ("a woman without a bag yesterday at the north gate without a hat", "a woman",
         ["a woman with a bag", "a woman with a hat"]),
        ("不戴帽子的男人", "男人", ["戴帽子的男人"]),
        ("没有背包的女人", "女人", ["有背包的女人"]),
        ("没戴帽子也没背包的男孩", "男孩", ["戴帽子的男孩", "有背包的男孩"]),
        ("穿红衣不戴帽子的男人", "穿红衣的男人", ["穿红衣戴帽子的男人"]),
        ("男人不戴帽子", "男人", ["男人戴帽子"]),
        ("没有背包、穿红衣服的男人", "穿红衣服的男人", ["有背包、穿红衣服的男人"]),
        ("穿红衣服的女人，裤子不是黑色的", "穿红衣服的女人", ["穿红衣服的女人，裤子是黑色的"]),
        ("一个不戴眼镜的老人昨天在北门", "一个老人", ["一个戴眼镜的老人"]),
        ("no hat", "", ["with a hat"]),
    ],
)  # fmt: skip
def test_what_must_not_be_there(text: str, wanted: str, unwanted: list[str]) -> None:
    parsed = read(text)
    assert (parsed.description, list(parsed.negations)) == (wanted, unwanted)
    assert [chip.kind for chip in parsed.chips if chip.kind is ChipKind.NOT] == [ChipKind.NOT] * len(unwanted)


@pytest.mark.parametrize(
    ("text", "wanted", "unclear"),
    [
        ("a man near the bridge", "a man", ("near the bridge",)),
        ("a man in red, recently", "a man in red", ("recently",)),
        ("a man who is not carrying anything", "a man", ("who is not carrying anything",)),
        ("a man in blue, not sure if he has a hat", "a man in blue", ("not sure if he has a hat",)),
        ("刚才在医院的女人", "女人", ("刚才", "在医院")),
        ("穿红衣的男人，不知道有没有帽子", "穿红衣的男人", ("不知道有没有帽子",)),
        ("a man not at the north gate", "a man", ("not at the north gate",)),
    ],
)
def test_what_is_unclear_is_told_and_not_searched_for(text: str, wanted: str, unclear: tuple[str, ...]) -> None:
    assert read(text) == ParsedQuery(wanted, (), None, None, (), (), unclear)


def test_chips_say_what_the_words_were_taken_for() -> None:
    parsed = read("a woman without a bag at the North Gate yesterday between 3 and 5 pm")
    assert (parsed.cameras, parsed.from_ms, parsed.to_ms) == (("gate",), NOW - 25 * 3_600_000, NOW - 23 * 3_600_000)
    assert [(chip.words, chip.meaning) for chip in parsed.chips] == [
        ("without a bag", "not: with a bag"),
        ("at the North Gate", "camera gate"),
        ("yesterday between 3 and 5 pm", "from 2026-11-03T15:00:00+08:00 to 2026-11-03T17:00:00+08:00"),
    ]
    assert read("since 9 am").chips[0].meaning == f"from {iso(NOW - 7 * 3_600_000, ZONE)}"
    assert read("by 9 am").chips[0].meaning == f"until {iso(NOW - 7 * 3_600_000, ZONE)}"


def test_many_cameras_are_counted_in_their_chip() -> None:
    cameras = [Camera(f"c{n}", "", "Longhua") for n in range(8)]
    parsed = parse_query("in Longhua", now_ms=NOW, zone=ZONE, cameras=cameras)
    assert (len(parsed.cameras), parsed.chips[0].meaning) == (8, "cameras c0, c1, c2, c3, c4 and 3 more")


def test_removed_chips_do_not_count_but_stay_out_of_the_description() -> None:
    text = "a woman without a bag at the North Gate yesterday"
    plain = read(text, "yesterday", "at the North Gate", "without a bag")
    assert plain == ParsedQuery("a woman", (), None, None, (), (), ())
    assert read(text, "yesterday").from_ms is None
    assert read(text, "yesterday").cameras == ("gate",)
    assert read(text, "without a bag").negations == ()
    assert read(text, "a bag").negations == ("a woman with a bag",)  # no chip of that name


def test_every_chip_can_be_removed() -> None:
    for text in (
        "a man without a hat or a bag, in Longcheng, 3 to 5 pm yesterday",
        "昨晚十一点到一点，北门附近，没戴帽子也没背包的男孩",
    ):
        chips = read(text).chips
        assert len(chips) == 4
        assert read(text, *(chip.words for chip in chips)).chips == ()
        for chip in chips:
            assert chip not in read(text, chip.words).chips


WORDS = [
    "yesterday", "at", "3", "pm", "between", "to", "and", "from", "since", "after", "before", "5", "o'clock",
    "15:00", "2026-11-03", "Nov", "last", "night", "week", "ago", "hours", "two", "in", "the", "morning", "near",
    "north", "gate", "market-3", "bridge", "without", "a", "hat", "no", "bag", "not", "wearing", "or", ",", ".",
    "昨天", "下午", "三点", "到", "五点", "以后", "之前", "左右", "上周五", "11月3日", "31日", "北门", "附近",
    "在", "没有", "背包", "不戴", "帽子", "的", "男人", "也", "无", "非", "黑色", "不知道", "半", "24:00", "99",
    "half", "past", "Feb", "30", "2月30日", "0点", "１２", "点", "前", "9999年1月1日", "1970-01-01", "零", "十十",
    "百", "last", "500", "weeks", "999", "days", "9999-12-31", "1969-12-31", "0", "days", "ago",
]  # fmt: skip
SAYINGS = st.lists(st.sampled_from(WORDS), max_size=40)


@given(st.text(max_size=500) | SAYINGS.map(" ".join) | SAYINGS.map("".join))
@example("\0")
@example("İ ﬁ ½ ㎏ 昨天\0下午")
@example("  a man  in red ")
@example("0000-00-00 0:00 999999999999999 hours ago")
@example("without " * 60)
def test_any_text_will_do(text: str) -> None:
    parsed = read(text)
    if not parsed.chips and not parsed.unclear:
        assert parsed.description == text.strip()
    for chip in parsed.chips:
        assert chip.words
        assert chip.words in text
        assert chip.meaning
    assert all(words in text for words in parsed.unclear)
    Filter(start_ms=parsed.from_ms, end_ms=parsed.to_ms, cameras=parsed.cameras)  # which refuses what is no time range
