"""The HTTP application: routes, middleware and the page over an open context."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from fastapi import Depends, FastAPI

from api.accounts import AccountStore, OidcProvider
from api.runtime import Activity, AppContext
from api.web import errors
from api.web.middleware import security
from api.web.permissions import admit
from api.web.routes import (
    accounts,
    alerts,
    approvals,
    audit,
    cases,
    consistency,
    evidence,
    live,
    masks,
    media,
    metrics,
    oidc,
    page,
    playback,
    reindex,
    search,
    status,
)

DESCRIPTION = """One sentence finds a missing person among many cameras. Every error, whatever its status, has one
shape: what went wrong, what was got, what was expected, and the cure."""


def create_app(
    context: AppContext,
    *,
    hosts: Sequence[str] | None,
    activity: Activity | None = None,
    local_key: str = "",
    setup_token: str = "",
) -> FastAPI:
    """Build the application. It opens and closes nothing.

    Args:
        context: open, and kept open as long as the application answers.
        hosts: the names (Host header) it answers to; None: any, for an address that other machines use.
        activity: what the indexing thread tells, for the status.
        local_key: key with which commands at this machine ask; empty: none may.
        setup_token: setup token with which the first account is made; empty: nobody can make it.
    """
    app = FastAPI(
        title="Xunren 寻人",
        version=version("xunren"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admit)],
    )
    app.state.context = context
    app.state.accounts = AccountStore(context.catalog) if context.settings.accounts else None
    app.state.oidc = OidcProvider(context.settings) if context.settings.oidc_issuer else None
    app.state.setup_token = setup_token
    app.state.stopping = lambda: False  # a server that ends sets it, and streaming answers end
    app.state.activity = activity or Activity()
    errors.install(app)
    security.install(app, hosts, local_key)
    for module in (
        search,
        status,
        media,
        playback,
        live,
        masks,
        metrics,
        consistency,
        reindex,
        cases,
        evidence,
        alerts,
        accounts,
        oidc,
        approvals,
        audit,
    ):
        app.include_router(module.router)
    page.install(app)
    return app
