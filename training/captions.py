"""Sentences from attributes, with what each claims, so that training knows every person whom it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import attributes as names
from training import words as w

NOT_THERE = 15
"""The value of a field that a picture does not have: a frame has no sleeve, a crop no square."""
YES_NO = ("no", "yes")
CONTENTS = ("car", "van", "tree", "table", "bench", "door", "building")
PLACES = ("street", "square", "car park", "room", "hall", "lawn", "entrance", "corridor")
PERSON_FIELDS: dict[str, tuple[str, ...]] = {
    "sex": names.SEXES, "age": names.AGES, "build": names.BUILDS, "upper": names.UPPERS, "upper_colour": names.COLOURS,
    "lower": names.LOWERS, "lower_colour": names.COLOURS, "hair": names.HAIRS, "hair_colour": names.HAIR_COLOURS,
    "hat": names.HATS, "hat_colour": names.COLOURS, "bag": names.BAGS, "bag_colour": names.COLOURS, "carried": names.CARRIED,
    "carried_colour": names.COLOURS, "shoes_colour": names.COLOURS, "pattern": ("plain", "stripes", "checks", "print"), "extra": names.EXTRAS,
    "pose": names.POSES, "ride": names.RIDES, "beside": names.BESIDE,
}  # fmt: skip
FIELDS: dict[str, tuple[str, ...]] = {
    **PERSON_FIELDS, "place": PLACES, "people": ("none", "one", "some"), "night": YES_NO, **dict.fromkeys(CONTENTS, YES_NO),
}  # fmt: skip
INDEX = {name: number for number, name in enumerate(FIELDS)}
_NEAR = {"blue": ("navy", "light blue"), "navy": ("blue",), "light blue": ("blue",), "green": ("dark green",), "dark green": ("green",),
         "brown": ("beige",), "beige": ("brown",), "coat": ("jacket", "down jacket"), "jacket": ("coat", "suit", "hoodie"),
         "down jacket": ("jacket", "coat"), "suit": ("jacket",), "shirt": ("t-shirt",), "skirt": ("none", "leggings"),
         "trousers": ("jeans", "leggings"), "leggings": ("trousers",), "dress": ("coat",), "long": ("ponytail",)}  # fmt: skip
Ints = NDArray[np.int64]
Claims = dict[str, tuple[str, ...]]


@dataclass
class Sentence:
    """A text and what it claims: for each field it speaks of, the values of which it would be true."""

    text: str
    lang: str
    claims: Claims = field(default_factory=dict)

    def masks(self) -> tuple[Ints, Ints]:
        """Bits of the values that fit and of those that fit or nearly fit, each (fields,)."""
        strict = np.full(len(FIELDS), -1, np.int64)
        loose = strict.copy()
        for name, values in self.claims.items():
            options = FIELDS[name]
            near = [other for v in values for other in _NEAR.get(v, ()) if other in options]
            strict[INDEX[name]] = sum(1 << options.index(v) for v in values)
            loose[INDEX[name]] = strict[INDEX[name]] | sum(1 << options.index(v) for v in set(near) - set(values))
        return strict, loose


def is_hidden(person: Mapping[str, Any], name: str) -> bool:
    """Whether a picture of this person cannot show the field: by infra-red no colour, behind a wall no trousers."""
    hidden = person.get("hidden", ())
    return name not in person or any(name == part or name.startswith(f"{part}_") or (part == "colour" and "colour" in name)
                                     for part in hidden)  # fmt: skip


def encode_person(person: Mapping[str, Any]) -> Ints:
    """Field values of a crop, (fields,)."""
    out = np.full(len(FIELDS), NOT_THERE, np.int64)
    for name, options in PERSON_FIELDS.items():
        if not is_hidden(person, name):
            out[INDEX[name]] = options.index(person[name])
    return out


def encode_frame(words: Mapping[str, Any]) -> Ints:
    out = np.full(len(FIELDS), NOT_THERE, np.int64)
    out[INDEX["place"]] = PLACES.index(words["kind"])
    out[INDEX["people"]] = min(len(words["people"]), 2)
    out[INDEX["night"]] = int(words["night"])
    for name in CONTENTS:
        out[INDEX[name]] = int(name in words["contents"])
    return out


def fits(masks: Ints, values: Ints) -> NDArray[np.bool_]:
    """Which of (p, fields) values each of (s, fields) masks fits, (s, p)."""
    return np.asarray((((masks[:, None, :] >> values[None, :, :]) & 1) == 1).all(-1))


class Writer:
    """Writes random true sentences about people and places."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def _one(self, options: tuple[str, ...]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def _chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def noun(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims]:
        table = w.NOUN_ZH if lang == "zh" else w.NOUN_EN
        sex, age = p["sex"], p["age"]
        if self._chance(0.22):
            if age != "adult" and self._chance(0.7):
                return self._one(table[f"any {age}"]), {"age": (age,)}
            return self._one(("人",) if lang == "zh" else ("person", "someone")), {}
        if age == "elder" and self._chance(0.15):
            return self._one(("男人", "男子") if sex == "male" else ("女人", "女子")) if lang == "zh" else (
                "man" if sex == "male" else "woman"
            ), {"sex": (sex,), "age": ("adult", "elder")}
        claims: Claims = {"sex": (sex,), "age": (age,)}
        if age == "adult":
            claims["age"] = ("adult", "elder")
        return self._one(table[f"{sex} {age}"]), claims

    def _colour(self, name: str, lang: str) -> str:
        return self._one((w.COLOUR_ZH if lang == "zh" else w.COLOUR_EN)[name])

    def upper(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims]:
        kind, colour = p["upper"], p["upper_colour"]
        claims: Claims = {}
        fit: tuple[str, ...]
        text = ""
        if self._chance(0.86) and not is_hidden(p, "upper_colour"):
            claims["upper_colour"] = (colour,)
            text = self._colour(colour, lang)
        if kind in w.OUTER and self._chance(0.3):
            what, fit = (
                self._one(("外套", "外衣")) if lang == "zh" else self._one(("jacket", "coat", "outer coat")),
                w.OUTER,
            )
        elif "upper_colour" in claims and kind != "dress" and self._chance(0.2):
            return text + (
                self._one(("上衣", "衣服")) if lang == "zh" else self._one((" top", " clothes", " upper garment"))
            ), claims
        else:
            what, fit = self._one((w.UPPER_ZH if lang == "zh" else w.UPPER_EN)[kind]), (kind,)
        claims["upper"] = fit
        if p["pattern"] in ("stripes", "checks") and self._chance(0.4):
            claims["pattern"] = (p["pattern"],)
            pattern = {"stripes": ("条纹", "striped"), "checks": ("格子", "checked")}[p["pattern"]]
            what = pattern[0] + what if lang == "zh" else f"{pattern[1]} {what}"
        return (text + what if lang == "zh" else f"{text} {what}".strip()), claims

    def lower(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        kind, colour = p["lower"], p["lower_colour"]
        if kind == "none" or is_hidden(p, "lower"):
            return None
        fit: tuple[str, ...]
        known = self._chance(0.88) and not is_hidden(p, "lower_colour")
        claims: Claims = {"lower_colour": (colour,)} if known else {}
        text = self._colour(colour, lang) if claims else ""
        if kind in ("trousers", "jeans", "leggings") and self._chance(0.35):
            what, fit = (
                ("裤子" if lang == "zh" else self._one(("trousers", "pants"))),
                ("trousers", "jeans", "leggings"),
            )
        else:
            what, fit = self._one((w.LOWER_ZH if lang == "zh" else w.LOWER_EN)[kind]), (kind,)
        claims["lower"] = fit
        return (text + what if lang == "zh" else f"{text} {what}".strip()), claims

    def _coloured(self, p: Mapping[str, Any], what: str, lang: str, share: float = 0.75) -> tuple[str, Claims]:
        """A colour word or nothing for the field ``what``, with its claim."""
        if not self._chance(share) or is_hidden(p, f"{what}_colour"):
            return "", {what: (p[what],)}
        return self._colour(p[f"{what}_colour"], lang), {what: (p[what],), f"{what}_colour": (p[f"{what}_colour"],)}

    def bag(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        if p["bag"] == "none":
            return None
        colour, claims = self._coloured(p, "bag", lang)
        if lang == "zh":
            return self._one(w.BAG_ZH[p["bag"]]).format(c=colour), claims
        verb = self._one(("with a", "carrying a", "wearing a" if p["bag"] == "backpack" else "holding a"))
        return f"{verb} {colour} {self._one(w.BAG_EN[p['bag']])}".replace("  ", " "), claims

    def carried(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        kind = p["carried"]
        if kind == "none":
            return None
        colour, claims = self._coloured(p, "carried", lang, 0.7 if kind in ("suitcase", "umbrella") else 0.0)
        return self._one((w.CARRIED_ZH if lang == "zh" else w.CARRIED_EN)[kind]).format(c=colour).replace(
            "  ", " "
        ), claims

    def hat(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        kind = p["hat"]
        if kind == "none":
            return None
        colour, claims = self._coloured(p, "hat", lang, 0.0 if kind == "hood" else 0.6)
        word = self._one((w.HAT_ZH if lang == "zh" else w.HAT_EN)[kind])
        if word in ("hat", "帽子"):
            claims["hat"] = ("cap", "hat")
        if lang == "zh":
            return f"{self._one(('戴', '戴着'))}{colour}{word}", claims
        return (
            f"with the {word}"
            if kind == "hood"
            else f"{self._one(('wearing', 'with', 'in'))} a {colour} {word}".replace("  ", " ")
        ), claims

    def hair(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        if p["hat"] in ("hood", "helmet", "headscarf"):
            return None
        if p["hair"] != "bald" and self._chance(0.4) and not is_hidden(p, "hair_colour"):
            return ("" if lang == "zh" else "with ") + self._one(
                (w.HAIR_COLOUR_ZH if lang == "zh" else w.HAIR_COLOUR_EN)[p["hair_colour"]]
            ), {"hair_colour": (p["hair_colour"],)}
        return ("" if lang == "zh" else "with ") + self._one((w.HAIR_ZH if lang == "zh" else w.HAIR_EN)[p["hair"]]), {
            "hair": (p["hair"],)
        }

    def extra(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        if p["extra"] == "none":
            return None
        word = self._one((w.EXTRA_ZH if lang == "zh" else w.EXTRA_EN)[p["extra"]])
        return (word if lang == "zh" else f"wearing {word}"), {"extra": (p["extra"],)}

    def doing(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        """Riding, sitting, running, lying, a child at the hand; of walking and standing nobody speaks."""
        for name, table_zh, table_en in (
            ("ride", w.RIDE_ZH, w.RIDE_EN),
            ("beside", w.BESIDE_ZH, w.BESIDE_EN),
            ("pose", w.POSE_ZH, w.POSE_EN),
        ):
            value = p.get(name, "none")
            if value in table_zh:
                return self._one((table_zh if lang == "zh" else table_en)[value]), {name: (value,)}
        return None

    def shoes(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        if is_hidden(p, "shoes_colour"):
            return None
        colour = self._colour(p["shoes_colour"], lang)
        what = self._one(("鞋子", "鞋", "运动鞋")) if lang == "zh" else self._one(("shoes", "trainers", "sneakers"))
        return (f"穿{colour}{what}" if lang == "zh" else f"wearing {colour} {what}"), {
            "shoes_colour": (p["shoes_colour"],)
        }

    def build(self, p: Mapping[str, Any], lang: str) -> tuple[str, Claims] | None:
        if p["build"] == "average":
            return None
        return self._one((w.BUILD_ZH if lang == "zh" else w.BUILD_EN)[p["build"]]), {"build": (p["build"],)}

    def person(self, p: Mapping[str, Any], lang: str) -> Sentence:
        """A sentence about a person: one attribute in more than a third of them, else two to five."""
        made = self._single(p, lang) if self._chance(0.36) else self.description(p, lang)
        made.claims.setdefault("sex", names.SEXES)  # at least: someone is there
        return made

    def description(self, p: Mapping[str, Any], lang: str, full: float = 0.3) -> Sentence:
        """A sentence of two to five attributes, or of all that an eye-witness would name."""
        if self._chance(full):
            return self.full(p, lang)
        noun, claims = self.noun(p, lang)
        makers: list[tuple[float, Callable[[Mapping[str, Any], str], tuple[str, Claims] | None]]] = [
            (0.62, self.bag), (0.6, self.carried), (0.5, self.hat), (0.16, self.hair), (0.25, self.extra), (0.06, self.shoes), (0.6, self.doing)]  # fmt: skip
        extras = [made for share, make in makers if self._chance(share) and (made := make(p, lang))]
        self.rng.shuffle(extras)
        extras = extras[:3]
        worn = [self.upper(p, lang)] if self._chance(0.9) or not extras else []
        low = self.lower(p, lang) if self._chance(0.55) else None
        if low:
            worn.append(low)
        for _, more in (*worn, *extras):
            claims.update(more)
        if (built := self.build(p, lang)) and self._chance(0.12):
            claims.update(built[1])
            noun = (built[0] + "的" + noun) if lang == "zh" else f"{built[0]} {noun}"
        text = self._join_zh(noun, worn, extras) if lang == "zh" else self._join_en(noun, worn, extras)
        return Sentence(text, lang, claims)

    def full(self, p: Mapping[str, Any], lang: str) -> Sentence:
        """Sex, age, both garments, and everything carried, worn on the head or ridden."""
        table = w.NOUN_ZH if lang == "zh" else w.NOUN_EN
        claims: Claims = {"sex": (p["sex"],), "age": (p["age"],) if p["age"] != "adult" else ("adult", "elder")}
        worn = [made for made in (self.upper(p, lang), self.lower(p, lang)) if made]
        extras = [made for make in (self.bag, self.carried, self.hat, self.doing) if (made := make(p, lang))]
        if self._chance(0.3) and (worn_too := self.extra(p, lang)):  # noqa: S610 - no Django here
            extras.append(worn_too)
        self.rng.shuffle(extras)
        for _, more in (*worn, *extras):
            claims.update(more)
        noun = self._one(table[f"{p['sex']} {p['age']}"])
        text = self._join_zh(noun, worn, extras) if lang == "zh" else self._join_en(noun, worn, extras)
        return Sentence(text, lang, claims)

    def prompt(self, name: str, value: str, lang: str) -> str:
        """A short text that claims one value of one field, as ``evaluate`` and a user's query do."""
        zh = lang == "zh"
        if name in ("upper_colour", "lower_colour"):
            colour = self._colour(value, lang).removesuffix("的")
            what = self._one(w.PROMPT_ZH[name] if zh else w.PROMPT_EN[name])
            return what.format(colour)
        if name == "sex":
            return self._one(("男人", "男的", "男性", "男子") if value == "male" else ("女人", "女的", "女性", "女子")) if zh else (
                self._one(("a man", "a male", "man") if value == "male" else ("a woman", "a female", "woman")))  # fmt: skip
        if name == "age":
            return self._one(
                (w.NOUN_ZH if zh else w.NOUN_EN)[f"any {value}"]
                if value != "adult"
                else ("成年人",)
                if zh
                else ("adult", "grown-up")
            )
        table = (w.VALUES_ZH if zh else w.VALUES_EN)[name]
        word = self._one(table[value]).format(c="").replace("  ", " ")
        return self._one(w.PROMPT_ZH[name] if zh else w.PROMPT_EN[name]).format(word)

    def _single(self, p: Mapping[str, Any], lang: str) -> Sentence:
        makers = [
            self.upper,
            self.upper,
            self.lower,
            self.bag,
            self.carried,
            self.hat,
            self.noun,
            self.extra,
            self.hair,
            self.build,
            self.doing,
        ]
        share = np.array([3, 2, 3, 3, 3, 2.5, 2.5, 1, 1, 0.5, 2.5])
        for number in self.rng.choice(len(makers), len(makers), replace=False, p=share / share.sum()):
            made = makers[number](p, lang)
            if made is None:
                continue
            text, claims = made
            worn = makers[number] in (self.upper, self.lower)
            if makers[number] != self.noun and self._chance(0.6):
                who = (
                    self._one(("人", "的人", "行人")) if lang == "zh" else self._one(("a person", "someone", "person"))
                )
                if lang == "zh":
                    text = f"{'穿' if worn else ''}{text}{who if who.startswith('的') else '的' + who}"
                else:
                    text = f"{who} {'wearing ' if worn else 'who is ' if makers[number] == self.build else ''}{text}"
            elif lang == "en" and makers[number] == self.noun and self._chance(0.6):
                text = f"a {text}"
            return Sentence(text, lang, claims)
        raise AssertionError("every person wears something")

    def _join_zh(self, noun: str, worn: list[tuple[str, Claims]], extras: list[tuple[str, Claims]]) -> str:
        clothes = [text for text, _ in worn]
        if len(clothes) == 2 and self._chance(0.5):
            body = [self._one(("穿{}和{}", "穿着{}、{}", "上身{}，下身{}", "穿{}、{}")).format(*clothes)]
        else:
            body = [(self._one(("穿", "穿着", "身穿", "")) + text) for text in clothes]
        body += [text for text, _ in extras]
        if self._chance(0.3):
            self.rng.shuffle(body)
        glue = self._one(("、", "，", "，", "", " "))
        style = self.rng.random()
        if style < 0.28:
            return self._one(w.TEMPLATES_ZH).format(who=noun, how=glue.join(body))
        if style < 0.66:
            return f"{self._one(('', '', '', '一个', '一名', '一位', '找一个', '寻找', '有没有'))}{glue.join(body)}的{noun}"
        if style < 0.85:
            return f"{noun}，{glue.join(body)}"
        return self._one(("，", " ", "、")).join([*body, noun])

    def _join_en(self, noun: str, worn: list[tuple[str, Claims]], extras: list[tuple[str, Claims]]) -> str:
        def article(text: str) -> str:
            plural = text.endswith(("s", "clothes", "jeans", "wear")) and not text.endswith("dress")
            return text if plural else ("an " if text[0] in "aeiou" else "a ") + text

        clothes = [article(text) if self._chance(0.8) else text for text, _ in worn]
        rest = [text for text, _ in extras]
        style = self.rng.random()
        if style < 0.24:
            return self._one(w.TEMPLATES_EN).format(who=noun, how=", ".join([*clothes, *rest]))
        head = f"{self._one(('a ', 'a ', 'a ', '', 'the ', 'find a ', 'looking for a '))}{noun}"
        if style < 0.7 and clothes:
            body = f"{head} {self._one(('in', 'wearing', 'dressed in'))} {' and '.join(clothes)}"
            return f"{body}{self._one((' ', ', '))}{' and '.join(rest)}".rstrip(" ,") if rest else body
        parts = [*clothes, *rest]
        self.rng.shuffle(parts)
        if style < 0.85:
            return ", ".join([noun, *parts])
        return ", ".join([*parts, noun])

    def frame(self, words: Mapping[str, Any], lang: str) -> Sentence:
        """A sentence about a place."""
        kind, people, held = words["kind"], min(len(words["people"]), 2), list(words["contents"])
        place = self._one((w.PLACE_ZH if lang == "zh" else w.PLACE_EN)[kind])
        claims: Claims = {"place": (kind,)}
        thing = self._one(tuple(held)) if held and self._chance(0.5) else None
        how = self.rng.random()
        if thing:
            claims[thing] = ("yes",)
            word = self._one((w.CONTENT_ZH if lang == "zh" else w.CONTENT_EN)[thing])
            if self._chance(0.3):
                return Sentence(word, lang, {thing: ("yes",)})
            text = f"有{word}的{place}" if lang == "zh" else f"a {place} with {word}"
        elif how < 0.5:
            claims["people"] = (("none", "one", "some")[people],) if people == 0 else ("one", "some")
            empty = (
                self._one((f"空荡荡的{place}", f"没有人的{place}", f"空{place}"))
                if lang == "zh"
                else self._one((f"an empty {place}", f"a {place} with nobody"))
            )
            busy = (
                self._one((f"{place}有人", f"有人走过的{place}"))
                if lang == "zh"
                else self._one((f"people in a {place}", f"a {place} with people"))
            )
            text = busy if people else empty
            if len(words["people"]) > 1 and self._chance(0.4):
                claims["people"] = ("some",)
                text = (self._one(w.MANY_ZH) if lang == "zh" else self._one(w.MANY_EN)).format(place)
        else:
            text = place if lang == "zh" else f"a {place}"
        if self._chance(0.5 if words["night"] else 0.05):
            claims["night"] = ("yes" if words["night"] else "no",)
            text = (
                (("夜晚的" if words["night"] else "白天的") + text)
                if lang == "zh"
                else f"{text} {'at night' if words['night'] else 'by day'}"
            )
        return Sentence(text, lang, claims)
