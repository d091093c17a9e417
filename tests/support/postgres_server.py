"""A real PostgreSQL for the catalogue's contract tests: a cluster of its own on a free port of the loopback.

It refuses to run as root, so there it runs as the package's own user. It ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

START_S = 60.0
USER = "xunren"


class Postgres:
    """A cluster that runs, or did until `stop`."""

    @classmethod
    def at(cls, address: str) -> Postgres:
        """Return a handle on the running cluster that has this `address`."""
        port, _, folder = address.partition(" ")
        return cls(Path(folder), int(port))

    def __init__(self, folder: Path, port: int = 0) -> None:
        """Make and start a cluster in `folder`; with `port`, be a handle on one that another process started there."""
        self._folder = folder
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        if port:
            return
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = int(one.getsockname()[1])
        encoding = ("--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync")
        self._run("initdb", "-D", self._data, "-U", USER, *encoding)
        self.start()

    @property
    def address(self) -> str:
        """Return the port and the folder, from which other processes make a handle (`at`)."""
        return f"{self.port} {self._folder}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ("-F", "-k", self._folder, "-h", "127.0.0.1", "-p", self.port, "-c", "max_connections=200")
        command = [*_as_nobody(), _program("postgres"), "-D", str(self._data), *map(str, options)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, with whatever is going on."""
        if self._process is not None:
            self._process.send_signal(2)  # fast: connections are closed, nothing is lost
            self._process.wait(60)
            self._process = None

    def new(self, *options: str) -> str:
        """The address of a new database, of the kind that the README asks for; `options` of createdb instead."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._run("createdb", *(options or ("-T", "template0")), *self._where(), name)
        return f"postgresql://{USER}:not-a-secret@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected."""
        self._run("dropdb", "--force", *self._where(), url.rpartition("/")[2])

    def _where(self) -> tuple[str, ...]:
        return ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER)

    def _answers(self) -> bool:
        asked = [_program("pg_isready"), "-q", *self._where()]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, name: str, *words: object) -> None:
        command = [*_as_nobody(), _program(name), *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=self._folder)


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A new cluster, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="xunren-pg-"))  # not below pytest's, which only we may enter
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        server = Postgres(folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_nobody() -> list[str]:
    """What makes a command end with us and, where we are root, run as somebody else."""
    other = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig=INT", *other]


def _program(name: str) -> str:
    """Debian keeps them where no PATH leads."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise RuntimeError(f"{name} is missing. Cure: apt-get install postgresql")
    return program
