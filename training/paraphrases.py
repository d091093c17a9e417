"""Wordings that training never sees: other templates and other words, for ``evaluate`` alone.

Nothing of ``training/train.py`` or ``training/captions.py`` imports this; a test holds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.captions import Claims, Sentence, is_hidden

TEMPLATES_ZH = (
    "监控里留意一下{who}，当时{how}", "家属说{who}出门时{how}", "{who}一名，离家时{how}", "昨天下午走丢的{who}，{how}",
    "麻烦调一下录像：{who}，{how}", "目击者描述：{how}，是{who}", "{how}，大概是{who}", "派出所通报，{who}，{how}", "我要找{who}，记得{how}", "视频中{how}的那位{who}",
)  # fmt: skip
TEMPLATES_EN = (
    "last seen: {who}, {how}", "the family says {who} left home with {how}", "witness describes {who}, {how}",
    "could you check the cameras for {who}, {how}", "{how} - that would be {who}", "be on the lookout for {who}; {how}",
    "describe: {who}; {how}", "report of {who} seen with {how}", "my neighbour, {who}, had {how}", "pick out {who} from the footage, {how}",
)  # fmt: skip
NOUNS_ZH = {
    "male adult": ("成年男性", "男同志", "男乘客"), "female adult": ("成年女性", "女同志", "女乘客"), "male child": ("小男童", "男小孩"),
    "female child": ("小女童", "女小孩"), "male elder": ("年老的男性", "老大伯", "男老人"), "female elder": ("年老的女性", "老大娘", "女老人"),
}  # fmt: skip
NOUNS_EN = {
    "male adult": ("an adult male", "a grown man"), "female adult": ("an adult female", "a grown woman"),
    "male child": ("a boy child", "a young male kid"), "female child": ("a girl child", "a young female kid"),
    "male elder": ("an aged gentleman", "a male senior"), "female elder": ("an aged lady", "a female senior"),
}  # fmt: skip
COLOURS_ZH = {
    "black": "黑", "white": "白", "grey": "灰", "red": "红", "blue": "蓝", "navy": "深蓝", "light blue": "浅蓝", "green": "绿", "yellow": "黄",
    "orange": "橙", "pink": "粉红", "purple": "紫", "brown": "褐", "beige": "米", "dark green": "墨绿",
}  # fmt: skip
UPPERS = {
    "t-shirt": ("短袖T恤衫", "short sleeve tee"), "shirt": ("长袖的衬衫", "long sleeve shirt"), "sweater": ("羊毛衫", "knitted jumper"),
    "hoodie": ("连帽卫衣", "hoodie top"), "jacket": ("夹克外套", "zipped jacket"), "coat": ("长款大衣", "long winter overcoat"),
    "down jacket": ("羽绒袄", "padded puffer"), "suit": ("西装外套", "business suit"), "vest": ("马甲背心", "sleeveless vest"), "dress": ("一身连衣裙", "one-piece dress"),
}  # fmt: skip
LOWERS = {
    "trousers": ("长裤子", "long trousers"), "jeans": ("牛仔裤子", "blue-jeans trousers"), "shorts": ("短裤子", "short pants"),
    "skirt": ("一条半裙", "a skirt below"), "leggings": ("紧身长裤", "tight leggings"),
}  # fmt: skip
THINGS = {
    "bag": {"backpack": ("背着一个{}双肩背包", "a {} backpack on the back"), "handbag": ("手拎{}提包", "a {} handbag in hand"),
            "shoulder bag": ("斜背着{}挎包", "a {} bag over the shoulder")},
    "carried": {"suitcase": ("身边有{}行李箱", "a {} suitcase in tow"), "umbrella": ("手里撑着{}雨伞", "an open {} umbrella"),
                "cane": ("手拄一根拐杖", "a walking cane"), "parcel": ("双手抱着纸箱子", "a box in both arms"), "papers": ("手上拿着几张纸", "some papers in the hand")},
    "hat": {"cap": ("头戴{}鸭舌帽子", "a {} baseball cap on"), "hat": ("头戴{}宽边帽", "a wide {} hat on"), "hood": ("兜帽戴在头上", "the hood pulled up"),
            "helmet": ("头上是{}头盔", "a {} helmet on"), "headscarf": ("头上包着{}头巾", "a {} headscarf on")},
    "ride": {"wheelchair": ("坐在轮椅里", "sat in a wheelchair"), "bicycle": ("骑一辆自行车", "a bicycle under them"), "e-bike": ("骑一辆电动车", "an electric bike")},
    "pose": {"running": ("在跑", "running along"), "sitting": ("坐在那里", "sitting there"), "lying": ("躺在那里", "lying there")},
    "beside": {"child": ("身边带着小孩", "a child alongside")},
}  # fmt: skip


def describe(p: Mapping[str, Any], lang: str, rng: np.random.Generator) -> Sentence:
    """Everything that an eye-witness would name of this person, in words of this file."""
    zh, which = lang == "zh", 0 if lang == "zh" else 1
    claims: Claims = {"sex": (p["sex"],), "age": (p["age"],)}
    parts: list[str] = []

    def colour(name: str) -> str:
        field = f"{name}_colour"
        plain = name == "carried" and p[name] in ("cane", "parcel", "papers")
        if is_hidden(p, field) or plain or p[name] == "hood":
            return ""
        claims[field] = (p[field],)
        return COLOURS_ZH[p[field]] + "色" if zh else str(p[field])

    for name, words in (("upper", UPPERS), ("lower", LOWERS)):
        if p[name] in words and not is_hidden(p, name):
            claims[name] = (p[name],)
            tint = colour(name)
            parts.append(
                ("上身" if name == "upper" else "下面是") + tint + words[p[name]][0]
                if zh
                else f"{tint} {words[p[name]][1]}".strip()
            )
    for name, things in THINGS.items():
        if p.get(name, "none") in things and not (name == "pose" and p.get("ride", "none") != "none"):
            claims[name] = (p[name],)
            parts.append(" ".join(things[p[name]][which].format(colour(name)).split()))
    head, tail = parts[:2], parts[2:]
    rng.shuffle(tail)
    nouns = (NOUNS_ZH if zh else NOUNS_EN)[f"{p['sex']} {p['age']}"]
    template = (TEMPLATES_ZH if zh else TEMPLATES_EN)[int(rng.integers(10))]
    how = ("，" if zh else ", ").join([*head, *tail])
    return Sentence(template.format(who=nouns[int(rng.integers(len(nouns)))], how=how), lang, claims)
