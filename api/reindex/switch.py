"""Another model without an outage: plan, fill, verify, switch, roll back, drop. What the commands and routes share.

All of it works on open parts, in whichever process has them. Any process with open parts fills (`refill_until`).
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from api.alerts.history import EngineIndex
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.service import SavedSearchService
from api.composition import AppContext
from api.reindex.backfill import Backfiller
from api.reindex.verify import TRIES, verify
from api.runtime.context import the_indexes
from api.runtime.indexes import LOOK_S
from search.catalog.catalog import Catalog
from search.catalog.index_types import IndexInfo, IndexState, ReindexScope
from search.errors import Conflict, NotFound, XunrenError
from search.models.embedder import make_embedder
from search.vault import Vault

log = logging.getLogger(__name__)


# plan and begin ----------------------------------------------------------------------------------------------------


def begin(parts: AppContext, model: str, scope: ReindexScope) -> IndexInfo:
    """Have a second index beside the live one; whoever has parts open fills it. Called again, the job goes on.

    Raises:
        Conflict: its model is the live one, or there is a second index of another model already.
        BadInput: an unknown model.
        NotFound: an unknown camera.
        Unavailable: the model cannot be loaded.
    """
    parts.catalog.cameras.check(scope.cameras)
    s = parts.settings
    embedder = make_embedder(s, model)
    embedder.open()  # nothing is begun that cannot be ended
    live = parts.indexes.live
    live_model = live.index.model or s.model
    index = parts.catalog.indexes.begin(IndexInfo("", embedder.label, embedder.dim, model, scope=scope), live_model)
    the_indexes(parts).refresh()
    return index


# fill --------------------------------------------------------------------------------------------------------------


# verify and switch -------------------------------------------------------------------------------------------------


def switch(parts: AppContext, *, back: bool = False) -> dict[str, Any]:
    """Let the newer index answer; `back`: the older one, which answered before, without verifying it.

    Called again, after a kill or where no answer came, it completes what it began.

    Raises:
        NotFound: there is no other.
        Conflict: it is not ready, or something speaks against it; what, is said.
    """
    catalog = parts.catalog
    index = _other(catalog)
    live = next(one for one in catalog.indexes.all() if one.state is IndexState.LIVE)
    is_newer = index.created_ms > live.created_ms
    if index.state is IndexState.OLD and is_newer is back:  # the wanted one answers already
        return status(parts.catalog) | {"standing": _aim_anew(parts)}
    wanted = (IndexState.OLD,) if back else (IndexState.READY, IndexState.OLD)
    if index.state not in wanted:
        work = catalog.backfill.progress(index)
        raise Conflict(
            "the other index never answered" if back else "the index is not ready",
            got=f"{index.label}: {index.state}, {work.done} of {work.segments} segments",
            cure="`xunren reindex status` says how far it is, and what failed",
        )
    if not back and (against := verify(parts, index)):
        raise Conflict("the index does not hold what it should", got="; ".join(against), cure="mend it, then try again")
    other = the_indexes(parts).one(index)
    other.engine.warm_up()
    _when_whole(parts, lambda: catalog.indexes.switch(index.collection))
    return status(parts.catalog) | {"standing": _aim_anew(parts)}


def _when_whole(parts: AppContext, act: Callable[[], None]) -> None:
    """What was indexed this very moment by a worker that knew of one index only is made up for first."""
    for n in itertools.count():
        try:
            return act()
        except Conflict:
            if n == TRIES:
                raise
            if not Backfiller(parts).step(threading.Event()):
                time.sleep(0.5)


def _aim_anew(parts: AppContext) -> dict[str, Any]:
    """Measure standing searches on the index that answers now. Until then they watch the rows of the one before."""
    live = EngineIndex(parts)
    desk = SavedSearchService(parts.catalog, Vault(parts.settings.data_dir, parts.settings.secret_key), live)
    aimed, failed = 0, {}
    for one in SavedSearchStore(parts.catalog).all():
        if one.aim.model == live.model:
            continue
        try:
            desk.change(one.id, one.draft, measure=True)
            aimed += 1
        except XunrenError as e:
            failed[str(one.id)] = str(e)
            log.warning("standing search %d still watches the index before: %s", one.id, e)
    return {"aimed": aimed, "failed": failed}


def drop(parts: AppContext) -> dict[str, Any]:
    """Remove the other index. Called again after a kill, it goes on.

    Raises:
        NotFound: there is no other.
    """
    catalog = parts.catalog
    index = _other(catalog)
    if index.state is not IndexState.DROPPING:
        _when_whole(parts, lambda: catalog.indexes.drop_begins(index.collection))
        time.sleep(3 * LOOK_S)  # until every process writes to it no more
    the_indexes(parts).refresh()
    with the_indexes(parts).store(index) as store:
        store.drop()
    catalog.indexes.drop_ends(index.collection)
    return status(parts.catalog)


def _other(catalog: Catalog) -> IndexInfo:
    index = catalog.indexes.other()
    if index is None:
        raise NotFound("there is only one index", cure="`xunren reindex --model NAME` makes a second one")
    return index


def status(catalog: Catalog) -> dict[str, Any]:
    """All indexes, and how far they are."""
    return {
        "indexes": [_told(catalog, index) for index in catalog.indexes.all() if index.state is not IndexState.DROPPED]
    }


def _told(catalog: Catalog, index: IndexInfo) -> dict[str, Any]:
    only = index.state is IndexState.LIVE and len(catalog.indexes.written()) < 2
    work = None if only else catalog.backfill.progress(index)
    return {
        "collection": index.collection,
        "model": index.model,
        "label": index.label,
        "dim": index.dim,
        "state": index.state.value,
        "scope": index.scope.as_dict(),
        "segments": work.segments if work else None,
        "done": work.done if work else None,
        "missing": work.missing if work else 0,
        "failed": [{"segment": s, "path": p, "why": w} for s, p, w in (work.failed if work else ())],
    }
