"""Permissions: one table of all routes and the roles that may use them. A route that is not in it is refused to all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

from api.accounts import AccountStore, OwnershipStore, Principal, UserRole, visibility_of
from api.web.dependencies import ContextHere
from search.access import SEES_ALL, Visibility
from search.errors import Conflict, Denied, Unauthenticated

ANYBODY: frozenset[UserRole] = frozenset()
"""Signed in or not."""
KNOWN = frozenset(UserRole)
WATCHERS = frozenset({UserRole.OPERATOR, UserRole.SUPERVISOR})
SUPERVISORS = frozenset({UserRole.SUPERVISOR})
AUDITORS = frozenset({UserRole.AUDITOR})
ADMINS = frozenset({UserRole.ADMIN})
KEEPERS = frozenset({UserRole.ADMIN, UserRole.SUPERVISOR})

NEEDS: Mapping[tuple[str, str], frozenset[UserRole]] = {
    ("GET", "/"): ANYBODY,
    ("GET", "/docs"): ANYBODY,
    ("GET", "/api/health"): ANYBODY,
    ("GET", "/api/me"): ANYBODY,
    ("POST", "/api/login"): ANYBODY,
    ("POST", "/api/setup"): ANYBODY,
    ("GET", "/api/oidc/login"): ANYBODY,
    ("GET", "/api/oidc/callback"): ANYBODY,
    ("POST", "/api/logout"): KNOWN,
    ("POST", "/api/me/password"): KNOWN,
    ("GET", "/metrics"): ADMINS,
    ("GET", "/api/status"): KNOWN,
    ("GET", "/api/cameras"): KNOWN,
    ("GET", "/api/live"): KNOWN,
    ("GET", "/api/coverage"): KNOWN,
    ("GET", "/api/cameras/{camera}/now.jpg"): WATCHERS,
    ("GET", "/api/cameras/{camera}/masks"): KEEPERS,
    ("PUT", "/api/cameras/{camera}/masks"): KEEPERS,
    ("POST", "/api/search"): WATCHERS,
    ("GET", "/api/search/{answer}"): WATCHERS,
    ("GET", "/api/thumbnails/{segment}/{offset_ms}.jpg"): WATCHERS,
    ("GET", "/api/clips/{segment}.mp4"): WATCHERS,
    ("GET", "/api/tracks"): WATCHERS,
    ("GET", "/api/cameras/{camera}/near"): WATCHERS,
    ("GET", "/api/cases"): WATCHERS,
    ("POST", "/api/cases"): WATCHERS,
    ("GET", "/api/cases/{case}"): WATCHERS,
    ("PATCH", "/api/cases/{case}"): WATCHERS,
    ("DELETE", "/api/cases/{case}"): WATCHERS,
    ("POST", "/api/cases/{case}/search"): WATCHERS,
    ("POST", "/api/cases/{case}/follow"): WATCHERS,
    ("POST", "/api/cases/{case}/marks"): WATCHERS,
    ("DELETE", "/api/cases/{case}/marks/last"): WATCHERS,
    ("POST", "/api/cases/{case}/sightings"): WATCHERS,
    ("DELETE", "/api/cases/{case}/sightings/{number}"): WATCHERS,
    ("GET", "/api/cases/{case}/trail"): WATCHERS,
    ("GET", "/api/cases/{case}/trail.svg"): WATCHERS,
    ("GET", "/api/cases/{case}/photos/{number}.jpg"): WATCHERS,
    ("GET", "/api/cases/{case}/sightings/{number}.jpg"): WATCHERS,
    ("POST", "/api/cases/{case}/sightings/{number}/evidence"): WATCHERS,
    ("GET", "/api/cases/{case}/people"): WATCHERS,
    ("POST", "/api/cases/{case}/people"): WATCHERS,
    ("GET", "/api/saved-searches"): WATCHERS,
    ("POST", "/api/saved-searches"): WATCHERS,
    ("POST", "/api/saved-searches/preview"): WATCHERS,
    ("GET", "/api/saved-searches/{number}"): WATCHERS,
    ("PATCH", "/api/saved-searches/{number}"): WATCHERS,
    ("DELETE", "/api/saved-searches/{number}"): WATCHERS,
    ("POST", "/api/saved-searches/{number}/test-webhook"): WATCHERS,
    ("GET", "/api/alerts"): WATCHERS,
    ("GET", "/api/alerts/changes"): WATCHERS,
    ("PATCH", "/api/alerts/{number}"): WATCHERS,
    ("GET", "/api/approvals"): WATCHERS,
    ("POST", "/api/approvals"): WATCHERS,
    ("PATCH", "/api/approvals/{number}"): SUPERVISORS,
    ("GET", "/api/audit"): AUDITORS,
    ("GET", "/api/audit/check"): AUDITORS,
    ("GET", "/api/check"): ADMINS,
    ("POST", "/api/check"): ADMINS,
    ("GET", "/api/reindex"): ADMINS,
    ("POST", "/api/reindex"): ADMINS,
    ("POST", "/api/reindex/switch"): ADMINS,
    ("POST", "/api/reindex/rollback"): ADMINS,
    ("POST", "/api/reindex/drop"): ADMINS,
    ("GET", "/api/accounts"): ADMINS,
    ("POST", "/api/accounts"): ADMINS,
    ("PATCH", "/api/accounts/{number}"): ADMINS,
    ("GET", "/api/keys"): ADMINS,
    ("POST", "/api/keys"): ADMINS,
    ("DELETE", "/api/keys/{number}"): ADMINS,
}


async def admit(request: Request) -> None:
    """Raise unless the table allows the route to the principal.

    Raises:
        Unauthenticated: nobody is signed in.
        Denied: they are not among them.
    """
    route = str(getattr(request.scope.get("route"), "path", ""))
    method = "GET" if request.method == "HEAD" else request.method
    needed = NEEDS.get((method, route))
    principal: Principal | None = request.state.principal
    if needed == ANYBODY:
        return
    if principal is None:
        raise Unauthenticated("nobody is signed in", cure="sign in")
    if needed is None or not principal.has(needed):
        roles = ", ".join(sorted(needed or ())) or "nobody"
        raise Denied("your account may not do this", got=", ".join(sorted(principal.roles)), expected=roles)


async def _principal(request: Request) -> Principal:
    principal: Principal | None = request.state.principal
    if principal is None:
        raise Unauthenticated("nobody is signed in", cure="sign in")
    return principal


PrincipalHere = Annotated[Principal, Depends(_principal)]


def _visibility(principal: PrincipalHere, context: ContextHere) -> Visibility:
    return visibility_of(context.catalog, principal.scope)


VisibilityHere = Annotated[Visibility, Depends(_visibility)]


def _camera_visibility(principal: PrincipalHere, visibility: VisibilityHere) -> Visibility:
    """Return the visibility of camera names: administrators see all, without seeing what the cameras show."""
    return SEES_ALL if UserRole.ADMIN in principal.roles else visibility


CameraVisibilityHere = Annotated[Visibility, Depends(_camera_visibility)]


def _ownership(context: ContextHere) -> OwnershipStore:
    return OwnershipStore(context.catalog)


OwnershipHere = Annotated[OwnershipStore, Depends(_ownership)]


def some_accounts(request: Request) -> AccountStore:
    """Return the accounts. Raises `Conflict` where there are none."""
    accounts: AccountStore | None = request.app.state.accounts
    if accounts is None:
        raise Conflict("there are no accounts here", cure="start the server with accounts = true")
    return accounts


AccountsHere = Annotated[AccountStore, Depends(some_accounts)]
