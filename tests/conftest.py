"""The product as a user has it: the command line in this process or as a process of its own, and a running server."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest

from tests.support import cost
from tests.support.milvus_server import database, running_milvus
from tests.support.postgres_server import Postgres, running_postgres
from tests.support.s3_server import S3Server, running_s3
from tests.support.shared import run_folder, shared
from tests.support.turned import turned_model

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_videos"
os.environ["COLUMNS"] = "200"  # read once, when the console is made; without it a test runner's width would decide
ENVIRON = os.environ | {"HF_HUB_OFFLINE": "1", "XUNREN_TIMEZONE": "Asia/Shanghai"}
ENVIRON |= {"XUNREN_ACCOUNTS": "false", "XUNREN_REQUIRE_CASE": "false"}  # tests of these have them on


hypothesis.settings.register_profile(
    "xunren", deadline=None, print_blob=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)  # a busy machine is no fault of the product
hypothesis.settings.load_profile("xunren")


SERVERS = {"browser", "cameras", "client", "demo", "lone", "milvus_server", "parts", "postgres", "s3", "server", "url"}
"""Fixtures that start a server, a browser or cameras, or index videos."""
HEAVY_FILES = {"test_ray_executor.py", "test_runtimes.py", "test_torchvision_detector.py", "test_openapi.py"}
"""They start a cluster, export models, load torchvision, or call every route hundreds of times."""
WHOLE_FOLDERS = ("live", "benchmarks")
LONGEST_FIRST = ("kills", "live/", "web/static/", "benchmarks/", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make check` leaves out, and let the longest files come first.

    A run on several workers ends when the last file does.
    """
    for item in items:
        if _needs_server(item):
            item.add_marker("server")
    items.sort(key=lambda item: next(n for n, part in enumerate(LONGEST_FIRST) if part in str(item.path)))


BEGAN_CPU_S = pytest.StashKey[float]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what was spent before a test."""
    item.stash[BEGAN_CPU_S] = cost.cpu_s()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Note what a test has spent, with its fixtures."""
    yield
    item.user_properties.append((cost.CPU, cost.cpu_s() - item.stash[BEGAN_CPU_S]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what each folder cost."""
    reports = [one for kind in ("passed", "failed", "error", "") for one in terminalreporter.stats.get(kind, ())]
    terminalreporter.section("seconds by folder")
    for line in cost.lines(one for one in reports if isinstance(one, pytest.TestReport)):
        terminalreporter.write_line(line)


def _needs_server(item: pytest.Item) -> bool:
    """Return whether a test needs more than this process: by its folder, file, a fixture or a parameter."""
    chosen = getattr(getattr(item, "callspec", None), "params", {}).values()
    return (
        item.path.relative_to(ROOT / "tests").parts[0] in WHOLE_FOLDERS
        or item.path.name in HEAVY_FILES
        or not SERVERS.isdisjoint(getattr(item, "fixturenames", ()))
        or bool({"postgresql", "server"}.intersection(one for one in chosen if isinstance(one, str)))
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def xunren(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """The command line in this process (the model is loaded only once a session)."""
    from api.cli import main

    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["xunren", *map(str, arguments)])
        capfd.readouterr()
        code: int | str | None = 0
        try:
            main.main()
        except SystemExit as e:
            code = e.code
        captured = capfd.readouterr()
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


def xunren_process(*arguments: object, environ: Mapping[str, str] = ENVIRON, **options: Any) -> subprocess.Popen[str]:
    """The command line as a process of its own."""
    command = [sys.executable, "-c", "from api.cli.main import main; main()", *map(str, arguments)]
    return subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, cwd=ROOT, **options
    )


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    """Who is where in the sample videos."""
    data: dict[str, Any] = json.loads((SAMPLES / "truth.json").read_text("utf-8"))
    return data


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The PostgreSQL of this run, which all workers share."""

    @contextmanager
    def start() -> Iterator[str]:
        with running_postgres() as server:
            yield server.address

    with shared(run_folder(tmp_path_factory), "postgres", start) as address:
        yield Postgres.at(address)


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this run's Milvus server, which all workers share."""
    folder = tmp_path_factory.mktemp("milvus")
    with shared(run_folder(tmp_path_factory), "milvus", lambda: running_milvus(folder)) as address:
        yield address


@pytest.fixture
def milvus(milvus_server: str) -> Iterator[str]:
    """The address of a database of one's own on the Milvus server."""
    with database(milvus_server) as address:
        yield address


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """S3-compatible storage of this session."""
    with running_s3() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a new database of each kind that a catalogue can be in."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'c.sqlite'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new()
    yield url
    server.drop(url)


@dataclass(frozen=True, slots=True)
class Demo:
    """An index of the sample videos, made through the front door; only to be read."""

    data_dir: Path
    report: Any


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A copy of what `xunren index sample_videos` makes, once a run; only to be read."""
    made = tmp_path_factory.mktemp("demo")

    @contextmanager
    def start() -> Iterator[str]:
        with xunren_process("index", SAMPLES, "--data-dir", made / "data", "--json") as process:
            out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        (made / "report.json").write_text(out)
        yield str(made)

    folder = run_folder(tmp_path_factory)
    with shared(folder, "demo", start) as original:
        own = Path(shutil.copytree(Path(original) / "data", made / "own"))
        yield Demo(own, json.loads((Path(original) / "report.json").read_text()))


@pytest.fixture
def demo_copy(demo: Demo, tmp_path: Path) -> Path:
    """A copy of the sample videos' index that a test may change."""
    return Path(shutil.copytree(demo.data_dir, tmp_path / "data"))


@pytest.fixture(scope="session")
def second_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The setting `model` of a model that is as good as the shipped one, with other vectors; once a run."""
    folder = tmp_path_factory.mktemp("models") / "turned"
    with shared(run_folder(tmp_path_factory), "model", lambda: nullcontext(turned_model(folder))) as model:
        yield model


@pytest.fixture(scope="session")
def served_dir(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy of the sample videos' index that the server has open."""
    return Path(shutil.copytree(demo.data_dir, tmp_path_factory.mktemp("served") / "data"))


@pytest.fixture(scope="session")
def demo_server(served_dir: Path) -> Iterator[str]:
    """Address of `xunren serve` over the sample videos."""
    with serving(served_dir) as (url, _):
        yield url


@contextmanager
def serving(
    data_dir: Path, environ: Mapping[str, str] = ENVIRON, verify: str = ""
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`xunren serve` over a data folder: its address and its process, which is ended afterwards."""
    with xunren_process("serve", "--port", 0, "--data-dir", data_dir, environ=environ) as process:
        try:
            yield _wait_for(data_dir / "server.json", process, verify), process
        finally:
            process.terminate()
            process.communicate(timeout=60)


def _wait_for(file: Path, process: subprocess.Popen[str], verify: str) -> str:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"xunren serve ended: {process.communicate()[1]}")
        if file.exists():
            try:
                url: str = json.loads(file.read_text())["url"]
                httpx.get(url + "/api/health", timeout=5, verify=_trusting(verify)).raise_for_status()
                return url
            except (OSError, ValueError, httpx.HTTPError):
                pass
        time.sleep(0.2)
    pytest.fail("xunren serve did not answer within 90 s")


def _trusting(certificate: str) -> ssl.SSLContext | bool:
    """A certificate of another name, which is trusted all the same."""
    if not certificate:
        return True
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context
