"""Signed evidence of a sighting, as one ZIP file."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from api.cases import sighting_of
from api.evidence import EvidenceExporter, ExportRequest, outgoing, packed, sent
from api.web.middleware.audit import NoteHere
from api.web.permissions import PrincipalHere
from api.web.routes.cases import CaseRoutesHere
from api.web.schemas.cases import schema_of
from api.web.schemas.search import problems

MAX_EXPORTS = 1  # one reads and writes gigabytes, and may decode every picture

router = APIRouter(prefix="/api/cases", tags=["cases"])
_exports = threading.BoundedSemaphore(MAX_EXPORTS)


class EvidenceIn(BaseModel):
    """Options of an export."""

    model_config = ConfigDict(extra="forbid")

    blur: bool = Field(False, description="also a copy of the clip in which other people are blurred")


async def _requester(request: Request, principal: PrincipalHere) -> tuple[str, str]:
    """Return (account, address) of the principal, as in the audit log."""
    return principal.account, request.client.host if request.client else "unknown"


@router.post(
    "/{case}/sightings/{number}/evidence",
    response_class=FileResponse,
    responses=problems(404, 409, 422, 503) | {200: schema_of("application/zip")},
)
def export(
    case: str,
    number: int,
    body: EvidenceIn,
    routes: CaseRoutesHere,
    note: NoteHere,
    requester: Annotated[tuple[str, str], Depends(_requester)],
) -> FileResponse:
    """Export original, clip, picture with the box, manifest and signature (Ed25519) for `xunren evidence verify`."""
    sighting_of(routes.case(case), number)
    with outgoing(routes.context.settings.data_dir) as folder:
        name = f"evidence-{case}-{number}"
        with _exports:
            manifest = EvidenceExporter(routes.context, routes.cases).export(
                case, number, folder / name, ExportRequest(*requester, body.blur)
            )
            archive = packed(folder / name, folder / f"{name}.zip")
        note.shown |= {"sighting": number, "signed": manifest["audit"]}
        return FileResponse(
            archive, media_type="application/zip", filename=archive.name, background=BackgroundTask(sent, folder)
        )
