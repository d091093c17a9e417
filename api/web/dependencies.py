"""Dependencies that all routes share: the open context and the indexing activity."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from api.runtime import Activity, AppContext

MAX_OFFSET_MS = 366 * 86_400_000
"""No single recording is longer than a year."""


async def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


async def _activity(request: Request) -> Activity:
    activity: Activity = request.app.state.activity
    return activity


ContextHere = Annotated[AppContext, Depends(_context)]
ActivityHere = Annotated[Activity, Depends(_activity)]
SegmentId = Annotated[str, Path(pattern="^[0-9a-f]{24}$", description="`segment` of a clip")]
