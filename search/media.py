"""Thumbnails and clips on disk."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from search.cutting import cut, ffmpeg_path
from search.errors import BadInput, Unavailable
from search.types import Image

__all__ = ["MediaStore", "encode_thumbnail", "ffmpeg_path", "shrink"]

MAX_CLIP_MS = 3_600_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STALE_S = 3600  # a temporary file of that age was left by a process that died


def shrink(image: Image, max_side: int) -> Image:
    """`image` (uint8 (H, W, 3)) with its longer side at most `max_side` pixels; smaller ones come back as they are."""
    import cv2

    height, width = image.shape[:2]
    if max(height, width) <= max_side:
        return image
    scale = max_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cast(Image, cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def encode_thumbnail(image: Image, max_width: int = 640) -> bytes:
    """JPEG of `image` (uint8 (H, W, 3) RGB), at most `max_width` pixels wide."""
    import cv2

    height, width = image.shape[:2]
    small = shrink(image, max(max_width, round(height * max_width / width))) if width > max_width else image
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
    if not done:
        raise BadInput("not a picture", got=image.shape)
    return bytes(data)


class MediaStore:
    """Thumbnails, written while indexing, and clips, cut when first asked for and kept up to a total size.

    Safe for threads and for processes: files appear whole, under names that follow from their content.

    Args:
        root: a folder; made when first needed.
        max_clip_bytes: of all clips together; the least recently asked for go first.
        timeout_s: for cutting one clip.
    """

    def __init__(self, root: Path, *, max_clip_bytes: int = 2_000_000_000, timeout_s: float = 60.0) -> None:
        self._root = root
        self._max_clip_bytes = max_clip_bytes
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._cutting: dict[str, tuple[threading.Lock, int]] = {}

    def thumbnail_path(self, segment_id: str, offset_ms: int) -> Path:
        """Where the thumbnail of the picture at `offset_ms` of a segment lies, whether it is there or not.

        Raises:
            BadInput: not an id or not an offset.
        """
        return self._root / "thumbnails" / _checked(segment_id) / f"{_count(offset_ms, 'offset')}.jpg"

    def put_thumbnail(self, segment_id: str, offset_ms: int, jpeg: bytes) -> None:
        """Store a thumbnail; the same one again changes nothing.

        Raises:
            Unavailable: the disk is full or the folder cannot be written.
        """
        target = self.thumbnail_path(segment_id, offset_ms)
        with _written(target) as temporary:
            temporary.write_bytes(jpeg)

    def clip(self, source: Path, segment_id: str, offset_ms: int, duration_ms: int) -> Path:
        """An MP4 of `duration_ms` from `offset_ms` after the source's first picture. Callers for the same one share it.

        Raises:
            BadInput: not an id, an impossible time, or no picture there.
            BadMedia: the source is missing or cannot be cut.
            Unavailable: ffmpeg or the disk fails, or cutting takes too long.
        """
        if not 0 < _count(duration_ms, "duration") <= MAX_CLIP_MS:
            raise BadInput("not a clip's duration", got=duration_ms, expected=f"1 to {MAX_CLIP_MS} ms")
        target = self._root / "clips" / f"{_checked(segment_id)}_{_count(offset_ms, 'offset')}_{duration_ms}.mp4"
        with self._one_at_a_time(target.name):
            if _touched(target):
                return target
            with _written(target) as temporary:
                cut(source, temporary, offset_ms, duration_ms, timeout_s=self._timeout_s)
        self._make_room(target)
        return target

    @contextlib.contextmanager
    def _one_at_a_time(self, name: str) -> Iterator[None]:
        with self._lock:
            lock, users = self._cutting.get(name, (threading.Lock(), 0))
            self._cutting[name] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._cutting.pop(name)
                if users > 1:
                    self._cutting[name] = (lock, users - 1)

    def _make_room(self, newest: Path) -> None:
        with self._lock:
            kept = 0
            for _, size, path in sorted(_clips(newest.parent), reverse=True):
                kept += size
                if kept > self._max_clip_bytes and path != newest:
                    path.unlink(missing_ok=True)


def _clips(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """(last use in ns, bytes, path) of each clip; stale temporary files count as used long ago."""
    now = time.time()
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            info = path.stat()
            if path.name.startswith("."):
                if now - info.st_mtime > _STALE_S:
                    path.unlink()
            else:
                yield info.st_mtime_ns, info.st_size, path


def _touched(path: Path) -> bool:
    """Whether `path` is there; then it counts as just used."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def _written(target: Path) -> Iterator[Path]:
    """A temporary path beside `target` that becomes `target` when the block ends well, and goes away when not."""
    temporary = target.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(target)
    except OSError as e:
        cure = f"{e.strerror or e}; check room and rights of the data folder"
        raise Unavailable("the media folder cannot be written", got=target, cure=cure) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _checked(segment_id: str) -> str:
    if not _ID.fullmatch(segment_id):
        raise BadInput("not a segment id", got=repr(segment_id), expected="letters, digits, _ and -")
    return segment_id


def _count(ms: int, what: str) -> int:
    if isinstance(ms, bool) or not isinstance(ms, int) or not 0 <= ms <= 10**12:
        raise BadInput(f"not a clip's {what}", got=repr(ms), expected="milliseconds from 0")
    return ms
