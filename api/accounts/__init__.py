"""Accounts: people and keys, their roles, scopes and approvals."""

from api.accounts.account_store import SESSION_MS, AccountStore, csrf_of
from api.accounts.approvals import Approval, ApprovalStore, check_reason
from api.accounts.oidc import CALLBACK, OidcProvider, check_oidc, new_secret
from api.accounts.passwords import LoginThrottle
from api.accounts.types import (
    FULL_SCOPE,
    LOCAL,
    MAX_NAMES,
    MAX_PASSWORD,
    AccessScope,
    Account,
    AccountInput,
    Principal,
    UserRole,
    check_name,
)
from api.accounts.views import account_dict, key_dict, principal_dict
from api.accounts.visibility import OwnedKind, OwnershipStore, check_camera, check_segment, visibility_of

__all__ = [
    "AccessScope", "Account", "AccountInput", "AccountStore", "Approval", "ApprovalStore", "CALLBACK", "FULL_SCOPE",
    "LOCAL", "LoginThrottle", "MAX_NAMES", "MAX_PASSWORD", "OidcProvider", "OwnedKind", "OwnershipStore",
    "Principal", "SESSION_MS", "UserRole", "account_dict", "check_camera", "check_name", "check_oidc",
    "check_reason", "check_segment", "csrf_of", "key_dict", "new_secret", "principal_dict", "visibility_of",
]  # fmt: skip
