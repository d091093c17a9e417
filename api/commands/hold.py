"""`xunren hold`: ranges that retention must not touch."""

from __future__ import annotations

from dataclasses import asdict

from rich.text import Text

from api.commands.console import out, show_json, table
from api.composition import open_catalog
from search.config import Settings
from search.times import iso, parse_time, zone_of


def add_hold(settings: Settings, camera_id: str, *, from_: str, to: str, why: str) -> None:
    """Keep what a camera recorded (empty: every camera) in a range, until the hold is removed."""
    zone = zone_of(settings.timezone)
    start, end = parse_time(from_, zone), parse_time(to, zone)
    with open_catalog(settings) as catalog:
        hold = catalog.retention.add_hold(camera_id, start, end, why)
    whose = f"camera {camera_id}" if camera_id else "all cameras"
    out.print(Text(f"hold {hold.id}: {whose}, {iso(start, zone)} to {iso(end, zone)}: {why}"), soft_wrap=True)


def list_holds(settings: Settings, *, as_json: bool) -> None:
    """All holds, oldest first."""
    zone = zone_of(settings.timezone)
    with open_catalog(settings) as catalog:
        holds = catalog.retention.holds()
    if as_json:
        times = [{"from": iso(hold.start_ms, zone), "to": iso(hold.end_ms, zone)} for hold in holds]
        show_json({"holds": [asdict(hold) | time for hold, time in zip(holds, times, strict=True)]})
        return
    cells = [(h.id, h.camera_id or "(all)", iso(h.start_ms, zone), iso(h.end_ms, zone), h.why) for h in holds]
    out.print(table("holds", ("hold", "camera", "from", "to", "why"), cells, right=("hold",)))


def remove_hold(settings: Settings, hold_id: int) -> None:
    """Let retention have a range again."""
    with open_catalog(settings) as catalog:
        catalog.retention.remove_hold(hold_id)
    out.print(f"hold {hold_id} is removed; what is older than it may be kept is deleted from now on")
