"""The signing key: made once, for its owner only; a signature of anything else does not hold."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.signing import KEY_FILE, SIGNATURE_BYTES, Signer, parse_public_key, read_public_key
from search.errors import BadInput, Unavailable
from tests.conftest import ROOT


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    first = Signer(tmp_path / "data").public
    assert Signer(tmp_path / "data").public.fingerprint == first.fingerprint
    file = tmp_path / "data" / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert [path.name for path in file.parent.iterdir()] == [KEY_FILE]
    assert len(first.fingerprint) == 64
    assert Signer(tmp_path / "other").public.fingerprint != first.fingerprint


def test_who_needs_it_first_at_once_gets_the_same_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: Signer(tmp_path).public.fingerprint, range(16)))
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_processes_at_once_get_the_same_one(tmp_path: Path) -> None:
    script = "import sys, pathlib, api.signing as s; print(s.Signer(pathlib.Path(sys.argv[1])).public.fingerprint)"
    started = [
        subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=ROOT, stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert len({process.communicate(timeout=60)[0] for process in started}) == 1


def test_only_what_was_signed_holds(tmp_path: Path) -> None:
    signer = Signer(tmp_path)
    signature = signer.sign(b"a boy in red")
    assert len(signature) == SIGNATURE_BYTES
    key = parse_public_key(signer.public.pem, "it")
    assert key.has_signed(b"a boy in red", signature)
    assert not key.has_signed(b"a boy in Red", signature)
    assert not key.has_signed(b"a boy in red", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not key.has_signed(b"a boy in red", b"")
    assert not Signer(tmp_path / "other").public.has_signed(b"a boy in red", signature)


@pytest.mark.parametrize("content", [b"", b"key", b"\xff" * 200, b"-----BEGIN PRIVATE KEY-----\n"])
def test_what_is_no_key_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(Unavailable, match="the signing key is none"):
        Signer(tmp_path).sign(b"")
    assert (tmp_path / KEY_FILE).read_bytes() == content
    with pytest.raises(BadInput, match="not a public key"):
        read_public_key(tmp_path / KEY_FILE)


def test_a_private_key_is_no_public_one(tmp_path: Path) -> None:
    Signer(tmp_path).sign(b"")
    with pytest.raises(BadInput, match="not a public key"):
        read_public_key(tmp_path / KEY_FILE)
    with pytest.raises(BadInput, match="cannot be read"):
        read_public_key(tmp_path / "none")


def test_a_key_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="the signing key cannot be made"):
        Signer(tmp_path / "file").sign(b"")
