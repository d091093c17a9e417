"""Alerts on their way to webhooks: rows of the database, so that a restart loses none; one process at a time tries one.

A try that fails is repeated after `RETRY_S`, a little later or earlier by chance, and given up after the last. Who is
killed in the middle of a try leaves a lease that runs out; then the alert is sent again with the same id.
"""

from __future__ import annotations

import json
import logging
import random
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from api.alerts import tables as t
from api.alerts.alert_store import AlertStore
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.types import Alert, SavedSearch
from api.alerts.webhook import GONE, Sent, open_webhook, send
from search.catalog import Catalog
from search.errors import NotFound, Unavailable
from search.times import now_ms
from search.vault import Vault

log = logging.getLogger(__name__)

RETRY_S = (5, 30, 120, 600, 3600, 21_600)
LEASE_MS = 30_000
REST_MS = 5000  # after a failure of a receiver, until another alert is tried there: other receivers do not wait
TIDY_MS = 3_600_000
KEPT_MS = 7 * 86_400_000  # that a delivery is shown for

Payload = Callable[[SavedSearch, Alert], Mapping[str, Any]]
Send = Callable[[str, str, str, bytes], Sent]


class DeliveryState(StrEnum):
    """The state of a delivery. `DROPPED`: the webhook was removed, or its receiver wants no more."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one alert. `attempts` failed so far."""

    id: str
    alert_id: int
    standing_id: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Post:
    """The deliveries of a saved search: the number in each state, and the last failure."""

    counts: Mapping[str, int]
    message: str = ""


class DeliveryQueue:
    """The deliveries in an open catalogue's database. Safe for many threads and processes."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def lease(self, owner: str, at_ms: int, without: Collection[int] = ()) -> Delivery | None:
        """Take the delivery that is due first, of none of the saved searches `without`. None: none is due."""
        d = t.deliveries.c
        free = sa.or_(d.lease_until_ms.is_(None), d.lease_until_ms < at_ms)
        due = sa.and_(d.state == DeliveryState.WAITING.value, d.due_ms <= at_ms, free)
        first = sa.select(d.id).where(due, d.standing_id.not_in(list(without))).order_by(d.due_ms, d.id).limit(1)
        with self._catalog.begin() as db:
            delivery_id = db.scalar(first)
            take = t.deliveries.update().where(d.id == delivery_id, due)
            values = {"lease_owner": owner, "lease_until_ms": at_ms + LEASE_MS}
            if delivery_id is None or not db.execute(take.values(**values)).rowcount:
                return None  # or another process was quicker; the next call finds another one
            row = db.execute(sa.select(d.id, d.alert_id, d.standing_id, d.attempts).where(d.id == delivery_id)).one()
        return Delivery(*row)

    def settle(self, delivery: Delivery, owner: str, state: DeliveryState, message: str, due_ms: int = 0) -> None:
        """Note the result of a try, unless another process has taken over since."""
        d = t.deliveries.c
        values = {"state": state.value, "said": message, "due_ms": due_ms, "attempts": delivery.attempts + 1}
        own = t.deliveries.update().where(d.id == delivery.id, d.lease_owner == owner)
        with self._catalog.begin() as db:
            db.execute(own.values(**values, lease_owner=None, lease_until_ms=None))

    def stop(self, standing_id: int, message: str) -> None:
        """Send nothing more to a receiver that wants no more, until its webhook is set again."""
        d = t.deliveries.c
        waiting = sa.and_(d.standing_id == standing_id, d.state == DeliveryState.WAITING.value)
        with self._catalog.begin() as db:
            db.execute(t.standing.update().where(t.standing.c.id == standing_id).values(webhook_stopped=message))
            db.execute(t.deliveries.update().where(waiting).values(state=DeliveryState.DROPPED.value, said=message))

    def forget_old(self, at_ms: int) -> None:
        """Remove deliveries that were settled long ago."""
        d = t.deliveries.c
        old = sa.and_(d.state != DeliveryState.WAITING.value, d.created_ms < at_ms - KEPT_MS)
        with self._catalog.begin() as db:
            db.execute(t.deliveries.delete().where(old))

    def post(self) -> dict[int, Post]:
        """Return saved search -> state of its deliveries; a search without deliveries is left out."""
        d = t.deliveries.c
        last = sa.func.max(d.due_ms)
        query = sa.select(d.standing_id, d.state, d.said, sa.func.count(), last).group_by(
            d.standing_id, d.state, d.said
        )
        posts: dict[int, Post] = {}
        with self._catalog.begin() as db:
            for number, state, message, count, _ in db.execute(query.order_by(last)):
                known = posts.get(number, Post({}))
                counts = dict(known.counts) | {state: known.counts.get(state, 0) + count}
                posts[number] = Post(
                    counts, known.message if state == DeliveryState.DELIVERED.value else message or known.message
                )
        return posts


class Deliverer:
    """Sends what is due. For one thread.

    Args:
        catalog: open.
        vault: opens the receivers' addresses.
        payload: returns the body of an alert.
        send: tries once.
        clock: Unix ms.
    """

    def __init__(
        self, catalog: Catalog, vault: Vault, payload: Payload, send: Send = send, clock: Callable[[], int] = now_ms
    ) -> None:
        self._queue = DeliveryQueue(catalog)
        self._store = SavedSearchStore(catalog)
        self._alerts = AlertStore(catalog)
        self._vault = vault
        self._payload = payload
        self._send = send
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._resting: dict[int, int] = {}
        self._tidied_ms = 0

    def step(self) -> bool:
        """Try one delivery. Returns whether any was due.

        Raises:
            Unavailable: the database does not answer.
        """
        now = self._clock()
        self._resting = {number: until for number, until in self._resting.items() if until > now}
        if now - self._tidied_ms > TIDY_MS:
            self._tidied_ms = now
            self._queue.forget_old(now)
        delivery = self._queue.lease(self._owner, now, self._resting)
        if delivery is None:
            return False
        try:
            search, alert = self._store.get(delivery.standing_id), self._alerts.get(delivery.alert_id)
        except NotFound:  # removed since
            return True
        if search.webhook is None or search.webhook.stopped:
            self._queue.settle(delivery, self._owner, DeliveryState.DROPPED, "the webhook was removed")
        else:
            self._settle(delivery, self._try(delivery, search, alert))
        return True

    def _try(self, delivery: Delivery, search: SavedSearch, alert: Alert) -> Sent:
        assert search.webhook is not None  # noqa: S101 - for the type checker
        try:
            url, secret = open_webhook(self._vault, search.webhook)
        except Unavailable:
            return Sent(None, "the webhook's address was sealed with another key")
        payload = {"event": "alert", "delivery": delivery.id, **self._payload(search, alert)}
        return self._send(url, secret, delivery.id, encoded(payload))

    def _settle(self, delivery: Delivery, sent: Sent) -> None:
        now = self._clock()
        if sent.delivered:
            self._queue.settle(delivery, self._owner, DeliveryState.DELIVERED, sent.said, now)
            return
        self._resting[delivery.standing_id] = now + REST_MS
        log.warning("alert %d could not be delivered: %s", delivery.alert_id, sent.said)
        if sent.status == GONE:
            self._queue.settle(delivery, self._owner, DeliveryState.DROPPED, sent.said, now)
            self._queue.stop(delivery.standing_id, f"its receiver wants no more (HTTP {GONE})")
        elif delivery.attempts < len(RETRY_S):
            due = now + round(1000 * RETRY_S[delivery.attempts] * random.uniform(0.9, 1.2))
            self._queue.settle(delivery, self._owner, DeliveryState.WAITING, sent.said, due)
        else:
            self._queue.settle(delivery, self._owner, DeliveryState.FAILED, sent.said, now)


def encoded(payload: Mapping[str, Any]) -> bytes:
    """Return the body of a delivery."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
