"""S3-compatible storage through s3fs. Only this module imports it. Keys and secrets come from the environment.

s3fs finds them as every AWS tool does (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the machine's role).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search.errors import Unavailable
from search.files import FileCache

_WAITS = {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}}
_PROBE = ".xunren"
_LISTED_S = 2.0  # the page requests the times of all cameras' frames several times a second


class S3Storage:
    """A bucket, or a part of it. Safe for threads. A forked process must make another one.

    Args:
        url: `s3://bucket/prefix`.
        endpoint: address of a server other than Amazon's, such as http://minio:9000; empty: Amazon's.
        cache: cache of fetched objects.

    Raises:
        Unavailable: s3fs is not installed.
    """

    def __init__(self, url: str, endpoint: str, cache: FileCache) -> None:
        try:
            import s3fs
        except ImportError as e:
            raise Unavailable(
                "media on S3 need s3fs", got=str(e), cure="pip install 'xunren[s3]', or leave media_url empty"
            ) from None
        self.address = url.rstrip("/")
        self._root = self.address.removeprefix("s3://")
        self._cache = cache
        self._fs: Any = s3fs.S3FileSystem(
            endpoint_url=endpoint or None, config_kwargs=_WAITS, use_listings_cache=False, skip_instance_cache=True
        )
        self._lock = threading.Lock()
        self._listed: dict[str, tuple[float, dict[str, int]]] = {}

    def check(self) -> None:
        """See `Storage.check`. Writes one small object."""
        try:
            self.put({_PROBE: b"xunren keeps its media here\n"})
        except FileNotFoundError:
            cure = "make it (`aws s3 mb`), or mend media_url"
            raise Unavailable("there is no such bucket", got=self.address, cure=cure) from None

    def put(self, objects: Mapping[str, bytes]) -> None:
        """See `Storage.put`. Stores them side by side."""
        with self._translate_errors():
            self._fs.pipe({self._path(key): data for key, data in objects.items()})

    def put_file(self, key: str, file: Path) -> None:
        """See `Storage.put_file`."""
        with self._translate_errors():
            self._fs.put_file(str(file), self._path(key))
            stored = int(self._fs.info(self._path(key))["size"])
        if stored != file.stat().st_size:
            raise Unavailable(
                "a file did not arrive whole", got=f"{stored} bytes of {file}", cure="it is sent again by itself"
            )

    def where(self, key: str) -> str:
        """See `Storage.where`."""
        return f"{self.address}/{key}"

    def local(self, key: str, *, fresh: bool = False) -> Path:
        """See `Storage.local`. The file is a copy in the cache."""
        try:
            if fresh:
                self._cache.fetch(key, lambda target: self._get(key, target))
            return self._cache.fetched(key, lambda target: self._get(key, target))
        except FileNotFoundError:
            return self._cache.path(key)

    def exists(self, key: str) -> bool:
        """See `Storage.exists`."""
        with self._translate_errors():
            return bool(self._fs.exists(self._path(key)))

    def delete(self, keys: Collection[str]) -> None:
        """See `Storage.delete`."""
        with self._translate_errors():
            for key in keys:
                self._fs.rm_file(self._path(key))
                self._cache.forget(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `Storage.keys`."""
        yield from self._objects(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """See `Storage.folders`."""
        try:
            with self._translate_errors():
                entries = self._fs.ls(self._path(prefix), detail=False)
        except FileNotFoundError:
            return
        for entry in entries:
            yield str(entry).rstrip("/").rsplit("/", 1)[-1]

    def times(self, prefix: str) -> dict[str, int]:
        """See `Storage.times`. The answer is up to two seconds old."""
        with self._lock:
            at, known = self._listed.get(prefix, (0.0, {}))
            if time.monotonic() - at > _LISTED_S:
                objects = self._objects(prefix)
                known = {key: round(info["LastModified"].timestamp() * 1000) for key, info in objects.items()}
                self._listed[prefix] = (time.monotonic(), known)
            return known

    def _objects(self, prefix: str) -> dict[str, Any]:
        with self._translate_errors():
            infos = self._fs.find(self._path(prefix), detail=True)
        return {path.removeprefix(f"{self._root}/"): info for path, info in infos.items()}

    def _get(self, key: str, target: Path) -> None:
        with self._translate_errors():
            self._fs.get_file(self._path(key), str(target))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except FileNotFoundError:
            raise
        except PermissionError as e:
            cure = "give this machine's AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY the right to read and write there"
            raise Unavailable("the storage refuses", got=f"{self.address}: {e}", cure=cure) from None
        except (OSError, BotoCoreError, ClientError) as e:
            cure = "see whether it runs, and whether media_url and media_endpoint are right"
            raise Unavailable("the storage of media does not answer", got=f"{self.address}: {e}", cure=cure) from None
