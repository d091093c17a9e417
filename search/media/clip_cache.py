"""Cuts clips from recordings when they are first requested, and keeps them up to a total size."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from search.errors import BadInput, BadMedia, Unavailable
from search.files import by_use, touched, written
from search.media.clip_cutter import cut
from search.media.concat import join_files
from search.media.media_store import MediaStore, check_ms, check_segment_id, is_segment_id
from search.stream_types import Polygon
from search.types import Segment

MAX_CLIP_MS = 3_600_000


class ClipCache:
    """The clips on this machine. Safe for threads and for processes: a clip appears whole, named after its content.

    One instance in a process is enough, and lets callers for the same clip share one cut.

    Args:
        media: where the recordings are; the clips lie in its folder on this machine.
        max_clip_bytes: limit of all clips together; the least recently requested go first.
        timeout_s: for cutting one clip.
    """

    def __init__(self, media: MediaStore, *, max_clip_bytes: int = 2_000_000_000, timeout_s: float = 60.0) -> None:
        self._media = media
        self._folder = media.root / "clips"
        self._marks_folder = media.root / "shown"
        self._max_clip_bytes = max_clip_bytes
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._cutting: dict[str, tuple[threading.Lock, int]] = {}

    def clip(
        self, source: Path, segment_id: str, offset_ms: int, duration_ms: int, *, masks: Sequence[Polygon] = ()
    ) -> Path:
        """Return an MP4 of `duration_ms` from `offset_ms` after the source's first frame.

        What `masks` cover is black; other masks make another clip.

        Raises:
            BadInput: not an id, an impossible time, or no frame there.
            BadMedia: the source is missing or cannot be cut.
            Unavailable: ffmpeg or the disk fails, or cutting takes too long.
        """
        target = self._clip_path([segment_id], offset_ms, duration_ms, masks)

        def make(temporary: Path) -> None:
            cut(source, temporary, offset_ms, duration_ms, timeout_s=self._timeout_s, masks=masks)

        return self._make(target, [source], (), make)

    def clip_of(
        self, segments: Sequence[Segment], start_ms: int, duration_ms: int, *, masks: Sequence[Polygon] = ()
    ) -> Path:
        """Return a clip of segments of one stream, ordered by start; it is at most `duration_ms` long.

        It begins with the first frame at or after `start_ms` (Unix ms) and ends where the segments end, or where
        their frames change in size or codec. Gaps between the segments are gaps in its time. Errors as for `clip`.
        """
        first = segments[0]
        late_ms = max(0, first.start_ms - start_ms)
        offset_ms, duration_ms = max(0, start_ms - first.start_ms), max(1, duration_ms - late_ms)
        target = self._clip_path([segment.id for segment in segments], offset_ms, duration_ms, masks)
        if touched(target):
            return target
        if len(segments) == 1:
            return self.clip(Path(self._media.local(first).path), first.id, offset_ms, duration_ms, masks=masks)
        local = self._media.fetched(segments)

        def make(temporary: Path) -> None:
            self._cut_joined(local, temporary, first.start_ms + offset_ms, duration_ms, masks)

        sources, others = [Path(segment.path) for segment in local], [segment.id for segment in segments[1:]]
        return self._make(target, sources, others, make)

    def delete_clips(self, segment_id: str) -> int:
        """Delete the clips that show a segment, and return how many there were.

        Raises:
            BadInput: not an id.
            Unavailable: the folder cannot be written.
        """
        marks_folder = self._marks(segment_id)
        try:
            marks = list(marks_folder.iterdir()) if marks_folder.is_dir() else []
            joined = {self._folder / mark.name for mark in marks}
            clips = [*self._folder.glob(f"{segment_id}_*_*.mp4"), *(path for path in joined if path.exists())]
            for path in (*clips, *marks):  # the marks last: they lead to the clips
                path.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                marks_folder.rmdir()
        except OSError as e:
            cure = f"{e.strerror or e}; check the rights of the data folder"
            raise Unavailable("the media folder cannot be written", got=self._folder, cure=cure) from None
        return len(clips)

    def segment_ids(self) -> Iterator[str]:
        """Yield the ids of segments that clips show; one may come several times."""
        for folder in (self._marks_folder, self._folder):
            with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    name = entry.name.rsplit(".", 1)[0].split("_")[0] if folder is self._folder else entry.name
                    if is_segment_id(name):  # not the hidden file of a clip that is being written
                        yield name

    def _cut_joined(
        self, segments: Sequence[Segment], target: Path, start_ms: int, duration_ms: int, masks: Sequence[Polygon]
    ) -> None:
        joined = target.with_name(f"{target.name}.mp4")
        try:
            joined_ms = join_files(segments, joined, start_ms + duration_ms)
            cut(joined, target, max(0, start_ms - joined_ms), duration_ms, timeout_s=self._timeout_s, masks=masks)
        finally:
            joined.unlink(missing_ok=True)

    def _clip_path(self, ids: Sequence[str], offset_ms: int, duration_ms: int, masks: Sequence[Polygon]) -> Path:
        """Return a clip's path: its first segment, the range, and a digest of other segments and masks."""
        if not 0 < check_ms(duration_ms, "duration") <= MAX_CLIP_MS:
            raise BadInput("not a clip's duration", got=duration_ms, expected=f"1 to {MAX_CLIP_MS} ms")
        name = f"{check_segment_id(ids[0])}_{check_ms(offset_ms, 'offset')}_{duration_ms}"
        if len(ids) > 1 or masks:
            others = [check_segment_id(id_) for id_ in ids[1:]]
            more = repr((others, [[tuple(point) for point in mask] for mask in masks]))
            name += f"_{hashlib.sha256(more.encode()).hexdigest()[:16]}"
        return self._folder / f"{name}.mp4"

    def _make(self, target: Path, sources: Sequence[Path], others: Sequence[str], make: Callable[[Path], None]) -> Path:
        """Return the clip `target`, made by `make` if it is missing; `others`: its segments but the first."""
        with self._one_at_a_time(target.name):
            if touched(target):
                return target
            with written(target) as temporary:
                make(temporary)
                for segment_id in others:  # before the clip exists, so that `delete_clips` never misses it
                    mark = self._marks(segment_id) / target.name
                    mark.parent.mkdir(parents=True, exist_ok=True)
                    mark.touch()
            missing = next((source for source in sources if not source.exists()), None)
            if missing is not None:  # deleted meanwhile, perhaps after its clips were looked for
                target.unlink(missing_ok=True)
                cure = "it was deleted just now; ask again for what is left"
                raise BadMedia("the recording is gone", reason="missing", got=missing, cure=cure)
        self._make_room(target)
        return target

    def _marks(self, segment_id: str) -> Path:
        """Return the folder of empty files named like the clips that show the segment after their first one."""
        return self._marks_folder / check_segment_id(segment_id)

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


def delete_segment_media(media: MediaStore, segment_id: str) -> int:
    """Delete a segment's thumbnails, tracks and clips, and return how many thumbnails and clips there were.

    Raises:
        BadInput: not an id.
        Unavailable: folder or storage cannot be written.
    """
    return media.delete_thumbnails(segment_id) + ClipCache(media).delete_clips(segment_id)


def segments_with_media(media: MediaStore) -> Iterator[str]:
    """Yield the ids of the segments that have thumbnails, tracks or clips; one may come several times."""
    yield from media.segment_ids()
    yield from ClipCache(media).segment_ids()
