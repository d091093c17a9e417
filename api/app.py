"""The HTTP door: routes, guards and the page, put together over open parts."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import Depends, FastAPI

from api.accounts import Accounts
from api.oidc import Provider
from api.parts import Parts
from api.routes import (
    accounts,
    answering,
    around,
    cases,
    check,
    evidence,
    guard,
    index,
    live,
    masks,
    media,
    metrics,
    oidc,
    page,
    problems,
    reindex,
    search,
    standing,
)
from api.routes.access import admit
from api.routes.activity import Activity

DESCRIPTION = """One sentence finds a missing person among many cameras. Every error, whatever its status, has one
shape: what went wrong, what was got, what was expected, and the cure."""


def create_app(
    parts: Parts,
    *,
    hosts: Sequence[str] | None,
    activity: Activity | None = None,
    local_key: str = "",
    setup_token: str = "",
) -> FastAPI:
    """The application. It opens and closes nothing.

    Args:
        parts: open, and kept open as long as the application answers.
        hosts: the names (Host header) it answers to; None: any, for an address that other machines use.
        activity: what the indexing thread tells, for the status.
        local_key: with which commands at this machine ask; empty: none may.
        setup_token: with which the first account is made; empty: nobody can make it.
    """
    app = FastAPI(
        title="Xunren 寻人",
        version=version("xunren"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admit)],
    )
    app.state.parts = parts
    app.state.accounts = Accounts(parts.catalog) if parts.settings.accounts else None
    app.state.oidc = Provider(parts.settings) if parts.settings.oidc_issuer else None
    app.state.setup_token = setup_token
    app.state.stopping = lambda: False  # the server that ends tells it to answers that go on
    app.state.activity = activity or Activity()
    problems.install(app)
    guard.install(app, hosts, local_key)
    for module in (
        search,
        index,
        media,
        around,
        live,
        masks,
        metrics,
        check,
        reindex,
        cases,
        evidence,
        standing,
        accounts,
        oidc,
        answering,
    ):
        app.include_router(module.router)
    page.install(app)
    return app
