"""`xunren evidence`: what the commands do and print. What needs the index is imported only where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rich.text import Text

from api.commands.console import err, out, show_json
from api.evidence.manifest import shown
from api.evidence.packaging import made_whole
from api.evidence.verify import VerificationReport, check, verify
from api.signing import Signer
from search.errors import Conflict

if TYPE_CHECKING:
    from api.runtime.client import Server
    from search.config import Settings

NOT_PROVEN = (
    "no key was given: the key is the folder's own, so this shows that the folder agrees with itself, not who signed "
    "it; compare the fingerprint with the one that `xunren evidence key` prints there, or give --key FILE"
)
_FACTS = (
    ("case", ("case", "id")),
    ("sighting", ("sighting", "number")),
    ("camera", ("camera", "id")),
    ("from", ("sighting", "start")),
    ("to", ("sighting", "end")),
    ("operator", ("operator",)),
    ("exported", ("exported",)),
    ("entry in the record", ("audit", "number")),
)


def export_evidence(settings: Settings, case_id: str, number: int, folder: Path, *, blur: bool, as_json: bool) -> None:
    """Write a folder of evidence: here, or through the server that has the index open."""
    from api.composition import check_index_exists
    from api.runtime.client import running_server

    check_index_exists(settings)
    if folder.exists() or folder.is_symlink():  # before minutes of work
        raise Conflict("the folder is there already", got=folder, cure="name a new one: evidence is never overwritten")
    server = running_server(settings)
    with err.status("exporting"):
        if server is None:
            _export_here(settings, case_id, number, folder, blur)
        else:
            _export_there(server, case_id, number, folder, blur)
        checked = check(folder)
    if as_json:
        show_json({"folder": str(folder.absolute()), "fingerprint": checked.fingerprint, "manifest": checked.manifest})
    else:
        _say(f"evidence of sighting {number} of case {case_id} is in {folder}", style="bold")
        _show_facts(checked)
        _say(
            f"`xunren evidence verify {folder} --key KEY.pem` checks it anywhere; `xunren evidence key` prints the key"
        )


def verify_evidence(folder: Path, key: Path | None, *, as_json: bool) -> bool:
    """Check a folder and say what is wrong with it. Returns whether nothing is."""
    with err.status("reading every byte"):
        checked = verify(folder, key)
    if as_json:
        show_json(_as_dict(checked))
        return not checked.faults
    if checked.faults:
        _say("the evidence is broken:", style="bold red")
        for fault in checked.faults:
            _say(f"  {fault}")
        return False
    _say("the evidence is whole: every file is as it was signed", style="bold green")
    _show_facts(checked)
    if not checked.is_proven:
        err.print(Text(f"warning: {NOT_PROVEN}", style="yellow"), soft_wrap=True)
    return True


def show_key(settings: Settings, *, as_json: bool) -> None:
    """The installation's public key, made where there is none yet."""
    key = Signer(settings.data_dir).public
    if as_json:
        show_json({"fingerprint": key.fingerprint, "public_key": key.pem.decode()})
        return
    out.file.write(key.pem.decode())
    err.print(Text(f"fingerprint (SHA-256): {key.fingerprint}"), soft_wrap=True)


def _export_here(settings: Settings, case_id: str, number: int, folder: Path, blur: bool) -> None:
    from api.cases.case_store import cases_of
    from api.commands import audit_trail
    from api.composition import open_context
    from api.evidence.export import EvidenceExporter, ExportRequest

    with open_context(settings) as parts:
        wanted = ExportRequest(audit_trail.account(), audit_trail.ADDRESS, blur)
        EvidenceExporter(parts, cases_of(settings, parts.catalog)).export(case_id, number, folder, wanted)


def _export_there(server: Server, case_id: str, number: int, folder: Path, blur: bool) -> None:
    from api.evidence.packaging import unpacked
    from api.runtime.client import download

    path = f"/api/cases/{quote(case_id, safe='')}/sightings/{number}/evidence"
    with made_whole(folder) as work:
        archive = work / "answer.zip"
        download(server, path, {"blur": blur}, archive)
        unpacked(archive, work)
        archive.unlink()
        check(work)


def _show_facts(checked: VerificationReport) -> None:
    told = checked.manifest or {}
    for name, path in _FACTS:
        value: Any = told
        for word in path:
            value = value.get(word) if isinstance(value, dict) else None
        _say(f"  {name + ':':<21}{shown(value)}")
    _say(f"  {'files:':<21}{len(told.get('files', ()))}")
    _say(f"  {'key:':<21}{checked.fingerprint}")


def _as_dict(checked: VerificationReport) -> dict[str, Any]:
    return {
        "whole": not checked.faults,
        "faults": [{"file": shown(fault.name), "what": fault.what} for fault in checked.faults],
        "fingerprint": checked.fingerprint,
        "proven": checked.is_proven and not checked.faults,
        "warning": None if checked.is_proven else NOT_PROVEN,
    }


def _say(text: str, style: str = "") -> None:
    out.print(Text(text, style=style), soft_wrap=True, highlight=False)
