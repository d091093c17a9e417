"""Makes rows of the index from frames and tracks, and the report of a segment's frames."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

from indexer.decoding import FrameCounts
from indexer.detection import Track
from search.errors import BadMedia
from search.media import person_row_id
from search.types import Box, Frame, Image, Row, RowKind, Segment, SegmentReport, SegmentState


def frame_row(segment: Segment, frame: Frame) -> Row:
    """Return the row of a whole frame. Its id depends on the segment and the frame's offset only."""
    height, width = frame.image.shape[:2]
    time_ms = segment.start_ms + frame.offset_ms
    return Row(
        id=f"{segment.id}-f-{frame.offset_ms}",
        camera_id=segment.camera_id,
        segment_id=segment.id,
        kind=RowKind.FRAME,
        track=0,
        time_ms=time_ms,
        start_ms=time_ms,
        end_ms=time_ms,
        box=Box(0, 0, width, height),
        frame_width=width,
        frame_height=height,
    )


def crop_rows(segment: Segment, track: Track) -> Iterator[tuple[Row, Image, bytes]]:
    """Yield a track's representative crops: row, image (uint8 (h, w, 3)) and the frame's thumbnail (JPEG)."""
    for crop in track.crops:
        row = Row(
            id=person_row_id(segment.id, track.number, crop.offset_ms),
            camera_id=segment.camera_id,
            segment_id=segment.id,
            kind=RowKind.PERSON,
            track=track.number,
            time_ms=segment.start_ms + crop.offset_ms,
            start_ms=segment.start_ms + track.start_ms,
            end_ms=segment.start_ms + track.end_ms,
            box=crop.box,
            frame_width=crop.frame_width,
            frame_height=crop.frame_height,
        )
        yield row, crop.image, crop.thumbnail


def indexed_report(
    segment: Segment, counts: FrameCounts, used: Collection[int], rows: int, load: int = 0
) -> SegmentReport:
    """Return the report of a segment that was read to its end.

    Args:
        segment: segment with its measured size and duration.
        counts: what became of every frame in the file.
        used: offsets (ms) of the frames that gave at least one row.
        rows: rows written.
        load: load of the frames that were not due, those that were skipped because the indexer was behind.

    Raises:
        BadMedia: not one frame could be decoded.
    """
    if not counts.yielded:
        raise BadMedia(
            "no frame could be decoded",
            reason="undecodable",
            got=segment.path,
            cure="play the file; if it plays, convert it to H.264 MP4",
        )
    skipped = {
        "not due": counts.not_due - load,
        "load": load,
        "damaged": counts.damaged,
        "nothing new": counts.yielded - len(used),
    }
    return SegmentReport(
        segment,
        SegmentState.INDEXED,
        seen=counts.seen,
        indexed=len(used),
        skipped={reason: n for reason, n in skipped.items() if n},
        rows=rows,
    )


def unsampled_frames(segment: Segment, counts: FrameCounts, interval_s: float) -> int:
    """Return how many more frames sampling every `interval_s` seconds would have taken."""
    expected = math.ceil(segment.duration_ms / (1000 * interval_s))
    return min(max(0, expected - counts.yielded), counts.not_due)


def skipped_report(segment: Segment, counts: FrameCounts, error: BadMedia) -> SegmentReport:
    """Return the report of a segment that could not be indexed: all its frames are skipped, for the error's reason."""
    return SegmentReport(
        segment,
        SegmentState.SKIPPED,
        seen=counts.seen,
        skipped={error.reason: counts.seen} if counts.seen else {},
        reason=error.reason,
        message=f"{error.what}; got: {error.got}" if error.got else error.what,
        cure=error.cure,
    )


def measured(segment: Segment, last_offset_ms: int, width: int, height: int) -> Segment:
    """Return the segment with its frame size and a duration that covers its last frame."""
    return replace(segment, duration_ms=max(segment.duration_ms, last_offset_ms + 1), width=width, height=height)
