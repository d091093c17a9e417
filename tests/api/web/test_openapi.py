"""Schemathesis asks whatever the OpenAPI document allows, and more: no 5xx, and no answer that is not described."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.audit.audit_log import AuditFilter, AuditLog
from api.web.routes import status
from tests.support.accounts import town, town_server

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 12
HEALTH = list(HealthCheck)
STREAM = "/api/alerts/changes"  # goes on for a minute; tests/api/alerts/test_service.py hears it


def faults(api: schemathesis.BaseSchema, headers: dict[str, str]) -> list[str]:
    """What is wrong with the answers of each route."""
    found = []
    for result in api.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        if operation.path == STREAM:
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=HEALTH)
        def check(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(checks=CHECKS, headers=headers, timeout=30)

        try:
            check()
        except BaseExceptionGroup as e:
            found += [f"{operation.label}: {fault}" for fault in e.exceptions]
        except Exception as e:
            found.append(f"{operation.label}: {e}")
    return found


@pytest.mark.parametrize("accounts", [False, True], ids=["open", "accounts"])
def test_every_answer_is_described(tmp_path: Path, accounts: bool) -> None:
    chosen = {"accounts": accounts, "require_case": accounts}
    with town(tmp_path, **chosen) as context, town_server(context, local_key="of this machine") as url:
        api = schemathesis.openapi.from_url(f"{url}/openapi.json")
        found = faults(api, {"Authorization": "Bearer of this machine"})
        kinds = Counter(entry.act.status for entry in AuditLog(context.catalog).find(AuditFilter(limit=1000)))
    assert not found, "\n\n".join(found)
    assert kinds[200] > 10, "it also asks what is answered"
    assert kinds[400] > 10, "and what is refused"


def test_a_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "MAX_REFUSED", "a bug")
    with town(tmp_path, accounts=False) as context, town_server(context) as url:
        api = schemathesis.openapi.from_url(f"{url}/openapi.json").include(path="/api/status")
        (found,) = faults(api, {})
    assert "Server error" in found
