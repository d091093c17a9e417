"""Addresses with secrets: sealed, shown without what is secret, and never in an error."""

from __future__ import annotations

import threading
import traceback
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from search.errors import BadInput, Unavailable, XunrenError
from search.stream_types import Stream
from search.types import StreamRole
from search.vault import Vault, check_address, shown

SECRET = "geheim"
ADDRESS = f"rtsp://admin:{SECRET}@10.0.0.7:554/live/main?token={SECRET}"

SHOWN = [
    ("rtsp://10.0.0.7/live", "rtsp://10.0.0.7/live"),
    ("rtsp://[fe80::1]:554/live", "rtsp://[fe80::1]:554/live"),
    ("rtsp://admin:geheim@cam_1.lan:554/a/b", "rtsp://***@cam_1.lan:554/a/b"),
    ("RTSP://admin:geheim@host/a", "RTSP://***@host/a"),
    ("rtsp://admin:ge@heim@host/a", "rtsp://***@host/a"),
    ("http://host/live.flv?token=geheim&x=1", "http://host/live.flv?***"),
    ("http://host/live.flv#geheim", "http://host/live.flv#***"),
    ("rtsp://host/user=admin_password=geheim_channel=1", "rtsp://host/user=***"),
    ("rtsp://admin:${GATE}@${HOST}:${PORT}/a", "rtsp://***@${HOST}:${PORT}/a"),
]
MALFORMED = [
    "rtsp://admin:geheim/stream",
    "rtsp://admin:geheim",
    "rtsp://admin@host:geheim/stream",
    "rtsp://admin:pw?geheim@host/x",
    "rtsp://admin:pw#geheim@host/x",
    "rtsp://admin:p@geheim/word@host/x",
    "rtsp://admin%3Ageheim%40host/x",
    "admin:geheim@host://x",
    "geheim rtsp://host",
    "rtsp:/admin:geheim@host",
    "rtsp//admin:geheim@host",
    "admin:geheim@host/x",
    "ftp://admin:geheim@host/x",
    "file:///geheim",
    "rtsp://admin:geheim@host:99999/x",
    "rtsp://admin:geheim@host:0/x",
    "rtsp://admin:geheim@/x",
    "rtsp://admin:ge heim@host/x",
    "rtsp://host/x geheim",
    "rtsp://host/x\ngeheim",
    "rtsp://[admin:geheim@host/x",
    "rtsp://ad\0min:geheim@host/x",
    "geheim",
    "",
]


@pytest.mark.parametrize(("address", "expected"), SHOWN)
def test_what_may_be_printed(address: str, expected: str) -> None:
    assert shown(address) == expected
    assert shown(expected) == expected
    assert check_address(address) == address


@pytest.mark.parametrize("address", MALFORMED)
def test_a_malformed_address_is_refused_and_not_repeated(address: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not the address of a stream") as caught:
        Vault(tmp_path).seal(address)
    for text in (str(caught.value), str(caught.value.as_dict()), "".join(traceback.format_exception(caught.value))):
        source = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
        assert SECRET not in source
    assert SECRET not in shown(address)


def test_what_is_sealed_opens_again(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    sealed = vault.seal(f"  {ADDRESS} ")
    assert vault.open(sealed) == ADDRESS
    assert Vault(tmp_path).open(sealed) == ADDRESS
    assert SECRET not in sealed
    assert vault.holds(sealed, ADDRESS)
    assert not vault.holds(sealed, ADDRESS + "x")


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    Vault(folder).seal(ADDRESS)
    assert (folder / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in folder.iterdir()] == ["secret.key"]


def test_threads_agree_on_one_key(tmp_path: Path) -> None:
    for n in range(20):
        folder = tmp_path / str(n)
        gate = threading.Barrier(6)
        sealed: list[str] = []

        def work(folder: Path = folder, gate: threading.Barrier = gate, sealed: list[str] = sealed) -> None:
            gate.wait()
            sealed.append(Vault(folder).seal(ADDRESS))

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [Vault(folder).open(text) for text in sealed] == [ADDRESS] * 6


def test_a_key_of_the_settings_needs_no_file(tmp_path: Path) -> None:
    vault = Vault(tmp_path, Fernet.generate_key().decode())
    assert vault.open(vault.seal(ADDRESS)) == ADDRESS
    assert not list(tmp_path.iterdir())


def test_another_key_opens_nothing_and_says_so(tmp_path: Path) -> None:
    sealed = Vault(tmp_path / "a").seal(ADDRESS)
    other = Vault(tmp_path / "b")
    other.seal(ADDRESS)
    with pytest.raises(Unavailable, match="another key"):
        other.open(sealed)
    assert not other.holds(sealed, ADDRESS)
    with pytest.raises(Unavailable, match="cannot be read"):
        Vault(tmp_path / "c").open(sealed)
    for nonsense in ("", "garbage", "ключ"):
        with pytest.raises(Unavailable, match="another key"):
            other.open(nonsense)


@pytest.mark.parametrize("key", ["geheim", "ключ-geheim", "="])
def test_what_is_no_key_is_refused_and_not_repeated(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a key") as caught:
        Vault(tmp_path, key).seal(ADDRESS)
    assert SECRET not in str(caught.value)


def test_a_reference_is_taken_from_the_environment_only_to_connect(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    sealed = vault.seal("rtsp://${GATE_USER}:${GATE_PASS}@${GATE_HOST}/live")
    environ = {"GATE_USER": "admin", "GATE_PASS": "p@ss/w?rd#%20 ü", "GATE_HOST": "10.0.0.7:554"}
    assert vault.open(sealed, environ) == "rtsp://admin:p%40ss%2Fw%3Frd%23%2520%20%C3%BC@10.0.0.7:554/live"
    assert vault.open(sealed, environ | {"GATE_PASS": "x"}) == "rtsp://admin:x@10.0.0.7:554/live"
    with pytest.raises(Unavailable, match=r"\$\{GATE_PASS\}"):
        vault.open(sealed, {"GATE_USER": "admin"})
    assert vault.holds(sealed, "rtsp://${GATE_USER}:${GATE_PASS}@${GATE_HOST}/live")


def test_no_secret_in_any_repr(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    vault = Vault(tmp_path, key)
    stream = Stream("gate", StreamRole.MAIN, vault.seal(ADDRESS), shown(ADDRESS), 0)
    for thing in (vault, stream, [stream], {"vault": vault}):
        for text in (repr(thing), str(thing)):
            assert SECRET not in text
            assert key not in text
            assert stream.sealed not in text


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(XunrenError) as caught:
        Vault(tmp_path / "file").seal(ADDRESS)
    assert SECRET not in str(caught.value)
