"""Operations on saved searches that need the index: preview, save, change, try the webhook."""

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
from search.catalog import Catalog
from search.errors import BadInput
from search.vault import Vault

_AIMED = ("sentence", "like", "cameras", "alarms_per_day", "rule")


@dataclass(frozen=True, slots=True)
class SavedResult:
    """A saved search as it is now; `secret` of a webhook that was just set, shown this once."""

    search: SavedSearch
    secret: str = ""


class SavedSearchService:
    """Cheap to make; opens and closes nothing. Every method raises `Unavailable` where a part does not answer."""

    def __init__(self, catalog: Catalog, vault: Vault, index: ScoredIndex) -> None:
        self._store = SavedSearchStore(catalog)
        self._alerts = AlertStore(catalog)
        self._vault = vault
        self._index = index

    def preview(self, draft: SavedSearchInput) -> tuple[SavedSearchInput, MatchTarget]:
        """Return the draft with the cameras that its sentence names, and the threshold that it would have.

        Raises:
            PolicyViolation: the content policy forbids the sentence.
            BadInput: the sentence cannot be used, or a value is out of range.
            NotFound: a camera or a clip is unknown.
            Unavailable: nobody is indexed yet.
        """
        return self._with_threshold(draft, known=set())

    def add(self, draft: SavedSearchInput, webhook: str | None = None) -> SavedResult:
        """Save a saved search. Raises what `preview` does, and `BadInput` for a webhook that cannot be used."""
        hook, secret = new_webhook(self._vault, webhook) if webhook else (None, "")
        measured_draft, target = self.preview(draft)
        return SavedResult(self._store.add(measured_draft, target, hook), secret)

    def change(self, number: int, draft: SavedSearchInput, *, measure: bool = False) -> SavedSearch:
        """Change a saved search to `draft`. It is measured again where that matters, or with `measure`.

        Raises:
            NotFound: no such saved search.
        """
        before = self._store.get(number).draft
        target = None
        if measure or any(getattr(draft, name) != getattr(before, name) for name in _AIMED):
            draft, target = self._with_threshold(draft, known=self._alerts.right_subjects(number))
        self._store.change(number, draft, target)
        return self._store.get(number)

    def set_webhook(self, number: int, url: str | None) -> SavedResult:
        """Set the address to which alerts are sent, with a new secret; None: no webhook."""
        hook, secret = new_webhook(self._vault, url) if url else (None, "")
        self._store.set_webhook(number, hook)
        return SavedResult(self._store.get(number), secret)

    def try_webhook(self, number: int) -> Sent:
        """Send a test, once, and return the result.

        Raises:
            NotFound: no such saved search.
            BadInput: it has no webhook.
            Unavailable: the address was sealed with another key.
        """
        search = self._store.get(number)
        if search.webhook is None:
            raise BadInput("this saved search has no webhook", got=number, cure="set one first")
        url, secret = open_webhook(self._vault, search.webhook)
        delivery = uuid.uuid4().hex
        summary = {"number": number, "name": search.draft.name, "query": search.draft.sentence}
        body = encoded({"event": "test", "delivery": delivery, "alert": None, "saved_search": summary})
        return send(url, secret, delivery, body)

    def _with_threshold(self, draft: SavedSearchInput, known: set[str]) -> tuple[SavedSearchInput, MatchTarget]:
        """Measure the threshold on the history without the subjects `known` to show the person: no false alarm."""
        query = self._index.query_for(draft.sentence, draft.like, draft.cameras)
        past = self._index.past(query)
        excluded = known | {subject_of(row) for row, _ in past.scored if row.id in draft.like}
        events = [event for subject, (_, event) in best_events(past.scored).items() if subject not in excluded]
        limits = Limits(max(query.limits.lowest, past.complete_from), query.limits.unproven)
        span = self._store.span(query.cameras)
        result = measured(events, span, draft.rule, limits, draft.alarms_per_day)
        return replace(draft, cameras=query.cameras), MatchTarget(query.vector, self._index.model, query.curve, result)
