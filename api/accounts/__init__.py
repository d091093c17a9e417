"""Accounts: people and keys, their roles, scopes and approvals."""
