"""A worker with all its parts over one folder, and recorded files of live cameras for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from indexer.detection.motion import MotionDetector
from indexer.importer.registration import register
from indexer.pipeline.executors import ThreadExecutor
from indexer.pipeline.open_index import OpenIndex
from indexer.pipeline.worker import IndexWorker
from indexer.recorder.segment_writer import RecordingFolder
from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.config import Settings
from search.engine import SearchEngine
from search.media.media_store import MediaStore
from search.times import zone_of
from search.types import Image, Segment, SegmentState, StreamRole
from search.vector_store.milvus import MilvusStore
from tests.support.fakes import ColourEmbedder
from tests.support.street import HEIGHT, WIDTH, figure, scene, walker

FILE_MS = 10_000
UTC = zone_of("UTC")


class Pipeline:
    """All parts of a worker over one folder."""

    def __init__(self, folder: Path, embedder: ColourEmbedder | None = None, **changes: object) -> None:
        self.settings = Settings(data_dir=folder).model_copy(update=changes)
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.embedder = embedder or ColourEmbedder()
        self.catalog = Catalog(self.settings.catalog_address).open()
        self.catalog.indexes.bind_model(self.embedder.label, lambda: self.embedder.dim)
        info = self.catalog.indexes.live()
        assert info is not None
        self.store = MilvusStore(self.settings.store_address, collection=info.collection, dim=info.dim)
        self.store.open()
        self.media = MediaStore(self.settings.media_dir)
        self.use(OpenIndex(info, self.embedder, self.store))
        self.engine = SearchEngine(self.settings, self.embedder, self.store, self.catalog)

    def use(self, index: OpenIndex) -> None:
        """Index into `index` from now on."""
        self.index = index
        self.worker = IndexWorker(self.settings, self.catalog, self.media, MotionDetector(), lambda: [index])
        self.executor = ThreadExecutor(self.worker, self.catalog, lease_s=self.settings.lease_s)

    def register(self, *paths: Path) -> None:
        register(self.catalog, paths, camera_id=None, start_ms=None, zone=UTC, max_megapixels=17)

    def close(self) -> None:
        self.store.close()
        self.catalog.close()


def shot(*people: tuple[int, int]) -> Image:
    """Draw the street with people: (left edge, number of clothes)."""
    picture = scene()
    for x, who in people:
        figure(picture, walker(x), who)
    noise = np.random.default_rng(len(people)).normal(0, 2, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def record(
    pipeline: Pipeline, pictures: Sequence[Image], start_ms: int, camera: str = "gate", step_ms: int = 2000
) -> Segment:
    """Write a file as the recorder does, each frame a key frame, and enter it into the catalogue."""
    place = RecordingFolder(pipeline.settings.recordings_dir, camera, StreamRole.MAIN)
    path = place.file(start_ms, ".mp4")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "1", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for n, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = n * step_ms * 25 // 1000
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    segment = place.segment(path, start_ms, len(pictures) * step_ms, (WIDTH, HEIGHT))
    pipeline.catalog.recordings.write(RecorderUpdate(segments=[(segment, SegmentState.PENDING)]))
    return segment


def walk(file: int, who: int) -> list[Image]:
    """Draw five frames of somebody on the way through the street."""
    return [shot((20 + 55 * n + 3 * file, who)) for n in range(5)]
