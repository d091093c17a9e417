"""Every action of the record has words on the page."""

from __future__ import annotations

import re

from api.web.middleware.audit import ACTIONS, QUIET
from tests.conftest import ROOT


def test_every_action_has_words_in_both_languages() -> None:
    page = (ROOT / "api" / "web" / "static" / "admin" / "audit_actions.js").read_text("utf-8")
    named = dict(re.findall(r'"([a-z.]+)": \["[^"]+", ("[^"]*[一-鿿][^"]*")\]', page))
    assert {*ACTIONS.values(), *QUIET.values(), "refused"} <= named.keys()
