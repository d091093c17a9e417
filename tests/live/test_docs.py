"""The README and docs/ say what is so: each command there exists with its options, and those that can run here do."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token
from PIL import Image

from api.cli.main import app, hoist_globals
from tests.conftest import ROOT, SAMPLES, Command, Demo

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = {  # the beginning of a command: why it is only read here
    "serve": "goes on until it is ended; tests/api/web/test_server.py runs it",
    "record": "goes on until it is ended; tests/live/test_product.py runs it",
    "index --follow": "goes on until it is ended; tests/live/test_kills.py runs it",
    "reindex": "needs a second model; tests/live/test_reindex*.py runs it",
    "evidence verify FOLDER": "the next lines of the page make what it needs; tests/api/cli/test_evidence.py runs it",
}


def tokens(page: Path) -> Iterator[Token]:
    """Yield all tokens of a page, those inside lines included."""
    for token in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
        yield token
        yield from token.children or ()


def shell_lines(page: Path) -> list[str]:
    """Return the lines of the page's shell blocks, continued lines joined."""
    blocks = [token.content for token in tokens(page) if token.type == "fence" and token.info == "sh"]
    return [line.strip() for line in "".join(blocks).replace("\\\n", " ").splitlines() if line.strip()]


def commands(page: Path) -> list[list[str]]:
    """Return the words of each `xunren` command in the page's shell blocks."""
    lines = (shlex.split(line, comments=True) for line in shell_lines(page))
    return [words[1:] for words in lines if words and words[0] == "xunren"]


def inline_commands(page: Path) -> list[list[str]]:
    """Return the words of each `xunren` command in the page's prose."""
    texts = (token.content for token in tokens(page) if token.type == "code_inline")
    return [shlex.split(text)[1:] for text in texts if text.startswith("xunren ")]


def problem(words: list[str]) -> str:
    """Return what is wrong with a command: an unknown word or option; empty: nothing is."""
    command: Any = typer.main.get_command(app)
    known = {name: option for option in command.params for name in option.opts}
    rest = iter(hoist_globals(words))
    for word in rest:
        name, equals, _ = word.partition("=")
        if name.startswith("-") and name != "-":
            if name not in known:
                return f"no option {name}"
            if not equals and not getattr(known[name], "is_flag", False):
                next(rest, None)
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return f"no command {word}"
            command = command.commands[word]
            known |= {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_exists(page: Path) -> None:
    wrong = {" ".join(words): problem(words) for words in [*commands(page), *inline_commands(page)]}
    assert not {command: why for command, why in wrong.items() if why}


def test_a_command_that_does_not_exist_is_found() -> None:
    assert problem(["search", "--nothing", "x"]) == "no option --nothing"
    assert problem(["case", "invent"]) == "no command invent"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = [str(token.attrs.get("href") or token.attrs.get("src")) for token in tokens(page) if token.attrs]
    local = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#|None", link)]
    assert not [link for link in local if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = {line.split()[1] for line in shell_lines(page) if re.match(r"make \w", line)}
    assert named <= targets


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120


@pytest.fixture
def folder(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages name: recordings, a photo, a list of cameras."""
    shutil.copytree(demo.data_dir, tmp_path / "xunren-data")
    shutil.copytree(SAMPLES / "gate", tmp_path / "recordings" / "gate")
    shutil.copy(SAMPLES / "gate" / "gate.mp4", tmp_path / "gate.mp4")
    Image.new("RGB", (300, 420), (200, 30, 30)).save(tmp_path / "child.jpg")
    (tmp_path / "cameras.csv").write_text("id,name\ngate-4,Gate 4\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_every_command_runs(page: Path, folder: Path, xunren: Command) -> None:
    clip = xunren("search", "a man in red", "--json").json["clips"][0]["id"]
    case = xunren("case", "new", "Example", "--sentence", "a man in red", "--json").json["id"]
    assert xunren("case", "sight", case, clip).code == 0
    (folder / "KEY.pem").write_text(xunren("evidence", "key").out, "utf-8")
    values = {"CLIP": clip, "CASE": case, "2026-0001": case, "SIGHTING": "1"}
    for words in commands(page):
        if any(" ".join(words).startswith(beginning) for beginning in NOT_RUN):
            continue
        outcome = xunren(*(values.get(word, word) for word in words))
        assert outcome.code == 0, (words, outcome.err)
