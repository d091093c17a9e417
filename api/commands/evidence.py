"""`xunren evidence`: exports, verifies and prints the key. Verifying imports nothing that needs an index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from api.commands.console import err, out, show_json
from api.evidence import VerificationReport, check, shown, verify
from api.signing import Signer
from search.errors import Conflict

if TYPE_CHECKING:
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
    ("audit log entry", ("audit", "number")),
)


def export_evidence(settings: Settings, case_id: str, number: int, folder: Path, *, blur: bool, as_json: bool) -> None:
    """Write a folder of evidence and print what is in it."""
    from api.commands.backend import backend_of

    backend = backend_of(settings)
    if folder.exists() or folder.is_symlink():  # before minutes of work
        raise Conflict("the folder is there already", got=folder, cure="name a new one: evidence is never overwritten")
    with err.status("exporting"):
        backend.evidence.export(case_id, number, folder, blur=blur)
        report = check(folder)
    if as_json:
        show_json({"folder": str(folder.absolute()), "fingerprint": report.fingerprint, "manifest": report.manifest})
        return
    _say(f"evidence of sighting {number} of case {case_id} is in {folder}", style="bold")
    _show_facts(report)
    _say(f"`xunren evidence verify {folder} --key KEY.pem` checks it anywhere; `xunren evidence key` prints the key")


def verify_evidence(folder: Path, key: Path | None, *, as_json: bool) -> bool:
    """Check a folder and print what is wrong with it. Returns whether nothing is."""
    with err.status("reading every byte"):
        report = verify(folder, key)
    if as_json:
        show_json(_as_dict(report))
        return not report.faults
    if report.faults:
        _say("the evidence is broken:", style="bold red")
        for fault in report.faults:
            _say(f"  {fault}")
        return False
    _say("the evidence is whole: every file is as it was signed", style="bold green")
    _show_facts(report)
    if not report.is_proven:
        err.print(Text(f"warning: {NOT_PROVEN}", style="yellow"), soft_wrap=True)
    return True


def show_key(settings: Settings, *, as_json: bool) -> None:
    """Print the installation's public key. Makes one where there is none yet."""
    key = Signer(settings.data_dir).public
    if as_json:
        show_json({"fingerprint": key.fingerprint, "public_key": key.pem.decode()})
        return
    out.file.write(key.pem.decode())
    err.print(Text(f"fingerprint (SHA-256): {key.fingerprint}"), soft_wrap=True)


def _show_facts(report: VerificationReport) -> None:
    manifest = report.manifest or {}
    for name, path in _FACTS:
        value: Any = manifest
        for word in path:
            value = value.get(word) if isinstance(value, dict) else None
        _say(f"  {name + ':':<21}{shown(value)}")
    _say(f"  {'files:':<21}{len(manifest.get('files', ()))}")
    _say(f"  {'key:':<21}{report.fingerprint}")


def _as_dict(report: VerificationReport) -> dict[str, Any]:
    return {
        "whole": not report.faults,
        "faults": [{"file": shown(fault.name), "what": fault.what} for fault in report.faults],
        "fingerprint": report.fingerprint,
        "proven": report.is_proven and not report.faults,
        "warning": None if report.is_proven else NOT_PROVEN,
    }


def _say(text: str, style: str = "") -> None:
    out.print(Text(text, style=style), soft_wrap=True, highlight=False)
