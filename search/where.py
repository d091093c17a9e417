"""Places that a sentence speaks of: names, ids and districts of cameras, by rules, in Chinese and English.

A phrase is a place if a camera is called like it; a phrase with a place's word in it ("near the bridge") that is no
camera's is told as unclear. Names are compared as words: Latin words and numbers whole, Chinese as parts.
"""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from search.reach import distance_m
from search.types import Camera
from search.when_words import flat

NEAR_M = 250.0
"""How far from a camera of that name "near" reaches."""
MOST_CAMERAS = 2_000
"""A place of more cameras than this is not applied, but told as unclear."""

_ZH = "一-鿿"


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
    rf"(?<![\w'-])(?P<no>not +)?(?:(?P<near>{_NEAR_EN})|(?P<at>{_AT_EN})) +(?:the +|an? +|our +)?(?=[\w{_ZH}])"
)
_WORD_EN = re.compile(r"[a-z0-9][a-z0-9'._-]*")
_TAIL_EN = re.compile(r"(?:[ ]+(?:district|area|camera|cam)s?(?![\w'-]))+")
_UNKNOWN_EN = re.compile(
    rf"(?P<lead>(?:[a-z0-9][\w'-]*[ ]+){{0,3}}?)(?:{_KINDS_EN})s?(?![\w'-])(?:[ ]+(?:camera|area|\d+))?(?![\w'-])"
)
_NEXT_EN = re.compile(r" *([a-z][\w'-]*)")
_PREP_ZH = re.compile(rf"(?P<no>不|没|没有)?(?:{_BEFORE_ZH})(?<![看见找遇想感收拿得]到)(?=[{_ZH}\w])")
_RUN_ZH = re.compile(rf"[{_ZH}\w-]{{1,16}}")
_UNKNOWN_ZH = re.compile(rf"[{_ZH}\w]{{0,8}}?(?:{_KINDS_ZH})(?![着立岗人])")
_SUFFIX_ZH = re.compile(rf"(?P<name>[{_ZH}\w-]{{1,16}}?)(?P<near>{_NEAR_ZH})(?!的?[{_ZH}]{{0,2}}手)")
_ENDS_ZH = re.compile(rf"(?:{_KINDS_ZH})$")
_AFTER_ZH = re.compile(rf"(?P<near>(?:门口)?(?:{_NEAR_ZH})|左近)?(?:{_INSIDE_ZH})")
_UNITS = re.compile(rf"[a-z]+|\d+|[{_ZH}]+|[^\W\d_]+")
_FILLER_ZH = re.compile("号|摄像头|摄像机|监控|机位|相机")


# names ---------------------------------------------------------------------------------------------------------------


def words_of(name: str) -> tuple[str, ...]:
    """The words of a `flat` name: Latin words, numbers without leading zeros, runs of Chinese."""
    found = (unit.lstrip("0") or "0" if unit.isdigit() else unit for unit in _UNITS.findall(_FILLER_ZH.sub(" ", name)))
    return tuple(found)


def _keys(words: tuple[str, ...]) -> set[str]:
    """Under which a name is filed: Latin words and numbers, and each pair of Chinese characters."""
    keys: set[str] = set()
    for word in words:
        if word < "一" or len(word) < 2:
            keys.add(word)
        else:
            keys.update(map("".join, itertools.pairwise(word)))
    return keys


def _scripts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What a name is in either script, where it is in both; numbers belong to what is before them."""
    parts: dict[bool, list[str]] = {True: [], False: []}
    latin = words[0] < "一"
    for word in words:
        latin = latin if word.isdigit() else word < "一"
        if word not in _CALLED:
            parts[latin].append(word)
    if len(parts[True]) < len(words):
        yield from (tuple(part) for part in parts.values() if part)


_NONE = array("i")
_REMEMBERED = 1_000
_CALLED = {"district", "area", "camera", "cam"}


class Gazetteer:
    """What cameras are called, and where they stand, in tables that find them fast.

    A name is kept once, as its words, however many cameras have it (`_of`).
    """

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self.cameras = cameras
        self._number: dict[tuple[str, ...], int] = {}
        self._names: list[tuple[str, ...]] = []
        self._of: list[list[int]] = []
        self._parts: dict[tuple[str, ...], list[int]] = {}
        self._filed: dict[str, array[int]] = {}
        self._asked: dict[tuple[str, ...], list[int]] = {}
        self._read()
        self._places = np.array([(n, c.lat, c.lon) for n, c in enumerate(cameras) if c.lat is not None], np.float64)
        if len(self._places):
            self._places = self._places[np.argsort(self._places[:, 1])]

    def _read(self) -> None:
        read: dict[str, int] = {}
        for n, camera in enumerate(self.cameras):
            for text in (camera.id, camera.name, camera.district):
                if not text:
                    continue
                number = read.get(text)
                if number is None:
                    number = read[text] = self._file(words_of(flat(text)))
                self._of[number].append(n)

    def _file(self, words: tuple[str, ...]) -> int:
        number = self._number.setdefault(words, len(self._names))
        if number < len(self._names) or not words:
            return number if words else self._file(("\0",))
        self._names.append(words)
        self._of.append([])
        for key in _keys(words):
            if key not in self._filed:
                self._filed[key] = array("i")
            self._filed[key].append(number)
        for part in _scripts(words):
            self._parts.setdefault(part, []).append(number)
        return number

    def called(self, words: tuple[str, ...]) -> list[int]:
        """Cameras, by number, of which one name is just this (in one script, if it is in two)."""
        if words not in self._number and words not in self._parts:
            return []
        whole = [self._number[words]] if words in self._number else []
        return self._cameras_of([*whole, *self._parts.get(words, [])])

    def with_words(self, words: tuple[str, ...]) -> list[int]:
        """Cameras, by number, of which one name has all these words; if too many, some more than `MOST_CAMERAS`."""
        found = self._asked.get(words)
        if found is None:
            found = self._search(words)
            if len(self._asked) > _REMEMBERED:
                self._asked.clear()
            self._asked[words] = found
        return found

    def _search(self, words: tuple[str, ...]) -> list[int]:
        lists = sorted((self._filed.get(key, _NONE) for key in _keys(words)), key=len)
        common = np.asarray(lists[0] if lists else _NONE)
        for found in lists[1:]:
            if not len(common):
                return []
            at = np.searchsorted(found, common)
            common = common[np.append(found, -1)[at] == common]
        return self._cameras_of(int(number) for number in common if self._has(number, words))

    def near(self, found: Iterable[int]) -> list[int]:
        """These, and all that stand within `NEAR_M` of one of them."""
        centres = set(found)
        everywhere = set(centres)
        for n in centres:
            everywhere |= self._around(self.cameras[n])
        return sorted(everywhere)

    def _has(self, number: int, words: tuple[str, ...]) -> bool:
        name = self._names[number]
        return all(word in name if word < "一" else any(word in other for other in name) for word in words)

    def _cameras_of(self, numbers: Iterable[int]) -> list[int]:
        """Not all, once there are more than anyone wants."""
        found: set[int] = set()
        for number in numbers:
            found.update(itertools.islice(self._of[number], MOST_CAMERAS + 1))
            if len(found) > MOST_CAMERAS:
                break
        return sorted(found)

    def _around(self, camera: Camera) -> set[int]:
        lat, lon = camera.lat, camera.lon
        if lat is None or lon is None:
            return set()
        margin = NEAR_M / 110_000
        band = slice(*np.searchsorted(self._places[:, 1], (lat - margin, lat + margin)))
        here = self._places[band]
        wide = margin / max(0.01, float(np.cos(np.radians(min(89.0, abs(lat))))))
        close = here[np.abs(here[:, 2] - lon) <= wide]
        return {int(n) for n, la, lo in close.tolist() if distance_m(lat, lon, la, lo) <= NEAR_M}


_kept: Gazetteer | None = None


def gazetteer(cameras: Sequence[Camera]) -> Gazetteer:
    """Of these cameras; the last one made is kept, so that the same are not read again."""
    global _kept
    kept = _kept
    if kept is None or (kept.cameras is not cameras and kept.cameras != cameras):
        kept = Gazetteer(cameras)
    kept.cameras = cameras
    _kept = kept
    return kept


# phrases -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Words `start`..`end` of the sentence and the cameras, by id, that they mean; none: it is not clear which."""

    start: int
    end: int
    cameras: tuple[str, ...] = ()


def find_places(text: str, cameras: Sequence[Camera]) -> list[Place]:
    """Of a `flat` sentence, by place; they do not overlap. NUL characters stand for words that are taken."""
    known = gazetteer(cameras) if cameras else Gazetteer(())
    found: list[Place] = []
    for place in [*_english(text, known), *_chinese(text, known), *_bare(text, known), *_unknown(text)]:
        if all(place.end <= other.start or other.end <= place.start for other in found):
            found.append(place)
    return sorted(found, key=lambda place: place.start)


def _place(known: Gazetteer, start: int, end: int, found: list[int], near: bool, denied: bool = False) -> Place:
    if denied or len(found) > MOST_CAMERAS:
        return Place(start, end)
    found = known.near(found) if near else found
    return Place(start, end, tuple(known.cameras[n].id for n in found) if len(found) <= MOST_CAMERAS else ())


def _english(text: str, known: Gazetteer) -> Iterator[Place]:
    """After a preposition, as many words as a camera is called."""
    for m in _PREP.finditer(text):
        for end in _ends(text, m.end()):
            words = words_of(text[m.end() : end])
            tail = _TAIL_EN.match(text, end)
            last = tail.end() if tail else end
            if not _is_name(words) or (set(words) <= _GENERIC and not _is_over(text, last)):
                continue
            if found := _called(known, words, m["at"] in ("in", "on")):
                yield _place(known, m.start(), last, found, bool(m["near"]), bool(m["no"]))
                break


def _is_over(text: str, end: int) -> bool:
    """Whether no noun follows, for which the place would only be an attribute: "in a station wagon"."""
    after = _NEXT_EN.match(text, end)
    return not after or after[1] in _GOES_ON or after[1].endswith("ing")


def _called(known: Gazetteer, words: tuple[str, ...], strict: bool) -> list[int]:
    """After "in" and "on", which also lead to clothes, one word must be a whole name or a kind of place."""
    if strict and len(words) == 1 and words[0] not in _GENERIC:
        return known.called(words)
    return known.with_words(words)


def _ends(text: str, at: int) -> list[int]:
    """Ends of one to six words from `at` on, the last first."""
    ends: list[int] = []
    while len(ends) < 6 and (word := _WORD_EN.match(text, at)):
        ends.append(at + len(word[0].rstrip("'._-")))
        at = word.end() + 1
        if text[word.end() : at] != " ":
            break
    return ends[::-1]


def _is_name(words: tuple[str, ...]) -> bool:
    """Whether some word could be a place's, and is not what people wear or are."""
    return any(word not in _NO_PLACE and not (word.isdigit() and len(words) > 1) for word in words) and not (
        set(words) <= _NO_PLACE | {"area", "camera"}
        or words[-1] in _NO_PLACE
        or (len(words) == 1 and words[0].isdigit())
    )


def _chinese(text: str, known: Gazetteer) -> Iterator[Place]:
    """After 在 and the like, or before 附近 and the like, as many characters as are part of a camera's name."""
    for m in _PREP_ZH.finditer(text):
        run = _RUN_ZH.match(text, m.end())
        for end in range(run.end() if run else 0, m.end() + 1, -1):
            words = words_of(text[m.end() : end])
            if _is_name_zh(text[m.end() : end], words) and (found := known.with_words(words)):
                after = _AFTER_ZH.match(text, end)
                near = bool(after and after["near"]) or "近" in m[0]
                yield _place(known, m.start(), after.end() if after else end, found, near, bool(m["no"]))
                break
    for m in _SUFFIX_ZH.finditer(text):
        if m["name"].endswith(_NO_PLACE_ZH):
            continue
        for start in range(m.start(), m.end("name") - 1):
            name = text[start : m.end("name")]
            words = words_of(name)
            if _is_name_zh(name, words) and (found := known.with_words(words)):
                after = _AFTER_ZH.match(text, m.end("name"))
                yield _place(known, start, after.end() if after else m.end(), found, near=True)
                break


def _is_name_zh(name: str, words: tuple[str, ...]) -> bool:
    return (
        bool(words)
        and any(len(word) > 1 or word < "一" for word in words)
        and not set(words) <= _NO_PLACE
        and not (name[0] == "的" or name[-1] == "的" or all(word.isdigit() for word in words))
    )


def _bare(text: str, known: Gazetteer) -> Iterator[Place]:
    """Whole names and ids without any word before them, the longest first."""
    if not known.cameras:
        return
    spans = sorted((s for s in _stretches(text)), key=lambda s: s[0] - s[1])
    for start, end in spans:
        words = words_of(text[start:end])
        if _stands_alone(words) and (found := known.called(words)):
            after = _AFTER_ZH.match(text, end) if text[end - 1] >= "一" else _TAIL_EN.match(text, end)
            yield _place(known, start, after.end() if after else end, found, bool(after and "附近" in after[0]))


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Up to six Latin words, or 2 to 14 characters of a run with Chinese."""
    for m in re.finditer(rf"[{_ZH}\d]*[{_ZH}][{_ZH}\da-z-]*", text):
        for start in range(m.start(), m.end() - 1):
            for end in range(start + 2, min(m.end(), start + 14) + 1):
                if not (text[end - 1].isdigit() and text[end : end + 1].isdigit()):
                    yield start, end
    for m in re.finditer(r"(?<![\w'-])[a-z0-9]", text):
        yield from ((m.start(), end) for end in _ends(text, m.start()))


def _stands_alone(words: tuple[str, ...]) -> bool:
    """Long enough, and neither all words that many places share, nor words of people and clothes."""
    letters = sum(len(word) * (2 if word >= "一" else 1) for word in words)
    return letters >= 4 and not set(words) <= _GENERIC | _NO_PLACE and not all(word.isdigit() for word in words)


def _unknown(text: str) -> Iterator[Place]:
    """Phrases that speak of a place, whichever it may be."""
    for m in _PREP.finditer(text):
        name = _UNKNOWN_EN.match(text, m.end())
        if (
            name
            and not _PREP.search(text, m.end(), name.end())
            and not set(name["lead"].split()) & (_NO_PLACE - _LOOKS)
        ) and _is_over(text, name.end()):
            yield Place(m.start(), name.end())
    for m in _PREP_ZH.finditer(text):
        name = _UNKNOWN_ZH.match(text, m.end()) if m[0][-1] not in "从去到" else None
        if name and not _STEP_ZH.search(text, m.end(), name.end()):
            after = _AFTER_ZH.match(text, name.end())
            yield Place(m.start(), after.end() if after else name.end())
    for m in _SUFFIX_ZH.finditer(text):
        kind = _ENDS_ZH.search(m["name"])
        if kind:
            whole = not _STEP_ZH.search(m["name"]) and len(m["name"]) <= 7
            yield Place(m.start() if whole else m.start() + kind.start(), m.end())
