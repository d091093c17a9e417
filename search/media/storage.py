"""Storage of media: a folder, or S3-compatible storage. Keys are relative paths, such as `now/gate.jpg`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from search.config import Settings
from search.errors import Unavailable
from search.files import FileCache, written

GIB = 2**30


class Storage(Protocol):
    """Objects by key; each appears whole. Every method raises `Unavailable` where the storage does not answer."""

    @property
    def address(self) -> str:
        """Return the prefix of its objects' addresses, such as `s3://bucket/city`; empty if they are known by path."""

    def check(self) -> None:
        """Raise `Unavailable` unless it can be read and written."""

    def put(self, objects: Mapping[str, bytes]) -> None:
        """Store all of these under their keys; existing ones are replaced."""

    def put_file(self, key: str, file: Path) -> None:
        """Store a copy of a file. It is stored whole when this returns."""

    def where(self, key: str) -> str:
        """Return the object's address or absolute path, whether it exists or not."""

    def local(self, key: str, *, fresh: bool = False) -> Path:
        """Return the path of a file on this machine with the object's content; no such file if there is no object.

        The file stays for a while. `fresh`: read the object again, where objects of this key are replaced.
        """

    def exists(self, key: str) -> bool:
        """Return whether the object exists."""

    def delete(self, keys: Collection[str]) -> None:
        """Delete these; a missing one is no error."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield all keys below a folder."""

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the names of the folders directly in a folder."""

    def times(self, prefix: str) -> dict[str, int]:
        """Return key -> time of storing (Unix ms) of all objects below a folder."""


class FolderStorage:
    """A folder of this machine, or one that all machines share."""

    address = ""

    def __init__(self, root: Path) -> None:
        self._root = root

    def check(self) -> None:
        """Do nothing: a folder reports what is wrong when it is written."""

    def put(self, objects: Mapping[str, bytes]) -> None:
        """See `Storage.put`."""
        for key, data in objects.items():
            with written(self._root / key) as temporary:
                temporary.write_bytes(data)

    def put_file(self, key: str, file: Path) -> None:
        """See `Storage.put_file`."""
        self.put({key: file.read_bytes()})

    def where(self, key: str) -> str:
        """See `Storage.where`."""
        return str((self._root / key).absolute())

    def local(self, key: str, *, fresh: bool = False) -> Path:
        """See `Storage.local`."""
        return self._root / key

    def exists(self, key: str) -> bool:
        """See `Storage.exists`."""
        return (self._root / key).is_file()

    def delete(self, keys: Collection[str]) -> None:
        """See `Storage.delete`. Also deletes the folders that become empty."""
        try:
            for key in keys:
                (self._root / key).unlink(missing_ok=True)
            for folder in {(self._root / key).parent for key in keys}:
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        except OSError as e:
            cure = f"{e.strerror or e}; check the rights of the data folder"
            raise Unavailable("the media folder cannot be written", got=self._root, cure=cure) from None

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Storage.keys`."""
        for folder, _, names in os.walk(self._root / prefix):
            for name in names:
                if not name.startswith("."):
                    yield str(Path(folder, name).relative_to(self._root))

    def folders(self, prefix: str) -> Iterator[str]:
        """See `Storage.folders`."""
        try:
            with os.scandir(self._root / prefix) as entries:
                yield from (entry.name for entry in entries)
        except FileNotFoundError:
            return

    def times(self, prefix: str) -> dict[str, int]:
        """See `Storage.times`."""
        return {key: (self._root / key).stat().st_mtime_ns // 1_000_000 for key in self.keys(prefix)}


def open_storage(settings: Settings) -> Storage:
    """Return the storage that `media_url` names, not connected yet.

    Raises:
        Unavailable: S3 is configured and s3fs is not installed.
    """
    if not settings.media_url:
        return FolderStorage(settings.media_dir)
    from search.media.s3 import S3Storage

    cache = FileCache(settings.data_dir / "cache", round(settings.media_cache_gib * GIB))
    return S3Storage(settings.media_url, settings.media_endpoint, cache)
