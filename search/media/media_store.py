"""The store of thumbnails, tracks, the latest frames of live cameras and recordings."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from search.config import Settings
from search.errors import BadInput, BadMedia, Unavailable
from search.files import written
from search.media.storage import FolderStorage, Storage, open_storage
from search.types import Image, Segment, is_address

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_RECORDINGS = "recordings"  # folder of the recorder's files in a storage that is not a folder of this machine


def shrink(image: Image, max_side: int) -> Image:
    """Return `image` (uint8 (H, W, 3)) with its longer side at most `max_side` pixels; a smaller one unchanged."""
    import cv2

    height, width = image.shape[:2]
    if max(height, width) <= max_side:
        return image
    scale = max_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cast(Image, cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def encode_thumbnail(image: Image, max_width: int = 640) -> bytes:
    """Encode `image` (uint8 (H, W, 3) RGB) as a JPEG of at most `max_width` pixels in width."""
    import cv2

    height, width = image.shape[:2]
    small = shrink(image, max(max_width, round(height * max_width / width))) if width > max_width else image
    done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
    if not done:
        raise BadInput("not an image", got=image.shape)
    return bytes(data)


class MediaStore:
    """Thumbnails and tracks, written while indexing, the latest frame of each live camera, and recordings.

    Safe for threads and for processes: files appear whole, under names that follow from their content. Recordings lie
    in `storage` only where that is no folder of this machine. Clips: `search.media.clip_cache`.

    Args:
        root: a folder on this machine; made when first needed.
        storage: where everything lies; `root` by default.
    """

    def __init__(self, root: Path, *, storage: Storage | None = None) -> None:
        self.root = root
        """Folder on this machine, for what is made here from recordings."""
        self._storage = storage or FolderStorage(root)

    def check(self) -> None:
        """Raise `Unavailable` unless the storage can be read and written."""
        self._storage.check()

    # thumbnails, tracks, latest frames ---------------------------------------------------------------------------

    def thumbnail_path(self, segment_id: str, offset_ms: int) -> Path:
        """Return the file of the thumbnail of the frame at `offset_ms` of a segment, whether it exists or not.

        Raises:
            BadInput: not an id or not an offset.
            Unavailable: the storage does not answer.
        """
        return self._storage.local(_thumbnail(segment_id, offset_ms), fresh=True)  # it may have been masked since

    def thumbnail_address(self, segment_id: str, offset_ms: int) -> str:
        """Return a thumbnail's absolute path or its address on S3, whether it exists or not."""
        return self._storage.where(_thumbnail(segment_id, offset_ms))

    def put_thumbnail(self, segment_id: str, offset_ms: int, jpeg: bytes) -> None:
        """Store a thumbnail; the same one again changes nothing. Raises `Unavailable`."""
        self.put_thumbnails({(segment_id, offset_ms): jpeg})

    def put_thumbnails(self, thumbnails: Mapping[tuple[str, int], bytes]) -> None:
        """Store many thumbnails: (segment id, offset in ms) -> JPEG.

        Raises:
            Unavailable: the disk is full, or folder or storage cannot be written.
        """
        self._storage.put({_thumbnail(*moment): jpeg for moment, jpeg in thumbnails.items()})

    def put_tracks(self, segment_id: str, data: bytes) -> None:
        """Store a segment's tracks (`search.media.track_boxes.packed`) beside its thumbnails. Raises `Unavailable`."""
        self._storage.put({_tracks(segment_id): data})

    def tracks(self, segment_id: str) -> bytes | None:
        """Return what `put_tracks` stored; None if nothing.

        Raises:
            BadInput: not an id.
            Unavailable: it cannot be read.
        """
        path = self._storage.local(_tracks(segment_id), fresh=True)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise Unavailable("the media folder cannot be read", got=path, cure=str(e.strerror or e)) from None

    def now_path(self, camera_id: str) -> Path:
        """Return the file of a live camera's latest frame, whether it exists or not.

        Its modification time is the frame's time, on S3 the time when it was stored.
        """
        key = _now(camera_id)
        path = self._storage.local(key, fresh=True)
        if self._storage.address and (stored_ms := self._storage.times("now").get(key)) is not None:
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, ns=(stored_ms * 1_000_000, stored_ms * 1_000_000))
        return path

    def now_taken(self, camera_id: str) -> int | None:
        """Return the time (Unix ms) of a live camera's latest frame, on S3 when it was stored; None if none."""
        if self._storage.address:
            return self._storage.times("now").get(_now(camera_id))
        try:
            return self._storage.local(_now(camera_id)).stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:
            return None

    def put_now(self, camera_id: str, jpeg: bytes, time_ms: int) -> None:
        """Store a live camera's latest frame, taken at `time_ms` (Unix). Raises `Unavailable`."""
        if self._storage.address:
            self._storage.put({_now(camera_id): jpeg})
            return
        with written(self._storage.local(_now(camera_id))) as temporary:
            temporary.write_bytes(jpeg)
            os.utime(temporary, ns=(time_ms * 1_000_000, time_ms * 1_000_000))

    def delete_thumbnails(self, segment_id: str) -> int:
        """Delete a segment's thumbnails and tracks, and return how many thumbnails there were.

        Its clips stay: `search.media.clip_cache.delete_segment_media` deletes both.

        Raises:
            BadInput: not an id.
            Unavailable: folder or storage cannot be written.
        """
        keys = list(self._storage.keys(f"thumbnails/{check_segment_id(segment_id)}"))
        self._storage.delete(keys)
        return len([key for key in keys if key != _tracks(segment_id)])

    def segment_ids(self) -> Iterator[str]:
        """Yield the ids of the segments that have thumbnails or tracks."""
        yield from filter(is_segment_id, self._storage.folders("thumbnails"))

    # recordings --------------------------------------------------------------------------------------------------

    @property
    def takes_recordings(self) -> bool:
        """Return whether recordings are moved to the storage; else they stay where the recorder wrote them."""
        return bool(self._storage.address)

    def put_recording(self, file: Path, root: Path) -> str:
        """Store a recorder's file, which lies below `root`, under the same name, and return its address.

        Raises:
            Unavailable: the storage does not answer, or does not have it whole.
        """
        key = f"{_RECORDINGS}/{file.absolute().relative_to(root.absolute()).as_posix()}"
        self._storage.put_file(key, file)
        return self._storage.where(key)

    def local(self, segment: Segment) -> Segment:
        """Return the segment with its file on this machine; a file on S3 is fetched.

        Raises:
            BadMedia: the file is gone from S3.
            Unavailable: the storage does not answer, or is not the one of `media_url`.
        """
        if not is_address(segment.path):
            return segment
        path = self._storage.local(self._key(segment.path))
        if not path.is_file():
            cure = "it was deleted; nothing can be done, unless the storage keeps earlier versions"
            raise BadMedia("the recording is gone", reason="missing", got=segment.path, cure=cure)
        return replace(segment, path=str(path))

    def fetched(self, segments: Sequence[Segment]) -> list[Segment]:
        """Return `local` of each segment; those whose file is gone come back unchanged and cannot be opened."""
        local = []
        for segment in segments:
            try:
                local.append(self.local(segment))
            except BadMedia:
                local.append(segment)
        return local

    def has_recording(self, path: str) -> bool:
        """Return whether a recording's file exists. Raises `Unavailable`."""
        return self._storage.exists(self._key(path)) if is_address(path) else Path(path).exists()

    def delete_recording(self, address: str) -> None:
        """Delete a recording from the storage; a missing one is no error. Raises `Unavailable`."""
        self._storage.delete([self._key(address)])

    def recordings(self) -> Iterator[str]:
        """Yield the addresses of all recordings on S3. Raises `Unavailable`."""
        if self._storage.address:
            yield from (self._storage.where(key) for key in self._storage.keys(_RECORDINGS))

    def _key(self, address: str) -> str:
        key = address.removeprefix(f"{self._storage.address}/")
        if not self._storage.address or key == address:
            raise Unavailable(
                "this recording lies on another storage",
                got=address,
                expected=self._storage.address or "a file",
                cure="set media_url (and media_endpoint) to where it lies",
            )
        return key


def open_media(settings: Settings) -> MediaStore:
    """Return the media of these settings, not connected yet. Raises `Unavailable` if s3fs is needed and missing."""
    return MediaStore(settings.media_dir, storage=open_storage(settings))


def is_segment_id(name: str) -> bool:
    """Return whether `name` can be a segment's id: then it leads out of no folder."""
    return _ID.fullmatch(name) is not None


def check_segment_id(segment_id: str) -> str:
    """Return `segment_id`, or raise `BadInput` if it can be none."""
    if not is_segment_id(segment_id):
        raise BadInput("not a segment id", got=repr(segment_id), expected="letters, digits, _ and -")
    return segment_id


def check_ms(ms: int, what: str) -> int:
    """Return `ms`, or raise `BadInput` if it can be no offset or duration (`what`)."""
    if isinstance(ms, bool) or not isinstance(ms, int) or not 0 <= ms <= 10**12:
        raise BadInput(f"not a clip's {what}", got=repr(ms), expected="milliseconds from 0")
    return ms


def _thumbnail(segment_id: str, offset_ms: int) -> str:
    return f"thumbnails/{check_segment_id(segment_id)}/{check_ms(offset_ms, 'offset')}.jpg"


def _tracks(segment_id: str) -> str:
    return f"thumbnails/{check_segment_id(segment_id)}/tracks.json"


def _now(camera_id: str) -> str:
    return f"now/{hashlib.sha256(camera_id.encode()).hexdigest()[:24]}.jpg"
