"""docs/configuration.md says what the settings are."""

from __future__ import annotations

from search.config import settings_table
from tests.support.configuration_page import FILE, GROUPS, page


def test_the_page_is_that_of_the_settings() -> None:
    assert FILE.read_text("utf-8") == page(), "cure: python -m tests.support.configuration_page"


def test_every_group_begins_with_a_setting() -> None:
    assert GROUPS.keys() <= {name for name, *_ in settings_table()}
