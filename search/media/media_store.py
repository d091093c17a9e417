"""Thumbnails and clips on disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from search.config import Settings
from search.errors import BadInput, BadMedia, Unavailable
from search.files import by_use, touched, written
from search.media.clip_cutter import cut, ffmpeg_path
from search.media.concat import join_files
from search.media.storage import FolderStorage, Storage, open_shelf
from search.stream_types import Polygon
from search.types import Image, Segment, is_address

__all__ = ["MediaStore", "open_media", "encode_thumbnail", "ffmpeg_path", "shrink"]

MAX_CLIP_MS = 3_600_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_RECORDINGS = "recordings"  # folder of the recorder's files on a shelf that is not a folder here


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

    Safe for threads and for processes: files appear whole, under names that follow from their content. Thumbnails,
    tracks, pictures of now and, where it is no folder, recordings lie on the `shelf`; clips always on this machine.

    Args:
        root: a folder; made when first needed.
        shelf: where all but clips lie; `root` by default.
        max_clip_bytes: of all clips together; the least recently asked for go first.
        timeout_s: for cutting one clip.
    """

    def __init__(
        self,
        root: Path,
        *,
        shelf: Storage | None = None,
        max_clip_bytes: int = 2_000_000_000,
        timeout_s: float = 60.0,
    ) -> None:
        self._root = root
        self._shelf = shelf or FolderStorage(root)
        self._max_clip_bytes = max_clip_bytes
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._cutting: dict[str, tuple[threading.Lock, int]] = {}

    def check(self) -> None:
        """Raise `Unavailable` unless the shelf can be read and written."""
        self._shelf.check()

    # pictures and tracks -----------------------------------------------------------------------------------------

    def thumbnail_path(self, segment_id: str, offset_ms: int) -> Path:
        """File of the thumbnail of the picture at `offset_ms` of a segment, or where it would be.

        Raises:
            BadInput: not an id or not an offset.
            Unavailable: the storage does not answer.
        """
        return self._shelf.local(_thumbnail(segment_id, offset_ms), fresh=True)  # it may have been masked since

    def thumbnail_address(self, segment_id: str, offset_ms: int) -> str:
        """Where it lies, there or not: an absolute path, or an address on S3."""
        return self._shelf.where(_thumbnail(segment_id, offset_ms))

    def put_thumbnail(self, segment_id: str, offset_ms: int, jpeg: bytes) -> None:
        """Store a thumbnail; the same one again changes nothing. Raises `Unavailable`."""
        self.put_thumbnails({(segment_id, offset_ms): jpeg})

    def put_thumbnails(self, thumbnails: Mapping[tuple[str, int], bytes]) -> None:
        """Store many: (segment id, offset in ms) -> JPEG.

        Raises:
            Unavailable: the disk is full, or folder or storage cannot be written.
        """
        self._shelf.put({_thumbnail(*moment): jpeg for moment, jpeg in thumbnails.items()})

    def put_tracks(self, segment_id: str, data: bytes) -> None:
        """Store where a segment's people were (`packed`), beside its thumbnails. Raises `Unavailable`."""
        self._shelf.put({_tracks(segment_id): data})

    def tracks(self, segment_id: str) -> bytes | None:
        """What `put_tracks` stored; None: nothing.

        Raises:
            BadInput: not an id.
            Unavailable: it cannot be read.
        """
        path = self._shelf.local(_tracks(segment_id), fresh=True)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise Unavailable("the media folder cannot be read", got=path, cure=str(e.strerror or e)) from None

    def now_path(self, camera_id: str) -> Path:
        """A live camera's picture of now, there or not; its modification time is when it was taken (S3: stored)."""
        key = _now(camera_id)
        path = self._shelf.local(key, fresh=True)
        if self._shelf.address and (stored := self._shelf.times("now").get(key)) is not None:
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, ns=(stored * 1_000_000, stored * 1_000_000))
        return path

    def now_taken(self, camera_id: str) -> int | None:
        """When a live camera's picture of now was taken (S3: stored), Unix ms; None: there is none."""
        if self._shelf.address:
            return self._shelf.times("now").get(_now(camera_id))
        try:
            return self._shelf.local(_now(camera_id)).stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return None

    def put_now(self, camera_id: str, jpeg: bytes, time_ms: int) -> None:
        """Let this be a live camera's picture of now, taken at `time_ms` (Unix). Raises `Unavailable`."""
        if self._shelf.address:
            self._shelf.put({_now(camera_id): jpeg})
            return
        with written(self._shelf.local(_now(camera_id))) as temporary:
            temporary.write_bytes(jpeg)
            os.utime(temporary, ns=(time_ms * 1_000_000, time_ms * 1_000_000))

    def delete_segment(self, segment_id: str) -> int:
        """Remove a segment's thumbnails and all clips on this machine that show it; how many those were.

        Raises:
            BadInput: not an id.
            Unavailable: folder or storage cannot be written.
        """
        kept = list(self._shelf.keys(f"thumbnails/{_checked(segment_id)}"))
        self._shelf.delete(kept)
        pictures = [key for key in kept if key != _tracks(segment_id)]
        clips = self._root / "clips"
        try:
            marks = _files(self._marks(segment_id))
            shown = {clips / mark.name for mark in marks}
            gone = [*clips.glob(f"{segment_id}_*_*.mp4"), *(path for path in shown if path.exists())]
            for path in (*gone, *marks):  # the marks last: they are the way to the clips
                path.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                self._marks(segment_id).rmdir()
        except OSError as e:
            cure = f"{e.strerror or e}; check the rights of the data folder"
            raise Unavailable("the media folder cannot be written", got=clips, cure=cure) from None
        return len(pictures) + len(gone)

    def segment_ids(self) -> Iterator[str]:
        """Ids of the segments that anything is kept of; one may come several times."""
        yield from filter(_ID.match, self._shelf.folders("thumbnails"))
        for folder in ("shown", "clips"):
            with contextlib.suppress(FileNotFoundError), os.scandir(self._root / folder) as entries:
                for entry in entries:
                    if _ID.match(entry.name):  # not what is being written
                        yield entry.name if folder != "clips" else entry.name.rsplit(".", 1)[0].split("_")[0]

    # recordings --------------------------------------------------------------------------------------------------

    @property
    def takes_recordings(self) -> bool:
        """Whether recordings are moved to the shelf; else they stay where the recorder wrote them."""
        return bool(self._shelf.address)

    def put_recording(self, file: Path, root: Path) -> str:
        """Store a recorder's file, which lies below `root`, under the same name; its address.

        Raises:
            Unavailable: the storage does not answer, or does not have it whole.
        """
        key = f"{_RECORDINGS}/{file.absolute().relative_to(root.absolute()).as_posix()}"
        self._shelf.put_file(key, file)
        return self._shelf.where(key)

    def local(self, segment: Segment) -> Segment:
        """The segment with its file on this machine, which is fetched if it lies on S3.

        Raises:
            BadMedia: it is gone there.
            Unavailable: the storage does not answer, or is not the one of `media_url`.
        """
        if not is_address(segment.path):
            return segment
        path = self._shelf.local(self._key(segment.path))
        if not path.is_file():
            cure = "it was deleted; nothing can be done, unless the storage keeps earlier versions"
            raise BadMedia("the recording is gone", reason="missing", got=segment.path, cure=cure)
        return replace(segment, path=str(path))

    def fetched(self, segments: Sequence[Segment]) -> list[Segment]:
        """`local` of each; those that are gone stay as they are, and cannot be opened."""
        found = []
        for segment in segments:
            try:
                found.append(self.local(segment))
            except BadMedia:
                found.append(segment)
        return found

    def has_recording(self, path: str) -> bool:
        """Whether a recording's file is there. Raises `Unavailable`."""
        return self._shelf.exists(self._key(path)) if is_address(path) else Path(path).exists()

    def delete_recording(self, address: str) -> None:
        """Remove a recording from the storage; one that is not there is no error. Raises `Unavailable`."""
        self._shelf.delete([self._key(address)])

    def recordings(self) -> Iterator[str]:
        """Addresses of all recordings on S3. Raises `Unavailable`."""
        if self._shelf.address:
            yield from (self._shelf.where(key) for key in self._shelf.keys(_RECORDINGS))

    def _key(self, address: str) -> str:
        key = address.removeprefix(f"{self._shelf.address}/")
        if not self._shelf.address or key == address:
            raise Unavailable(
                "this recording lies on another storage",
                got=address,
                expected=self._shelf.address or "a file",
                cure="set media_url (and media_endpoint) to where it lies",
            )
        return key

    # clips -------------------------------------------------------------------------------------------------------

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
        ids = [segment.id for segment in segments]
        target = self._clip_path(ids, offset_ms, duration_ms, masks)
        if touched(target):
            return target
        segments = [self.local(first)] if len(segments) == 1 else self.fetched(segments)
        if len(segments) == 1:
            return self.clip(Path(segments[0].path), first.id, offset_ms, duration_ms, masks=masks)

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
            if touched(target):
                return target
            with written(target) as temporary:
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
            for _, size, path in sorted(by_use(newest.parent), reverse=True):
                kept += size
                if kept > self._max_clip_bytes and path != newest:
                    path.unlink(missing_ok=True)


def open_media(settings: Settings) -> MediaStore:
    """The media of these settings. Connects to nothing yet. Raises `Unavailable` where s3fs is wanted and missing."""
    return MediaStore(settings.media_dir, shelf=open_shelf(settings))


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _thumbnail(segment_id: str, offset_ms: int) -> str:
    return f"thumbnails/{_checked(segment_id)}/{_count(offset_ms, 'offset')}.jpg"


def _tracks(segment_id: str) -> str:
    return f"thumbnails/{_checked(segment_id)}/tracks.json"


def _now(camera_id: str) -> str:
    return f"now/{hashlib.sha256(camera_id.encode()).hexdigest()[:24]}.jpg"


def _checked(segment_id: str) -> str:
    if not _ID.fullmatch(segment_id):
        raise BadInput("not a segment id", got=repr(segment_id), expected="letters, digits, _ and -")
    return segment_id


def _count(ms: int, what: str) -> int:
    if isinstance(ms, bool) or not isinstance(ms, int) or not 0 <= ms <= 10**12:
        raise BadInput(f"not a clip's {what}", got=repr(ms), expected="milliseconds from 0")
    return ms
