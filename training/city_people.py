"""Who walks through the made city: people, look-alikes, their sentences, and sentences that fit nobody there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
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
LANGUAGES = ("en", "zh")
LONGEST = 48  # tokens that the shipped model reads; the product refuses longer sentences
_JEANS = ("blue", "light blue", "black", "grey")
_TOKENIZER = Path(__file__).parent.parent / "search/models/xunren-small/tokenizer.json"
_SPEEDS = {"child": (0.95, 1.2), "adult": (1.1, 1.5), "elder": (0.8, 1.05)}
_RIDES = {"bicycle": (3.0, 4.2), "e-bike": (3.6, 5.0), "wheelchair": (0.8, 1.1)}


@dataclass(frozen=True)
class Citizen:
    """A person of the city; ``like`` names the one whom they resemble on purpose; ``speed`` in m/s."""

    id: str
    person: Person
    like: str | None
    speed: float


def citizens(count: int) -> list[Citizen]:
    """``count`` people, the last `LOOK_ALIKES` of them copies of the first with one or two things changed."""
    rng = np.random.default_rng(SEED)
    own = [_on_their_way(SEED + k) for k in range(count - LOOK_ALIKES)]
    copies = [_copy(own[k], SEED + 10_000 + k, rng) for k in range(LOOK_ALIKES)]
    made = []
    for k, person in enumerate(own + copies):
        like = f"p{k - len(own):03d}" if k >= len(own) else None
        speed = rng.uniform(*_RIDES.get(person.ride, _SPEEDS[person.age]))
        made.append(Citizen(f"p{k:03d}", person, like, round(float(speed), 2)))
    return made


def _on_their_way(seed: int) -> Person:
    person = sample_person(seed)
    return dataclasses.replace(person, pose="walking" if person.ride == "none" else "sitting", beside="none")


def _copy(person: Person, seed: int, rng: np.random.Generator) -> Person:
    """The same to a quick look: another bag, other trousers or another hat, one or two of them."""
    colours = _JEANS if person.lower == "jeans" else COLOURS
    options = {"bag": BAGS, "lower_colour": colours, "hat": HATS[:3]}
    fields = [name for name in options if name != "lower_colour" or person.lower != "none"]
    other: dict[str, Any] = {"seed": seed}
    for name in rng.permutation(fields)[: int(rng.integers(1, 3))]:
        choices = [c for c in options[str(name)] if c != getattr(person, str(name))]
        other[str(name)] = str(rng.choice(choices))
    return dataclasses.replace(person, **other)


def sentences(people: Sequence[Person]) -> list[dict[str, list[dict[str, Any]]]]:
    """By person and language a full and a short sentence in words that training never saw, and whom each fits."""
    rng = np.random.default_rng(SEED + 1)
    values = np.stack([encode_person(p.as_dict()) for p in people])
    return [
        {lang: [_said(told, lang, rng, values) for told in (p.as_dict(), _brief(p, rng))] for lang in LANGUAGES}
        for p in people
    ]


def _brief(person: Person, rng: np.random.Generator) -> dict[str, Any]:
    """What somebody under stress says: the upper garment and one thing more."""
    things = [name for name in ("bag", "carried", "hat") if getattr(person, name) != "none"] or ["lower"]
    kept = str(rng.choice(things))
    return person.as_dict() | {name: "none" for name in ("bag", "carried", "hat", "lower") if name != kept}


def _said(told: Mapping[str, Any], lang: str, rng: np.random.Generator, values: Ints) -> dict[str, Any]:
    sentence = _short(told, lang, rng)
    fit = fits(sentence.masks()[0][None], values)[0]
    return {"text": sentence.text, "fits": [f"p{k:03d}" for k in np.flatnonzero(fit)]}


def nobody(people: Sequence[Person], count: int) -> list[dict[str, Any]]:
    """``count`` others whose sentences fit none of ``people``, nor nearly (navy is nearly blue)."""
    rng = np.random.default_rng(SEED + 2)
    values = np.stack([encode_person(p.as_dict()) for p in people])
    found: list[dict[str, Any]] = []
    seed = SEED + 50_000
    while len(found) < count:
        seed += 1
        person = _on_their_way(seed)
        said = {lang: _short(person.as_dict(), lang, rng) for lang in LANGUAGES}
        if not any(fits(s.masks()[1][None], values).any() for s in said.values()):
            texts = {lang: [{"text": s.text, "fits": []}] for lang, s in said.items()}
            found.append({"attributes": person.as_dict(), "sentences": texts})
    return found


def _short(person: Mapping[str, Any], lang: str, rng: np.random.Generator) -> Sentence:
    """A sentence that the shipped model reads whole; of who has too much on them one thing after the other is unsaid."""
    told = dict(person)
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
