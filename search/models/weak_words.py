"""Attributes that the model often gets wrong: a sentence that relies on one gets a hint with its answer.

A model folder may carry ``weak.json``: ``{"weak": [{"attribute", "right", "en": [words], "zh": [words]}]}``, `right`
being the share of made people whose attribute the model names rightly (0 to 1). The shipped one is written by
``training.weak`` from the evaluation; a model without the file gives no hints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from search.errors import BadInput
from search.models.registry import resolve_model

FILE = "weak.json"


@dataclass(frozen=True, slots=True)
class WordReliability:
    """An attribute that the model often gets wrong, and the words that speak of it, in both languages."""

    attribute: str
    right: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """The `words` of a sentence lean on `attribute`, of which the model gets only the share `right` (0 to 1) right."""

    attribute: str
    right: float
    words: tuple[str, ...]


def weaknesses(model: str) -> tuple[WordReliability, ...]:
    """Return the weak attributes of a `model` setting; empty if nothing is known.

    Raises:
        BadInput: an unknown model, or its ``weak.json`` is damaged.
    """
    folder = resolve_model(model).folder
    if folder is None or not (file := folder / FILE).is_file():
        return ()
    try:
        entries = json.loads(file.read_text("utf-8"))["weak"]
        return tuple(WordReliability(w["attribute"], float(w["right"]), (*w["en"], *w["zh"])) for w in entries)
    except (ValueError, KeyError, TypeError) as e:
        raise BadInput("the model's list of weak words is damaged", got=f"{file}: {e}", cure="restore it") from None


def hints_for(text: str, known: Sequence[WordReliability]) -> tuple[Hint, ...]:
    """Return the weak attributes that `text` relies on, each with its words in the text, the weakest first."""
    hints = [Hint(w.attribute, w.right, _words_in(text, w.words)) for w in known]
    return tuple(sorted((hint for hint in hints if hint.words), key=lambda hint: hint.right))


def _words_in(text: str, words: Sequence[str]) -> tuple[str, ...]:
    """Return the words that stand in `text`, in its order. Latin words count only as whole words.

    Longer words are looked for first, so that a part of a matched word is not matched again.
    """
    matches: list[tuple[int, str]] = []
    left = text
    for word in sorted(words, key=len, reverse=True):
        edge = r"\b" if word.isascii() else ""
        pattern = re.compile(edge + re.escape(word) + ("(?:s|es)?" if edge else "") + edge, re.IGNORECASE)
        matches += [(match.start(), match.group()) for match in pattern.finditer(left)]
        left = pattern.sub(lambda m: "\0" * len(m.group()), left)
    return tuple(dict.fromkeys(word for _, word in sorted(matches)))
