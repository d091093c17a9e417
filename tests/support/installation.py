"""A catalogue, rows, media and recordings over one folder, to be cleaned up or checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.maintenance.retention import Retention
from indexer.recorder.segment_writer import RecordingFolder
from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.segment_queue import segment_id
from search.config import Settings
from search.media.media_store import MediaStore
from search.stream_types import Reason
from search.types import (
    Box,
    Camera,
    Row,
    RowKind,
    Segment,
    SegmentReport,
    SegmentState,
    StartSource,
    StreamRole,
)
from search.vector_store.base import VectorStore
from search.vector_store.memory import MemoryStore

DAY = 86_400_000
NOW = 1_790_000_000_000
DIM = 4


@dataclass
class Installation:
    """All that retention and `doctor --deep` work on."""

    settings: Settings
    catalog: Catalog
    store: VectorStore
    media: MediaStore

    @property
    def retention(self) -> Retention:
        return Retention(self.settings, self.catalog, self.store, self.media)

    def record(
        self,
        start_ms: int,
        camera: str = "gate",
        *,
        role: StreamRole = StreamRole.MAIN,
        state: SegmentState = SegmentState.INDEXED,
        size: int = 100,
    ) -> Segment:
        """A file of 10 s with its entry, two rows, a thumbnail and a clip."""
        self.catalog.cameras.add(Camera(camera), replace=False)
        file = RecordingFolder(self.settings.recordings_dir, camera, role).file(start_ms, ".mp4")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 10)
        sha = f"{camera}{start_ms}{role}"
        segment = Segment(
            segment_id(camera, sha), camera, str(file.absolute()), sha, size, start_ms, StartSource.RECORDER, 10_000,
            role=role,
        )  # fmt: skip
        self.catalog.recordings.write(RecorderUpdate(segments=[(segment, SegmentState.PENDING)]))
        if state is SegmentState.INDEXED:
            rows = [frame(segment, offset) for offset in (0, 5000)]
            self.store.upsert(rows, np.eye(2, DIM, dtype=np.float32))
            self.media.put_thumbnail(segment.id, 0, b"jpeg")
            clips = self.settings.media_dir / "clips"
            clips.mkdir(exist_ok=True)
            (clips / f"{segment.id}_0_2000.mp4").touch()
            self.catalog.segments.finish(SegmentReport(segment, state, seen=1, indexed=1, rows=2))
        return segment

    def everything(self) -> set[str]:
        """Ids that anything is known about: entries, files (by start), thumbnails, clips, rows."""
        ids = {segment.id for segment, _, _ in self.catalog.coverage.recordings(0, 2**62)}
        media = {path.name.partition("_")[0] for path in self.settings.media_dir.glob("*/*")}
        return ids | media | {row_id.partition("-")[0] for row_id in self.store.ids()}

    def files(self) -> list[Path]:
        return sorted(path for path in self.settings.recordings_dir.rglob("*") if path.is_file())

    def gaps(self) -> list[tuple[int, int, Reason]]:
        return [(gap.start_ms, gap.end_ms, gap.reason) for gap in self.catalog.recordings.gaps(0, 2**62)]


def frame(segment: Segment, offset: int) -> Row:
    at = segment.start_ms + offset
    name = f"{segment.id}-f-{offset}"
    return Row(name, segment.camera_id, segment.id, RowKind.FRAME, 0, at, at, at, Box(0, 0, 9, 9), 9, 9)


@contextmanager
def open_installation(folder: Path) -> Iterator[Installation]:
    """Open an empty one in `folder`, with its rows in memory."""
    settings = Settings(data_dir=folder)
    with Catalog(settings.catalog_address) as catalog, MemoryStore(dim=DIM) as store:
        yield Installation(settings, catalog, store, MediaStore(settings.media_dir))
