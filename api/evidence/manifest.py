"""The format of an evidence folder: names, blocks, manifest. Export and verification share it.

The manifest holds the SHA-256 of every file, and that of each of its blocks of 1 MiB, so that the place of a change can
be told. Only the manifest is signed. Nothing heavy is imported: a folder is checked with this, `cryptography` and the
public key alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from search.errors import BadInput

FORMAT = "xunren-evidence"
VERSION = 1
BLOCK_BYTES = 1 << 20

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
PUBLIC_KEY = "public_key.pem"
README = "README.txt"
ORIGINAL = "original"
"""The folder of the recordings' own files."""
UNSIGNED = (MANIFEST, SIGNATURE)
"""What no manifest can hold a hash of: itself, and its signature."""

MAX_MANIFEST_BYTES = 64 << 20  # the blocks of a terabyte
MAX_FILES = 10_000
_NAME = re.compile(rf"({ORIGINAL}/)?(?!\.)[^/\\\x00-\x1f\x7f\ud800-\udfff]{{1,200}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Described:
    """A file as the manifest knows it. `blocks` are the SHA-256 of each 1 MiB of it, the last one may be shorter."""

    name: str
    size: int
    sha256: str
    blocks: tuple[str, ...]

    def __post_init__(self) -> None:
        check_name(self.name)
        whole = isinstance(self.size, int) and not isinstance(self.size, bool) and self.size >= 0
        if not whole or len(self.blocks) != -(-self.size // BLOCK_BYTES):
            got = f"{shown(self.name)}: {shown(self.size)} bytes in {len(self.blocks)} blocks"
            raise BadInput("size and blocks of a file do not agree", got=got, expected=f"{BLOCK_BYTES} bytes a block")
        if not all(isinstance(one, str) and _SHA256.fullmatch(one) for one in (self.sha256, *self.blocks)):
            raise BadInput("not a SHA-256", got=shown(self.name), expected="64 small hexadecimal digits")

    def as_dict(self) -> dict[str, Any]:
        """Return it as in the manifest."""
        return {"name": self.name, "size": self.size, "sha256": self.sha256, "blocks": list(self.blocks)}


class Digest:
    """Computes what `Described` says of a file, block by block."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()
        self._blocks: list[str] = []
        self._size = 0

    def add(self, block: bytes) -> None:
        """Add one more block; all but the last one have `BLOCK_BYTES`."""
        self._whole.update(block)
        self._blocks.append(hashlib.sha256(block).hexdigest())
        self._size += len(block)

    @property
    def last(self) -> str:
        """Return the SHA-256 of the block that was added last."""
        return self._blocks[-1]

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of everything that was added."""
        return self._whole.hexdigest()

    def described(self, name: str) -> Described:
        """Describe what was added, as a file of this name."""
        return Described(name, self._size, self._whole.hexdigest(), tuple(self._blocks))


def blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield an open file in blocks of `BLOCK_BYTES`."""
    while block := file.read(BLOCK_BYTES):
        yield block


def describe(path: Path, name: str) -> Described:
    """Return a file's size and hashes. Raises `OSError`."""
    digest = Digest()
    with path.open("rb") as file:
        for block in blocks_of(file):
            digest.add(block)
    return digest.described(name)


def check_name(name: Any) -> str:
    """Return `name`, or raise `BadInput` if it is not one of a file in such a folder: it must not lead out of it."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        expected = f"a name without / and \\ that begins with no dot, in the folder or in {ORIGINAL}/"
        raise BadInput("a file's name cannot be", got=shown(name), expected=expected)
    return name


def canonical(data: Mapping[str, Any]) -> bytes:
    """Write a manifest in its one form: UTF-8, names sorted, indented by one."""
    return (json.dumps(data, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest whose form is right. `data` is all of it; nothing says yet that it is true."""

    data: Mapping[str, Any]
    files: tuple[Described, ...]
    fingerprint: str


def parse_manifest(content: bytes) -> Manifest:
    """Parse and check the manifest in a file's bytes.

    Raises:
        BadInput: it is none, of another version, names a file twice or one outside the folder.
    """
    try:
        data = json.loads(content.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError) as e:
        raise BadInput("it is not JSON", got=type(e).__name__, expected="JSON in UTF-8") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadInput("it is not a manifest of evidence", expected=f'"format": "{FORMAT}"')
    if data.get("version") != VERSION or data.get("block_bytes") != BLOCK_BYTES:
        got = f"version {shown(data.get('version'))} with blocks of {shown(data.get('block_bytes'))} bytes"
        expected = f"version {VERSION} with blocks of {BLOCK_BYTES} bytes"
        raise BadInput("it is of another version", got=got, expected=expected, cure="use the xunren that made it")
    files = data.get("files")
    key = data.get("key")
    if not isinstance(files, list) or not isinstance(key, dict) or not isinstance(key.get("fingerprint"), str):
        raise BadInput("it lacks its files or its key", expected='"files": [...], "key": {"fingerprint": ...}')
    if len(files) > MAX_FILES:
        raise BadInput("it names far too many files", got=len(files), expected=f"at most {MAX_FILES}")
    described = tuple(_parse_file(one) for one in files)
    names = Counter([*(one.name for one in described), *UNSIGNED])
    for name, count in names.items():
        if count > 1:
            raise BadInput("a file is named twice, or is the manifest itself", got=shown(name))
    return Manifest(data, described, key["fingerprint"])


def shown(value: object) -> str:
    """Return `value` as it may be printed: without control characters, which a forged manifest may hold."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:300])


def _parse_file(data: Any) -> Described:
    blocks = data.get("blocks") if isinstance(data, dict) else None
    if not isinstance(blocks, list):
        raise BadInput("a file is not described", got=shown(data)[:80], expected="name, size, sha256 and blocks")
    return Described(data.get("name"), data.get("size"), data.get("sha256"), tuple(blocks))


def _no_number(word: str) -> float:
    raise ValueError(word)
