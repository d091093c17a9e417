"""A folder of evidence appears whole, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import Conflict, Unavailable


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """A folder beside `folder`, hidden, that becomes `folder` when the block ends well, and goes away when not."""
    if folder.exists() or folder.is_symlink():
        raise Conflict("the folder is there already", got=folder, cure="name a new one: evidence is never overwritten")
    work = folder.absolute().with_name(f".{folder.name}.{uuid.uuid4().hex}.part")
    try:
        work.mkdir(parents=True)
        yield work
        for path in (*work.rglob("*"), work):
            on_disk(path)
        work.rename(folder)
        on_disk(folder.absolute().parent)
    except OSError as e:
        raise _no_room(folder, e) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def on_disk(path: Path) -> None:
    """Return when a file or folder is on the disk. Raises `OSError`."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _no_room(folder: Path, error: OSError) -> Unavailable:
    full = error.errno == errno.ENOSPC
    cure = "free some space or name a folder on another disk" if full else f"{error.strerror or error}"
    return Unavailable("the evidence cannot be written", got=folder, cure=cure)
