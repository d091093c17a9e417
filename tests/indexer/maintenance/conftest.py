"""An installation for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installation import Installation, open_installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An empty one."""
    with open_installation(tmp_path) as installation:
        yield installation
