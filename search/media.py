"""Thumbnails and clips on disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from search.cutting import cut, ffmpeg_path
from search.errors import BadInput, BadMedia, Unavailable
from search.joining import join_files
from search.live import Polygon
from search.types import Image, Segment

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

    def put_tracks(self, segment_id: str, data: bytes) -> None:
        """Store where a segment's people were (`search.tracks.packed`), beside its thumbnails.

        Raises:
            Unavailable: the disk is full or the folder cannot be written.
        """
        with _written(self._tracks_path(segment_id)) as temporary:
            temporary.write_bytes(data)

    def tracks(self, segment_id: str) -> bytes | None:
        """What `put_tracks` stored; None: nothing.

        Raises:
            BadInput: not an id.
            Unavailable: it cannot be read.
        """
        path = self._tracks_path(segment_id)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise Unavailable("the media folder cannot be read", got=path, cure=str(e.strerror or e)) from None

    def _tracks_path(self, segment_id: str) -> Path:
        return self._root / "thumbnails" / _checked(segment_id) / "tracks.json"

    def now_path(self, camera_id: str) -> Path:
        """Where a live camera's picture of now lies, there or not; its modification time is when it was taken."""
        return self._root / "now" / f"{hashlib.sha256(camera_id.encode()).hexdigest()[:24]}.jpg"

    def put_now(self, camera_id: str, jpeg: bytes, time_ms: int) -> None:
        """Let this be a live camera's picture of now, taken at `time_ms` (Unix).

        Raises:
            Unavailable: the disk is full or the folder cannot be written.
        """
        with _written(self.now_path(camera_id)) as temporary:
            temporary.write_bytes(jpeg)
            os.utime(temporary, ns=(time_ms * 1_000_000, time_ms * 1_000_000))

    def delete_segment(self, segment_id: str) -> int:
        """Remove a segment's thumbnails and all clips that show it; how many those were.

        Raises:
            BadInput: not an id.
            Unavailable: the folder cannot be written.
        """
        folder, clips = self._root / "thumbnails" / _checked(segment_id), self._root / "clips"
        try:
            self._tracks_path(segment_id).unlink(missing_ok=True)
            pictures, marks = _files(folder), _files(self._marks(segment_id))
            shown = {clips / mark.name for mark in marks}
            gone = [*pictures, *clips.glob(f"{segment_id}_*_*.mp4"), *(path for path in shown if path.exists())]
            for path in (*gone, *marks):  # the marks last: they are the way to the clips
                path.unlink(missing_ok=True)
            for empty in (folder, self._marks(segment_id)):
                with contextlib.suppress(FileNotFoundError):
                    empty.rmdir()
        except OSError as e:
            cure = f"{e.strerror or e}; check the rights of the data folder"
            raise Unavailable("the media folder cannot be written", got=folder, cure=cure) from None
        return len(gone)

    def segment_ids(self) -> Iterator[str]:
        """Ids of the segments that anything is kept of; one may come several times."""
        for folder in ("thumbnails", "shown", "clips"):
            with contextlib.suppress(FileNotFoundError), os.scandir(self._root / folder) as entries:
                for entry in entries:
                    if _ID.match(entry.name):  # not what is being written
                        yield entry.name if folder != "clips" else entry.name.rsplit(".", 1)[0].split("_")[0]

    def clip(
        self, source: Path, segment_id: str, offset_ms: int, duration_ms: int, *, masks: Sequence[Polygon] = ()
    ) -> Path:
        """An MP4 of `duration_ms` from `offset_ms` after the source's first picture. Callers for the same one share it.

        What `masks` cover is black; other masks make another clip.

        Raises:
            BadInput: not an id, an impossible time, or no picture there.
            BadMedia: the source is missing or cannot be cut.
            Unavailable: ffmpeg or the disk fails, or cutting takes too long.
        """
        target = self._clip_path([segment_id], offset_ms, duration_ms, masks)

        def make(temporary: Path) -> None:
            cut(source, temporary, offset_ms, duration_ms, timeout_s=self._timeout_s, masks=masks)

        return self._made(target, [source], (), make)

    def clip_of(
        self, segments: Sequence[Segment], start_ms: int, duration_ms: int, *, masks: Sequence[Polygon] = ()
    ) -> Path:
        """As `clip`, of segments of one stream, by start; the clip is at most `duration_ms` long.

        It begins with the first picture at or after `start_ms` (Unix ms) and ends where the segments end, or where
        their pictures change in size or codec. Gaps between the segments are gaps in its time.
        """
        first = segments[0]
        late_ms = max(0, first.start_ms - start_ms)
        offset_ms, duration_ms = max(0, start_ms - first.start_ms), max(1, duration_ms - late_ms)
        if len(segments) == 1:
            return self.clip(Path(first.path), first.id, offset_ms, duration_ms, masks=masks)
        ids = [segment.id for segment in segments]
        target = self._clip_path(ids, offset_ms, duration_ms, masks)

        def make(temporary: Path) -> None:
            joined = temporary.with_name(f"{temporary.name}.mp4")
            try:
                begin_ms = join_files(segments, joined, first.start_ms + offset_ms + duration_ms)
                offset = max(0, first.start_ms + offset_ms - begin_ms)
                cut(joined, temporary, offset, duration_ms, timeout_s=self._timeout_s, masks=masks)
            finally:
                joined.unlink(missing_ok=True)

        return self._made(target, [Path(segment.path) for segment in segments], ids[1:], make)

    def _clip_path(self, ids: Sequence[str], offset_ms: int, duration_ms: int, masks: Sequence[Polygon]) -> Path:
        """A clip's name: the first segment that it shows, the range, and a digest of other segments and masks."""
        if not 0 < _count(duration_ms, "duration") <= MAX_CLIP_MS:
            raise BadInput("not a clip's duration", got=duration_ms, expected=f"1 to {MAX_CLIP_MS} ms")
        name = f"{_checked(ids[0])}_{_count(offset_ms, 'offset')}_{duration_ms}"
        if len(ids) > 1 or masks:
            more = repr(([_checked(id_) for id_ in ids[1:]], [[tuple(point) for point in mask] for mask in masks]))
            name += f"_{hashlib.sha256(more.encode()).hexdigest()[:16]}"
        return self._root / "clips" / f"{name}.mp4"

    def _made(self, target: Path, sources: Sequence[Path], also: Sequence[str], make: Callable[[Path], None]) -> Path:
        """The clip `target`, made by `make` if it is not there; `also`: segments that it shows beside the first."""
        with self._one_at_a_time(target.name):
            if _touched(target):
                return target
            with _written(target) as temporary:
                make(temporary)
                for segment_id in also:  # before the clip is there, so that `delete_segment` never misses it
                    mark = self._marks(segment_id) / target.name
                    mark.parent.mkdir(parents=True, exist_ok=True)
                    mark.touch()
            gone = next((source for source in sources if not source.exists()), None)
            if gone is not None:  # deleted meanwhile: whoever deleted it may have looked for clips too early
                target.unlink(missing_ok=True)
                cure = "it was deleted just now; ask again for what is left"
                raise BadMedia("the recording is gone", reason="missing", got=gone, cure=cure)
        self._make_room(target)
        return target

    def _marks(self, segment_id: str) -> Path:
        """Empty files with the names of the clips that show the segment, but do not begin with it."""
        return self._root / "shown" / _checked(segment_id)

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


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


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
