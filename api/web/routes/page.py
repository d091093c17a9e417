"""The operator's page and the description of the API, served from the package: nothing comes from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_DIR = Path(__file__).parent.parent / "static"
FRESH = {"Cache-Control": "no-cache"}  # kept by the browser, but asked about: a new version shows at once

router = APIRouter(include_in_schema=False)


class FreshFiles(StaticFiles):
    """Static files that the browser asks about each time."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file, or that it has not changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(FRESH)
        return response


@router.head("/")
@router.get("/")
def page() -> FileResponse:
    """Return the operator's page."""
    return FileResponse(STATIC_DIR / "index.html", headers=FRESH)


@router.get("/docs")
def docs() -> FileResponse:
    """Return the description of the API for a person; /openapi.json is the one for programs."""
    return FileResponse(STATIC_DIR / "docs.html", headers=FRESH)


def install(app: FastAPI) -> None:
    """Serve the page and what it is made of."""
    app.include_router(router)
    app.mount("/static", FreshFiles(directory=STATIC_DIR), name="static")
