"""Places in a sentence: names, ids and districts of cameras, by rules, in Chinese and English.

A phrase is a place if a camera has this name; a phrase with a place's word in it ("near the bridge") that is no
camera's name is reported as unclear. Names are compared as words: Latin words and numbers whole, Chinese as parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from search.parsing.gazetteer import MOST_CAMERAS, Gazetteer, gazetteer, words_of
from search.parsing.normalize import HAN
from search.types import Camera


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# tables of words -----------------------------------------------------------------------------------------------------

_KINDS_EN = (
    "gate|station|street|road|avenue|lane|park|school|market|bridge|entrance|exit|mall|hospital|square|crossing"
    "|crossroads"
    "|building|hall|plaza|tower|airport|harbour|harbor|port|river|lake|beach|library|university|college"
    "|kindergarten|museum"
    "|stadium|temple|church|hotel|restaurant|cafe|shop|store|supermarket|bank|court|junction|intersection"
    "|underpass|tunnel"
    "|platform|terminal|garage|car park|parking lot|bus stop|district|village|estate|corner|playground|platform|lobby"
)
_KINDS_ZH = (
    "火车站|高铁站|地铁站|汽车站|公交站|车站|公交站台|站台|十字路口|路口|大门|校门|门口|小区|社区|学校|小学|中学"
    "|大学|幼儿园|医院|商场|超市"
    "|市场|菜市场|公园|广场|大桥|天桥|桥头|桥|出口|入口|出入口|大楼|大厦|大厅|酒店|宾馆|银行|图书馆|体育馆|机场"
    "|码头|街道|大街|马路"
    "|大道|隧道|派出所|停车场|路边|街边|街头|街角|门前|门外|桥下|楼下|村|街|路|站|门|区|河边|湖边|江边|海边"
)
_GENERIC = {
    *_KINDS_EN.split("|"),
    *_KINDS_ZH.split("|"),
    "area",
    "camera",
    "cameras",
    "cam",
    "north",
    "south",
    "east",
    "west",
}
_LOOKS = _set(
    "red blue green black white grey gray yellow pink purple orange brown beige navy dark light bright long short"
    " big small"
    " old young front back left right first last middle side the a an of"
)
_NO_PLACE = _LOOKS | _set(
    "at in on by and or to for hand hands arm arms head group line coat jacket shirt t-shirt t dress hat cap bag"
    " backpack"
    " trousers jeans shorts skirt shoes boots hoodie sweater vest suit helmet scarf umbrella suitcase box uniform"
    " man woman"
    " men women boy girl child children kid baby people person lady elderly adult male female his her their him"
    " them it"
    " bike bicycle car bus taxi train foot wheelchair phone scooter motorbike motorcycle dog pattern glasses style"
    " wagon"
    " worker guard student driver ranger hair wearing carrying walking running standing sitting stripe stripes"
    " striped"
    " plain handbag parcel cane stick sunglasses sandals gloves mask tie sneakers slippers tracksuit pyjamas"
    " sportswear"
    " 红色 蓝色 黑色 白色 绿色 黄色 灰色 紫色 粉色 橙色 棕色 上衣 外套 帽子 背包 书包 裤子 裙子 男人 女人 男子"
    " 女子 男孩 女孩"
    " 老人 小孩 孩子 儿童 手里 手上 身上 头上 背上 左手 右手 左边 右边 前面 后面 旁边 附近 眼镜 口罩 雨伞 电话"
    " 跑步 走路"
    " 头发 长发 短发 行李箱 轮椅 自行车 电动车 摩托车 汽车 公交车 出租车"
)
_NO_PLACE_ZH = tuple(word for word in _NO_PLACE if word >= "一")
_GOES_ON = _set(
    "in on at by near and or but with without who that which is was has had just alone around about this last"
    " today yesterday"
    " from to towards since between before after while then his her their he she they it a the an of"
)
"""Words after which a place's name is over: "in the park with ..." but not "in the park ranger's ..."."""
_NEAR_EN = "near to|near|nearby|by|around|close to|next to|beside|in the vicinity of|in the area of"
_AT_EN = "in front of|at|in|from|outside|inside|along|on|opposite|behind|towards|toward|entering|leaving|through"
"|within"
_BEFORE_ZH = "出现在|出没于|位于|靠近|经过|路过|离开|前往|在|从|去|于|到"
_NEAR_ZH = "附近|旁边|旁|周围|周边|一带|边上"
_INSIDE_ZH = (
    "(?:那边|这边|门口|里面|外面|对面|里|内|外|上|处|边)?(?:的?(?:监控摄像头|摄像头|摄像机|监控|相机|机位|镜头))?"
)
_STEP_ZH = re.compile(
    r"的|穿|戴|背着|拿|提着|拎|色|衣|裤|裙|帽|男|女|孩|老|人|走路|赶路|问路|带路|迷路|逛街|出门|开门|关门|进门"
    r"|敲门|站[着立岗]|罚站"
)
_PREP = re.compile(
    rf"(?<![\w'-])(?P<no>not +)?(?:(?P<near>{_NEAR_EN})|(?P<at>{_AT_EN})) +(?:the +|an? +|our +)?(?=[\w{HAN}])"
)
_WORD_EN = re.compile(r"[a-z0-9][a-z0-9'._-]*")
_TAIL_EN = re.compile(r"(?:[ ]+(?:district|area|camera|cam)s?(?![\w'-]))+")
_UNKNOWN_EN = re.compile(
    rf"(?P<lead>(?:[a-z0-9][\w'-]*[ ]+){{0,3}}?)(?:{_KINDS_EN})s?(?![\w'-])(?:[ ]+(?:camera|area|\d+))?(?![\w'-])"
)
_NEXT_EN = re.compile(r" *([a-z][\w'-]*)")
_PREP_ZH = re.compile(rf"(?P<no>不|没|没有)?(?:{_BEFORE_ZH})(?<![看见找遇想感收拿得]到)(?=[{HAN}\w])")
_RUN_ZH = re.compile(rf"[{HAN}\w-]{{1,16}}")
_UNKNOWN_ZH = re.compile(rf"[{HAN}\w]{{0,8}}?(?:{_KINDS_ZH})(?![着立岗人])")
_SUFFIX_ZH = re.compile(rf"(?P<name>[{HAN}\w-]{{1,16}}?)(?P<near>{_NEAR_ZH})(?!的?[{HAN}]{{0,2}}手)")
_ENDS_ZH = re.compile(rf"(?:{_KINDS_ZH})$")
_AFTER_ZH = re.compile(rf"(?P<near>(?:门口)?(?:{_NEAR_ZH})|左近)?(?:{_INSIDE_ZH})")


# phrases -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlaceMatch:
    """Words `start`..`end` of the sentence and the ids of the cameras that they name; none: unclear which."""

    start: int
    end: int
    cameras: tuple[str, ...] = ()


def find_places(text: str, cameras: Sequence[Camera]) -> list[PlaceMatch]:
    """Return the places of a `flat` sentence by position, without overlaps. NUL characters stand for taken words."""
    names = gazetteer(cameras) if cameras else Gazetteer(())
    places: list[PlaceMatch] = []
    for place in [*_english(text, names), *_chinese(text, names), *_bare(text, names), *_unknown(text)]:
        if all(place.end <= other.start or other.end <= place.start for other in places):
            places.append(place)
    return sorted(places, key=lambda place: place.start)


def _place(names: Gazetteer, start: int, end: int, numbers: list[int], near: bool, denied: bool = False) -> PlaceMatch:
    if denied or len(numbers) > MOST_CAMERAS:
        return PlaceMatch(start, end)
    numbers = names.near(numbers) if near else numbers
    ids = tuple(names.cameras[n].id for n in numbers)
    return PlaceMatch(start, end, ids if len(ids) <= MOST_CAMERAS else ())


def _english(text: str, names: Gazetteer) -> Iterator[PlaceMatch]:
    """Yield the names after a preposition, each of as many words as a camera's name has."""
    for m in _PREP.finditer(text):
        for end in _ends(text, m.end()):
            words = words_of(text[m.end() : end])
            tail = _TAIL_EN.match(text, end)
            last = tail.end() if tail else end
            if not _is_name(words) or (set(words) <= _GENERIC and not _is_over(text, last)):
                continue
            if numbers := _match_names(names, words, m["at"] in ("in", "on")):
                yield _place(names, m.start(), last, numbers, bool(m["near"]), bool(m["no"]))
                break


def _is_over(text: str, end: int) -> bool:
    """Return whether no noun follows to which the place is an attribute: "in a station wagon"."""
    after = _NEXT_EN.match(text, end)
    return not after or after[1] in _GOES_ON or after[1].endswith("ing")


def _match_names(names: Gazetteer, words: tuple[str, ...], strict: bool) -> list[int]:
    """Return the cameras of a name.

    Where it is `strict`, after "in" and "on", which also introduce clothes, one word must be a whole name or a kind of
    place.
    """
    if strict and len(words) == 1 and words[0] not in _GENERIC:
        return names.called(words)
    return names.with_words(words)


def _ends(text: str, at: int) -> list[int]:
    """Return the ends of one to six words from `at` on, the last first."""
    ends: list[int] = []
    while len(ends) < 6 and (word := _WORD_EN.match(text, at)):
        ends.append(at + len(word[0].rstrip("'._-")))
        at = word.end() + 1
        if text[word.end() : at] != " ":
            break
    return ends[::-1]


def _is_name(words: tuple[str, ...]) -> bool:
    """Return whether some word could be a place's, and is not what people wear or are."""
    return any(word not in _NO_PLACE and not (word.isdigit() and len(words) > 1) for word in words) and not (
        set(words) <= _NO_PLACE | {"area", "camera"}
        or words[-1] in _NO_PLACE
        or (len(words) == 1 and words[0].isdigit())
    )


def _chinese(text: str, names: Gazetteer) -> Iterator[PlaceMatch]:
    """Yield the names after 在 and the like, or before 附近 and the like, as long as they are in a camera's name."""
    for m in _PREP_ZH.finditer(text):
        run = _RUN_ZH.match(text, m.end())
        for end in range(run.end() if run else 0, m.end() + 1, -1):
            words = words_of(text[m.end() : end])
            if _is_name_zh(text[m.end() : end], words) and (numbers := names.with_words(words)):
                after = _AFTER_ZH.match(text, end)
                near = bool(after and after["near"]) or "近" in m[0]
                yield _place(names, m.start(), after.end() if after else end, numbers, near, bool(m["no"]))
                break
    for m in _SUFFIX_ZH.finditer(text):
        if m["name"].endswith(_NO_PLACE_ZH):
            continue
        for start in range(m.start(), m.end("name") - 1):
            name = text[start : m.end("name")]
            words = words_of(name)
            if _is_name_zh(name, words) and (numbers := names.with_words(words)):
                after = _AFTER_ZH.match(text, m.end("name"))
                yield _place(names, start, after.end() if after else m.end(), numbers, near=True)
                break


def _is_name_zh(name: str, words: tuple[str, ...]) -> bool:
    return (
        bool(words)
        and any(len(word) > 1 or word < "一" for word in words)
        and not set(words) <= _NO_PLACE
        and not (name[0] == "的" or name[-1] == "的" or all(word.isdigit() for word in words))
    )


def _bare(text: str, names: Gazetteer) -> Iterator[PlaceMatch]:
    """Yield whole names and ids without any word before them, the longest first."""
    if not names.cameras:
        return
    spans = sorted(_stretches(text), key=lambda s: s[0] - s[1])
    for start, end in spans:
        words = words_of(text[start:end])
        if _stands_alone(words) and (numbers := names.called(words)):
            after = _AFTER_ZH.match(text, end) if text[end - 1] >= "一" else _TAIL_EN.match(text, end)
            yield _place(names, start, after.end() if after else end, numbers, bool(after and "附近" in after[0]))


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of up to six Latin words, or of 2 to 14 characters of a run with Chinese."""
    for m in re.finditer(rf"[{HAN}\d]*[{HAN}][{HAN}\da-z-]*", text):
        for start in range(m.start(), m.end() - 1):
            for end in range(start + 2, min(m.end(), start + 14) + 1):
                if not (text[end - 1].isdigit() and text[end : end + 1].isdigit()):
                    yield start, end
    for m in re.finditer(r"(?<![\w'-])[a-z0-9]", text):
        yield from ((m.start(), end) for end in _ends(text, m.start()))


def _stands_alone(words: tuple[str, ...]) -> bool:
    """Return whether a name is long enough and not only words that many places share, or of people and clothes."""
    letters = sum(len(word) * (2 if word >= "一" else 1) for word in words)
    return letters >= 4 and not set(words) <= _GENERIC | _NO_PLACE and not all(word.isdigit() for word in words)


def _unknown(text: str) -> Iterator[PlaceMatch]:
    """Yield the phrases about some place that is no camera's name."""
    for m in _PREP.finditer(text):
        name = _UNKNOWN_EN.match(text, m.end())
        if (
            name
            and not _PREP.search(text, m.end(), name.end())
            and not set(name["lead"].split()) & (_NO_PLACE - _LOOKS)
        ) and _is_over(text, name.end()):
            yield PlaceMatch(m.start(), name.end())
    for m in _PREP_ZH.finditer(text):
        name = _UNKNOWN_ZH.match(text, m.end()) if m[0][-1] not in "从去到" else None
        if name and not _STEP_ZH.search(text, m.end(), name.end()):
            after = _AFTER_ZH.match(text, name.end())
            yield PlaceMatch(m.start(), after.end() if after else name.end())
    for m in _SUFFIX_ZH.finditer(text):
        kind = _ENDS_ZH.search(m["name"])
        if kind:
            whole = not _STEP_ZH.search(m["name"]) and len(m["name"]) <= 7
            yield PlaceMatch(m.start() if whole else m.start() + kind.start(), m.end())
