"""Checks a folder of evidence, offline, with nothing but the public key. Every fault is named, with its place.

Whoever made the folder is not trusted: no link is followed, nothing outside the folder is opened, and no more is read
than there is.
"""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from api.evidence.manifest import (
    BLOCK_BYTES,
    MANIFEST,
    MAX_FILES,
    MAX_MANIFEST_BYTES,
    ORIGINAL,
    PUBLIC_KEY,
    SIGNATURE,
    UNSIGNED,
    Described,
    Digest,
    Manifest,
    blocks_of,
    parse_manifest,
    shown,
)
from api.signing import SIGNATURE_BYTES, PublicKey, as_text, parse_public_key, read_public_key
from search.errors import BadInput, NotFound, XunrenError

_MAX_SMALL = 10_000  # bytes of a key's or a signature's file
_MAX_LISTED = 2 * MAX_FILES  # entries of a folder
_A_LINK = "it is a link, which does not belong here"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one file. `name` is relative to the folder."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{shown(self.name)}: {self.what}"


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """The result of a check.

    Attributes:
        faults: empty: everything is as it was signed.
        fingerprint: fingerprint of the key that the signature was compared with; empty: there was none.
        is_proven: whether that key came from elsewhere. If not, the folder agrees with itself, and no more.
        manifest: the content of the manifest; None where it cannot be read.
    """

    faults: tuple[Fault, ...]
    fingerprint: str
    is_proven: bool
    manifest: Mapping[str, Any] | None


def verify(folder: Path, public_key: Path | None = None) -> VerificationReport:
    """Check every byte of a folder.

    Args:
        folder: as it was exported.
        public_key: the key of whoever is expected to have signed, from elsewhere; None takes the folder's own.

    Raises:
        NotFound: there is no such folder.
        BadInput: `public_key` is none.
    """
    expected = None if public_key is None else read_public_key(public_key)
    if not folder.is_dir():
        raise NotFound("there is no such folder", got=folder, cure="give the folder that `evidence export` made")
    checking = _Verification(folder)
    manifest, data = checking.manifest()
    key = checking.key(expected)
    if data is not None and key is not None:
        checking.signature(data, key)
    if manifest is not None:
        if key is not None and manifest.fingerprint != key.fingerprint:
            got = f"it names the key {shown(manifest.fingerprint)}, not {key.fingerprint}"
            checking.faults.append(Fault(MANIFEST, got))
        checking.files(manifest)
    content = None if manifest is None else manifest.data
    return VerificationReport(tuple(checking.faults), key.fingerprint if key else "", expected is not None, content)


class _Verification:
    """One check under way; `faults` grows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.faults: list[Fault] = []

    def manifest(self) -> tuple[Manifest | None, bytes | None]:
        """Return the manifest and its bytes; None where they cannot be used or read."""
        data = self._small(MANIFEST, MAX_MANIFEST_BYTES)
        if data is None:
            return None, None
        try:
            return parse_manifest(data), data
        except BadInput as e:
            self.faults.append(Fault(MANIFEST, f"it cannot be used: {e}"))
            return None, data

    def key(self, expected: PublicKey | None) -> PublicKey | None:
        """Return the key to compare with: the expected one, or the folder's own."""
        pem = self._small(PUBLIC_KEY, _MAX_SMALL)
        own: PublicKey | None = None
        if pem is not None:
            try:
                own = parse_public_key(pem, PUBLIC_KEY)
            except BadInput as e:
                self.faults.append(Fault(PUBLIC_KEY, e.what))
        if expected is not None and own is not None and own.fingerprint != expected.fingerprint:
            what = f"it is another key than the expected one: {own.fingerprint}, expected {expected.fingerprint}"
            self.faults.append(Fault(PUBLIC_KEY, what))
        return expected or own

    def signature(self, data: bytes, key: PublicKey) -> None:
        """Check that the key signed these bytes of the manifest."""
        text = self._small(SIGNATURE, _MAX_SMALL)
        if text is None:
            return
        try:
            signature = base64.b64decode(text.strip(), validate=True)
        except ValueError:
            signature = b""
        if len(signature) != SIGNATURE_BYTES or text != as_text(signature):  # else a few bits of it could be others
            self.faults.append(Fault(SIGNATURE, f"it is no signature: expected {SIGNATURE_BYTES} bytes in Base64"))
        elif not key.has_signed(data, signature):
            what = f"the signature does not fit: {MANIFEST} was changed, or another key than {key.fingerprint} signed"
            self.faults.append(Fault(SIGNATURE, what))

    def files(self, manifest: Manifest) -> None:
        """Check that the manifest's files are there as it describes them, and no others."""
        present = set(self._file_names())
        faulty = {fault.name for fault in self.faults}
        for described in manifest.files:
            if described.name in present:
                self.faults.extend(Fault(described.name, what) for what in self._changes(described))
            elif described.name not in faulty:
                self.faults.append(Fault(described.name, "it is missing"))
        known = {*(described.name for described in manifest.files), *UNSIGNED}
        self.faults.extend(Fault(name, "it is not in the manifest") for name in sorted(present - known))

    def _file_names(self) -> Iterator[str]:
        """Yield the names of the files in the folder; what is neither file nor the one folder is a fault."""
        for name, mode in self._entries():
            if stat.S_ISREG(mode):
                yield name
            elif stat.S_ISDIR(mode) and name == ORIGINAL:
                continue
            elif not any(fault.name == name for fault in self.faults):
                kind = "a folder" if stat.S_ISDIR(mode) else "no plain file"
                what = _A_LINK if stat.S_ISLNK(mode) else f"it is {kind}, which does not belong here"
                self.faults.append(Fault(name, what))

    def _entries(self) -> Iterator[tuple[str, int]]:
        """Yield (name, mode) of all entries of the folder and of `ORIGINAL`; links are not followed."""
        for prefix, path in (("", self._folder), (f"{ORIGINAL}/", self._folder / ORIGINAL)):
            if prefix and not _is_folder(path):
                continue
            try:
                with os.scandir(path) as entries:
                    for count, entry in enumerate(entries):
                        if count >= _MAX_LISTED:
                            self.faults.append(Fault(prefix or ".", "there is far too much in it"))
                            break
                        yield f"{prefix}{entry.name}", entry.stat(follow_symlinks=False).st_mode
            except OSError as e:
                self.faults.append(Fault(prefix or ".", f"it cannot be read: {e.strerror or e}"))

    def _changes(self, described: Described) -> Iterator[str]:
        """Yield the differences between a file and its description, with their place."""
        digest = Digest()
        wrong: list[int] = []
        try:
            with _open_file(self._folder / described.name) as file:
                size = os.fstat(file.fileno()).st_size
                for number, block in enumerate(blocks_of(file)):
                    if number >= len(described.blocks):
                        break
                    expected = described.size - number * BLOCK_BYTES
                    digest.add(block[:expected])
                    wrong += [number] * (digest.last != described.blocks[number])
        except OSError as e:
            yield f"it cannot be read: {e.strerror or e}"
            return
        if size != described.size:
            yield f"it has {size} bytes, expected {described.size}"
        for first, last in _runs(wrong):
            end = min((last + 1) * BLOCK_BYTES, described.size) - 1
            yield f"changed between byte {first * BLOCK_BYTES} and byte {end} (counted from 0)"
        if not wrong and size == described.size and digest.sha256 != described.sha256:
            yield "its SHA-256 in the manifest is not that of its blocks"

    def _small(self, name: str, most: int) -> bytes | None:
        """Return a small file's bytes; None, with a fault, where it cannot be read."""
        try:
            with _open_file(self._folder / name) as file:
                data = file.read(most + 1)
        except FileNotFoundError:
            self.faults.append(Fault(name, "it is missing"))
            return None
        except OSError as e:
            link = e.errno == errno.ELOOP
            self.faults.append(Fault(name, _A_LINK if link else f"it cannot be read: {e.strerror or e}"))
            return None
        if len(data) > most:
            self.faults.append(Fault(name, f"it is far too large: more than {most} bytes"))
            return None
        return data


def _open_file(path: Path) -> IO[bytes]:
    """Open a plain file. A link is refused, and what is no file (a pipe would never end) as well: `OSError`."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(0, "it is no plain file")
    return os.fdopen(number, "rb")


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each run of consecutive numbers; `numbers` are sorted."""
    first = last = None
    for number in numbers:
        if first is None or last is None or number != last + 1:
            if first is not None and last is not None:
                yield first, last
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last


def check(folder: Path, public_key: Path | None = None) -> VerificationReport:
    """Verify a folder and raise `XunrenError` for the first fault."""
    checked = verify(folder, public_key)
    if checked.faults:
        first, more = checked.faults[0], len(checked.faults) - 1
        raise XunrenError("the evidence is broken", got=f"{first}" + (f" (and {more} more)" if more else ""))
    return checked
