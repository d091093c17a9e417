"""Signed heads of the record, and the one of each day."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from api.audit.audit_log import AuditAction, AuditLog, BrokenChain
from api.audit.heads import DailyHeads, as_json, check_signature, read_head, signed
from api.jobs import background
from api.runtime.context import AppContext
from api.signing import Signer
from search.catalog.catalog import Catalog
from search.config import load_settings
from search.errors import BadInput, Unavailable
from search.times import parse_time, zone_of
from tests.conftest import ENVIRON, Command, Demo, serving
from tests.support.waiting import until

ZONE = zone_of("Asia/Shanghai")
NIGHT = parse_time("2026-11-02T23:59:30", ZONE)


@pytest.fixture
def audit_log(catalog_url: str) -> Iterator[AuditLog]:
    with Catalog(catalog_url) as catalog:
        audit_log = AuditLog(catalog)
        for _ in range(3):
            audit_log.append(AuditAction("me", "here", "search"))
        yield audit_log


def test_a_signed_head_says_when_it_was_changed(audit_log: AuditLog, tmp_path: Path) -> None:
    signer, other = Signer(tmp_path / "a"), Signer(tmp_path / "b")
    told = signed(audit_log.head(), signer, "2026-11-02T08:00:00+08:00")
    assert told.keys() == {"number", "hash", "at", "fingerprint", "signature"}
    file = tmp_path / "head.json"
    file.write_text(as_json(told))
    head, read = read_head(file)
    assert (head, read) == (audit_log.head(), told)
    check_signature(read, signer.public, file)
    changes = {
        "number": 2,
        "hash": "0" * 64,
        "at": "2026-11-01T08:00:00+08:00",
        "fingerprint": other.public.fingerprint,
    }
    for name, value in changes.items():
        with pytest.raises(BadInput, match="does not fit"):
            check_signature(told | {name: value}, signer.public, file)
    with pytest.raises(BadInput, match="does not fit"):
        check_signature(told, other.public, file)
    for wrong in ({"signature": "?"}, {"signature": 3}, {"signature": ""}):
        with pytest.raises(BadInput):
            check_signature(told | wrong, signer.public, file)
    with pytest.raises(BadInput, match="no signature"):
        check_signature({name: value for name, value in told.items() if name != "at"}, signer.public, file)


@pytest.mark.parametrize("text", ["", "[]", '{"number": true, "hash": "x"}', '{"hash": "x"}', "[" * 9000, "1" * 9000])
def test_what_is_no_head_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "head.json").write_text(text)
    with pytest.raises(BadInput, match="not a head of the audit log"):
        read_head(tmp_path / "head.json")


def test_a_head_of_each_day(audit_log: AuditLog, tmp_path: Path) -> None:
    signer, folder = Signer(tmp_path), tmp_path / "kept" / "heads"
    daily = DailyHeads(audit_log, signer, folder, ZONE)
    first = daily.step(NIGHT)
    assert first == folder / "head-2026-11-02.json"
    before = first.read_bytes()
    audit_log.append(AuditAction("me", "here", "search"))
    assert daily.step(NIGHT + 20_000) is None
    assert first.read_bytes() == before
    second = daily.step(NIGHT + 40_000)
    assert second == folder / "head-2026-11-03.json"
    assert sorted(path.name for path in folder.iterdir()) == ["head-2026-11-02.json", "head-2026-11-03.json"]
    for file, number in ((first, 3), (second, 4)):
        head, told = read_head(file)
        check_signature(told, signer.public, file)
        assert head.number == number
        audit_log.verify(head)
    assert read_head(second)[1]["at"] == "2026-11-03T00:00:10+08:00"
    with pytest.raises(BrokenChain):
        audit_log.verify(replace(read_head(second)[0], hash="0" * 64))


def test_a_folder_that_cannot_be_written_is_said(audit_log: AuditLog, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Unavailable, match="cannot be exported"):
        DailyHeads(audit_log, Signer(tmp_path), tmp_path / "file", ZONE).step(NIGHT)


def test_the_service_writes_one_at_start_and_one_after_midnight(
    audit_log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({"data_dir": tmp_path, "audit_export_dir": str(tmp_path / "heads")}, environ={})
    monkeypatch.setattr(background, "HEADS_S", 0.01)
    stop, now = threading.Event(), [NIGHT]

    class Some:
        """What the service needs of the parts."""

        catalog = audit_log._catalog
        zone = ZONE

    Some.settings = settings  # type: ignore[attr-defined]
    service = threading.Thread(
        target=background.export_heads_until, args=(cast(AppContext, Some()), stop, lambda: now[0])
    )
    service.start()
    try:
        for day in ("2026-11-02", "2026-11-03"):
            until((tmp_path / "heads" / f"head-{day}.json").exists)
            now[0] += 60_000
    finally:
        stop.set()
        service.join(20)
    assert len(list((tmp_path / "heads").iterdir())) == 2


def test_heads_at_the_command_line(
    demo: Demo, tmp_path: Path, xunren: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(demo.data_dir, tmp_path / "data")

    def line(*arguments: object, code: int = 0) -> str:
        outcome = xunren(*arguments, "--data-dir", data)
        assert outcome.code == code, outcome.out + outcome.err
        return outcome.out + outcome.err

    line("case", "list")
    head, key = tmp_path / "head.json", tmp_path / "key.pem"
    assert "signed by" in line("audit", "head", "--sign", head)
    key.write_text(xunren("evidence", "key", "--data-dir", data).out)
    for more in ((), ("--key", key)):
        said = line("audit", "verify", "--head", head, *more)
        assert "is in it" in said
        assert "was signed at" in said
    assert "name one file" in line("audit", "head", code=2)
    assert "name one file" in line("audit", "head", "--to", tmp_path / "a", "--sign", tmp_path / "b", code=2)
    assert "--key belongs to --head" in line("audit", "verify", "--key", key, code=2)

    told = json.loads(head.read_text())
    (tmp_path / "forged.json").write_text(json.dumps(told | {"number": told["number"] - 1}))
    assert "signature does not fit" in line("audit", "verify", "--head", tmp_path / "forged.json", code=1)
    line("audit", "head", "--to", tmp_path / "plain.json")
    assert "is in it" in line("audit", "verify", "--head", tmp_path / "plain.json")
    assert "no signature" in line("audit", "verify", "--head", tmp_path / "plain.json", "--key", key, code=1)
    (data / "signing.key").unlink()
    assert "has no key" in line("audit", "verify", "--head", head, code=1)
    assert not (data / "signing.key").exists()
    assert "is in it" in line("audit", "verify", "--head", head, "--key", key)


def test_serve_exports_the_head_of_today(demo: Demo, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    data = shutil.copytree(demo.data_dir, tmp_path / "data")
    with serving(data, ENVIRON | {"XUNREN_AUDIT_EXPORT_DIR": str(heads)}):
        until(lambda: list(heads.glob("head-*.json")))
    (file,) = heads.iterdir()
    check_signature(read_head(file)[1], Signer(data).public, file)
