"""The content policy: nobody is searched for by ethnicity, religion, politics, protest or intimacy.

The words are in ``content_policy.toml``. A sentence is compared in a plain form (`Policy.plain`), so that its spelling
does not matter. A rule first removes its harmless phrases; a word of the rule that remains refuses the sentence.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from search.errors import PolicyViolation

FILE = Path(__file__).with_name("content_policy.toml")
LANGUAGES = ("en", "zh")

_INVISIBLE = frozenset({"Mn", "Me", "Cf"})
_TAKEN = " 0 "  # a digit: no listed phrase reaches across it
_SPLIT_FROM = 6  # letters of a word that is also found when it is split: shorter words would be found by chance
_BLANK = r"(?:[^\w,;:!?.]|_){1,3}"
_INSIDE = r"(?:[^\w,;:!?.]|\.(?! )|_){0,3}"
_START, _END = "(?<![a-z0-9])", "(?![a-z0-9])"
_CJK = "[\u3400-\u9fff\uf900-\ufaff]"
_STOPS = ",，、;；:：。.!！?？"
_MARKS = re.compile(rf"(?<={_CJK})(?:[^\w{_STOPS}]|_)+(?={_CJK})")
_APART = re.compile(rf"(?<!{_CJK})(?:{_CJK}[\W_]+){{2,}}{_CJK}(?!{_CJK})")
_QUOTES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A thing that people are not searched for by. `title` and `reason` by language; patterns are for plain text.

    The patterns of all rules take 0.2 s to compile, so they are compiled for the first text that has a listed word.
    """

    name: str
    title: Mapping[str, str]
    reason: Mapping[str, str]
    stems: frozenset[str]
    """The `_letters` of the listed words: `words` matches no text whose letters contain none of them."""
    patterns: Callable[[], _Patterns]

    @property
    def words(self) -> re.Pattern[str]:
        """Return the pattern of what is refused."""
        return self.patterns().words

    @property
    def harmless(self) -> re.Pattern[str]:
        """Return the pattern of what is removed first."""
        return self.patterns().harmless

    def words_in(self, text: str) -> tuple[str, ...]:
        """Return the words of a plain text that the rule refuses, in their order, each once."""
        letters = _letters(text)
        if not any(stem in letters for stem in self.stems):
            return ()
        rest = self.harmless.sub(_TAKEN, text)
        return tuple(dict.fromkeys(match.group() for match in self.words.finditer(rest)))


@dataclass(frozen=True, slots=True)
class _Patterns:
    words: re.Pattern[str]
    harmless: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules, and the characters that are read as others."""

    rules: Sequence[Rule]
    letters: Mapping[int, str]

    def plain(self, text: str) -> str:
        """Return the text as the rules read it.

        Simplified characters without blanks and marks between them, lower case without accents, nothing invisible.
        """
        apart = unicodedata.normalize("NFKD", text.translate(_QUOTES))
        visible = "".join(c for c in apart if unicodedata.category(c) not in _INVISIBLE)
        plain = " ".join(visible.casefold().translate(self.letters).split())
        return _APART.sub(lambda match: re.sub(r"[\W_]+", "", match.group()), _MARKS.sub("", plain))


def check_policy(text: str) -> None:
    """Raise `PolicyViolation` if a sentence describes people by what the content policy forbids."""
    policy = load()
    plain = policy.plain(text)
    for rule in policy.rules:
        if words := rule.words_in(plain):
            raise PolicyViolation(
                f"the sentence is refused by the rule on {rule.title['en']}: {rule.reason['en']}",
                rule=rule.name,
                got=", ".join(words),
                expected="clothing, things carried, age, sex, hair, build, what the person does",
                cure="leave these words out and describe what is seen, e.g. the garment and its colour",
            )


@cache
def load() -> Policy:
    """Return the policy of this version."""
    data = tomllib.loads(FILE.read_text("utf-8"))
    pairs = " ".join(data["letters"].values()).split()
    rules = tuple(_rule(name, entry, data["words"]) for name, entry in data["rules"].items())
    return Policy(rules, {ord(pair[0]): pair[1] for pair in pairs})


# patterns ------------------------------------------------------------------------------------------------------------


_LISTS = ("en", "zh", "about_en", "alone_en", "about_zh")
"""The lists of a rule: whatever it refuses has a word of one of them, perhaps with blanks and marks inside."""


def _rule(name: str, entry: Mapping[str, Any], shared: Mapping[str, Sequence[str]]) -> Rule:
    stems = frozenset(_letters(word) for kind in _LISTS for word in entry.get(kind, ()))
    return Rule(name, entry["title"], entry["reason"], stems, cache(lambda: _patterns(entry, shared)))


def _letters(text: str) -> str:
    """Return the letters and digits of a text. What the patterns let stand inside a word is none of them."""
    return "".join(c for c in text if c.isalnum())


def _patterns(entry: Mapping[str, Any], shared: Mapping[str, Sequence[str]]) -> _Patterns:
    about_en, alone_en = entry.get("about_en", ()), entry.get("alone_en", ())
    endings = shared["endings"]
    refused = [_english(entry["en"], endings), _any(entry["zh"])]
    if about_en:
        refused += _about_english(about_en, alone_en, shared)
    if about_zh := entry.get("about_zh", ()):
        refused.append(_any(about_zh) + f"{_any(shared['between_zh'])}?" + _any(shared["people_zh"]))
    harmless_en = [words for words in entry["harmless"] if words.isascii()]
    harmless_zh = [words for words in entry["harmless"] if not words.isascii()]
    return _Patterns(
        words=re.compile("|".join(refused)),
        harmless=re.compile(f"{_english(harmless_en, endings, split=False)}|{_any(harmless_zh)}"),
    )


def _about_english(about: Sequence[str], alone: Sequence[str], shared: Mapping[str, Sequence[str]]) -> list[str]:
    """Return patterns of adjectives about people: before them, after a verb, or instead of them."""
    ending = f"{_any(shared['endings'])}?"
    between = f"(?:{_BLANK}{_any(shared['between_en'])}{_END}){{0,3}}"
    thing = f"{_BLANK}{_any(shared['things_en'])}{ending}{_END}"
    people = f"{between}{_BLANK}{_any(shared['people_en'])}(?:s|es)?(?!'){_END}(?!{thing})"
    subject = f"{_any([*shared['people_en'], *shared['subjects_en']])}{ending}{_BLANK}{_any(shared['verbs_en'])}"
    clothed = "".join(f"(?<!{_START}{words} )" for words in shared["not_after_en"])
    last = f"{_END}(?!'|{_BLANK}[a-z0-9])"
    stands = f"(?:{last}|(?={_BLANK}{_any(shared['after_en'])}{_END}))"
    is_said = f"(?:{last}|(?={_BLANK}{_any([*shared['after_en'], *shared['after_state_en']])}{_END}))"
    return [
        f"{clothed}{_START}{_any(about)}{people}",
        f"{_START}{_any(alone)}{people}",
        f"{_START}{subject}{_BLANK}{_any(about)}{is_said}",
        f"{clothed}{_START}{_any(alone)}{ending}{stands}",
    ]


def _english(words: Iterable[str], endings: Sequence[str], *, split: bool = True) -> str:
    """Return a pattern of whole words and phrases with an ending; `split`: also with marks inside long words."""
    return f"{_START}{_any(words, _split if split else _joined)}{_any(endings)}?{_END}"


def _split(words: str) -> str:
    long = len(words) >= _SPLIT_FROM and words.isalpha()
    return _INSIDE.join(words) if long else _joined(words)


def _joined(words: str) -> str:
    return _BLANK.join(re.escape(word) for word in words.split())


def _any(words: Iterable[str], pattern: Callable[[str], str] = _joined) -> str:
    """Return a pattern of one of the words, the longest that fits."""
    longest_first = sorted(words, key=len, reverse=True)
    return f"(?:{'|'.join(pattern(word) for word in longest_first)})"
