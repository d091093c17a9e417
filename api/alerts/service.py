"""What people do with standing searches where the rows are at hand: preview, save, change, try the webhook."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from api.alerts.alert_store import AlertStore
from api.alerts.deliveries import encoded
from api.alerts.history import ScoredIndex
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.thresholds import Limits, best_events, measured, subject_of
from api.alerts.types import MatchTarget, SavedSearch, SavedSearchInput
from api.alerts.webhook import Sent, new_webhook, open_webhook, send
from search.catalog.catalog import Catalog
from search.errors import BadInput
from search.vault import Vault

_AIMED = ("sentence", "like", "cameras", "alarms_per_day", "rule")


@dataclass(frozen=True, slots=True)
class SavedResult:
    """A standing search as it is now; `secret` of a webhook that was just set, shown this once."""

    standing: SavedSearch
    secret: str = ""


class SavedSearchService:
    """Cheap to make; opens and closes nothing. Every method raises `Unavailable` where a part does not answer."""

    def __init__(self, catalog: Catalog, vault: Vault, index: ScoredIndex) -> None:
        self._book = SavedSearchStore(catalog)
        self._alerts = AlertStore(catalog)
        self._vault = vault
        self._index = index

    def preview(self, draft: SavedSearchInput) -> tuple[SavedSearchInput, MatchTarget]:
        """The draft with the cameras that its sentence names, and the threshold that it would have.

        Raises:
            Refused: the sentence asks for people by what nobody is looked for by.
            BadInput: the sentence cannot be used, or a value is out of range.
            NotFound: a camera or a clip is unknown.
            Unavailable: nobody is indexed yet.
        """
        return self._aimed(draft, known=set())

    def add(self, draft: SavedSearchInput, webhook: str | None = None) -> SavedResult:
        """Save a standing search. Raises what `preview` does, and `BadInput` for a webhook that cannot be used."""
        hook, secret = new_webhook(self._vault, webhook) if webhook else (None, "")
        aimed, aim = self.preview(draft)
        return SavedResult(self._book.add(aimed, aim, hook), secret)

    def change(self, number: int, draft: SavedSearchInput, *, measure: bool = False) -> SavedSearch:
        """Let `draft` be what people chose. It is measured again where that matters, or is asked for.

        Raises:
            NotFound: no such standing search.
        """
        before = self._book.get(number).draft
        aim = None
        if measure or any(getattr(draft, name) != getattr(before, name) for name in _AIMED):
            draft, aim = self._aimed(draft, known=self._alerts.right_subjects(number))
        self._book.change(number, draft, aim)
        return self._book.get(number)

    def set_webhook(self, number: int, url: str | None) -> SavedResult:
        """Send alerts there from now on, with a new secret; None: nowhere."""
        hook, secret = new_webhook(self._vault, url) if url else (None, "")
        self._book.set_webhook(number, hook)
        return SavedResult(self._book.get(number), secret)

    def try_webhook(self, number: int) -> Sent:
        """Send a test, once, and say what came of it.

        Raises:
            NotFound: no such standing search.
            BadInput: it has no webhook.
            Unavailable: the address was sealed with another key.
        """
        standing = self._book.get(number)
        if standing.webhook is None:
            raise BadInput("this standing search has no webhook", got=number, cure="set one first")
        url, secret = open_webhook(self._vault, standing.webhook)
        delivery = uuid.uuid4().hex
        search = {"number": number, "name": standing.draft.name, "query": standing.draft.sentence}
        body = encoded({"event": "test", "delivery": delivery, "alert": None, "saved_search": search})
        return send(url, secret, delivery, body)

    def _aimed(self, draft: SavedSearchInput, known: set[str]) -> tuple[SavedSearchInput, MatchTarget]:
        """Measured on the history without what is `known` to show the person: no false alarm."""
        wanted = self._index.wanted(draft.sentence, draft.like, draft.cameras)
        past = self._index.past(wanted)
        shown = known | {subject_of(row) for row, _ in past.scored if row.id in draft.like}
        events = [event for subject, (_, event) in best_events(past.scored).items() if subject not in shown]
        limits = Limits(max(wanted.limits.lowest, past.complete_from), wanted.limits.unproven)
        span = self._book.span(wanted.cameras)
        found = measured(events, span, draft.rule, limits, draft.alarms_per_day)
        return replace(draft, cameras=wanted.cameras), MatchTarget(
            wanted.vector, self._index.model, wanted.curve, found
        )
