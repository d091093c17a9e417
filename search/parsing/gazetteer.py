"""The names of cameras and districts, prepared for finding them in a sentence."""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from search.geo import distance_m
from search.parsing.normalize import HAN, flat
from search.types import Camera

NEAR_M = 250.0
"""How far from a camera "near" reaches."""
MOST_CAMERAS = 2_000
"""A place of more cameras than this is not applied, but reported as unclear."""

_UNITS = re.compile(rf"[a-z]+|\d+|[{HAN}]+|[^\W\d_]+")
_FILLER_ZH = re.compile("号|摄像头|摄像机|监控|机位|相机")
_FILLER_EN = {"district", "area", "camera", "cam"}
_NONE = array("i")
_KEPT = 1_000  # results of `with_words`


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a `flat` name: Latin words, numbers without leading zeros, runs of Chinese."""
    units = _UNITS.findall(_FILLER_ZH.sub(" ", name))
    return tuple(unit.lstrip("0") or "0" if unit.isdigit() else unit for unit in units)


def _keys(words: tuple[str, ...]) -> set[str]:
    """Return the keys that a name is filed under: Latin words and numbers, and each pair of Chinese characters."""
    keys: set[str] = set()
    for word in words:
        if word < "一" or len(word) < 2:
            keys.add(word)
        else:
            keys.update(map("".join, itertools.pairwise(word)))
    return keys


def _scripts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the Latin and the Chinese part of a name in both scripts; a number belongs to the word before it."""
    parts: dict[bool, list[str]] = {True: [], False: []}
    latin = words[0] < "一"
    for word in words:
        latin = latin if word.isdigit() else word < "一"
        if word not in _FILLER_EN:
            parts[latin].append(word)
    if len(parts[True]) < len(words):
        yield from (tuple(part) for part in parts.values() if part)


class Gazetteer:
    """The names and the places of cameras, in tables that find them fast.

    A name is kept once, as its words, however many cameras have it (`_of`).
    """

    def __init__(self, cameras: Sequence[Camera]) -> None:
        self.cameras = cameras
        self._number: dict[tuple[str, ...], int] = {}
        self._names: list[tuple[str, ...]] = []
        self._of: list[list[int]] = []
        self._parts: dict[tuple[str, ...], list[int]] = {}
        self._filed: dict[str, array[int]] = {}
        self._found: dict[tuple[str, ...], list[int]] = {}
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
        """Return the numbers of the cameras with exactly this name (in one script, if it is in two)."""
        if words not in self._number and words not in self._parts:
            return []
        whole = [self._number[words]] if words in self._number else []
        return self._cameras_of([*whole, *self._parts.get(words, [])])

    def with_words(self, words: tuple[str, ...]) -> list[int]:
        """Return the numbers of the cameras with a name of all these words, or of more than `MOST_CAMERAS` of them."""
        cameras = self._found.get(words)
        if cameras is None:
            cameras = self._search(words)
            if len(self._found) > _KEPT:
                self._found.clear()
            self._found[words] = cameras
        return cameras

    def _search(self, words: tuple[str, ...]) -> list[int]:
        lists = sorted((self._filed.get(key, _NONE) for key in _keys(words)), key=len)
        common = np.asarray(lists[0] if lists else _NONE)
        for filed in lists[1:]:
            if not len(common):
                return []
            at = np.searchsorted(filed, common)
            common = common[np.append(filed, -1)[at] == common]
        return self._cameras_of(int(number) for number in common if self._has(number, words))

    def near(self, numbers: Iterable[int]) -> list[int]:
        """Return these cameras and all that stand within `NEAR_M` of one of them, by number."""
        centres = set(numbers)
        return sorted(centres.union(*(self._around(self.cameras[n]) for n in centres)))

    def _has(self, number: int, words: tuple[str, ...]) -> bool:
        name = self._names[number]
        return all(word in name if word < "一" else any(word in other for other in name) for word in words)

    def _cameras_of(self, numbers: Iterable[int]) -> list[int]:
        """Return the cameras with these names; not all, once they are more than `MOST_CAMERAS`."""
        cameras: set[int] = set()
        for number in numbers:
            cameras.update(itertools.islice(self._of[number], MOST_CAMERAS + 1))
            if len(cameras) > MOST_CAMERAS:
                break
        return sorted(cameras)

    def _around(self, camera: Camera) -> set[int]:
        lat, lon = camera.lat, camera.lon
        if lat is None or lon is None:
            return set()
        margin = NEAR_M / 110_000
        band = slice(*np.searchsorted(self._places[:, 1], (lat - margin, lat + margin)))
        places = self._places[band]
        wide = margin / max(0.01, float(np.cos(np.radians(min(89.0, abs(lat))))))
        close = places[np.abs(places[:, 2] - lon) <= wide]
        return {int(n) for n, la, lo in close.tolist() if distance_m(lat, lon, la, lo) <= NEAR_M}


_kept: Gazetteer | None = None


def gazetteer(cameras: Sequence[Camera]) -> Gazetteer:
    """Return the gazetteer of these cameras; the last one is kept, so that the same cameras are not read again."""
    global _kept
    kept = _kept
    if kept is None or (kept.cameras is not cameras and kept.cameras != cameras):
        kept = Gazetteer(cameras)
    kept.cameras = cameras
    _kept = kept
    return kept
