"""Alerts: saved searches that compare new rows, their alerts and webhooks."""

from api.alerts.alert_store import MAX_LIMIT, AlertStore, unknown_alert
from api.alerts.deliveries import Deliverer
from api.alerts.history import EngineIndex
from api.alerts.matcher import AlertMatcher, settled
from api.alerts.saved_search_store import SavedSearchStore
from api.alerts.service import SavedResult, SavedSearchService
from api.alerts.thresholds import AlertRule
from api.alerts.types import (
    MAX_CAMERAS,
    MAX_DAYS,
    Alert,
    Judgement,
    SavedSearch,
    SavedSearchInput,
    SavedSearchState,
    expiry,
)
from api.alerts.views import SavedSearchView, measured_dict

__all__ = [
    "Alert", "AlertMatcher", "AlertRule", "AlertStore", "Deliverer", "EngineIndex", "Judgement", "MAX_CAMERAS",
    "MAX_DAYS", "MAX_LIMIT", "SavedResult", "SavedSearch", "SavedSearchInput", "SavedSearchService",
    "SavedSearchState", "SavedSearchStore", "SavedSearchView", "expiry", "measured_dict", "settled",
    "unknown_alert",
]  # fmt: skip
