"""Signed evidence of a sighting, as one ZIP file."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from api.cases.case_store import sighting_of
from api.evidence.export import EvidenceExporter, ExportRequest
from api.evidence.packaging import outgoing, packed, sent
from api.web.middleware.audit import NoteHere
from api.web.permissions import PrincipalHere
from api.web.routes.cases import DeskHere
from api.web.schemas.cases import schema_of
from api.web.schemas.search import problems

MAX_EXPORTS = 1  # one reads and writes gigabytes, and may decode every picture

router = APIRouter(prefix="/api/cases", tags=["cases"])
_exports = threading.BoundedSemaphore(MAX_EXPORTS)


class EvidenceIn(BaseModel):
    """What the evidence shall hold."""

    model_config = ConfigDict(extra="forbid")

    blur: bool = Field(False, description="also a copy of the clip in which other people are blurred")


async def _wanted(request: Request, who: PrincipalHere) -> tuple[str, str]:
    """(account, address) of who asks, as in the record."""
    return who.account, request.client.host if request.client else "unknown"


@router.post(
    "/{case}/sightings/{number}/evidence",
    response_class=FileResponse,
    responses=problems(404, 409, 422, 503) | {200: schema_of("application/zip")},
)
def export(
    case: str,
    number: int,
    body: EvidenceIn,
    desk: DeskHere,
    note: NoteHere,
    asker: Annotated[tuple[str, str], Depends(_wanted)],
) -> FileResponse:
    """Original, clip, picture with the box, manifest and signature (Ed25519), for `xunren evidence verify`."""
    sighting_of(desk.case(case), number)
    with outgoing(desk.parts.settings.data_dir) as folder:
        name = f"evidence-{case}-{number}"
        with _exports:
            manifest = EvidenceExporter(desk.parts, desk.cases).export(
                case, number, folder / name, ExportRequest(*asker, body.blur)
            )
            archive = packed(folder / name, folder / f"{name}.zip")
        note.shown |= {"sighting": number, "signed": manifest["audit"]}
        return FileResponse(
            archive, media_type="application/zip", filename=archive.name, background=BackgroundTask(sent, folder)
        )
