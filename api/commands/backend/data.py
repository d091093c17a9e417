"""Shapes of data that both backends make, where the HTTP API has none of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.commands.backend.protocol import LINKS, Data

if TYPE_CHECKING:
    from search.types import SegmentReport


def report_data(report: SegmentReport) -> Data:
    """Return what became of a recording, as `xunren index --json` prints it."""
    segment = report.segment
    return {
        "segment": segment.id,
        "path": segment.path,
        "camera": segment.camera_id,
        "start_ms": segment.start_ms,
        "start_source": segment.start_source.value,
        **report.as_dict(),
    }


def with_addresses(data: Any, url: str) -> Any:
    """Return `data` with `url` before every link in it that is a path on that server."""
    if isinstance(data, list):
        return [with_addresses(one, url) for one in data]
    if not isinstance(data, dict):
        return data
    return {name: _address(name, value, url) for name, value in data.items()}


def _address(name: str, value: Any, url: str) -> Any:
    if name in LINKS and isinstance(value, str) and value.startswith("/"):
        return url + value
    return with_addresses(value, url)
