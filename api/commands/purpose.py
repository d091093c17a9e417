"""The case and the reason of a search on the command line, from the options or the settings `case` and `reason`."""

from __future__ import annotations

from api.accounts import check_reason
from api.cases import cases_of
from search.catalog import Catalog
from search.config import Settings
from search.errors import BadInput, Conflict


def check_purpose(settings: Settings, catalog: Catalog, case_id: str) -> None:
    """Check that a search names a case and a reason, where the settings ask for them.

    Raises:
        BadInput: case or reason is missing.
        NotFound: there is no such case.
        Conflict: it is closed.
    """
    if not settings.require_case:
        return
    if not case_id:
        cure = "`xunren case new NAME --sentence ...` opens one; then --case ID, or XUNREN_CASE"
        raise BadInput("the search names no case", expected="the id of a case, such as 2026-0007", cure=cure)
    if cases_of(settings, catalog).case(case_id).closed_ms is not None:
        raise Conflict("the case is closed", got=case_id, cure=f"xunren case open {case_id}")
    try:
        check_reason(settings.reason)
    except BadInput as e:
        raise BadInput(
            e.what, got=e.got, expected=e.expected, cure='--reason "report no. 17", or XUNREN_REASON'
        ) from None
