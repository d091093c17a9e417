"""The deep check of a server that has the index open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.commands import consistency
from api.runtime.client import Server
from api.web.routes.consistency import router
from search.catalog.catalog import Catalog
from search.config import Settings
from search.media.media_store import MediaStore
from search.vector_store.memory import MemoryStore
from tests.conftest import Command

LEFT_OVER = "f" * 24


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A server that has an index open in which a thumbnail is left over; the command line finds it."""
    settings = Settings(data_dir=tmp_path)
    media = MediaStore(settings.media_dir)
    media.put_thumbnail(LEFT_OVER, 0, b"jpeg")
    with Catalog(settings.catalog_address) as catalog, MemoryStore(dim=4) as store:
        app = FastAPI()
        app.include_router(router)
        app.state.parts = SimpleNamespace(settings=settings, catalog=catalog, store=store, media=media)
        client = TestClient(app)

        def ask(server: Server, path: str, body: Mapping[str, Any] | None = None) -> Any:
            assert server.url == "http://here"
            return (client.get(path) if body is None else client.post(path, json=dict(body))).json()

        monkeypatch.setattr(consistency, "ask", ask)
        monkeypatch.setattr(consistency, "running_server", lambda _: Server("http://here"))
        yield client


def test_the_server_finds_and_mends(server: TestClient) -> None:
    found = server.get("/api/check").json()
    assert (found["entries"], found["files"], found["rows"]) == (0, 0, 0)
    assert [(finding["count"], finding["first"]) for finding in found["findings"]] == [(1, [LEFT_OVER])]
    assert server.get("/api/check").json() == found, "looking changes nothing"
    assert server.post("/api/check").json()["findings"] == []


@pytest.mark.usefixtures("server")
def test_the_command_line_asks_it(tmp_path: Path, xunren: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consistency, "open_catalog", None)  # nothing is opened here
    found = xunren("doctor", "--deep", "--data-dir", tmp_path)
    assert found.code == 1
    assert LEFT_OVER in found.out
    assert xunren("doctor", "--deep", "--mend", "--data-dir", tmp_path).code == 0
