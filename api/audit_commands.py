"""`xunren audit`: what the commands do and print."""

from __future__ import annotations

import json
from datetime import tzinfo
from pathlib import Path

from api.audit import AuditLog, Entry, Head, Wanted, told
from api.console import out, show_json, table
from api.parts import check_index_exists, open_catalog
from search.catalog import now_ms
from search.config import Settings
from search.errors import BadInput, Conflict, Unavailable, shorten
from search.times import iso, zone_of

_KEPT = {"number": int, "hash": str}
_COLUMNS = ("entry", "time", "account", "from", "action", "case", "status", "asked")


def show_entries(settings: Settings, wanted: Wanted, *, as_json: bool) -> None:
    """Entries, the newest first."""
    check_index_exists(settings)
    with open_catalog(settings) as catalog:
        found = AuditLog(catalog).find(wanted)
    if as_json:
        show_json({"entries": [told(entry) for entry in found]})
    else:
        _show(settings, found)


def verify_record(settings: Settings, head_file: Path | None) -> None:
    """Check the chain, and that a head from before is in it."""
    check_index_exists(settings)
    kept = None if head_file is None else _read_head(head_file)
    with open_catalog(settings) as catalog:
        head = AuditLog(catalog).verify(kept)
    out.print(f"the record is whole: {head.number} entries, the last one {head.hash}", highlight=False)
    if kept is not None:
        out.print(f"the kept head, entry {kept.number}, is in it", highlight=False)


def keep_head(settings: Settings, path: Path) -> None:
    """Write the head to a new file; one that is there is never overwritten."""
    check_index_exists(settings)
    with open_catalog(settings) as catalog:
        head = AuditLog(catalog).head()
    told = {"number": head.number, "hash": head.hash, "exported": iso(now_ms(), zone_of(settings.timezone))}
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(told, indent=1) + "\n")
    except FileExistsError:
        raise Conflict("the file is there already", got=path, cure="name a new one: old heads are the proof") from None
    except OSError as e:
        raise Unavailable("the head cannot be written", got=path, cure=str(e.strerror or e)) from None
    out.print(f"entry {head.number} is the head, in {path}", highlight=False)


def _read_head(path: Path) -> Head:
    try:
        told = json.loads(path.read_text("utf-8"))
        found = {name: told[name] for name in _KEPT}
    except OSError as e:
        raise BadInput("the head cannot be read", got=path, cure=str(e.strerror or e)) from None
    except (ValueError, KeyError, TypeError):
        raise _no_head(path) from None
    if not all(isinstance(found[name], kind) for name, kind in _KEPT.items()):
        raise _no_head(path)
    return Head(**found)


def _no_head(path: Path) -> BadInput:
    return BadInput("this is not a head of the record", got=path, expected="a file that `xunren audit head` made")


def _show(settings: Settings, entries: list[Entry]) -> None:
    zone = zone_of(settings.timezone)
    out.print(table("", _COLUMNS, (_row(entry, zone) for entry in entries), right=("entry", "status")))


def _row(entry: Entry, zone: tzinfo) -> tuple[object, ...]:
    act = entry.act
    time = iso(entry.at_ms, zone)[:19].replace("T", " ")
    asked = shorten(_asked(entry), 60)
    return entry.number, time, act.account, act.address, act.action, act.case_id, act.status or "", asked


def _asked(entry: Entry) -> str:
    """The sentence where there is one, else what was addressed, or the rule that refused."""
    details = entry.act.details
    for place in (details.get("body"), details.get("options")):
        if isinstance(place, dict):
            for name in ("text", "sentence", "sentences"):
                if place.get(name):
                    return str(place[name])
    return str(details.get("path") or details.get("rule", ""))
