"""Re-indexing: a second index with a new model beside the active one, verified and switched."""

from api.reindex.backfill import IndexSynchronizer, backfill_until, begin, load_indexes_until
from api.reindex.plan import plan
from api.reindex.status import status
from api.reindex.switch import drop, switch

__all__ = ["IndexSynchronizer", "backfill_until", "begin", "drop", "load_indexes_until", "plan", "status", "switch"]
