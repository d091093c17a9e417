"""Negations in a sentence: "without a bag", "不戴帽子的", by rules, in Chinese and English.

Each negation comes with its opposite: the model does not understand the word "no", but the embedding of the opposite
can be subtracted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Negative:
    """Words `start`..`end` of the sentence that deny something, and the `positive` words that can replace them.

    Empty `positive`: nothing that can be searched for.
    """

    start: int
    end: int
    positive: str


# tables of words -----------------------------------------------------------------------------------------------------

_VERBS_ZH = "佩戴|携带|身穿|身着|手持|戴|穿|背|带|拿|提|拎|挎|拖|拉|推|骑|打|撑|抱|牵|留|系|围|扎|披|拄|染|烫"
_THINGS_ZH = "背包|双肩包|书包|挎包|手提包|手提|包|帽子|帽|眼镜|墨镜|口罩|胡须|胡子|行李箱|行李|雨伞|伞|外套|围巾"
"|手套|头盔|头发|刘海|拐杖|纹身|外衣|鞋子|鞋"
_COLOURS_ZH = "黑|白|红|蓝|绿|黄|灰|紫|粉|橙|棕|褐|米|深|浅|花|条纹|格子|纯"
_WEAR_ZH = "衣服|上衣|外套|裤子|裙子|帽子|鞋子|鞋|包|背包|书包|头发|衣服的?颜色"
_PEOPLE_ZH = "男|女|老人|老太|老爷|老头|老奶|老大|小孩|孩子|儿童|小伙|姑娘|大爷|大妈|青年|路人|的人"
_NO_THING_ZH = "任何|东西|什么|其他|别的"
_END_ZH = rf"(?=的|[,，、;；。.!?\s\0]|$|也|又|并|且|而|但|和|或|还|(?:没|不|未)|{_PEOPLE_ZH})"
_OBJECT_ZH = (
    rf"(?P<object>(?:[^,，、;；。.!?的\0]{{1,6}}色的(?=(?:{_THINGS_ZH})))?[^,，、;；。.!?的\0]{{1,14}}?){_END_ZH}"
)
_MORE_ZH = re.compile(rf"(?:和|或者|或是|或|以及|跟)(?P<object>(?:{_THINGS_ZH}))")

_HEAD_ZH = "(?P<sep>[,，、;；]\\s*)?(?:也|又|并且|而且|并|且|而|但是|但|还|他|她|身上|头上|脸上|手里|手上)*"
_RULES_ZH = tuple(
    (re.compile(_HEAD_ZH + pattern + _OBJECT_ZH), lead)
    for pattern, lead in (
        (
            rf"(?:没有|没)(?=(?:任何)?(?:[一二两]?[个顶件副把])?(?:{_THINGS_ZH}|(?:{_COLOURS_ZH})|任何"
            rf"|什么|东西))",
            "有",
        ),
        (rf"(?<![是要能会戴穿背带])(?:没有|没|不|未|并未|从不)(?P<verb>{_VERBS_ZH})(?:着|过|有)?", "{verb}"),
        (rf"无(?=(?:{_THINGS_ZH}))", "有"),
        (rf"(?P<verb>{_WEAR_ZH})不是(?=(?:{_COLOURS_ZH}))", "{verb}是"),
        (rf"(?<!是)不是(?=(?:穿|戴|背)?(?:{_COLOURS_ZH}))", ""),
        (rf"(?P<verb>(?:穿着?|戴着?|背着?)?)(?<![是除若])非(?=(?:{_COLOURS_ZH}))", "{verb}"),
    )
)
_NOT_BEFORE_ZH = re.compile(r"([一-鿿])[没不]\1$")
_UNSURE_ZH = re.compile(
    r"(?:[,，;；。]\s*)?[^,，;；。、\0]{0,12}?(?:不知道|不清楚|不确定|不记得|不太记得|记不清|没看清|没有看清"
    r"|看不清|不详|说不清|没注意)(?:的(?=.)|[^,，;；。、\0]*)"
)
_EMPTY_ZH = re.compile(r"(?:[,，、;；]\s*)?什么(?:东西)?[都也]没有?(?:带|拿|背|穿|戴|提)?的?")

_NOUN_STOP = (
    "with|without|in|on|at|near|by|from|who|that|which|and|or|nor|but|while|wearing|carrying|holding|walking"
    "|running|riding"
    "|standing|sitting|pushing|pulling|looking|is|was|has|had|of|to|she|he|they|seen|just|only|dressed|because|if"
    "|as|for"
)
_OBJECT_EN = (
    rf"(?P<object>(?:(?:an?|any|the|his|her|their|its|some) +)?(?!(?:{_NOUN_STOP})\b)[a-z][\w'-]*"
    rf"(?: +(?!(?:{_NOUN_STOP})\b)[a-z][\w'-]*){{0,4}})(?: +on(?=\s*(?:$|[,.;])))?"
)
_WHO = r"(?:(?:who|that|which|he|she|they|and|but|,)[ ,]*)*"
_BE = r"(?:(?:is|was|are|were|'s|'re)(?: +not| +never|n't)|(?:isn|wasn|aren|weren)'?t|not|never)"
_DO = r"(?:(?:do|does|did)(?: +not|n'?t)|never)"
_RULES_EN = tuple(
    (re.compile(r"(?:[\s,;]|^|(?<=[^\w\s]))" + _WHO + pattern + " +" + _OBJECT_EN), lead)
    for pattern, lead in (
        (rf"{_BE} +(?:currently +)?(?P<verb>wearing|carrying|holding|pushing|pulling|riding|using|with|in"
        rf"|on)", "{verb}"),
        (r"(?:is|was|are|were)? *(?:without|with +no(?! +(?:more|less|one))|with +neither|with +not|w/o"
        r"|lacking)(?: +(?:wearing|carrying|holding))?", "with"),
        (rf"{_DO} +(?:have|wear|carry|hold|has|had)(?: +on)?", "with"),
        (r"(?:has|had|have|having|wears|wearing|carries|carrying|wore|carried)? *\b(?:no|neither)(?=\s)(?! +(?:one"
        r"|longer|doubt|idea|matter|way|less|more))", "with"),
        (r"not(?= +(?:an?|any|the)\b)(?! +(?:an?|the) +(?:bit|lot|very|chance))", "with"),
    )
)  # fmt: skip
_MORE_EN = re.compile(
    rf"(?: *, *)?(?: +|(?<=,))(?:or|nor|and(?= +(?:an?|any|no|without)\b)) +(?:(?:no|any|without) +)*{_OBJECT_EN}"
)
_TAIL_EN = re.compile(
    r"(?:\s+(?:and|but)(?=\s+(?:in|with|wearing|carrying|holding|is|was|walking|running|has|had)\b))?"
)
_UNSURE_EN = re.compile(
    r"(?:[,;.]\s*)?(?:\b(?:and|but|or|i am|i'm|we are|we're|i|we|they|he|she|it is|it's)\s+)*"
    r"\b(?:not (?:sure|certain|clear|known)|(?:do|does|did|could|can)(?: ?not|n'?t) (?:know|remember|recall|say"
    r"|tell|see)|unsure|no idea|unknown)\b"
    r"[^,;.\0]*"
)
_NOTHING = re.compile(r"^(?:any ?thing|anything|nothing|any things?|something)\b|^(?:else)$")
_EMPTY_EN = re.compile(
    rf"[\s,]+{_WHO}(?:is +|was +)?(?:with|carrying|holding|wearing|has|had) +nothing\b(?: +in (?:his|her"
    rf"|their) hands?)?"
)
_PLAIN = re.compile(
    r"(?:.*\s)?(?:\w+(?<!s)s|hair|luggage|clothing|jewellery|jewelry|make-?up|facial hair|footwear|headwear|red"
    r"|blue|green|black"
    r"|white|grey|gray|yellow|pink|purple|orange|brown|beige|baggage|company)$"
)


# phrases -------------------------------------------------------------------------------------------------------------


def find_negatives(text: str) -> list[Negative]:
    """Return the negations of a `flat` sentence by position, without overlaps. NUL characters stand for taken words."""
    negatives: list[Negative] = []
    for negative in [*_unsure(text), *_chinese(text), *_english(text)]:
        if all(negative.end <= other.start or other.end <= negative.start for other in negatives):
            negatives.append(negative)
    return sorted(negatives, key=lambda negative: negative.start)


def _unsure(text: str) -> Iterator[Negative]:
    for rule in (_UNSURE_ZH, _UNSURE_EN, _EMPTY_ZH, _EMPTY_EN):
        yield from (Negative(m.start(), m.end(), "") for m in rule.finditer(text))


def _chinese(text: str) -> Iterator[Negative]:
    for rule, lead in _RULES_ZH:
        for m in rule.finditer(text):
            if _NOT_BEFORE_ZH.search(text[: m.start("object")].rstrip("".join(_VERBS_ZH))):
                continue
            verb = lead.format(verb=m.groupdict().get("verb"))
            nothing = re.match(_NO_THING_ZH, m["object"])
            joint = (m["sep"] or "") if text[: m.start()].strip("\0 ") else ""
            yield Negative(m.start(), m.end(), "" if nothing else joint + verb + m["object"])
            end = m.end()
            while more := _MORE_ZH.match(text, end):
                yield Negative(end, more.end(), verb + more["object"])
                end = more.end()


def _english(text: str) -> Iterator[Negative]:
    for rule, lead in _RULES_EN:
        for m in rule.finditer(text):
            verb = lead.format(verb=m.groupdict().get("verb"))
            yield from _list_items(text, m, verb)


def _list_items(text: str, m: re.Match[str], verb: str) -> Iterator[Negative]:
    """Yield the denied thing and the others that are listed with it."""
    start: int = m.start()
    words = m["object"]
    end = m.end()
    more = _MORE_EN.match(text, end)
    while True:
        if more is None:
            end = _tail(text, end)
        yield Negative(start, end, "" if _NOTHING.match(words) else f" {verb} {_with_article(words)} ")
        if more is None:
            return
        start, end, words = more.start(), more.end(), more["object"]
        more = _MORE_EN.match(text, end)


def _tail(text: str, end: int) -> int:
    m = _TAIL_EN.match(text, end)
    return m.end() if m else end


def _with_article(words: str) -> str:
    """Turn "any hat" and "hat" into "a hat", "any glasses" into "glasses"."""
    if re.match(r"(?:an?|the|his|her|their|its|some) ", words):
        return words
    bare = re.sub(r"^any +", "", words)
    if _PLAIN.match(bare):
        return bare
    return ("an " if bare[:1] in "aeiou" else "a ") + bare
