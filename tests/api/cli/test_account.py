"""Accounts, keys, and what a search must name, on the command line."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from api.audit.audit_log import AuditFilter, AuditLog
from search.catalog.catalog import Catalog
from search.config import Settings
from tests.conftest import ENVIRON, Command, Demo, Outcome, serving

PASSWORD = "correct horse battery"


@pytest.fixture
def line(xunren: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line over an empty data folder, with a password on standard input."""

    def run(*words: object, password: str = PASSWORD) -> Outcome:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        return xunren("--data-dir", tmp_path, *words)

    return run


def test_an_account_is_made_changed_and_listed(line: Command, tmp_path: Path) -> None:
    made = line("account", "add", "olga", "--role", "operator", "--district", "north", "--password-stdin")
    assert made.code == 0, made.err
    told = line("account", "list", "--json").json["accounts"]
    assert [(one["name"], one["roles"]) for one in told] == [("olga", ["operator"])]
    assert told[0]["scope"]["districts"] == ["north"]
    refused = line("account", "change", "olga", "--disable")
    assert (refused.code, "make accounts" in refused.err) == (1, True), "there is no administrator"
    assert line("account", "add", "adam", "--role", "admin", "--password-stdin").code == 0
    assert line("account", "change", "olga", "--disable", "--role", "supervisor").code == 0
    listed = line("account", "list").out
    assert "supervisor" in listed
    assert "disabled" in listed
    assert line("account", "password", "adam", "--password-stdin", password="short").code == 1
    assert line("account", "password", "adam", "--password-stdin").code == 0
    with Catalog(Settings(data_dir=tmp_path).catalog_address) as catalog:
        record = AuditLog(catalog).find(AuditFilter(limit=100))
    assert {"account.change", "account.password"} <= {entry.act.action for entry in record}
    assert PASSWORD not in str(record)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("account", "add", "x y", "--role", "operator", "--password-stdin"), "not a name"),
        (("account", "add", "olga", "--role", "boss", "--password-stdin"), "no such role"),
        (("account", "add", "olga", "--password-stdin"), "no role"),
        (("account", "add", "olga", "--role", "admin", "--everything", "--camera", "a", "--password-stdin"), "one of"),
        (("account", "password", "nobody", "--password-stdin"), "no such account"),
        (("key", "new", "job", "--role", "operator", "--days", "900"), "cannot live that long"),
        (("key", "remove", "7"), "no such key"),
    ],
)
def test_what_cannot_be_is_refused(line: Command, words: tuple[str, ...], said: str) -> None:
    refused = line(*words)
    assert refused.code == 1
    assert said in refused.err
    assert line("account", "list", "--json").json["accounts"] == []


def test_a_key_is_shown_once(line: Command) -> None:
    made = line("key", "new", "job", "--role", "operator", "--everything")
    assert made.code == 0, made.err
    secret = made.out.split()[-1]
    assert secret.startswith("xunren_")
    assert secret not in line("key", "list").out
    assert line("key", "remove", 1).code == 0
    assert line("key", "list", "--json").json["keys"] == []


def test_a_search_names_a_case_and_a_reason(
    demo: Demo, xunren: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(demo.data_dir, tmp_path / "data")
    monkeypatch.delenv("XUNREN_REQUIRE_CASE")
    for name in ("XUNREN_CASE", "XUNREN_REASON"):
        monkeypatch.delenv(name, raising=False)

    def search(*more: object) -> Outcome:
        return xunren("--data-dir", data, "search", "a man in a red coat", *more)

    nothing = search()
    assert (nothing.code, "names no case" in nothing.err) == (1, True)
    case = xunren("--data-dir", data, "case", "new", "Li Ming", "--sentence", "red", "--json").json["id"]
    assert "reason is missing" in search("--case", case).err
    assert "no such case" in search("--case", "2020-0001", "--reason", "report no. 17").err
    found = search("--case", case, "--reason", "report no. 17", "--json")
    assert found.json["verdict"] == "match"
    with Catalog(Settings(data_dir=data).catalog_address) as catalog:
        entry = AuditLog(catalog).find(AuditFilter(action="search", limit=1))[0]
    assert entry.act.case_id == case
    assert entry.act.details["options"]["reason"] == "report no. 17"
    assert xunren("--data-dir", data, "case", "search", case).code == 1
    assert xunren("--data-dir", data, "case", "search", case, "--reason", "report no. 17").code == 0
    assert xunren("--data-dir", data, "saved-search", "add", "red").code == 1
    xunren("--data-dir", data, "case", "close", case)
    assert "closed" in search("--case", case, "--reason", "report no. 17").err


def test_a_server_with_accounts_knows_its_own_commands(demo: Demo, tmp_path: Path, xunren: Command) -> None:
    data = Path(shutil.copytree(demo.data_dir, tmp_path / "data"))
    environ = {name: value for name, value in ENVIRON.items() if name != "XUNREN_ACCOUNTS"}
    with serving(data, environ) as (url, _):
        assert httpx.get(f"{url}/api/cameras").status_code == 401
        assert (data / "server.json").stat().st_mode & 0o077 == 0, "its key is its owner's only"
        found = xunren("--data-dir", data, "search", "a man in a red coat", "--json")
        assert found.json["verdict"] == "match"
    with Catalog(Settings(data_dir=data).catalog_address) as catalog:
        entry = AuditLog(catalog).find(AuditFilter(action="search", limit=1))[0]
    assert entry.act.account.startswith("os:")
    assert entry.act.details["roles"] == ["admin", "auditor", "operator", "supervisor"]


def test_tls_is_spoken_with_a_certificate(demo: Demo, tmp_path: Path, xunren: Command) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=xunren.example", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *subject, *files], check=True, capture_output=True)
    data = Path(shutil.copytree(demo.data_dir, tmp_path / "data"))
    refused = xunren("--data-dir", data, "serve", "--host", "0.0.0.0", "--port", 0)
    assert (refused.code, "reached by other machines" in refused.err) == (1, True)
    environ = ENVIRON | {"XUNREN_TLS_CERT": str(certificate), "XUNREN_TLS_KEY": str(key)}
    with serving(data, environ, verify=str(certificate)) as (url, _):
        assert url.startswith("https://")
        assert xunren("--data-dir", data, "search", "a man in a red coat", "--json").json["verdict"] == "match"
