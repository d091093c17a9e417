"""Privacy masks of a camera: what they cover is black before anything is detected, and in every clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.accounts import check_camera
from api.web.dependencies import ContextHere
from api.web.permissions import CameraVisibilityHere
from api.web.schemas.search import ResponseModel, problems
from search.stream_types import Rules
from search.types import check_camera_id

Share = Annotated[float, Field(ge=0, le=1)]
Polygon = Annotated[list[tuple[Share, Share]], Field(min_length=3, max_length=100)]
router = APIRouter(prefix="/api/cameras", tags=["live"])


class MasksIn(BaseModel):
    """All masks of a camera; an empty list removes them."""

    model_config = ConfigDict(extra="forbid")

    masks: list[Polygon] = Field(max_length=50, description="polygons of x, y, each a share of the frame")


class MasksOut(ResponseModel):
    """The masks as they hold now, for what is recorded and shown from now on."""

    camera: str
    masks: list[list[tuple[float, float]]]


@router.get("/{camera}/masks", response_model=MasksOut, responses=problems(404, 503))
def masks(camera: str, context: ContextHere, visibility: CameraVisibilityHere) -> dict[str, Any]:
    """Return the masks of a camera."""
    return _masks(context, camera, visibility)


@router.put("/{camera}/masks", response_model=MasksOut, responses=problems(404, 415, 503))
def set_masks(camera: str, body: MasksIn, context: ContextHere, visibility: CameraVisibilityHere) -> dict[str, Any]:
    """Let these be the masks. What is indexed already stays so, until `xunren camera add ID --reindex`."""
    _masks(context, camera, visibility)
    known = context.catalog.streams.configs([camera])[camera]
    keep_days = known.rules.keep_days if known.rules else None
    rules = Rules(camera, keep_days, tuple(tuple(polygon) for polygon in body.masks))
    context.catalog.streams.put([replace(known, rules=rules if keep_days or body.masks else None)])
    return _masks(context, camera, visibility)


def _masks(context: ContextHere, camera: str, visibility: CameraVisibilityHere) -> dict[str, Any]:
    check_camera(visibility, check_camera_id(camera))
    context.catalog.cameras.check([camera])
    rules = context.catalog.streams.configs([camera])[camera].rules
    return {"camera": camera, "masks": [list(polygon) for polygon in rules.masks] if rules else []}
