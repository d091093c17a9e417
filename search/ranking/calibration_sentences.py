"""Descriptions of the usual kind, put together at random: the queries that an index is calibrated with.

They say what operators say (who, upper and lower garment with colours, mostly one thing more), but are about nobody in
particular: how well the best row of an index fits one of them is how well it fits a person who is not there.
"""

from __future__ import annotations

import random
import re
from enum import StrEnum

COUNT = 400
_HAN = re.compile("[\u3400-\u9fff]")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


_COLOURS = {
    "en": _words("red blue black white green yellow grey brown pink purple orange beige navy light_blue"),
    "zh": _words("红色 蓝色 黑色 白色 绿色 黄色 灰色 棕色 粉色 紫色 橙色 米色 深蓝色 浅蓝色"),
}
_PEOPLE = {
    "en": _words("a_man a_woman a_boy a_girl an_old_man an_old_woman"),
    "zh": _words("男子 女子 男孩 女孩 老大爷 老奶奶"),
}
_UPPER = {
    "en": _words("coat jacket t-shirt shirt sweater hoodie down_jacket suit vest dress"),
    "zh": _words("大衣 夹克 短袖 衬衫 毛衣 卫衣 羽绒服 西装 马甲 连衣裙"),
}
_LOWER = {"en": _words("trousers jeans shorts skirt"), "zh": _words("裤子 牛仔裤 短裤 裙子")}
_THINGS = {
    "en": (
        *("", "", " with a {} backpack", " with a {} handbag", " wearing a {} hat", " with a {} cap"),
        *(" pulling a {} suitcase", " with a {} umbrella", " with a shoulder bag", " with a cane"),
        *(" on a bicycle", " carrying a box"),
    ),
    "zh": (
        *("", "", "背{}双肩包", "拎{}手提包", "戴{}帽子", "戴{}鸭舌帽"),
        *("拖{}行李箱", "打{}雨伞", "背挎包", "拄拐杖", "骑自行车", "抱着纸箱"),
    ),
}


class Language(StrEnum):
    """Language of a sentence; what is not Chinese is calibrated like English."""

    EN = "en"
    ZH = "zh"


def language_of(text: str) -> Language:
    """Return Chinese for a text with a Chinese character, else English."""
    return Language.ZH if _HAN.search(text) else Language.EN


def calibration_sentences(language: Language) -> list[str]:
    """Return `COUNT` descriptions, always the same."""
    drawn = random.Random(20_261_123)
    return [_description(language, drawn) for _ in range(COUNT)]


def _description(language: Language, drawn: random.Random) -> str:
    who, upper, lower, thing = (drawn.choice(words[language]) for words in (_PEOPLE, _UPPER, _LOWER, _THINGS))
    first, second, third = (drawn.choice(_COLOURS[language]) for _ in range(3))
    thing = thing.format(third)
    if language is Language.EN:
        return f"{who} in a {first} {upper} and {second} {lower}{thing}"
    return f"穿{first}{upper}和{second}{lower}{'、' if thing else ''}{thing}的{who}"
