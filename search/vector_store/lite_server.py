"""Milvus Lite over a folder, in threads of this process, behind a Unix socket. Used by `milvus` only."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from search.errors import Conflict, Unavailable
from search.vector_store.lite_patch import install

_LONGEST_SOCKET = 100  # bytes of a Unix address, of 107
DAMAGED = "move the folder away and index again, or restore a copy of it"


@contextlib.contextmanager
def lite_server(folder: Path) -> Iterator[str]:
    """Run Milvus Lite over `folder` in threads of this process; yield its address."""
    try:
        from milvus_lite import DataDirLockedError, MilvusLiteError  # type: ignore[import-untyped, unused-ignore]
        from milvus_lite.adapter.grpc.server import start_server_in_thread  # type: ignore[import-untyped, unused-ignore]
    except ImportError as e:
        raise Unavailable("Milvus Lite is not installed", got=e, cure="pip install milvus-lite") from None
    for name in ("milvus_lite", "grpc._server"):  # what they log with a trace is raised here, or harmless
        logging.getLogger(name).setLevel(logging.CRITICAL)
    install()
    with contextlib.ExitStack() as stack:
        try:
            _check_folder(folder)
            _check_manifests(folder)
            socket = folder.resolve() / "socket"
            if len(str(socket).encode()) > _LONGEST_SOCKET:
                socket = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="xunren-"))) / "socket"
            server, database, _ = start_server_in_thread(str(folder), host="unix", port=socket)
        except DataDirLockedError:
            raise Unavailable(
                "the index is in use by another xunren process (xunren serve?)",
                got=folder,
                cure="ask the running one, or stop it first",
            ) from None
        except (MilvusLiteError, OSError, ValueError, RuntimeError) as e:
            raise Unavailable("the index cannot be opened", got=e, cure=DAMAGED) from None
        stack.callback(database.close)
        stack.callback(lambda: server.stop(grace=2).wait())
        yield f"unix:{socket}"


def _check_folder(folder: Path) -> None:
    """Raise `Conflict` for a folder that Milvus Lite did not make, rather than write into it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / "LOCK").exists()):
        raise Conflict(
            "this is not a Milvus Lite index of this version",
            got=folder,
            expected="a folder that xunren made",
            cure="choose another data folder, or move this away and index again",
        )


def _check_manifests(folder: Path) -> None:
    """Raise `ValueError` for an unreadable list of files: Milvus Lite would take the one before, and lose rows."""
    for collection in (folder / "collections").glob("*"):
        manifest = collection / "manifest.json"
        if manifest.exists() or (collection / "manifest.json.prev").exists():
            json.loads(manifest.read_bytes())
