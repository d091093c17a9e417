"""Files that hold a key: whole and on disk before they have their name, for their owner only, made once."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path


def make_key_file(file: Path, content: bytes) -> None:
    """Let `file` hold `content`, unless another process or thread was first; then what that one wrote holds.

    What was sealed or signed with a key that is lost is lost too, so the key is on the disk before it is ever used.

    Args:
        file: its folder is made when it is missing.
        content: of the new file, which has mode 0600.

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
