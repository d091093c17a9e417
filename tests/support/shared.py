"""Starts a server once for all pytest workers of one run.

The first worker that needs a server starts it and keeps it; the others get its address. The worker that started it
ends it when every worker that used it has let go or has died.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

LAST_S = 900.0


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of this run share."""
    own = factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@contextmanager
def shared(folder: Path, name: str, start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """Share the text that `start` yields, an address or a path, with the other workers of this run.

    Args:
        folder: see `run_folder`.
        name: one name for one server.
        start: starts the server; called by one worker only.
    """
    ledger = folder / f"shared-{name}.json"
    server: AbstractContextManager[str] | None = None
    with _locked(ledger) as entry:
        if not entry.get("value"):
            server = start()
            entry["value"], entry["users"] = server.__enter__(), []
        entry["users"].append(os.getpid())
        value: str = entry["value"]
    try:
        yield value
    finally:
        with _locked(ledger) as entry:
            entry["users"].remove(os.getpid())
        if server is not None:
            _wait_for_others(ledger)
            server.__exit__(None, None, None)


def _wait_for_others(ledger: Path) -> None:
    end = time.monotonic() + LAST_S
    while time.monotonic() < end:
        with _locked(ledger) as entry:
            if not any(_is_alive(pid) for pid in entry["users"]):
                entry.clear()  # whoever comes now starts a new one
                return
        time.sleep(0.2)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def _locked(ledger: Path) -> Iterator[dict[str, Any]]:
    """Yield the ledger's entry, alone among all workers, and write it back."""
    with ledger.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        entry = json.loads(file.read() or "{}")
        try:
            yield entry
        finally:
            file.seek(0)
            file.truncate()
            file.write(json.dumps(entry))
