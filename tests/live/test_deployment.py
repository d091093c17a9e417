"""compose.yaml and Dockerfile: checked by linters, and their services run as processes over the real parts.

There is no Docker engine here, so what the containers are built from and how they reach each other is not tried; what
each service runs, with which settings, is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.cameras import CameraServer, Mount
from search.config import check_addresses, load_settings
from tests.conftest import ENVIRON, ROOT, SAMPLES, xunren_process
from tests.support.milvus_server import running_milvus
from tests.support.postgres_server import Postgres
from tests.support.waiting import until

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
OURS = [name for name, service in COMPOSE["services"].items() if service.get("image") == "xunren"]
GIVEN = {"POSTGRES_PASSWORD": "secret", "MINIO_PASSWORD": "secret88"}


def filled(text: str) -> str:
    """Variables as Compose fills them in: ${NAME}, ${NAME:-default}, ${NAME:?or else}."""

    def value(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(":")
        return GIVEN[name] if default.startswith("?") else GIVEN.get(name, default.removeprefix("-"))

    return re.sub(r"\$\{([^}]*)\}", value, text)


def environ_of(service: str, places: Mapping[str, str]) -> dict[str, str]:
    """A service's own variables, with the names of containers and folders replaced by `places`."""
    environ = {}
    for name, value in COMPOSE["services"][service]["environment"].items():
        text = filled(str(value))
        for there, here in places.items():
            text = text.replace(there, here)
        environ[name] = text
    return environ


@pytest.mark.parametrize("command", [("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"),
                                     ("hadolint", "Dockerfile")], ids=["compose", "Dockerfile"])  # fmt: skip
def test_the_linter_has_nothing_to_say(command: tuple[str, ...]) -> None:
    program = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", OURS)
def test_settings_of_a_service_are_known_and_agree(service: str) -> None:
    settings = load_settings(environ=environ_of(service, {}))
    check_addresses(settings)
    assert settings.store_uri == "http://milvus:19530"
    assert settings.catalog_url == "postgresql://xunren:secret@postgres/xunren"
    assert str(settings.data_dir) == "/data"


def test_the_page_is_reached_from_this_machine_only() -> None:
    published = {name: service.get("ports", []) for name, service in COMPOSE["services"].items()}
    assert {name: ports for name, ports in published.items() if ports} == {"api": ["127.0.0.1:8000:8000"]}


class Box:
    """The services as processes: over one data folder, one Milvus server, one PostgreSQL."""

    def __init__(self, places: Mapping[str, str], folder: Path) -> None:
        self._places = places
        self._folder = folder
        self._stack = ExitStack()

    def up(self, service: str, *more: str) -> subprocess.Popen[str]:
        """Start it with its own command."""
        process = self._process(service, [*filled(COMPOSE["services"][service]["command"]).split(), *more])
        self._stack.callback(_end, process)
        return process

    def run(self, service: str, *words: str) -> str:
        """As `docker compose run --rm SERVICE WORDS` does: its settings, another command. What it prints."""
        process = self._process(service, list(words))
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, out + err
        return out

    def ask(self, service: str, *words: str) -> Any:
        """The same as JSON."""
        return json.loads(self.run(service, *words, "--json"))

    def _process(self, service: str, words: list[str]) -> subprocess.Popen[str]:
        others = {name: value for name, value in ENVIRON.items() if not name.startswith("XUNREN_")}
        return xunren_process(*words, environ=others | environ_of(service, self._places))

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def ended(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """What those said that are no longer running."""
    return ["\n".join(process.communicate()) for process in processes if process.poll() is not None]


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        out, err = process.communicate(timeout=90)
        assert "Traceback" not in err, out + err


@pytest.fixture
def box(tmp_path: Path, postgres: Postgres) -> Iterator[Box]:
    with _milvus(tmp_path / "milvus") as store_uri:
        url = postgres.new()
        places = {"http://milvus:19530": store_uri, "postgresql://xunren:secret@postgres/xunren": url,
                  "/data": str(tmp_path / "data"), "0.0.0.0": "127.0.0.1"}  # fmt: skip
        with Box(places, tmp_path) as made:
            yield made
        postgres.drop(url)


@contextmanager
def _milvus(folder: Path) -> Iterator[str]:
    folder.mkdir()
    with running_milvus(folder) as uri:
        yield uri


def test_all_services_begin_at_once_on_empty_databases_and_find_who_was_recorded(
    box: Box, media: Path, tmp_path: Path
) -> None:
    with CameraServer({"bad": Mount(media)}, user="operator", password="s3cret") as cameras:
        services = [box.up("api", "--port", "0"), box.up("recorder"), box.up("worker"), box.up("worker")]
        until(lambda: ended(services) or (tmp_path / "data" / "server.json").exists())
        assert not ended(services)
        box.run("worker", "camera", "add", "gate-9", "--url", cameras.url("bad"))
        report = box.ask("worker", "index", str(SAMPLES))
        assert [segment["state"] for segment in report["segments"]] == ["indexed"] * 4
        wanted = "a man in a red coat with a black backpack"
        case = box.ask("api", "case", "new", "Li Ming", "--sentence", wanted)["id"]
        wish = ("search", wanted, "--case", case, "--reason", "trial")
        assert box.ask("api", *wish)["clips"]
        until(lambda: ended(services) or box.ask("api", "status")["segments"].get("indexed", 0) > 4)
        assert not ended(services)
