"""`xunren doctor`: checks each part and names the cure."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from api.commands.console import out, table
from api.composition import open_catalog
from api.runtime.client import running_server
from api.runtime.indexes import bound
from indexer.decoding.nvdec import decoding_card
from search.catalog.catalog import Catalog
from search.config import Settings, settings_table
from search.errors import BadInput, Unavailable, XunrenError
from search.media.media_store import ffmpeg_path
from search.models.embedder import make_embedder
from search.models.registry import RECOMMENDED
from search.vector_store.milvus import MilvusStore

_FREE_GIB = 2.0

# Milvus Lite on two cores, by `benchmarks/searching.py`; a server needs as long for few rows and less for many.
LITE_ROW_S = 0.25e-6
"""What a row adds to a search of the whole index."""
LITE_SEARCH_S = 1.0
"""Longest such search that one waits for; an hour or a few cameras take a tenth of it."""
LITE_ROW_BYTES = 900
"""Memory of a row, beside twice its vector while the index is opened."""
LITE_MEMORY = 0.5
"""Share of the machine's memory that the index may take."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table. An empty `cure` with `ok` False does not occur."""

    part: str
    ok: bool
    found: str
    cure: str = ""


def show_checks(settings: Settings) -> bool:
    """Print the table. Returns whether all is well."""
    checks = run_checks(settings)
    rows = [(c.part, Text("ok", "green") if c.ok else Text("wrong", "bold red"), c.found, c.cure) for c in checks]
    out.print(table("", ("part", "", "found", "cure"), rows))
    return all(c.ok for c in checks)


def run_checks(settings: Settings) -> list[Check]:
    """Check every part, each for itself: one that is broken hides no other."""
    parts: list[tuple[str, Callable[[Settings], str]]] = [
        ("Python", _python),
        ("torch and device", _torch),
        ("ffmpeg", _ffmpeg),
        ("decoding", _decoding),
        ("model", _model),
        ("catalogue", _catalogue),
        ("vector store", _store),
        ("disk", _disk),
    ]
    return [_check(part, look, settings) for part, look in parts]


def _check(part: str, look: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(part, True, look(settings))
    except XunrenError as e:
        found = e.what + (f" ({e.got})" if e.got else "")
        return Check(part, False, found, e.cure or e.expected or "see the README")
    except (ImportError, OSError, RuntimeError, subprocess.SubprocessError) as e:
        return Check(part, False, f"{type(e).__name__}: {e}", "install again: pip install --force-reinstall xunren")


def _python(_: Settings) -> str:
    return platform.python_version()


def _torch(settings: Settings) -> str:
    import torch

    from search.models.embedder import pick_device

    device = settings.device if settings.runtime == "torch" else "cpu"  # else it is a name of the other runtime's
    return f"torch {torch.__version__}, {pick_device(device)}, {torch.get_num_threads()} threads"


def _decoding(settings: Settings) -> str:
    return "on the CPU" if decoding_card(settings) is None else "on the card"


def _ffmpeg(_: Settings) -> str:
    answer = subprocess.run([ffmpeg_path(), "-version"], capture_output=True, text=True, timeout=20, check=True)
    return answer.stdout.splitlines()[0].split(" Copyright")[0]


def _model(settings: Settings) -> str:
    embedder = make_embedder(settings)
    grey = np.full((128, 64, 3), 128, np.uint8)
    for vectors in (embedder.embed_texts(["a man in a red coat"]), embedder.embed_images([grey])):
        norm = float((vectors[0] ** 2).sum())
        if abs(norm - 1) > 1e-3:
            raise Unavailable(
                "the model gives vectors that are not of unit length", got=norm, cure="choose another model"
            )
    return f"{embedder.label}, {embedder.dim} dimensions, {settings.runtime}"


def _catalogue(settings: Settings) -> str:
    with open_catalog(settings) as catalog:
        _agree(catalog, settings)
        states = catalog.segments.states()
    return ", ".join(f"{n} {state}" for state, n in sorted(states.items())) or "empty"


def _agree(catalog: Catalog, settings: Settings) -> None:
    """A new index has no model yet; `doctor` does not give it one."""
    if catalog.indexes.model() is not None:
        bound(settings, catalog)


def _store(settings: Settings) -> str:
    server = running_server(settings)
    if server is not None and settings.is_lite:
        return f"open in the running server at {server.url}"
    with open_catalog(settings) as catalog:
        live = catalog.indexes.live()
    if live is None:
        return "new; made by the first `xunren index`"
    address, token = settings.store_address, settings.store_token
    with MilvusStore(address, collection=live.collection, dim=live.dim, token=token) as store:
        rows = store.count()
    if not settings.is_lite:
        return f"{rows:,} rows in {settings.store_address}"
    return f"{size_for_lite(rows, live.dim, _memory_bytes())} in {settings.store_address}"


def _memory_bytes() -> int:
    """Of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def size_for_lite(rows: int, dim: int, memory_bytes: int) -> str:
    """What an index of so many rows asks of Milvus Lite on a machine with so much memory.

    Raises:
        BadInput: it is time for a Milvus server.
    """
    row_bytes = 2 * 4 * dim + LITE_ROW_BYTES
    most = int(min(LITE_SEARCH_S / LITE_ROW_S, LITE_MEMORY * memory_bytes / row_bytes))
    seconds, gib = rows * LITE_ROW_S, rows * row_bytes / 2**30
    told = f"{rows:,} rows ({seconds:.2f} s to search all, {gib:.1f} GiB of memory)"
    if rows > most:
        raise BadInput(
            "the index has outgrown Milvus Lite on this machine",
            got=told,
            cure=f"above {most:,} rows: start a Milvus server, set store_uri (XUNREN_STORE_URI) to its address and "
            "index into a new --data-dir",
        )
    return f"{told}; up to {most:,} Milvus Lite will do here, then a server (store_uri)"


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.data_dir).free / 2**30
    if free < _FREE_GIB:
        raise BadInput(
            "the disk is nearly full",
            got=f"{free:.1f} GiB free",
            cure=f"free {_FREE_GIB:g} GiB, or move the index with --data-dir",
        )
    return f"{free:.0f} GiB free in {settings.data_dir.absolute()}"


def show_models() -> None:
    """The recommended models."""
    rows = [
        (m.name, m.tag or "-", m.dim, m.licence, " ".join(m.languages), f"{m.download_mb} MB", m.note)
        for m in RECOMMENDED
    ]
    out.print(table("", ("model", "tag", "dim", "licence", "languages", "download", "note"), rows, right=("dim",)))


def show_settings() -> None:
    """Every setting, with its environment name, default and meaning."""
    out.print(table("", ("setting", "environment", "default", "meaning"), settings_table()))
