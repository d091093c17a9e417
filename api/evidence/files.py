"""The files of a folder of evidence: originals, clip, still and blurred copy of a sighting."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from api.cases import Sighting, as_jpeg
from api.evidence.manifest import ORIGINAL, Described, Digest, blocks_of, describe
from indexer.decoding import VideoSource, blackened
from search.errors import BadMedia, Conflict, NotFound, Unavailable
from search.media import ClipCache, MediaStore, join_files, read_photo
from search.stream_types import Polygon
from search.types import Box, Image, Segment

_UNUSABLE = re.compile(r"[/\\\x00-\x1f\x7f\ud800-\udfff]")
_LINE = (255, 64, 0)  # of the box, RGB


@dataclass(frozen=True, slots=True)
class EvidenceClip:
    """The stretch of a sighting as a file. It shows `start_ms` up to about `end_ms`, Unix."""

    path: Path
    start_ms: int
    end_ms: int


def copied(segment: Segment, folder: Path, number: int) -> Described:
    """Copy a recording's file into `folder`, byte for byte; what is there afterwards is read again and compared.

    Args:
        segment: whose file is wanted.
        folder: folder of the evidence.
        number: number of the file, from 1, so that two of the same name lie beside each other.

    Raises:
        NotFound: the recording is no longer there.
        Conflict: it is not what was indexed.
        Unavailable: there is no room, or the copy is not the same.
    """
    target = folder / ORIGINAL / f"{number:02d}-{_name(segment)}"
    name = f"{ORIGINAL}/{target.name}"
    digest = Digest()
    target.parent.mkdir(exist_ok=True)
    with _recording(segment) as source, target.open("xb") as copy:
        for block in blocks_of(source):
            digest.add(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    described = digest.described(name)
    _check_unchanged(segment, described)
    if describe(target, name) != described:
        raise Unavailable("the copy is not what was read", got=target, cure="the disk is damaged; export to another")
    return described


def withheld(segment: Segment) -> Described:
    """Describe a recording's file as `copied` would; nothing is copied. Raises as `copied`."""
    digest = Digest()
    with _recording(segment) as source:
        for block in blocks_of(source):
            digest.add(block)
    described = digest.described(_name(segment))
    _check_unchanged(segment, described)
    return described


def cut_clip(
    segments: Sequence[Segment], folder: Path, sighting: Sighting, masks: Sequence[Polygon], timeout_s: float
) -> EvidenceClip:
    """Cut the sighting's stretch: packets are copied; for a masked camera it is encoded again with the masks.

    MP4, or Matroska where the codec does not go into MP4.

    Raises:
        BadMedia: it cannot be cut.
        Unavailable: there is no room, or the encoder fails.
    """
    if masks:
        start_ms = max(sighting.start_ms, segments[0].start_ms)
        work = folder / ".work"  # not the clips of the page: those may lie there for months
        try:
            clips = ClipCache(MediaStore(work), timeout_s=timeout_s)
            made = clips.clip_of(segments, start_ms, sighting.end_ms - start_ms, masks=masks)
            return EvidenceClip(made.rename(folder / "clip.mp4"), start_ms, sighting.end_ms)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return copied_clip(segments, folder / "clip.mp4", sighting.start_ms, sighting.end_ms)


def copied_clip(segments: Sequence[Segment], target: Path, start_ms: int, end_ms: int) -> EvidenceClip:
    """Cut a stretch of recordings by stream copy; `target` ends in ``.mkv`` where MP4 cannot hold the codec."""
    try:
        begin_ms = join_files(segments, target, end_ms, from_ms=start_ms)
    except BadMedia:
        target.unlink(missing_ok=True)
        target = target.with_suffix(".mkv")
        begin_ms = join_files(segments, target, end_ms, from_ms=start_ms)
    return EvidenceClip(target, begin_ms, end_ms)


def still_of(
    kept: bytes | None, clip: EvidenceClip, sighting: Sighting, masks: Sequence[Polygon], megapixels: float
) -> bytes:
    """Return a picture of the sighting with its box drawn, JPEG.

    Args:
        kept: the picture that was kept with the sighting, JPEG; None takes the nearest one of the clip.
        clip: clip of the sighting.
        sighting: says where the box is.
        masks: blackened; they may have been drawn after the picture was kept.
        megapixels: larger pictures of the clip are refused.
    """
    image = _nearest(clip, sighting.time_ms, megapixels) if kept is None else read_photo(kept, longest_px=10_000)
    return as_jpeg(boxed(blackened(image, masks), sighting))


def boxed(image: Image, sighting: Sighting) -> Image:
    """Draw the sighting's box into `image`, whatever its size."""
    import cv2

    made = image.copy()
    box = box_in(image, sighting)
    width = max(2, round(max(image.shape[:2]) / 400))
    corners = (box.x1 - width, box.y1 - width), (box.x2 - 1 + width, box.y2 - 1 + width)
    cv2.rectangle(made, *corners, _LINE, width)
    return made


def box_in(image: Image, sighting: Sighting) -> Box:
    """Return the sighting's box in pixels of a picture of another size."""
    down, across = image.shape[0] / sighting.frame_height, image.shape[1] / sighting.frame_width
    x1, y1 = int(sighting.box.x1 * across), int(sighting.box.y1 * down)
    return Box(x1, y1, max(x1 + 1, round(sighting.box.x2 * across)), max(y1 + 1, round(sighting.box.y2 * down)))


def written(path: Path, data: bytes) -> Path:
    """Write a file of the folder."""
    path.write_bytes(data)
    return path


def _nearest(clip: EvidenceClip, time_ms: int, megapixels: float) -> Image:
    best: tuple[int, Image] | None = None
    frames = VideoSource(clip.path, interval_s=0.001, max_megapixels=megapixels).frames()
    for frame in frames:
        off = abs(clip.start_ms + frame.offset_ms - time_ms)
        if best is not None and off > best[0]:
            frames.close()
            break
        best = off, frame.image
    if best is None:
        raise BadMedia("no frame could be decoded", reason="undecodable", got=clip.path)
    return best[1]


@contextmanager
def _recording(segment: Segment) -> Iterator[IO[bytes]]:
    """Open a recording's file."""
    try:
        file = Path(segment.path).open("rb")  # noqa: SIM115 - closed below; what the block itself does wrong is its own
    except OSError as e:
        raise NotFound(
            "the recording is no longer there",
            got=f"{segment.path}: {e.strerror or e}",
            cure="give it back under this path (a disk that is not mounted?); what was deleted cannot be exported",
        ) from None
    with file:
        yield file


def _check_unchanged(segment: Segment, described: Described) -> None:
    if described.sha256 != segment.sha256:
        raise Conflict(
            "the recording is not what was indexed: its file was changed since",
            got=f"{segment.path}: SHA-256 {described.sha256}",
            expected=segment.sha256,
            cure="find out who changed it and give the original back from a backup",
        )


def _name(segment: Segment) -> str:
    """Return the recording's file name, without characters that a name cannot have, at most 150 bytes."""
    usable = _UNUSABLE.sub("_", Path(segment.path).name).encode()[-150:].decode("utf-8", "ignore")
    return usable.lstrip(".") or "recording"
