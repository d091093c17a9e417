"""Sentences say only what is true of a picture, and the held-out wording stays held out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training import paraphrases, words
from training.attributes import sample_person
from training.captions import INDEX, NOT_THERE, Sentence, Writer, encode_person, fits
from training.evaluate import ceiling

LANGS = ("zh", "en")


def people(count: int, start: int = 1000) -> list[dict[str, Any]]:
    return [sample_person(start + k).as_dict() for k in range(count)]


def is_true(said: Sentence, person: dict[str, Any]) -> bool:
    return bool(fits(said.masks()[0][None], encode_person(person)[None])[0, 0])


@pytest.mark.parametrize("lang", LANGS)
def test_every_sentence_fits_its_own_person(lang: str) -> None:
    writer = Writer(np.random.default_rng(1))
    for person in people(300):
        other = paraphrases.describe(person, lang, writer.rng)
        for said in (writer.person(person, lang), writer.full(person, lang), other):
            assert is_true(said, person), said


@pytest.mark.parametrize("lang", LANGS)
def test_a_full_description_names_sex_and_both_garments(lang: str) -> None:
    writer = Writer(np.random.default_rng(2))
    for person in people(100):
        claims = writer.full(person, lang).claims
        assert {"sex", "age"} <= set(claims)
        assert person["bag"] == "none" or claims["bag"] == (person["bag"],)


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_is_said_of_what_the_picture_hides(lang: str) -> None:
    writer = Writer(np.random.default_rng(3))
    for person in people(200):
        hidden = {**person, "hidden": ("colour", "lower")}
        said = [writer.person(hidden, lang), writer.full(hidden, lang), paraphrases.describe(hidden, lang, writer.rng)]
        assert not any("colour" in name or name == "lower" for one in said for name in one.claims)
        assert encode_person(hidden)[INDEX["upper_colour"]] == NOT_THERE


def test_training_never_sees_the_held_out_wording() -> None:
    writer = Writer(np.random.default_rng(4))
    said = " | ".join(writer.person(person, lang).text for person in people(1500) for lang in LANGS)
    openings = [t.split("{")[0].strip() for t in (*paraphrases.TEMPLATES_ZH, *paraphrases.TEMPLATES_EN)]
    tables = (paraphrases.NOUNS_ZH, paraphrases.NOUNS_EN)
    nouns = [noun for table in tables for options in table.values() for noun in options]
    assert not [text for text in (*openings, *nouns) if len(text) > 2 and text in said]


def test_training_does_not_import_the_held_out_wording() -> None:
    folder = Path(sys.modules["training.words"].__file__ or "").parent
    for name in ("train.py", "captions.py", "words.py", "model.py"):
        assert "paraphrases" not in (folder / name).read_text()


def test_there_are_templates_enough() -> None:
    assert len(set(words.TEMPLATES_ZH)) + len(set(words.TEMPLATES_EN)) > 150


def test_people_alike_in_words_limit_what_can_be_reached() -> None:
    fit = np.array([[True, True], [True, True]])
    assert ceiling(fit, 1) == 0.5
    assert ceiling(fit, 2) == 1.0
