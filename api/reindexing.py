"""Another model without an outage: plan, fill, verify, switch, roll back, drop. What the commands and routes share.

All of it works on open parts, in whichever process has them. Any process with open parts fills (`refill_until`).
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.indexes import LOOK_S, CatalogIndexes, OpenIndex
from api.parts import Parts
from api.scoring import EngineIndex
from api.standing import StandingBook
from api.standing_desk import StandingDesk
from indexer.refill import Refill
from search.catalog import Catalog
from search.embedder import Embedder, make_embedder
from search.errors import BadMedia, Conflict, NotFound, XunrenError
from search.indexes import Cost, Index, IndexBook, IndexState, Scope
from search.types import Filter, Row, Segment
from search.vault import Vault

log = logging.getLogger(__name__)

IDLE_S = 1.0
SAMPLE_ROWS = 100  # of which each is to find itself in the new index
ALIKE = 0.98  # cosine of a picture that is embedded again, in another batch, on another machine
ITSELF = 0.999  # cosine of a row with itself
NAMED = 5
TRIES = 60  # so often, half a second apart, a switch waits for what was indexed this moment
PROBED = 5  # segments that are measured for a plan
ROW_BYTES = 400  # of a row beside its vector


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new index would cost. `seconds`: by the quickest and the slowest measured segment; None: there is none."""

    model: str
    label: str
    dim: int
    cost: Cost
    left: int
    seconds: tuple[float, float] | None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        c = self.cost
        return {
            "model": self.model,
            "label": self.label,
            "dim": self.dim,
            "segments": c.segments,
            "segments_left": self.left,
            "hours": c.duration_ms / 3_600_000,
            "frames": c.frames,
            "rows": c.rows,
            "bytes_read": c.bytes,
            "bytes_new": c.rows * (4 * self.dim + ROW_BYTES),
            "seconds_from": None if self.seconds is None else self.seconds[0],
            "seconds_to": None if self.seconds is None else self.seconds[1],
        }


def the_indexes(parts: Parts) -> CatalogIndexes:
    """The indexes of parts that `open_parts` opened."""
    if not isinstance(parts.indexes, CatalogIndexes):
        raise Conflict("these parts have one index that never changes", got=type(parts.indexes).__name__)
    return parts.indexes


# plan and begin ----------------------------------------------------------------------------------------------------


def plan(parts: Parts, model: str, scope: Scope) -> Plan:
    """What it would cost, by the catalogue's reports, and by some segments that are done for it and thrown away.

    Raises:
        BadInput: an unknown model.
        NotFound: an unknown camera.
        Conflict: the index answers by this model already.
        Unavailable: the model cannot be loaded.
    """
    parts.catalog.check_cameras(scope.cameras)
    s, book = parts.settings, IndexBook(parts.catalog)
    embedder = make_embedder(s, model)
    live = parts.indexes.live
    if embedder.label == live.index.label:
        raise Conflict("the index answers by this model already", got=embedder.label, expected="another model")
    cost = book.cost(scope)
    other = book.other()
    left = cost.segments
    if other is not None and other.label == embedder.label:
        left = book.work(replace(other, scope=scope)).missing
    rates = _rates(parts, live, embedder, scope)
    share = left / max(cost.segments, 1)
    seconds = (share * cost.rows * min(rates), share * cost.rows * max(rates)) if rates else None
    return Plan(model, embedder.label, embedder.dim, cost, left, seconds)


def _rates(parts: Parts, live: OpenIndex, embedder: Embedder, scope: Scope) -> list[float]:
    """Seconds a row, one for each of some segments: decoding and embedding, on this machine under its load of now."""
    rows, _ = live.store.sample(PROBED * 20, Filter(cameras=scope.cameras, from_ms=scope.from_ms, to_ms=scope.to_ms))
    ids = list(dict.fromkeys(row.segment_id for row in rows))[:PROBED]
    segments = parts.catalog.segments_by_id(ids)
    embedder.open()
    probe = Refill(parts.settings, parts.catalog, parts.media, live.side, replace(live.side, embedder=embedder))
    return [rate for id_ in ids if id_ in segments and (rate := probe.rate(segments[id_])) is not None]


def begin(parts: Parts, model: str, scope: Scope) -> Index:
    """Have a second index beside the live one; whoever has parts open fills it. Called again, the job goes on.

    Raises:
        Conflict: its model is the live one, or there is a second index of another model already.
        BadInput: an unknown model.
        NotFound: an unknown camera.
        Unavailable: the model cannot be loaded.
    """
    parts.catalog.check_cameras(scope.cameras)
    s = parts.settings
    embedder = make_embedder(s, model)
    embedder.open()  # nothing is begun that cannot be ended
    live = parts.indexes.live
    live_model = live.index.model or s.model
    index = IndexBook(parts.catalog).begin(Index("", embedder.label, embedder.dim, model, scope=scope), live_model)
    the_indexes(parts).refresh()
    return index


# fill --------------------------------------------------------------------------------------------------------------


def refill_until(parts: Parts, stop: threading.Event) -> None:
    """Make up what any index lacks, until `stop`; quiet while there is only one."""
    refiller = Refiller(parts)
    while not stop.is_set():
        if not refiller.step(stop):
            stop.wait(IDLE_S)


def look_until(parts: Parts, stop: threading.Event) -> None:
    """Load the model of a second index, where nothing else here does, before any search needs it; until `stop`."""
    while not stop.wait(LOOK_S):
        parts.indexes.written()


class Refiller:
    """Makes up what the indexes lack, each out of the other. Remembers how far it has looked, so keep it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pairs: dict[tuple[OpenIndex, OpenIndex], Refill] = {}

    def step(self, stop: threading.Event, progress: Callable[[Segment], None] = lambda _: None) -> int:
        """One step for each index; how many segments were filled. An index that has everything becomes ready.

        Raises:
            Stopped: `stop` is set; what is under way waits again.
            Unavailable: a part does not answer.
        """
        there = self._parts.indexes.written()
        pairs = list(itertools.permutations(there, 2))
        if not pairs:
            return 0
        book = IndexBook(self._parts.catalog)
        now = {index.collection: index for index in book.written()}
        self._pairs = {pair: self._pairs.get(pair) or self._refill(*pair) for pair in pairs}
        done = sum(
            refill.step(stop, progress, now[target.index.collection].scope)
            for (target, _), refill in self._pairs.items()
            if target.index.collection in now
        )
        if not done:
            self._say_ready(book, now.values())
        return done

    def _refill(self, target: OpenIndex, source: OpenIndex) -> Refill:
        p = self._parts
        return Refill(p.settings, p.catalog, p.media, source.side, target.side)

    def _say_ready(self, book: IndexBook, there: Iterable[Index]) -> None:
        for index in there:
            if index.state is IndexState.BUILDING and not (work := book.work(index)).missing and not work.failed:
                the_indexes(self._parts).one(index).engine.warm_up()
                book.ready(index.collection)
                log.info("the index %s of %s is ready", index.collection, index.label)


# verify and switch -------------------------------------------------------------------------------------------------


def verify(parts: Parts, index: Index) -> list[str]:
    """What speaks against answering by this index; empty: nothing.

    Counted: every segment's rows in both. Sampled: rows that are in the live one are there, the same but for their
    vector, and each finds itself. A few recordings are looked at again, and their
    pictures must have the vectors that are there.
    """
    book = IndexBook(parts.catalog)
    if not index.scope.is_all:
        return ["it was made of a part of the recordings: run `xunren reindex` again without --from, --to and --camera"]
    work = book.work(index)
    if work.failed:
        names = "; ".join(f"{path}: {said}" for _, path, said in work.failed[:NAMED])
        return [f"{len(work.failed)} recordings could not be indexed again: {names}"]
    live, other = parts.indexes.live, the_indexes(parts).one(index)
    differing = _differing(book, live, other)
    if differing:
        differing &= _differing(book, live, other)  # the index is in use: only what still differs
    found = []
    if differing:
        found.append(f"{len(differing)} segments have other rows than in the live index: {_some(differing)}")
    if strange := _not_found(book, live, other):
        found.append(f"{len(strange)} of {SAMPLE_ROWS} sampled rows do not find themselves: {_some(strange)}")
    if unlike := _unlike(parts, live, other):
        found.append(f"{len(unlike)} rows of sampled recordings have not their picture's vector: {_some(unlike)}")
    return found


def _unlike(parts: Parts, live: OpenIndex, other: OpenIndex) -> list[str]:
    """Of a few short recordings, looked at again."""
    rows, _ = other.store.sample(SAMPLE_ROWS)
    segments = parts.catalog.segments_by_id(sorted({row.segment_id for row in rows})).values()
    probe = Refill(parts.settings, parts.catalog, parts.media, live.side, other.side)
    found: list[str] = []
    for segment in sorted(segments, key=lambda one: one.duration_ms)[:PROBED]:
        try:
            found += probe.unlike(segment, ALIKE)
        except BadMedia as e:  # deleted meanwhile, or about to be named by `work.failed`
            log.info("verifying: %s", e)
    return found


def _differing(book: IndexBook, a: OpenIndex, b: OpenIndex) -> set[str]:
    left, right = a.store.count_by_segment(), b.store.count_by_segment()
    odd = {id_ for id_ in {*left, *right} if left.get(id_, 0) != right.get(id_, 0)}
    return book.comparable(a.index, b.index, odd) if odd else set()


def _not_found(book: IndexBook, live: OpenIndex, other: OpenIndex) -> list[str]:
    rows, _ = live.store.sample(SAMPLE_ROWS)
    for _ in range(2):  # the index is in use: only what is still not found
        rows = _strange(live, other, rows)
        whole = book.comparable(live.index, other.index, {row.segment_id for row in rows})
        rows = [row for row in rows if row.segment_id in whole]
    return [row.id for row in rows]


def _strange(live: OpenIndex, other: OpenIndex, expected: Sequence[Row]) -> list[Row]:
    """Those of the live index's rows that the other one has not, or has otherwise, or does not find by their vector."""
    rows, vectors = other.store.get([row.id for row in expected])
    still = {row.id for row in live.store.get([row.id for row in expected])[0]}
    there = {row.id: (row, vector) for row, vector in zip(rows, vectors, strict=True)}
    strange = []
    for row in expected:
        if row.id not in still:
            continue  # deleted meanwhile
        same, vector = there.get(row.id, (None, None))
        if same != row or vector is None:
            strange.append(row)
            continue
        near = Filter(cameras=(row.camera_id,), from_ms=row.start_ms, to_ms=row.end_ms + 1)
        hits = other.store.search(vector, 20, near)
        if not any(hit.row.id == row.id and hit.score > ITSELF for hit in hits):
            strange.append(row)
    return strange


def _some(ids: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(ids)[:NAMED])


def switch(parts: Parts, *, back: bool = False) -> dict[str, Any]:
    """Let the newer index answer; `back`: the older one, which answered before, without verifying it.

    Called again, after a kill or where no answer came, it completes what it began.

    Raises:
        NotFound: there is no other.
        Conflict: it is not ready, or something speaks against it; what, is said.
    """
    book = IndexBook(parts.catalog)
    index = _other(book)
    live = next(one for one in book.all() if one.state is IndexState.LIVE)
    is_newer = index.created_ms > live.created_ms
    if index.state is IndexState.OLD and is_newer is back:  # the wanted one answers already
        return status(parts.catalog) | {"standing": _aim_anew(parts)}
    wanted = (IndexState.OLD,) if back else (IndexState.READY, IndexState.OLD)
    if index.state not in wanted:
        work = book.work(index)
        raise Conflict(
            "the other index never answered" if back else "the index is not ready",
            got=f"{index.label}: {index.state}, {work.done} of {work.segments} segments",
            cure="`xunren reindex status` says how far it is, and what failed",
        )
    if not back and (against := verify(parts, index)):
        raise Conflict("the index does not hold what it should", got="; ".join(against), cure="mend it, then try again")
    other = the_indexes(parts).one(index)
    other.engine.warm_up()
    _when_whole(parts, lambda: book.switch(index.collection))
    return status(parts.catalog) | {"standing": _aim_anew(parts)}


def _when_whole(parts: Parts, act: Callable[[], None]) -> None:
    """What was indexed this very moment by a worker that knew of one index only is made up for first."""
    for n in itertools.count():
        try:
            return act()
        except Conflict:
            if n == TRIES:
                raise
            if not Refiller(parts).step(threading.Event()):
                time.sleep(0.5)


def _aim_anew(parts: Parts) -> dict[str, Any]:
    """Measure standing searches on the index that answers now. Until then they watch the rows of the one before."""
    live = EngineIndex(parts)
    desk = StandingDesk(parts.catalog, Vault(parts.settings.data_dir, parts.settings.secret_key), live)
    aimed, failed = 0, {}
    for one in StandingBook(parts.catalog).all():
        if one.aim.model == live.model:
            continue
        try:
            desk.change(one.id, one.draft, measure=True)
            aimed += 1
        except XunrenError as e:
            failed[str(one.id)] = str(e)
            log.warning("standing search %d still watches the index before: %s", one.id, e)
    return {"aimed": aimed, "failed": failed}


def drop(parts: Parts) -> dict[str, Any]:
    """Remove the other index. Called again after a kill, it goes on.

    Raises:
        NotFound: there is no other.
    """
    book = IndexBook(parts.catalog)
    index = _other(book)
    if index.state is not IndexState.DROPPING:
        _when_whole(parts, lambda: book.drop_begins(index.collection))
        time.sleep(3 * LOOK_S)  # until every process writes to it no more
    the_indexes(parts).refresh()
    with the_indexes(parts).store(index) as store:
        store.drop()
    book.drop_ends(index.collection)
    return status(parts.catalog)


def _other(book: IndexBook) -> Index:
    index = book.other()
    if index is None:
        raise NotFound("there is only one index", cure="`xunren reindex --model NAME` makes a second one")
    return index


def status(catalog: Catalog) -> dict[str, Any]:
    """All indexes, and how far they are."""
    book = IndexBook(catalog)
    return {"indexes": [_told(book, index) for index in book.all() if index.state is not IndexState.DROPPED]}


def _told(book: IndexBook, index: Index) -> dict[str, Any]:
    only = index.state is IndexState.LIVE and len(book.written()) < 2
    work = None if only else book.work(index)
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
