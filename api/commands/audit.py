"""`xunren audit`: lists and verifies the audit log, and writes its head."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import Any

from api.audit import AuditEntry, AuditFilter, AuditLog, Head, check_signature, entry_dict, read_head, signed
from api.audit import as_json as as_json_file
from api.commands.console import out, show_json, table
from api.composition import check_index_exists, open_catalog
from api.evidence import shown
from api.signing import Signer, read_public_key
from search.config import Settings
from search.errors import Conflict, NotFound, Unavailable, shorten
from search.times import iso, now_ms, zone_of

_COLUMNS = ("entry", "time", "account", "from", "action", "case", "status", "query")


def show_entries(settings: Settings, filter_: AuditFilter, *, as_json: bool) -> None:
    """Print entries, the newest first."""
    check_index_exists(settings)
    with open_catalog(settings) as catalog:
        entries = AuditLog(catalog).find(filter_)
    if as_json:
        show_json({"entries": [entry_dict(entry) for entry in entries]})
    else:
        _show(settings, entries)


def verify_log(settings: Settings, head_file: Path | None, key_file: Path | None = None) -> None:
    """Check the chain, and that a kept head is in it.

    A signed head must be signed by the key of `key_file`, or without one by this installation's.
    """
    check_index_exists(settings)
    kept = None if head_file is None else _stored_head(settings, head_file, key_file)
    with open_catalog(settings) as catalog:
        head = AuditLog(catalog).verify(kept)
    out.print(f"the audit log is whole: {head.number} entries, the last one {head.hash}", highlight=False)
    if kept is not None:
        out.print(f"the kept head, entry {kept.number}, is in it", highlight=False)


def keep_head(settings: Settings, path: Path, *, sign: bool = False) -> None:
    """Write the head, signed or not, to a new file. Never overwrites one."""
    check_index_exists(settings)
    with open_catalog(settings) as catalog:
        head = AuditLog(catalog).head()
    at = iso(now_ms(), zone_of(settings.timezone))
    plain: dict[str, Any] = {"number": head.number, "hash": head.hash, "exported": at}
    data = signed(head, Signer(settings.data_dir), at) if sign else plain
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(as_json_file(data))
    except FileExistsError:
        raise Conflict("the file is there already", got=path, cure="name a new one: old heads are the proof") from None
    except OSError as e:
        raise Unavailable("the head cannot be written", got=path, cure=str(e.strerror or e)) from None
    out.print(f"entry {head.number} is the head, in {path}", highlight=False)
    if sign:
        out.print(f"signed by {data['fingerprint']}; `xunren evidence key` prints the key", highlight=False)


def _stored_head(settings: Settings, head_file: Path, key_file: Path | None) -> Head:
    kept, data = read_head(head_file)
    if key_file is None and "signature" not in data:
        return kept
    signer = Signer(settings.data_dir)
    if key_file is None and not signer.exists:
        cure = "give the public key of the installation that signed: --key FILE"
        raise NotFound("this installation has no key to check the head's signature with", got=head_file, cure=cure)
    key = signer.public if key_file is None else read_public_key(key_file)
    check_signature(data, key, head_file)
    out.print(f"the kept head was signed at {shown(data['at'])} by {key.fingerprint}", highlight=False, markup=False)
    return kept


def _show(settings: Settings, entries: list[AuditEntry]) -> None:
    zone = zone_of(settings.timezone)
    out.print(table("", _COLUMNS, (_row(entry, zone) for entry in entries), right=("entry", "status")))


def _row(entry: AuditEntry, zone: tzinfo) -> tuple[object, ...]:
    act = entry.act
    time = iso(entry.at_ms, zone)[:19].replace("T", " ")
    query = shorten(_query(entry), 60)
    return entry.number, time, act.account, act.address, act.action, act.case_id, act.status or "", query


def _query(entry: AuditEntry) -> str:
    """Return the sentence where there is one, else the address, or the rule that refused."""
    details = entry.act.details
    for place in (details.get("body"), details.get("options")):
        if isinstance(place, dict):
            for name in ("query", "queries", "text", "sentence", "sentences"):
                if place.get(name):
                    return str(place[name])
    return str(details.get("path") or details.get("rule", ""))
