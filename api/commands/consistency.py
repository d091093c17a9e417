"""`xunren doctor --deep`: do files, catalogue, thumbnails and rows agree? Here, or in the server that has them open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.text import Text

from api.commands.console import err, out, table
from api.composition import check_index_exists, open_catalog
from api.runtime.client import ask, running_server
from indexer.maintenance.consistency import ConsistencyChecker, as_dict
from search.catalog.catalog import Catalog
from search.config import Settings
from search.media.media_store import open_media
from search.vector_store.base import VectorStore
from search.vector_store.milvus import MilvusStore


def show_leftovers(settings: Settings, *, mend: bool = False) -> bool:
    """Print what does not agree, after mending it as far as that goes with `mend`. Returns whether all does."""
    check_index_exists(settings)
    server = running_server(settings)
    with err.status("comparing files, catalogue, thumbnails and rows"):
        if server is not None and settings.is_lite:
            answer = ask(server, "/api/check", {} if mend else None)
        else:
            answer = _check_here(settings, mend=mend)
    _show(answer)
    return not answer["findings"]


def _check_here(settings: Settings, *, mend: bool) -> dict[str, Any]:
    with open_catalog(settings) as catalog, _store(settings, catalog) as store:
        checker = ConsistencyChecker(settings, catalog, store, open_media(settings))
        if mend:
            checker.mend(catalog)
        return as_dict(checker.check())


@contextmanager
def _store(settings: Settings, catalog: Catalog) -> Iterator[VectorStore | None]:
    """The vector store without a model; None while the index is new."""
    live = catalog.indexes.live()
    if live is None:
        yield None
        return
    address, token = settings.store_address, settings.store_token
    with MilvusStore(address, collection=live.collection, dim=live.dim, token=token) as store:
        yield store


def _show(answer: dict[str, Any]) -> None:
    out.print(f"{answer['entries']} segments, {answer['files']} recorded files, {answer['rows']} rows compared")
    if not answer["findings"]:
        out.print(Text("nothing is left over", style="green"))
        return
    cells = [
        (f["what"], f["count"], "\n".join(f["first"] + ["…"] * (f["count"] > len(f["first"]))), f["cure"])
        for f in answer["findings"]
    ]
    out.print(table("", ("left over", "count", "such as", "cure"), cells, right=("count",)))
