"""A recorder over one folder, and questions about what it has told the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av

from indexer.recorder.recorder import Recorder
from search.catalog.catalog import Catalog
from search.config import Settings
from search.stream_types import JOIN_MS, Gap, Health, Stream, StreamState
from search.times import now_ms
from search.types import Camera, Segment, StreamRole
from search.vault import Vault, shown

QUICK = {
    "segment_s": 2.0,
    "stream_timeout_s": 1.5,
    "retry_s": 1.0,
    "camera_lease_s": 2.0,
    "refused_retry_s": 1.0,
    "min_free_gib": 0.0,
    "max_lag_s": 30.0,
}
"""Settings that make faults short."""
EVER = 10**13


@dataclass(frozen=True, slots=True)
class Station:
    """Catalogue and settings of a folder; `recording()` runs a recorder in this process."""

    settings: Settings
    catalog: Catalog

    def add(self, camera: str, url: str, index_url: str = "") -> None:
        """Let a camera be recorded."""
        vault = Vault(self.settings.data_dir, self.settings.secret_key)
        self.catalog.cameras.add(Camera(camera), replace=False)
        urls = {StreamRole.MAIN: url} | ({StreamRole.SUB: index_url} if index_url else {})
        now = now_ms()
        streams = [Stream(camera, role, vault.seal(u), shown(u), now) for role, u in urls.items()]
        self.catalog.streams.set(camera, streams)

    def recording(self) -> Recorder:
        """A recorder, to be entered."""
        return Recorder(self.settings, self.catalog)

    def health(self, camera: str, role: StreamRole = StreamRole.MAIN) -> Health | None:
        """As the catalogue knows it."""
        return next((h for h in self.catalog.recordings.health() if (h.camera_id, h.role) == (camera, role)), None)

    def state(self, camera: str) -> StreamState | None:
        """Of the main stream."""
        health = self.health(camera)
        return None if health is None else health.state

    def files(self, camera: str, role: StreamRole = StreamRole.MAIN) -> list[Segment]:
        """What was recorded, by start."""
        return [segment for segment, _, _ in self.catalog.coverage.recordings(0, EVER, [camera], roles=[role])]

    def gaps(self, camera: str) -> list[Gap]:
        """Of the main stream, by start."""
        return [gap for gap in self.catalog.recordings.gaps(0, EVER, [camera]) if gap.role is StreamRole.MAIN]

    def unexplained(self, camera: str) -> list[tuple[int, int]]:
        """Ranges (ms from the beginning) up to the last file that are neither recorded nor a gap."""
        since = next(s.since_ms for s in self.catalog.streams.all() if s.camera_id == camera)
        spans = [(f.start_ms, f.end_ms) for f in self.files(camera)]
        spans += [(g.start_ms, g.end_ms) for g in self.gaps(camera)]
        at, found = since, []
        for start, end in sorted(spans):
            if start - at > JOIN_MS:
                found.append((at - since, start - since))
            at = max(at, end)
        return found

    def longest_hole(self, camera: str) -> int:
        """Milliseconds of the longest stretch between two files."""
        files = self.files(camera)
        return max((b.start_ms - a.end_ms for a, b in pairwise(files)), default=0)


@contextmanager
def station(folder: Path, **changes: object) -> Iterator[Station]:
    """A fresh station in `folder`."""
    settings = Settings(data_dir=folder / "data").model_copy(update=QUICK | changes)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with closing(Catalog(settings.catalog_address).open()) as catalog:
        yield Station(settings, catalog)


def decoded(file: Segment) -> list[tuple[int, int]]:
    """(width, height) of each picture in a file; all of them decode."""
    with av.open(file.path) as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]
