"""Privacy masks of a camera: what they cover is black before anything is detected, and in every clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.accounts.visibility import check_camera
from api.web.dependencies import PartsHere
from api.web.permissions import CameraSight
from api.web.schemas.search import ResponseModel, problems
from search.stream_types import Rules
from search.types import check_camera_id

Share = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[list[tuple[Share, Share]], Field(min_length=3, max_length=100)]
router = APIRouter(prefix="/api/cameras", tags=["live"])


class MasksIn(BaseModel):
    """All masks of a camera; none takes them away."""

    model_config = ConfigDict(extra="forbid")

    masks: list[Polygon] = Field(max_length=50, description="polygons of x, y, each a share of the picture")


class MasksOut(ResponseModel):
    """The masks as they hold now, for what is recorded and shown from now on."""

    camera: str
    masks: list[list[tuple[float, float]]]


@router.get("/{camera}/masks", response_model=MasksOut, responses=problems(404, 503))
def masks(camera: str, parts: PartsHere, sight: CameraSight) -> dict[str, Any]:
    """The masks of a camera."""
    return _told(parts, camera, sight)


@router.put("/{camera}/masks", response_model=MasksOut, responses=problems(404, 415, 503))
def set_masks(camera: str, body: MasksIn, parts: PartsHere, sight: CameraSight) -> dict[str, Any]:
    """Let these be the masks. What is indexed already stays so, until `xunren camera add ID --reindex`."""
    _told(parts, camera, sight)
    known = parts.catalog.streams.known([camera])[camera]
    keep_days = known.rules.keep_days if known.rules else None
    rules = Rules(camera, keep_days, tuple(tuple(polygon) for polygon in body.masks))
    parts.catalog.streams.put([replace(known, rules=rules if keep_days or body.masks else None)])
    return _told(parts, camera, sight)


def _told(parts: PartsHere, camera: str, sight: CameraSight) -> dict[str, Any]:
    check_camera(sight, check_camera_id(camera))
    parts.catalog.cameras.check([camera])
    rules = parts.catalog.streams.known([camera])[camera].rules
    return {"camera": camera, "masks": [list(polygon) for polygon in rules.masks] if rules else []}
