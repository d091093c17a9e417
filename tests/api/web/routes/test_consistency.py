"""The deep check of a server that has the index open."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from api.runtime.client import address_file
from api.web.routes.consistency import router
from search.catalog.catalog import Catalog
from search.config import Settings
from search.media.media_store import MediaStore
from search.vector_store.memory import MemoryStore
from tests.conftest import Command
from tests.support.browser import serving

LEFT_OVER = "f" * 24


@pytest.fixture
def server(tmp_path: Path) -> Iterator[httpx.Client]:
    """A server that has an index open in which a thumbnail is left over; the command line finds it."""
    settings = Settings(data_dir=tmp_path)
    media = MediaStore(settings.media_dir)
    media.put_thumbnail(LEFT_OVER, 0, b"jpeg")
    with Catalog(settings.catalog_address) as catalog, MemoryStore(dim=4) as store:
        app = FastAPI()
        app.include_router(router)
        app.state.context = SimpleNamespace(settings=settings, catalog=catalog, store=store, media=media)
        with serving(app) as url, httpx.Client(base_url=url) as client:
            address_file(settings).write_text(json.dumps({"url": url, "pid": os.getpid()}))
            yield client


def test_the_server_finds_and_mends(server: httpx.Client) -> None:
    found = server.get("/api/check").json()
    assert (found["entries"], found["files"], found["rows"]) == (0, 0, 0)
    assert [(finding["count"], finding["examples"]) for finding in found["findings"]] == [(1, [LEFT_OVER])]
    assert server.get("/api/check").json() == found, "looking changes nothing"
    assert server.post("/api/check").json()["findings"] == []


@pytest.mark.usefixtures("server")
def test_the_command_line_asks_it(tmp_path: Path, xunren: Command) -> None:
    found = xunren("doctor", "--deep", "--data-dir", tmp_path)
    assert found.code == 1
    assert LEFT_OVER in found.out
    assert xunren("doctor", "--deep", "--mend", "--data-dir", tmp_path).code == 0
    assert not list(tmp_path.glob("*.db")), "the vector store was opened here"
