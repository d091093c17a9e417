"""Folds a sentence to one plain form, and checks its length."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

from search.errors import BadInput

MAX_SENTENCE_CHARS = 500
HAN = "一-鿿"
"""Chinese characters, as a range inside a class of a regular expression."""


def check_sentence(text: str) -> str:
    """Return `text` without outer blanks; raise `BadInput` if it is empty or too long to be a description."""
    stripped = text.strip()
    if not any(c.isalnum() for c in stripped):
        raise BadInput("the sentence is empty", got=repr(text), cure="describe the person, e.g. a man in a red coat")
    if len(stripped) > MAX_SENTENCE_CHARS:
        raise BadInput(
            "the sentence is too long",
            got=f"{len(stripped)} characters",
            expected=f"at most {MAX_SENTENCE_CHARS}",
            cure="keep what can be seen: clothes, colours, things carried",
        )
    return stripped


class _Folding(dict[int, str]):
    """A table of each character's plain form, worked out when it is first looked up."""

    _same: ClassVar = dict(
        zip(
            "點號週後鐘時過這兩沒無來個區場門車與現內從間’",
            "点号周后钟时过这两没无来个区场门车与现内从间'",
            strict=True,
        )
    )

    def __missing__(self, code: int) -> str:
        char = self._same.get(chr(code), chr(code))
        plain = unicodedata.normalize("NFKC", char).lower()
        self[code] = plain if len(plain) == 1 else char
        return self[code]


_FOLDING = _Folding()


def flat(text: str) -> str:
    """Return `text` for comparing, of the same length: lower case, half width, some characters simplified."""
    return text.translate(_FOLDING)
