"""What the house promises: small rooms, one name for one class, docstrings that begin with a verb."""

from __future__ import annotations

import ast
import collections
import functools
import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

FLOORS = ("search", "indexer", "api")
MOST_MODULES = 25
MOST_LINES_OF_A_FACE = 40
VERBS = Path(__file__).with_name("verbs.txt")


def modules() -> Iterator[Path]:
    """Yield every Python file of the product."""
    for floor in FLOORS:
        yield from sorted((ROOT / floor).rglob("*.py"))


@functools.cache
def nodes() -> list[tuple[Path, ast.AST]]:
    """Return every node of the product's syntax trees with its file."""
    trees = ((path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))) for path in modules())
    return [(path, node) for path, tree in trees for node in ast.walk(tree)]


def first_word(docstring: str) -> str:
    """Return the first word of a docstring, in small letters."""
    return docstring.split()[0].strip("`.,:;").lower()


def test_a_docstring_of_a_function_begins_with_a_verb() -> None:
    verbs = set(VERBS.read_text("utf-8").split())
    wrong = [
        f"{path}:{node.lineno} {node.name}: {docstring.splitlines()[0]}"
        for path, node in nodes()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (docstring := ast.get_docstring(node))
        and first_word(docstring) not in verbs
    ]
    assert not wrong, f"begin with a bare verb (or add a new verb to {VERBS.name}):\n" + "\n".join(wrong)


def test_no_class_name_stands_twice() -> None:
    places = collections.defaultdict(list)
    for path, node in nodes():
        if isinstance(node, ast.ClassDef):
            places[node.name].append(str(path))
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_no_folder_holds_too_many_modules() -> None:
    folders = collections.Counter(path.parent.relative_to(ROOT) for path in modules() if path.name != "__init__.py")
    assert not {str(folder): count for folder, count in folders.items() if count > MOST_MODULES}


def test_each_room_has_a_face() -> None:
    rooms = {path.parent for path in modules()} - {ROOT / "api" / "migrations" / "versions"}
    for room in rooms:
        face = room / "__init__.py"
        text = face.read_text("utf-8")
        assert ast.get_docstring(ast.parse(text)), f"{face} does not say what the room is for"
        assert len(text.splitlines()) <= MOST_LINES_OF_A_FACE, face


def test_every_name_of_a_face_is_there() -> None:
    """A face loads a module when one of its names is first used (`lazy_loader`), so a wrong name would show late."""
    for stub in sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("__init__.pyi")):
        assert len(stub.read_text("utf-8").splitlines()) <= MOST_LINES_OF_A_FACE, stub
        room = importlib.import_module(".".join(stub.parent.relative_to(ROOT).parts))
        for name in room.__all__:
            assert getattr(room, name) is not None, f"{room.__name__}.{name}"


FREE = {"live", "house", "support", "training", "benchmarks"}
"""Folders of tests of more than one module."""
MIRROR_NO_MODULE = {
    "api/web/schemas/test_responses.py": "compares the schemas of all routes with what the routes answer",
    "api/web/schemas/test_vocabulary.py": "compares the field names of all schemas with the glossary",
    "api/web/static/test_accessibility.py": "goes through all views of the page in a browser",
    "api/web/static/test_page.py": "goes through all views of the page in a browser",
    "api/web/test_openapi.py": "calls all routes by their description",
    "api/web/test_refused_sentences.py": "sends refused sentences to all routes that take one",
    "search/models/test_on_card.py": "runs all runtimes on a GPU",
    "search/test_configuration_page.py": "compares docs/configuration.md with the settings",
}


def test_every_test_mirrors_a_module_or_says_why_not() -> None:
    tests = ROOT / "tests"
    without = set()
    for path in sorted(tests.rglob("test_*.py")):
        parts = path.relative_to(tests).parts
        if parts[0] in FREE:
            continue
        name = path.stem.removeprefix("test_")
        room = ROOT.joinpath(*parts[:-1])
        if not any((room / one).exists() for one in (name, f"{name}.py", f"{name}.js")):
            without.add("/".join(parts))
    assert without == set(MIRROR_NO_MODULE), "name the file after a module of the same room, or say why it has none"
