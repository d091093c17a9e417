"""Cuts the images of rows out of their recordings again, as the worker did. No detector runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from indexer.decoding import PrivacyMasks, VideoSource, blackened, decoding_card
from indexer.detection import CROP_PX
from indexer.pipeline import WHOLE_FRAME_PX, OpenIndex
from search.catalog import Catalog
from search.config import Settings
from search.errors import BadMedia
from search.media import MediaStore, shrink
from search.models import Embedder
from search.types import Image, Row, RowKind, Segment

EVERY_FRAME_S = 0.001
MISSING = "its images are not in the file"


class RowImages:
    """Decodes recordings to get the images of rows. Safe for threads; opens and closes nothing.

    Args:
        settings: `sample_interval_s` and `max_megapixels` count.
        catalog: has the cameras' masks.
        media: has the recordings.
    """

    def __init__(self, settings: Settings, catalog: Catalog, media: MediaStore) -> None:
        self._settings = settings
        self._card = decoding_card(settings)
        self._masks = PrivacyMasks(catalog)
        self._media = media

    def of(
        self, segment: Segment, rows: Sequence[Row], on_frame: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[Row, Image]]:
        """Yield each of a segment's rows with its image (uint8 (h, w, 3)).

        The frames that the sampling takes are tried first, as they cost least. Of a file that was sampled otherwise,
        under load or by other settings, every frame is decoded.

        Args:
            segment: the recording.
            rows: rows of this segment.
            on_frame: called for each frame that is decoded; it may raise.

        Raises:
            BadMedia: the file does not have the images.
        """
        left = {row.id: row for row in rows}
        for interval_s in (self._settings.sample_interval_s, EVERY_FRAME_S):
            if left:
                for row, image in self._sample(segment, interval_s, list(left.values()), on_frame):
                    del left[row.id]
                    yield row, image
        if left:
            raise BadMedia(MISSING, reason="changed", got=segment.path, cure="put back the file that was indexed")

    def _sample(
        self, segment: Segment, interval_s: float, rows: Sequence[Row], on_frame: Callable[[], None]
    ) -> Iterator[tuple[Row, Image]]:
        by_offset: dict[int, list[Row]] = {}
        for row in rows:
            by_offset.setdefault(row.time_ms - segment.start_ms, []).append(row)
        last = max(by_offset)
        masks = self._masks.masks(segment.camera_id)
        file = Path(self._media.local(segment).path)
        largest = self._settings.max_megapixels
        source = VideoSource(file, interval_s=interval_s, max_megapixels=largest, card=self._card)
        with closing(source.frames()) as frames:
            for frame in frames:
                on_frame()
                for row in by_offset.get(frame.offset_ms, ()):
                    image = blackened(frame.image, masks) if masks else frame.image
                    yield row, _cut(row, image)
                if frame.offset_ms >= last:
                    return


def _cut(row: Row, image: Image) -> Image:
    """Cut a row's image out of its frame as `indexer.pipeline.analyzer` and `indexer.detection.crops` do."""
    return shrink(image, WHOLE_FRAME_PX) if row.kind is RowKind.FRAME else shrink(row.box.crop(image), CROP_PX).copy()


def rows_unlike_their_images(images: RowImages, index: OpenIndex, segment: Segment, least: float) -> list[str]:
    """Return the ids of a segment's rows whose vector is not that of their image (cosine below `least`).

    Raises:
        BadMedia: the file does not have the images.
    """
    items = list(images.of(segment, index.store.rows_of([segment.id])))
    unlike: list[str] = []
    for at in range(0, len(items), index.embedder.batch_size):
        batch = sorted(items[at : at + index.embedder.batch_size], key=lambda item: item[0].id)
        stored = index.store.get([row.id for row, _ in batch])[1]
        fresh = index.embedder.embed_images([image for _, image in batch])
        cosines = (stored * fresh).sum(axis=1)
        unlike += [row.id for (row, _), cosine in zip(batch, cosines, strict=True) if cosine < least]
    return unlike


def seconds_per_row(images: RowImages, source: OpenIndex, embedder: Embedder, segment: Segment) -> float | None:
    """Measure the seconds that decoding and embedding one of a segment's rows takes; the vectors are thrown away.

    Returns None where the segment has no rows or its file is gone.
    """
    rows = source.store.rows_of([segment.id])
    began = time.monotonic()
    try:
        cut = [image for _, image in images.of(segment, rows)]
    except BadMedia:
        return None
    for at in range(0, len(cut), embedder.batch_size):
        embedder.embed_images(cut[at : at + embedder.batch_size])
    return (time.monotonic() - began) / len(cut) if cut else None
