"""Switches to another index without an outage, rolls back, and drops an index.

All of it works on an open context, in whichever process has it.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from api.alerts import EngineIndex, SavedSearchService, SavedSearchStore
from api.reindex.backfill import IndexSynchronizer
from api.reindex.status import status
from api.reindex.verify import verify
from api.runtime import REFRESH_S, AppContext, the_indexes
from search.catalog import IndexInfo, IndexState, IndexStore
from search.errors import Conflict, NotFound, XunrenError
from search.vault import Vault

log = logging.getLogger(__name__)

TRIES = 60  # so often, half a second apart, a switch waits for segments that were indexed at this moment


def switch(context: AppContext, *, back: bool = False) -> dict[str, Any]:
    """Make the newer index the active one; `back`: the older one, which was active before, without verifying it.

    Called again, after a kill or where no answer came, it completes what it began. Returns `status` with the saved
    searches that were measured again.

    Raises:
        NotFound: there is no other.
        Conflict: it is not ready, or `verify` names faults.
    """
    store = context.catalog.indexes
    info = _other(store)
    active = next(index for index in store.all() if index.state is IndexState.LIVE)
    is_newer = info.created_ms > active.created_ms
    is_done = info.state is IndexState.OLD and is_newer is back
    if not is_done:
        _check_can_answer(context, info, back=back)
        the_indexes(context).one(info).engine.warm_up()
        _when_complete(context, lambda: store.switch(info.collection))
    return status(context.catalog) | {"remeasured": _measure_saved_searches(context)}


def _check_can_answer(context: AppContext, info: IndexInfo, *, back: bool) -> None:
    """Raise `Conflict` if the index is not complete, or `verify` names faults."""
    if info.state not in ((IndexState.OLD,) if back else (IndexState.READY, IndexState.OLD)):
        work = context.catalog.backfill.progress(info)
        raise Conflict(
            "the other index never answered" if back else "the index is not ready",
            got=f"{info.label}: {info.state}, {work.done} of {work.segments} segments",
            cure="`xunren reindex status` says how far it is, and what failed",
        )
    if not back and (faults := verify(context, info)):
        raise Conflict("the index does not hold what it should", got="; ".join(faults), cure="mend it, then try again")


def _when_complete(context: AppContext, act: Callable[[], None]) -> None:
    """Call `act`; where it refuses, first fill in segments that a worker indexed knowing of one index only."""
    for n in itertools.count():
        try:
            return act()
        except Conflict:
            if n == TRIES:
                raise
            if not IndexSynchronizer(context).step(threading.Event()):
                time.sleep(0.5)


def _measure_saved_searches(context: AppContext) -> dict[str, Any]:
    """Measure saved searches on the active index. Until then they watch the rows of the one before."""
    active = EngineIndex(context)
    service = SavedSearchService(context.catalog, Vault(context.settings.data_dir, context.settings.secret_key), active)
    aimed, failed = 0, {}
    for one in SavedSearchStore(context.catalog).all():
        if one.aim.model == active.model:
            continue
        try:
            service.change(one.id, one.draft, measure=True)
            aimed += 1
        except XunrenError as e:
            failed[str(one.id)] = str(e)
            log.warning("saved search %d still watches the index before: %s", one.id, e)
    return {"count": aimed, "failed": failed}


def drop(context: AppContext) -> dict[str, Any]:
    """Remove the other index and return `status`. Called again after a kill, it goes on.

    Raises:
        NotFound: there is no other.
    """
    store = context.catalog.indexes
    info = _other(store)
    if info.state is not IndexState.DROPPING:
        _when_complete(context, lambda: store.drop_begins(info.collection))
        time.sleep(3 * REFRESH_S)  # until no process writes to it
    indexes = the_indexes(context)
    indexes.refresh()
    with indexes.store(info) as rows:
        rows.drop()
    store.drop_ends(info.collection)
    return status(context.catalog)


def _other(store: IndexStore) -> IndexInfo:
    info = store.other()
    if info is None:
        raise NotFound("there is only one index", cure="`xunren reindex --model NAME` makes a second one")
    return info
