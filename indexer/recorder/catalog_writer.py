"""The recorder's one writer to the catalogue: closed files and gaps wait here until it has taken them."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from search.catalog import Catalog, RecorderUpdate
from search.stream_types import Gap
from search.types import StreamRole


class CatalogWriter:
    """Safe for threads.

    Args:
        catalog: the catalogue.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.uploading_from = ""
        """Id of the folder whose files an uploader moves to the storage of media; empty: they stay."""
        self._catalog = catalog
        self._lock = threading.Lock()
        self._waiting: list[RecorderUpdate] = []

    def post(self, update: RecorderUpdate) -> None:
        """Queue an update for the next `flush`."""
        with self._lock:
            self._waiting.append(update)

    def flush(self) -> None:
        """Write all queued updates in one transaction; they stay queued until it has succeeded.

        Raises:
            Unavailable: the catalogue does not answer.
        """
        with self._lock:
            waiting = list(self._waiting)
        if waiting:
            self.write(merged(waiting))
            with self._lock:
                del self._waiting[: len(waiting)]

    def write(self, update: RecorderUpdate) -> None:
        """Write an update at once. Raises `Unavailable`."""
        self._catalog.recordings.write(update, uploading_from=self.uploading_from)


def merged(updates: Iterable[RecorderUpdate]) -> RecorderUpdate:
    """Return one update for many; of several entries about a gap the last one holds."""
    whole = RecorderUpdate()
    gaps: dict[tuple[str, StreamRole, int], tuple[Gap, bool]] = {}
    for update in updates:
        whole.segments += update.segments
        gaps |= {(g.camera_id, g.role, g.start_ms): (g, False) for g in update.no_gaps}
        gaps |= {(g.camera_id, g.role, g.start_ms): (g, True) for g in update.gaps}
    whole.gaps = [gap for gap, is_one in gaps.values() if is_one]
    whole.no_gaps = [gap for gap, is_one in gaps.values() if not is_one]
    return whole
