"""Standing searches and alerts as plain data, the same for JSON on the terminal, over HTTP and for webhooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from api.alerts.alert_store import AlertStore
from api.alerts.deliveries import DeliveryQueue, DeliveryState, Post
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.thresholds import DAY_MS, Measured
from api.alerts.types import Alert, AlertCounts, SavedSearch
from search.catalog.catalog import Catalog
from search.config import Settings
from search.times import iso, now_ms, zone_of
from search.types import Segment


class SavedSearchView:
    """Needs the catalogue only."""

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._zone: tzinfo = zone_of(settings.timezone)

    def all(self) -> dict[str, Any]:
        """Every standing search, and what went wrong while rows were compared with them."""
        book = SavedSearchStore(self._catalog)
        faults = asdict(book.faults())
        return {"standing": self._searches(book.all()), "faults": faults | {"last": self._iso(faults["last_ms"])}}

    def one(self, standing: SavedSearch) -> dict[str, Any]:
        """One standing search."""
        return self._searches([standing])[0]

    def alerts(self, alerts: Sequence[Alert], *, more: bool) -> dict[str, Any]:
        """A page of alerts, in their order."""
        segments = self._catalog.segments.by_id(list({alert.segment_id for alert in alerts}))
        names = {standing.id: standing.draft for standing in SavedSearchStore(self._catalog).all()}
        told = [
            self._alert(alert, segments.get(alert.segment_id))
            | {"standing_name": names[alert.standing_id].name, "sentence": names[alert.standing_id].sentence}
            for alert in alerts
            if alert.standing_id in names  # else it was removed between two looks
        ]
        return {"alerts": told, "more": more}

    def payload(self, standing: SavedSearch, alert: Alert) -> dict[str, Any]:
        """What a webhook is told of an alert."""
        segment = self._catalog.segments.by_id([alert.segment_id]).get(alert.segment_id)
        draft = standing.draft
        search = {"id": standing.id, "name": draft.name, "sentence": draft.sentence, "case": draft.case_id}
        return {"alert": self._alert(alert, segment), "standing": search}

    def _searches(self, searches: Iterable[SavedSearch]) -> list[dict[str, Any]]:
        now, model = now_ms(), (self._catalog.indexes.model() or ("", 0))[0]
        watched = {index.label for index in self._catalog.indexes.written()}
        tallies, posts = AlertStore(self._catalog).tallies(now), DeliveryQueue(self._catalog).post()
        return [
            self._standing(found)
            | {"state": found.state(found.aim.model if found.aim.model in watched else model, now).value}
            | {"alerts": _tally(found, tallies.get(found.id, AlertCounts()), now)}
            | {"webhook": _webhook(found, posts.get(found.id, Post({})))}
            for found in searches
        ]

    def _standing(self, standing: SavedSearch) -> dict[str, Any]:
        draft = standing.draft
        return {
            "id": standing.id,
            "name": draft.name,
            "sentence": draft.sentence,
            "case": draft.case_id,
            "like": list(draft.like),
            "cameras": list(draft.cameras),
            "alarms_per_day": draft.alarms_per_day,
            "cool_down_s": draft.rule.cool_down_ms / 1000,
            "per_camera_per_day": draft.rule.per_camera_per_day,
            "include_old": draft.include_old,
            "paused": draft.paused,
            "expires_ms": draft.expires_ms,
            "expires": self._iso(draft.expires_ms),
            "created_ms": standing.created_ms,
            "created": self._iso(standing.created_ms),
            "model": standing.aim.model,
            "measured": measured_dict(standing.aim.measured),
        }

    def _alert(self, alert: Alert, segment: Segment | None) -> dict[str, Any]:
        plain = asdict(alert) | {"box": list(alert.box.xyxy), "verdict": alert.verdict.value}
        named = {"standing": plain.pop("standing_id"), "camera": plain.pop("camera_id")}
        named |= {"segment": plain.pop("segment_id"), "clip": plain.pop("row_id")}
        times = {"time": self._iso(alert.time_ms), "created": self._iso(alert.created_ms)}
        return plain | named | times | self._addresses(alert, segment)

    def _addresses(self, alert: Alert, segment: Segment | None) -> dict[str, str | None]:
        """Where the server shows it; None when its recording is deleted."""
        if segment is None:
            return {"thumbnail": None, "clip_url": None}
        pad, longest = (round(1000 * s) for s in (self._settings.clip_pad_s, self._settings.clip_max_s))
        start, end = max(segment.start_ms, alert.start_ms - pad), alert.end_ms + pad
        if end - start > longest:
            start = max(start, alert.time_ms - longest // 2)
            end = start + longest
        at = f"offset_ms={start - segment.start_ms}&duration_ms={end - start}"
        return {
            "thumbnail": f"/api/thumbnails/{segment.id}/{alert.time_ms - segment.start_ms}.jpg",
            "clip_url": f"/api/clips/{segment.id}.mp4?{at}",
        }

    def _iso(self, time_ms: int | None) -> str | None:
        return None if time_ms is None else iso(time_ms, self._zone)


def measured_dict(measured: Measured) -> dict[str, Any]:
    """A threshold and what it promises; figures for people, but the threshold as it is."""

    def short(value: float | None) -> float | None:
        return None if value is None else round(value, 2)

    rates = {name: short(getattr(measured, name)) for name in ("expected_per_day", "at_most_per_day")}
    return asdict(measured) | rates | {"history_hours": round(measured.history_hours, 3)}


def _tally(standing: SavedSearch, tally: AlertCounts, now: int) -> dict[str, Any]:
    days = max(0, min(now, standing.draft.expires_ms) - standing.created_ms) / DAY_MS
    share = tally.false_share
    return {
        "raised": tally.alerts,
        "open": tally.open,
        "right": tally.right,
        "wrong": tally.wrong,
        "false_share": None if share is None else round(share, 3),
        "per_day": round(tally.alerts / days, 2) if days >= 1 else None,
        "full_cameras": list(tally.full),
    }


def _webhook(standing: SavedSearch, post: Post) -> Mapping[str, Any] | None:
    if standing.webhook is None:
        return None
    counts = {state.value: post.counts.get(state.value, 0) for state in DeliveryState}
    return {"address": standing.webhook.shown, "stopped": standing.webhook.stopped, **counts, "last_fault": post.said}
