"""Parses a sentence into a description, negations, a time and cameras. By rules, without a model.

Times are found first, then places in the rest, then negations; what remains is the description.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from search.parsing.negation import Negative, find_negatives
from search.parsing.normalize import flat
from search.parsing.place_names import PlaceMatch, find_places
from search.parsing.time_expressions import find_times
from search.parsing.time_lexicon import TimeMatch
from search.times import iso
from search.types import Camera


class ChipKind(StrEnum):
    """The kinds of conditions that a chip stands for."""

    TIME = "time"
    PLACE = "place"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Chip:
    """A part of the sentence, and the condition that it was taken for.

    `words` as they stand in it; `meaning` for people, in English (times ISO local, camera ids). A place has the ids of
    its `cameras`, for those who word it in another language.
    """

    kind: ChipKind
    words: str
    meaning: str
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A parsed sentence.

    `description` is the description of the person, for the model. Each of `negations` is the same description with one
    thing that must not be there. The time is half-open, Unix ms. Empty `cameras`: no place was understood. `unclear`
    are words that look like a time or a place and were not understood; they are not in `description`.
    """

    description: str
    negations: tuple[str, ...]
    from_ms: int | None
    to_ms: int | None
    cameras: tuple[str, ...]
    chips: tuple[Chip, ...]
    unclear: tuple[str, ...]


_Span = tuple[int, int]
NAMED_CAMERAS = 5
"""Most cameras that a chip names; of the others it says how many."""


def parse_query(
    text: str, *, now_ms: int, zone: tzinfo, cameras: Sequence[Camera] = (), without: Collection[str] = ()
) -> ParsedQuery:
    """Parse a sentence. Any text is allowed; what is not understood stays in the description.

    Args:
        text: Chinese, English or both.
        now_ms: Unix ms from which "yesterday" counts.
        zone: time zone of the times in the sentence.
        cameras: whose names are places. Pass the same sequence while they do not change: its gazetteer is kept.
        without: words of chips that were removed: they do not count, and stay out of the description.
    """
    plain, ignored = flat(text), {flat(words).strip() for words in without}
    times = find_times(plain, now_ms, zone, ignored)
    masked = _mask(plain, times.taken)
    all_places = find_places(masked, cameras)
    negatives = find_negatives(_mask(masked, [(p.start, p.end) for p in all_places]))

    def counts(start: int, end: int) -> bool:
        return _bare(plain[start:end]) not in ignored

    places = [p for p in all_places if counts(p.start, p.end)]
    denied = [n for n in negatives if n.positive and counts(n.start, n.end)]
    vague = [(n.start, n.end) for n in negatives if not n.positive and counts(n.start, n.end)]
    vague += [*times.unclear, *((p.start, p.end) for p in places if not p.cameras)]
    cuts = dict.fromkeys(
        [*times.taken, *((p.start, p.end) for p in all_places), *((n.start, n.end) for n in negatives)], ""
    )
    return ParsedQuery(
        description=_remaining_text(text, cuts),
        negations=tuple(
            dict.fromkeys(_remaining_text(text, cuts | {(n.start, n.end): _positive(text, n)}) for n in denied)
        ),
        from_ms=times.from_ms,
        to_ms=times.to_ms,
        cameras=tuple(dict.fromkeys(camera for place in places for camera in place.cameras)),
        chips=_chips(text, times, places, denied, zone),
        unclear=tuple(_bare(text[start:end]) for start, end in sorted(vague)),
    )


# chips ---------------------------------------------------------------------------------------------------------------


def _chips(
    text: str, times: TimeMatch, places: Sequence[PlaceMatch], denied: Sequence[Negative], zone: tzinfo
) -> tuple[Chip, ...]:
    """Return the chips in the order of the sentence."""
    when = _when(times, zone)
    chips: list[tuple[_Span, ChipKind, str, tuple[str, ...]]]
    chips = [(span, ChipKind.TIME, when, ()) for span in times.spans]
    chips += [((p.start, p.end), ChipKind.PLACE, _which(p.cameras), tuple(p.cameras)) for p in places if p.cameras]
    chips += [((n.start, n.end), ChipKind.NOT, f"not: {_bare(_positive(text, n))}", ()) for n in denied]
    return tuple(
        Chip(kind, _bare(text[start:end]), meaning, cameras) for (start, end), kind, meaning, cameras in sorted(chips)
    )


def _when(times: TimeMatch, zone: tzinfo) -> str:
    if times.from_ms is None:
        return "" if times.to_ms is None else f"until {iso(times.to_ms, zone)}"
    return f"from {iso(times.from_ms, zone)}" + ("" if times.to_ms is None else f" to {iso(times.to_ms, zone)}")


def _which(cameras: Sequence[str]) -> str:
    named, more = ", ".join(cameras[:NAMED_CAMERAS]), len(cameras) - NAMED_CAMERAS
    return ("camera " if len(cameras) == 1 else "cameras ") + named + (f" and {more} more" if more > 0 else "")


def _bare(words: str) -> str:
    """Return the words without the punctuation and the "and" around them."""
    return re.sub(r"(?i)\s+(?:and|but)$", "", words.strip(" ,，、;；。.\t\n"))


# the description that is left ----------------------------------------------------------------------------------------

_CUT = "\0"
_STOPS = ",，、;；:：。.!！?？"
_JOINTS_EN = "and|but|at|on|in|near|from|by|around|since|of|the|who|that|which|was|were|is|are|last seen|seen|spotted"
_ENDING = re.compile(
    rf"(?:[\s,，、;；:：]|(?<![\w'-])(?:{_JOINTS_EN})(?![\w'-])|(?:在|于|从|和|也|又|但|且|并|出现在))+{_CUT}(?=\s*(?:{_CUT}|[{_STOPS}]|$))",
    re.IGNORECASE,
)
_OPENING = re.compile(rf"(^|[。.!！?？]\s*){_CUT}[\s,，、;；:：]*(?:(?:的|时|and\b|but\b|,)\s*)?", re.IGNORECASE)
_TWICE = re.compile(rf"[,，、;；]\s*{_CUT}\s*(?=[{_STOPS}])")
_OF_NOTHING = re.compile(rf"(?:^|(?<=[{_STOPS}]))([^{_STOPS}穿戴背拿提拎拉拖骑撑打有着色衣裤裙帽包发走跑抱]*){_CUT}的")
_LAST = re.compile(rf"{_CUT}的(?=\s*(?:[{_STOPS}]|$))")
_CJK = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"


def _mask(plain: str, spans: Collection[_Span]) -> str:
    """Return the sentence with NUL in the place of each character of `spans`."""
    for start, end in spans:
        plain = plain[:start] + _CUT * (end - start) + plain[end:]
    return plain


def _positive(text: str, negative: Negative) -> str:
    """Return what is denied, in the sentence's own letters where they are the same."""
    spoken, words = text[negative.start : negative.end], negative.positive.strip()
    at = flat(spoken).find(words)
    positive = negative.positive.replace(words, spoken[at : at + len(words)]) if at >= 0 else negative.positive
    return spoken[0] + positive[1:] if positive[0] == flat(spoken[0]) else positive


def _remaining_text(text: str, cuts: Mapping[_Span, str]) -> str:
    """Return the sentence without the cut spans, or with the words that replace them, and without loose ends."""
    if not cuts:
        return text.strip()
    whole, at = "", 0
    for (start, end), instead in sorted(cuts.items()):
        whole += text[at:start].replace(_CUT, " ") + (instead or _CUT)
        at = end
    return _tidy(whole + text[at:].replace(_CUT, " "))


def _tidy(text: str) -> str:
    """Close the gaps of cuts; remove the words that joined them to the rest."""
    text = re.sub(rf"(?:\s*{_CUT}\s*)+", lambda m: f" {_CUT} " if " " in m[0] else _CUT, text)
    before = ""
    while before != text:
        before = text
        text = _ENDING.sub(_CUT, text)
        text = _OF_NOTHING.sub(rf"\1{_CUT}", text)
        text = _OPENING.sub(rf"\1{_CUT}", text) if _CUT in text else text
        text = _LAST.sub(_CUT, _TWICE.sub(_CUT, text))
    text = text.replace(_CUT, "")
    text = re.sub(rf"\s+(?=[{_STOPS}])", "", text)
    text = re.sub(rf"(?<={_CJK})\s+(?={_CJK})", "", text)
    return re.sub(r"\s+", " ", text).strip(" \t\n" + _STOPS)
