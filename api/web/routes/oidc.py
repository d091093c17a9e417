"""Signing in at the OIDC provider: the way there, and the way back."""

from __future__ import annotations

from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.accounts import CALLBACK, LoginThrottle, OidcProvider, check_name, new_secret
from api.web.dependencies import ContextHere
from api.web.errors import status_of
from api.web.middleware.audit import NoteHere
from api.web.permissions import AccountsHere
from api.web.routes.accounts import keep_session, open_session, subjects
from api.web.schemas.search import Refusal, problems
from search.errors import BadInput, Denied, NotFound, Unauthenticated, Unavailable, XunrenError

COOKIE = "xunren_oidc"
_AWAY_S = 600
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Xunren</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/static/style.css">{head}</head>
<body><main><section class="panel" role="alert">{body}<p><a href="/">寻人 Xunren</a></p></section></main></body>
</html>"""
_PAGE_OF = {"text/html": {"schema": {"type": "string"}}}
_FAULT: dict[str, Any] = {"description": "what is wrong, as a page for people", "model": Refusal, "content": _PAGE_OF}
Text = Annotated[str, Query(max_length=4096)]

router = APIRouter(prefix="/api/oidc", tags=["accounts"])


def _provider(request: Request) -> OidcProvider:
    provider: OidcProvider | None = request.app.state.oidc
    if provider is None:
        raise NotFound("this server has no OIDC provider", cure="sign in with name and password")
    return provider


@router.get(
    "/login",
    status_code=303,
    response_class=Response,
    responses=problems(404, 409) | {303: {"description": "to the provider"}, 503: _FAULT},
)
def login(request: Request, _accounts: AccountsHere) -> Response:
    """Go to the provider and sign in there."""
    provider, secret = _provider(request), new_secret()
    try:
        response = RedirectResponse(provider.begin(secret), 303)
    except Unavailable as e:
        return _page(e)
    secure = request.url.scheme == "https"
    # lax: the provider sends the browser back here
    response.set_cookie(COOKIE, secret, max_age=_AWAY_S, path=CALLBACK, secure=secure, httponly=True, samesite="lax")
    return response


@router.get(
    "/callback",
    response_class=Response,
    responses=problems(404, 409)
    | {
        200: {"description": "a page that goes on to /", "content": _PAGE_OF},
        401: _FAULT,
        403: _FAULT,
        429: _FAULT,
        503: _FAULT,
    },
)
def callback(
    request: Request,
    accounts: AccountsHere,
    context: ContextHere,
    note: NoteHere,
    state: Text = "",
    code: Text = "",
    error: Text = "",
) -> Response:
    """Come back from the provider, signed in. An account of the provider's name must exist; none is made here."""
    provider, secret = _provider(request), request.cookies.get(COOKIE, "")
    throttle, slowed = LoginThrottle(context.catalog), subjects(request, "")
    try:
        throttle.check(*slowed)
        provider.check(secret, state)
        if error:
            raise Denied("the provider did not let you in", got=error, cure="sign in again")
        person = provider.finish(secret, code)
        note.shown["name"] = person.name
        account = accounts.by_subject(_name(person.name), person.subject)
        if account is None:
            cure = "ask an administrator for one without a password"
            raise Denied("you have no account here", got=person.name, cure=cure)
    except XunrenError as e:
        if isinstance(e, Unauthenticated | Denied):
            throttle.failed(*slowed)
        response = _page(e)
    else:
        # A page of ours goes on to the next: the session's cookie is not sent along where another site leads.
        response = HTMLResponse(_PAGE.format(head='<meta http-equiv="refresh" content="0;url=/">', body=""))
        keep_session(request, response, open_session(request, accounts, account))
    response.delete_cookie(COOKIE, path=CALLBACK)
    return response


def _name(name: str) -> str:
    try:
        return check_name(name)
    except BadInput as e:
        raise Denied("the provider's name for you cannot be an account's", got=name, expected=e.expected) from None


def _page(e: XunrenError) -> HTMLResponse:
    """Return an error as a page: no script waits for it."""
    words = [e.what, e.got and f"Got: {e.got}", e.expected and f"Expected: {e.expected}", e.cure]
    body = "".join(f"<p>{escape(str(word))}</p>" for word in words if word)
    return HTMLResponse(_PAGE.format(head="", body=body), status_of(e))
