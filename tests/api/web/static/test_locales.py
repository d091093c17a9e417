"""The words of the page: every locale has all of them, every word that the page names is there, none is left over."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from api.web.middleware.audit import ACTIONS, QUIET
from search.parsing.content_policy import load
from search.stream_types import Reason, StreamState
from tests.conftest import ROOT

STATIC = ROOT / "api" / "web" / "static"
LOCALES = sorted(path.stem for path in (STATIC / "locales").glob("*.js"))
TABLES = ("words", "states", "rules", "clocks", "actions")
DYNAMIC = re.compile(r"\bt\(`(\w+)\$\{")


def read(name: str) -> dict[str, Any]:
    """Read a locale: plain data in JavaScript, whose strings are also JSON."""
    source = (STATIC / "locales" / f"{name}.js").read_text("utf-8").partition("const locale = ")[2]
    source = re.sub(r"^\s*//.*$", "", source.partition("\n};")[0] + "\n}", flags=re.MULTILINE)
    source = re.sub(r'"\s*\+\s*"', "", source)
    source = re.sub(r"^(\s*)([\w]+):", r'\1"\2":', source, flags=re.MULTILINE)
    locale: dict[str, Any] = json.loads(re.sub(r",(\s*[}\]])", r"\1", source))
    return locale


def sources() -> str:
    """Return all of the page but the locales."""
    files = [path for path in STATIC.rglob("*.*") if path.suffix in (".js", ".html") and path.parent.name != "locales"]
    assert len(files) > 20
    return "\n".join(path.read_text("utf-8") for path in files)


def test_every_language_is_in_the_table() -> None:
    table = re.search(r"export const LOCALES = \{(.*?)\}", (STATIC / "core" / "i18n.js").read_text("utf-8"))
    assert table is not None
    assert sorted(re.findall(r"\w+", table[1])) == LOCALES
    assert len(LOCALES) >= 2


@pytest.mark.parametrize("name", [name for name in LOCALES if name != "en"])
def test_all_locales_have_the_same_keys_and_values_to_fill_in(name: str) -> None:
    english, other = read("en"), read(name)
    assert other.keys() == english.keys()
    for table in TABLES:
        assert other[table].keys() == english[table].keys(), table
        for key, words in english[table].items():
            blanks = [sorted(re.findall(r"\{\w+\}", text)) for text in (words, other[table][key])]
            assert blanks[0] == blanks[1], f"{table}.{key}"
            assert other[table][key], f"{table}.{key} has no words"


def test_every_word_that_the_page_names_exists() -> None:
    page, words = sources(), read("en")["words"]
    named = set(re.findall(r'\bdata-t(?:-label|-placeholder)?="(\w+)"', page))
    for call in re.findall(r"\bt\(([^`()]*?(?:\([^()]*\)[^`()]*?)*)\)", page):
        named |= set(re.findall(r'"(\w+)"(?!\s*:)', call.partition(", {")[0]))
    assert len(named) > 150
    compared = {"case"}  # t(missing === "case" ? ... : ...)
    assert not named - words.keys() - compared


def test_no_word_is_left_over() -> None:
    page = sources()
    prefixes = tuple(DYNAMIC.findall(page))
    assert {"role_", "key_"} <= set(prefixes)
    unused = {key for key in read("en")["words"] if not re.search(rf'"{key}"|`{key}`', page)}
    assert not {key for key in unused if not key.startswith(prefixes)}


def test_what_the_server_names_has_words() -> None:
    english = read("en")
    assert {*ACTIONS.values(), *QUIET.values(), "refused"} <= english["actions"].keys()
    assert {*Reason, *StreamState} <= english["states"].keys()
    assert {rule.name for rule in load().rules} == english["rules"].keys()


@pytest.mark.parametrize("name", LOCALES)
def test_rules_are_explained_as_the_server_explains_them(name: str) -> None:
    for rule in load().rules:
        assert read(name)["rules"][rule.name] == rule.reason[name]


def test_no_module_has_a_language_built_in() -> None:
    for path in STATIC.rglob("*.js"):
        if path.parent.name == "locales":
            continue
        code = re.sub(r"//.*", "", path.read_text("utf-8"))
        assert not re.search(r"""["'`](?:zh|en)(?:-\w+)?["'`]""", code) or path.name == "i18n.js", path
        assert not re.search(r"[一-鿿]", code), path


def test_the_words_of_the_page_stand_nowhere_else() -> None:
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.findall(r'<[^<>]*\bdata-t="\w+"[^<>]*>\s*[^<\s]', page)


def test_the_file_of_a_locale_is_read_whole() -> None:
    assert read("en")["lang"] == "en"
    assert len(read("en")["words"]) > 200
