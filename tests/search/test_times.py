from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.errors import BadInput
from search.times import iso, parse_time, zone_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def berlin_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2026-11-02T08:00:00", "2026-11-02T00:00:00+00:00"),
        ("2026-11-02 08:00", "2026-11-02T00:00:00+00:00"),
        ("2026-11-02", "2026-11-01T16:00:00+00:00"),
        ("2026-11-02T08:00:00Z", "2026-11-02T08:00:00+00:00"),
        ("2026-11-02T08:00:00.250-05:00", "2026-11-02T13:00:00.250+00:00"),
        (" 20261102T080000 ", "2026-11-02T00:00:00+00:00"),
    ],
)
def test_texts_with_and_without_a_zone(text: str, want: str) -> None:
    assert iso(parse_time(text, SHANGHAI), UTC) == want


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-11-02T25:00", "1969-12-31", "2101-01-01", "9" * 50]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_time(text, UTC)
    with pytest.raises(BadInput):
        parse_time("0001-01-01", SHANGHAI)


def test_iso_shows_the_zone_and_milliseconds_only_if_any() -> None:
    assert iso(1_793_577_600_000, SHANGHAI) == "2026-11-02T08:00:00+08:00"
    assert iso(1_793_577_600_007, UTC) == "2026-11-02T00:00:00.007+00:00"


@given(
    st.integers(0, 4_102_444_799_999), st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "local"])
)
def test_there_and_back(ms: int, name: str) -> None:
    assert parse_time(iso(ms, zone_of(name)), UTC) == ms


@pytest.mark.usefixtures("berlin_machine")
def test_local_zone_knows_summer_and_winter() -> None:
    local = zone_of("local")
    for day in (datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 12, 1, 12, tzinfo=UTC)):
        ms = round(day.timestamp() * 1000)
        assert iso(ms, local) == iso(ms, BERLIN)
        assert parse_time(day.replace(tzinfo=None).isoformat(), local) == parse_time(
            day.replace(tzinfo=None).isoformat(), BERLIN
        )
    for ms in range(1_792_888_000_000, 1_792_906_000_000, 600_000):  # over the change of 2026-10-25
        assert iso(ms, local) == iso(ms, BERLIN)


def test_unknown_zone() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(BadInput, match="unknown time zone"):
            zone_of(name)
