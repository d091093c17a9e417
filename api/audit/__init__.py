"""The audit log: a chain of entries that shows any later change, with signed heads."""

from api.audit.audit_log import (
    MAX_LISTED,
    AuditAction,
    AuditEntry,
    AuditFilter,
    AuditLog,
    BrokenChain,
    Head,
    entry_dict,
)
from api.audit.heads import DailyHeads, as_json, check_signature, read_head, signed

__all__ = [
    "AuditAction", "AuditEntry", "AuditFilter", "AuditLog", "BrokenChain", "DailyHeads", "Head", "MAX_LISTED",
    "as_json", "check_signature", "entry_dict", "read_head", "signed",
]  # fmt: skip
