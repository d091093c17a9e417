"""`xunren record` and `xunren index --follow`: recording alone and indexing alone, where the store is a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from rich.text import Text

from api.commands.console import err, out
from api.composition import open_catalog, open_context
from api.jobs import apply_retention_until, deliver_alerts_until, exit_on_sigterm, in_background, index_until
from api.reindex import backfill_until
from api.runtime import Activity
from indexer.recorder import Recorder
from search.catalog import Catalog
from search.config import Settings, check_addresses
from search.errors import Unavailable
from search.media import open_media
from search.stream_types import Health, Stream, StreamState
from search.times import now_ms
from search.types import SegmentReport, StreamRole

LOOK_S = 1.0
SAY_S = 10.0
_STYLE = {StreamState.RECORDING: "green", StreamState.CONNECTING: "dim"}


def record(settings: Settings, *, cameras: Collection[str], districts: Collection[str]) -> None:
    """Record until interrupted, and print every change of a stream.

    Args:
        settings: settings of the data folder that is recorded into.
        cameras: only these; all if empty.
        districts: only cameras of these; all if empty.

    Raises:
        BadInput: the settings' addresses contradict each other.
        NotFound: there is no such camera.
        Unavailable: the catalogue or the folder of recordings cannot be opened.
    """
    exit_on_sigterm()
    check_addresses(settings)
    with open_catalog(settings) as catalog:
        catalog.cameras.check(cameras)
        in_districts = {c.id for c in catalog.cameras.all() if not districts or c.district in districts}

        def selected(stream: Stream) -> bool:
            known = not districts or stream.camera_id in in_districts
            return known and (not cameras or stream.camera_id in cameras)

        count = sum(selected(stream) for stream in catalog.streams.all())
        with Recorder(settings, catalog, selected) as recorder:
            out.print(f"recording {count} streams into {settings.recordings_dir}; stop with Ctrl-C")
            if not count:
                out.print("no camera has an address yet: xunren camera add gate-3 --url rtsp://user:password@host/path")
            _check_media(settings)
            _say_changes(recorder)


def _check_media(settings: Settings) -> None:
    """Print what is wrong with the storage. Called once recording has begun, which never waits for it."""
    try:
        open_media(settings).check()
    except Unavailable as e:
        err.print(Text(f"warning: recordings wait on this disk: {e}", style="yellow"), soft_wrap=True)


def _say_changes(recorder: Recorder) -> None:
    known: dict[tuple[str, StreamRole], tuple[StreamState, str]] = {}
    shared = recorder.held
    while True:
        if (held := recorder.held) != shared:
            shared = held
            others = f", beside {held.recorders - 1} others" if held.recorders > 1 else ""
            out.print(f"{time.strftime('%H:%M:%S')}  records {len(held.cameras)} cameras{others}")
        for health in recorder.health():
            key, now = (health.camera_id, health.role), (health.state, health.detail)
            if known.get(key) != now:
                known[key] = now
                out.print(_line(health))
        time.sleep(LOOK_S)


def _line(health: Health) -> Text:
    name = health.camera_id if health.role is StreamRole.MAIN else f"{health.camera_id} ({health.role})"
    what = health.detail
    if health.state is StreamState.RECORDING:
        what = f"{health.width} x {health.height} {health.codec}"
    style = _STYLE.get(health.state, "bold red")
    return Text(f"{time.strftime('%H:%M:%S')}  {name}: ") + Text(f"{health.state}", style=style) + Text(f"  {what}")


def follow(settings: Settings) -> None:
    """Index what is recorded until interrupted, delete what is too old, and print every 10 s how far behind it is."""
    exit_on_sigterm()
    done = [0, 0]

    def count(report: SegmentReport) -> None:
        done[0] += 1
        done[1] += report.rows

    with open_context(settings) as context:
        stop = threading.Event()
        activity = Activity()
        with (
            in_background("alerts", lambda stop: deliver_alerts_until(context, stop)),
            in_background("indexing", lambda stop: index_until(context, stop, activity, count)),
            in_background("re-index", lambda stop: backfill_until(context, stop)),
            in_background("retention", lambda stop: apply_retention_until(context, stop)),
        ):
            out.print("indexing what is recorded; stop with Ctrl-C")
            while not stop.wait(SAY_S):
                out.print(f"{time.strftime('%H:%M:%S')}  {done[0]} files, {done[1]} rows; {behind(context.catalog)}")


def behind(catalog: Catalog) -> str:
    """Return how far indexing lies behind recording, in words."""
    backlog = catalog.coverage.backlog(now_ms())
    if not backlog.segments or backlog.oldest_ms is None:
        return "nothing waits"
    age_s = (now_ms() - backlog.oldest_ms) / 1000
    return f"{backlog.segments} files of {backlog.seconds:.0f} s wait, the oldest since {age_s:.0f} s"
