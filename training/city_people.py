"""Who walks through the made city: people, look-alikes, their sentences, and sentences that fit nobody there."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from training.attributes import BAGS, COLOURS, HATS, Person, sample_person
from training.captions import Ints, Sentence, encode_person, fits
from training.paraphrases import describe

SEED = 70_000_000  # far from every seed of the training
LOOK_ALIKES = 40
LONGEST = 48  # tokens that the shipped model reads
_TOKENIZER = Path(__file__).parent.parent / "search/models/xunren-small/tokenizer.json"


@dataclass(frozen=True)
class Citizen:
    """A person of the city; ``like`` names the one whom they resemble on purpose."""

    id: str
    person: Person
    like: str | None
    speed: float


def citizens(count: int) -> list[Citizen]:
    """``count`` people, the last `LOOK_ALIKES` of them copies of the first with one or two things changed."""
    rng = np.random.default_rng(SEED)
    own = [_walker(SEED + k) for k in range(count - LOOK_ALIKES)]
    copies = [_copy(own[k], SEED + 10_000 + k, rng) for k in range(LOOK_ALIKES)]
    made = []
    for k, person in enumerate(own + copies):
        like = f"p{k - len(own):03d}" if k >= len(own) else None
        usual = {"adult": 1.3, "child": 1.05, "elder": 0.85}[person.age]
        made.append(Citizen(f"p{k:03d}", person, like, round(usual * float(rng.uniform(0.85, 1.15)), 2)))
    return made


def _walker(seed: int) -> Person:
    return dataclasses.replace(sample_person(seed), pose="walking", ride="none", beside="none")


def _copy(person: Person, seed: int, rng: np.random.Generator) -> Person:
    """The same to a quick look: another bag, other trousers or another hat, one or two of them."""
    other: dict[str, Any] = {"seed": seed}
    for name in rng.permutation(["bag", "lower_colour", "hat"])[: int(rng.integers(1, 3))]:
        choices = {"bag": BAGS, "lower_colour": COLOURS, "hat": HATS[:3]}[str(name)]
        other[str(name)] = str(rng.choice([c for c in choices if c != getattr(person, str(name))]))
    return dataclasses.replace(person, **other)


def sentences(people: list[Person]) -> list[dict[str, list[dict[str, Any]]]]:
    """By person and language two sentences in words that training never saw, and whom of ``people`` each fits."""
    rng = np.random.default_rng(SEED + 1)
    values = np.stack([encode_person(p.as_dict()) for p in people])
    return [{lang: [_said(p, lang, rng, values) for _ in range(2)] for lang in ("en", "zh")} for p in people]


def _said(person: Person, lang: str, rng: np.random.Generator, values: Ints) -> dict[str, Any]:
    sentence = _short(person, lang, rng)
    fit = fits(sentence.masks()[0][None], values)[0]
    return {"text": sentence.text, "fits": [f"p{k:03d}" for k in np.flatnonzero(fit)]}


def nobody(people: list[Person], count: int) -> list[dict[str, Any]]:
    """``count`` others whose sentences fit none of ``people``, nor nearly (navy is nearly blue)."""
    rng = np.random.default_rng(SEED + 2)
    values = np.stack([encode_person(p.as_dict()) for p in people])
    found: list[dict[str, Any]] = []
    seed = SEED + 50_000
    while len(found) < count:
        seed += 1
        person = _walker(seed)
        said = {lang: _short(person, lang, rng) for lang in ("en", "zh")}
        if not any(fits(s.masks()[1][None], values).any() for s in said.values()):
            texts = {lang: [{"text": s.text, "fits": []}] for lang, s in said.items()}
            found.append({"attributes": person.as_dict(), "sentences": texts})
    return found


def _short(person: Person, lang: str, rng: np.random.Generator) -> Sentence:
    """A sentence that the shipped model reads whole; of who has too much on them one thing after the other is unsaid."""
    told = person.as_dict()
    for unsaid in (None, "hat", "carried", "bag"):
        if unsaid:
            told[unsaid] = "none"
        for _ in range(20):
            sentence = describe(told, lang, rng)
            if len(_tokenizer().encode(sentence.text).ids) <= LONGEST:
                return sentence
    raise ValueError(f"no short sentence about {person}")


@lru_cache(maxsize=1)
def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(_TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
