"""Every name in the OpenAPI document stands in docs/glossary.md, and no name there is unused or forbidden."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api.web import routes

GLOSSARY = Path(__file__).parents[4] / "docs" / "glossary.md"


def openapi() -> dict[str, Any]:
    """The document of all routes; needs no open index."""
    app = FastAPI()
    for module in pkgutil.iter_modules(routes.__path__):
        app.include_router(importlib.import_module(f"{routes.__name__}.{module.name}").router)
    return app.openapi()


def names_in(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, place) of every field of a schema and every parameter of a route."""
    for schema, content in document["components"]["schemas"].items():
        yield from ((name, schema) for name in content.get("properties", ()))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from ((one["name"], f"{method.upper()} {path}") for one in operation.get("parameters", ()))


def table(heading: str) -> dict[str, str]:
    """Name -> second column of a table of the glossary; several names may share a line."""
    section = GLOSSARY.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    names = [(name, line[1]) for line in lines for name in re.findall(r"`([^`]+)`", line[0])]
    assert len(names) == len(dict(names)), "a name stands twice"
    return dict(names)


@pytest.fixture(scope="module")
def used() -> dict[str, str]:
    return dict(names_in(openapi()))


def test_every_name_is_in_the_glossary(used: dict[str, str]) -> None:
    known = table("Names in JSON")
    assert {name: place for name, place in used.items() if name not in known} == {}
    assert all(meaning.strip() for meaning in known.values())


def test_the_glossary_has_no_name_that_is_not_used(used: dict[str, str]) -> None:
    assert sorted(table("Names in JSON").keys() - used.keys()) == []


def test_old_names_are_not_used(used: dict[str, str]) -> None:
    forbidden = table("Names that are not used")
    assert {"text", "sentence", "standing", "from", "to"} <= forbidden.keys()
    assert {name: place for name, place in used.items() if name in forbidden} == {}


def test_the_names_to_use_instead_are_known() -> None:
    known = table("Names in JSON")
    instead = [name for words in table("Names that are not used").values() for name in re.findall(r"`([^`]+)`", words)]
    assert instead
    assert [name for name in instead if name not in known] == []


def test_a_class_of_the_glossary_exists() -> None:
    section = GLOSSARY.read_text("utf-8").split("\n## Terms\n")[1].split("\n## ")[0]
    classes = {
        name
        for line in section.splitlines()
        if line.startswith("| ") and line.count("|") == 7
        for name in re.findall(r"`(\w+)`", line.split("|")[5])
    }
    root = GLOSSARY.parents[1]
    source = "\n".join(
        path.read_text("utf-8") for floor in ("search", "indexer", "api") for path in (root / floor).rglob("*.py")
    )
    assert len(classes) > 20
    assert sorted(name for name in classes if not re.search(rf"^class {name}\b", source, re.MULTILINE)) == []
