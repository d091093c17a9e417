"""Files that appear whole or not at all, and a folder of copies that is kept below a size."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from search.errors import Unavailable

_STALE_S = 3600.0  # a temporary file of that age was left by a process that died
_IN_USE_S = 120.0  # a copy that was asked for so lately may be about to be opened
_SWEEP_SHARE = 0.05  # of the limit, after so many new bytes the folder is looked through


@contextlib.contextmanager
def written(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`, which replaces `target` if the block ends well and is removed if not.

    Raises:
        Unavailable: the disk is full or the folder cannot be written.
    """
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


def touched(path: Path) -> bool:
    """Return whether `path` exists, and mark it as just used."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def by_use(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Return (last use in ns, bytes, path) of each file below `folder`; stale temporary files are removed."""
    now = time.time()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with contextlib.suppress(FileNotFoundError):
                info = path.stat()
                if not name.startswith("."):
                    yield info.st_mtime_ns, info.st_size, path
                elif now - info.st_mtime > _STALE_S:
                    path.unlink()


class FileCache:
    """Copies of files that lie elsewhere; the least recently used ones are removed first.

    Safe for threads and for processes.

    Args:
        root: a folder; made when first needed.
        max_bytes: limit of all copies together; those of the last two minutes stay in any case.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._new = max_bytes  # so that the first copy of a process looks the folder through

    def path(self, key: str) -> Path:
        """Return the path of the copy of `key`, whether it exists or not."""
        return self._root / key

    def fetched(self, key: str, fetch: Callable[[Path], None]) -> Path:
        """Return the copy of `key`; `fetch` writes a missing one to a path, and its errors are raised."""
        target = self.path(key)
        if not touched(target):
            self.fetch(key, fetch)
        return target

    def fetch(self, key: str, fetch: Callable[[Path], None]) -> None:
        """Write the copy of `key` anew."""
        target = self.path(key)
        failure: FileNotFoundError | None = None
        with written(target) as temporary:
            try:
                fetch(temporary)
            except FileNotFoundError as e:  # of the original, not of this folder
                failure = e
                temporary.touch()
        if failure is not None:
            target.unlink(missing_ok=True)
            raise failure
        with contextlib.suppress(FileNotFoundError):
            self._make_room(target.stat().st_size)

    def forget(self, key: str) -> None:
        """Remove the copy, if there is one."""
        with contextlib.suppress(OSError):
            self.path(key).unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        with self._lock:
            self._new += size
            if self._new < _SWEEP_SHARE * self._max_bytes:
                return
            self._new = 0
            young, kept = (time.time() - _IN_USE_S) * 1e9, 0
            for used_ns, bytes_, path in sorted(by_use(self._root), reverse=True):
                kept += bytes_
                if kept > self._max_bytes and used_ns < young:
                    path.unlink(missing_ok=True)


def make_key_file(file: Path, content: bytes) -> None:
    """Write `content` to `file`, unless another process or thread was first; then its content stays.

    What was sealed or signed with a key that is lost is lost too, so the key is on the disk before it is ever used.

    Args:
        file: its folder is made when it is missing.
        content: content of the new file, which has mode 0600.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{uuid.uuid4().hex}")  # not shared with another thread
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(content)
            f.flush()
            os.fsync(f.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(new, file)  # fails if another was first; then its key holds
    finally:
        new.unlink(missing_ok=True)
