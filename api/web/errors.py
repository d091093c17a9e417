"""One table error -> HTTP status, and one shape for every error body: that of `XunrenError.as_dict()`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from search.errors import (
    BadInput,
    BadMedia,
    Conflict,
    Denied,
    NotFound,
    PolicyViolation,
    TooMany,
    Unauthenticated,
    Unavailable,
    XunrenError,
)

log = logging.getLogger(__name__)

STATUS: Mapping[type[XunrenError], int] = {
    BadInput: 400,
    Unauthenticated: 401,
    Denied: 403,
    PolicyViolation: 403,
    NotFound: 404,
    Conflict: 409,
    BadMedia: 422,
    TooMany: 429,
    Unavailable: 503,
}
"""What an error of the library is in HTTP; one that is not here is our own fault, 500."""

_FAULT = XunrenError("something went wrong inside the server", cure="try again; if it stays, report it with the log")


class ProblemResponse(JSONResponse):
    """An error as JSON. Unlike the usual answer it can also say half a surrogate pair that somebody sent."""

    def render(self, content: Any) -> bytes:
        """Return the body: UTF-8; half a surrogate pair is escaped."""
        return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")


def status_of(error: XunrenError) -> int:
    """Return the HTTP status of an error, by the nearest class that is in the table."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def respond(error: XunrenError, status: int | None = None, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """Return the response for `error`; `status` overrules the table."""
    if isinstance(error, TooMany):
        headers = {**(headers or {}), "Retry-After": str(error.wait_s)}
    if isinstance(error, Unauthenticated):
        headers = {**(headers or {}), "WWW-Authenticate": "Bearer"}
    return ProblemResponse(dict(error.as_dict()), status or status_of(error), headers)


def respond_status(status: int, *, method: str, path: str, headers: Mapping[str, str] | None = None) -> ProblemResponse:
    """Return the response for a bare HTTP status, in the one shape."""
    return respond(_of_status(status, method, path, headers or {}), status, headers)


def install(app: FastAPI) -> None:
    """Let every error that leaves a route become a response in the one shape."""
    app.add_exception_handler(XunrenError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, XunrenError)  # noqa: S101 - Starlette calls it for no other
    if isinstance(error, PolicyViolation):
        request.state.rule = error.rule  # for the audit log
    if status_of(error) >= 500:
        log.error("%s", error)
    return respond(error)


async def _on_invalid(_: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - Starlette calls it for no other
    return respond(_invalid(error.errors()))


async def _on_http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls it for no other
    return respond_status(error.status_code, method=request.method, path=request.url.path, headers=error.headers)


def _invalid(faults: Any) -> BadInput:
    """Describe the first fault of a request; all of them are named."""
    names = [_field(fault["loc"]) for fault in faults]
    first = faults[0]
    others = f" (also: {', '.join(names[1:4])})" if len(names) > 1 else ""
    return BadInput(
        f"{names[0]} cannot be used: {first['msg']}{others}",
        got=None if first["type"] == "missing" else repr(first.get("input")),
        cure="/docs describes every request",
    )


def _field(place: tuple[Any, ...]) -> str:
    """Return a name for the place of a fault, without FastAPI's words for the request's part and the type."""
    names = [str(part) for part in place[1:] if not str(part).startswith(("constrained-", "function-"))]
    return ".".join(names) or "the request"


def _of_status(status: int, method: str, path: str, headers: Mapping[str, str]) -> XunrenError:
    if status == 404:
        return NotFound("there is nothing at this address", got=path, cure="/docs lists all addresses")
    if status == 405:
        allowed = next((value for name, value in headers.items() if name.lower() == "allow"), "")
        return BadInput("this address does not take this method", got=method, expected=allowed)
    if status == 413:
        return BadInput("the request is too large", cure="send fewer or smaller photos")
    if status == 416:
        return BadInput("there are no such bytes in this file", cure="ask for a range inside Content-Range")
    if status >= 500:
        return _FAULT
    return BadInput(f"the request was refused: {HTTPStatus(status).phrase}", got=f"{method} {path}")
