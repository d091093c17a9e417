"""Cases and trails as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from api.commands.console import err, out, table


def say(line: str, *, to_err: bool = False) -> None:
    """Print one line, not wrapped."""
    (err if to_err else out).print(Text(line), soft_wrap=True)


def show_cases(cases: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each case."""
    if not cases:
        say("There is no case yet: `xunren case new NAME --sentence ...`")
        return
    cells = [
        (
            case["id"], case["name"], "open" if case["open"] else "closed", _first(case), _where(case["last_seen"]),
            case["mode"], len(case["photos"]) or "", case["sighting_count"] or "",
        )
        for case in cases
    ]  # fmt: skip
    columns = ("case", "name", "", "looks like", "last seen", "goes", "photos", "sightings")
    out.print(table("cases", columns, cells, right=("photos", "sightings")))


def show_case(case: Mapping[str, Any]) -> None:
    """Print one case with its sightings."""
    out.print(Text(f"case {case['id']}: {case['name']}", style="bold") + Text("" if case["open"] else " (closed)"))
    for sentence in case["queries"]:
        say(f"  looks like  {sentence}")
    for photo in case["photos"]:
        say(f"  photo {photo['number']:<5} {photo['image']}")
    if case["last_seen"]:
        say(f"  last seen   {_where(case['last_seen'])}")
    say(f"  goes        {case['mode']}, {case['speed_mps']:g} m/s")
    if case["note"]:
        say(f"  note        {case['note']}")
    for mark in case["marks"]:
        say(f"  {mark['mark']:<11} {mark['clip']}")
    cells = [(s["number"], s["camera"], _time(s["start"]), s["end"][11:19], s["note"]) for s in case["sightings"]]
    if cells:
        out.print(table("sightings", ("", "camera", "from", "to", "note"), cells, right=("",)))


def show_trail(trail: Mapping[str, Any]) -> None:
    """Print the stops in order of time, and whether each can be reached from the one before."""
    if not trail["stops"]:
        say(
            f"Nobody has seen {trail['name']} yet: `xunren case change ID --last-seen`, or `xunren case sight ID CLIP`."
        )
        return
    ways: list[Mapping[str, Any] | None] = [None, *trail["steps"]]
    cells = [
        (
            at, _what(stop), _time(stop["time"]), stop["camera"] or "", stop["name"] or stop["place"] or _degrees(stop),
            *_way(way),
        )
        for at, (stop, way) in enumerate(zip(trail["stops"], ways, strict=True), start=1)
    ]  # fmt: skip
    columns = ("", "what", "time", "camera", "where", "metres", "seconds", "needs m/s", "")
    out.print(table(f"trail of {trail['name']}", columns, cells, right=("", "metres", "seconds", "needs m/s")))
    for step in trail["steps"]:
        if step["reason"]:
            out.print(Text(step["reason"], style="bold red" if step["possible"] is False else "dim"), soft_wrap=True)


def _way(step: Mapping[str, Any] | None) -> tuple[object, ...]:
    if step is None:
        return "", "", "", ""
    verdict = {
        True: Text("possible", style="green"),
        False: Text("impossible", style="bold red"),
        None: Text("unknown", style="dim"),
    }[step["possible"]]
    needed = "" if step["needed_mps"] is None else f"{step['needed_mps']:.1f}"
    return "" if step["metres"] is None else f"{step['metres']:.0f}", f"{step['seconds']:.0f}", needed, verdict


def _what(stop: Mapping[str, Any]) -> str:
    return "last seen" if stop["sighting"] is None else f"sighting {stop['sighting']}"


def _first(case: Mapping[str, Any]) -> str:
    more = len(case["queries"]) - 1
    return "" if not case["queries"] else case["queries"][0] + (f" (and {more} more)" if more else "")


def _where(seen: Mapping[str, Any] | None) -> str:
    if seen is None:
        return ""
    places = [seen["camera"] or "", _degrees(seen), seen["place"]]
    return f"{_time(seen['time'])} {', '.join(filter(None, places))}"


def _degrees(place: Mapping[str, Any]) -> str:
    return "" if place["lat"] is None else f"{place['lat']:.5f}, {place['lon']:.5f}"


def _time(iso: str) -> str:
    return iso[:19].replace("T", " ")
