"""Negatives, and the opposite that is put in their place."""

from __future__ import annotations

import pytest

from search.parsing.negation import find_negatives


def read(text: str) -> list[tuple[str, str]]:
    return [(text[n.start : n.end].strip(" ,，、"), n.positive.strip(" ,，、")) for n in find_negatives(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a woman without a bag", [("without a bag", "with a bag")]),
        ("a man with no hat", [("with no hat", "with a hat")]),
        ("not wearing a hat", [("not wearing a hat", "wearing a hat")]),
        ("a boy in red, no backpack", [("no backpack", "with a backpack")]),
        ("a man, no umbrella", [("no umbrella", "with an umbrella")]),
        ("a girl who isn't wearing glasses", [("who isn't wearing glasses", "wearing glasses")]),
        ("a girl who is not holding an umbrella", [("who is not holding an umbrella", "holding an umbrella")]),
        ("a man who was not carrying any bag", [("who was not carrying any bag", "carrying a bag")]),
        ("in a shirt but not a jacket", [("but not a jacket", "with a jacket")]),
        ("a boy not in red", [("not in red", "in red")]),
        ("a man wearing no hat", [("wearing no hat", "with a hat")]),
        ("a man who has no luggage", [("who has no luggage", "with luggage")]),
        ("a woman who doesn't wear glasses", [("who doesn't wear glasses", "with glasses")]),
        ("a woman who does not have a red bag", [("who does not have a red bag", "with a red bag")]),
        ("without a hat or a bag", [("without a hat", "with a hat"), ("or a bag", "with a bag")]),
        ("with neither a hat nor a bag", [("with neither a hat", "with a hat"), ("nor a bag", "with a bag")]),
        ("no hat, no bag", [("no hat", "with a hat"), ("no bag", "with a bag")]),
        ("no hat and no glasses", [("no hat", "with a hat"), ("and no glasses", "with glasses")]),
        ("without a hat and a bag", [("without a hat", "with a hat"), ("and a bag", "with a bag")]),
        ("without a hat in black trousers", [("without a hat", "with a hat")]),
        ("without a hat and in black", [("without a hat and", "with a hat")]),
        ("without any shoes", [("without any shoes", "with shoes")]),
        ("a dress with no sleeves", [("with no sleeves", "with sleeves")]),
        ("he had no coat on", [("he had no coat on", "with a coat")]),
        ("w/o a bag", [("w/o a bag", "with a bag")]),
        ("not carrying anything", [("not carrying anything", "")]),
        ("a man carrying nothing", [("carrying nothing", "")]),
        ("in blue, not sure if he has a hat", [("not sure if he has a hat", "")]),
        ("i don't know if he had a bag, in blue", [("i don't know if he had a bag", "")]),
        ("cannot remember the shoes; red coat", [("cannot remember the shoes", "")]),
    ],
)
def test_english(text: str, found: list[tuple[str, str]]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("不戴帽子的男人", [("不戴帽子", "戴帽子")]),
        ("没有背包的女人", [("没有背包", "有背包")]),
        ("没背包", [("没背包", "有背包")]),
        ("没背着书包的女孩", [("没背着书包", "背书包")]),
        ("未戴口罩", [("未戴口罩", "戴口罩")]),
        ("没有戴口罩的男子", [("没有戴口罩", "戴口罩")]),
        ("不穿外套", [("不穿外套", "穿外套")]),
        ("无背包", [("无背包", "有背包")]),
        ("无行李的男子", [("无行李", "有行李")]),
        ("非黑色衣服", [("非黑色衣服", "黑色衣服")]),
        ("穿非黑色衣服的男人", [("穿非黑色衣服", "穿黑色衣服")]),
        ("不是红色的", [("不是红色", "红色")]),
        ("衣服不是红色的女人", [("衣服不是红色", "衣服是红色")]),
        ("不是穿红色的男孩", [("不是穿红色", "穿红色")]),
        ("没戴帽子也没背包的男孩", [("没戴帽子", "戴帽子"), ("也没背包", "有背包")]),
        ("不戴帽子和眼镜的男人", [("不戴帽子", "戴帽子"), ("和眼镜", "戴眼镜")]),
        ("没有帽子或者口罩的人", [("没有帽子", "有帽子"), ("或者口罩", "有口罩")]),
        ("没有红色的包的人", [("没有红色的包", "有红色的包")]),
        ("不穿红色的女人", [("不穿红色", "穿红色")]),
        ("没戴帽子男孩", [("没戴帽子", "戴帽子")]),
        ("穿红衣不戴帽子的男人", [("不戴帽子", "戴帽子")]),
        ("男人，不戴眼镜，穿蓝衣", [("不戴眼镜", "戴眼镜")]),
        ("没拿雨伞", [("没拿雨伞", "拿雨伞")]),
        ("未携带行李", [("未携带行李", "携带行李")]),
        ("没骑自行车的人", [("没骑自行车", "骑自行车")]),
        ("没带任何东西的老人", [("没带任何东西", "")]),
        ("什么都没带的老人", [("什么都没带的", "")]),
        ("穿红衣的男人，不知道有没有帽子", [("不知道有没有帽子", "")]),
        ("裤子颜色记不清，红衣服", [("裤子颜色记不清", "")]),
        ("穿没穿外套不清楚的男人", [("穿没穿外套不清楚的", "")]),
    ],
)
def test_chinese(text: str, found: list[tuple[str, str]]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "a man not only in red", "a knot in her hair", "a note in his hand", "a notebook", "no one",
        "no longer young",
        "a man with no more than one bag", "a man who hasn't come home", "a man without", "not", "no",
        "a northern man",
        "notable coat", "withoutabag", "a non-black coat", "nothing", "no. 5", "no 5", "a snowy day", "another bag",
        "有没有看到穿红衣服的女人", "有没有戴帽子的男人", "是不是穿红色衣服", "要不要戴帽子", "不锈钢杯子",
        "无锡来的男人", "无人机", "非常高的男人",
        "无袖连衣裙", "没有看到他", "没有人", "三天没有回家的男孩", "非机动车旁的人", "不戴", "没", "不", "除非黑天",
        "不错的衣服", "未成年人",
        "不高的男人", "戴不戴帽子",
    ],
)  # fmt: skip
def test_no_negatives(text: str) -> None:
    assert read(text) == []
