"""Evidence on its way out of a server: a folder is packed into one ZIP file, and unpacked where it was asked for."""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from api.evidence.manifest import UNSIGNED, check_name
from search.errors import BadInput, Conflict, Unavailable

_STALE_S = 86_400  # what is so old was left by a process that died


@contextmanager
def outgoing(data_dir: Path) -> Iterator[Path]:
    """Make a folder in the data folder, where there is room; a failing block removes it, else `sent` does.

    Raises:
        Unavailable: it cannot be made.
    """
    root = data_dir / "outgoing"
    made = root / uuid.uuid4().hex
    try:
        made.mkdir(parents=True)
        for old in root.iterdir():
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > _STALE_S:
                    shutil.rmtree(old, ignore_errors=True)
    except OSError as e:
        cure = f"{e.strerror or e}; check room and rights of the data folder"
        raise Unavailable("the evidence cannot be written", got=made, cure=cure) from None
    try:
        yield made
    except BaseException:
        sent(made)
        raise


def sent(made: Path) -> None:
    """Remove what `outgoing` made."""
    shutil.rmtree(made, ignore_errors=True)


def packed(folder: Path, target: Path) -> Path:
    """Write `target`: a ZIP file of a folder of evidence, nothing compressed; then remove the folder.

    Raises:
        Unavailable: there is no room.
    """
    try:
        with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED, allowZip64=True, strict_timestamps=False) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
        shutil.rmtree(folder)
    except OSError as e:
        cure = f"{e.strerror or e}; check room and rights of the data folder"
        raise Unavailable("the evidence cannot be packed", got=target, cure=cure) from None
    return target


def unpacked(archive: Path, folder: Path) -> None:
    """Write the files of a ZIP file into a folder that exists. Raises `BadInput`, and `OSError` where it cannot."""
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                target = folder / (name if name in UNSIGNED else check_name(name))
                target.parent.mkdir(exist_ok=True)
                with opened.open(name) as source, target.open("xb") as copy:
                    shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as e:
        raise BadInput("the server's answer is not whole", got=e, cure="export it again") from None


@contextmanager
def made_whole(folder: Path) -> Iterator[Path]:
    """Make a hidden folder beside `folder` that becomes `folder` when the block ends well, else is removed."""
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
