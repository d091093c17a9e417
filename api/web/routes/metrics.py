"""GET /metrics: what Prometheus collects. Read from the catalogue at each call; nothing is kept between them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from starlette.responses import Response

from api.runtime import AppContext
from api.web.dependencies import ContextHere
from api.web.schemas.search import problems
from search.coverage import HOUR_MS, account, is_alive, state_of
from search.stream_types import Health, Stream, StreamState
from search.times import now_ms

STREAM = ("camera", "role")
router = APIRouter(tags=["live"])


@router.get("/metrics", response_class=Response, responses=problems(503))
def metrics(context: ContextHere) -> Response:
    """Return gauges and counters in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(context))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Collector:
    """Collects all metrics when they are read."""

    def __init__(self, context: AppContext) -> None:
        self._context = context

    def describe(self) -> list[Metric]:
        """Return nothing: the catalogue is read when it is collected."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every family once."""
        now = now_ms()
        streams, health = self._context.catalog.streams.all(), self._context.catalog.recordings.health()
        running = any(is_alive(h, now) for h in health)
        yield _gauge("recorder_running", "1 while a recorder tells about its streams", float(running))
        yield from _states(streams, health, now)
        yield from _of_streams(health, now)
        yield from self._of_cameras(now)
        yield from self._of_index(now)

    def _of_cameras(self, now: int) -> Iterator[Metric]:
        newest = self._context.catalog.coverage.newest_indexed()
        lag = GaugeMetricFamily(
            "xunren_camera_index_lag_seconds", "Age of the newest indexed moment", labels=["camera"]
        )
        for stream in self._context.catalog.streams.indexed():
            lag.add_metric([stream.camera_id], (now - newest.get(stream.camera_id, stream.since_ms)) / 1000)
        yield lag
        recorded = GaugeMetricFamily(
            "xunren_camera_recorded_seconds_last_hour", "Recorded of the last hour", labels=["camera"]
        )
        missing = GaugeMetricFamily(
            "xunren_camera_missing_seconds_last_hour",
            "Missing of the last hour, by reason",
            labels=["camera", "reason"],
        )
        for line in account(self._context.catalog, now - HOUR_MS, now, now, step_ms=2 * now):
            recorded.add_metric([line.camera_id], line.recorded_ms / 1000)
            for reason, ms in line.missing.items():
                missing.add_metric([line.camera_id, reason], ms / 1000)
        yield recorded
        yield missing

    def _of_index(self, now: int) -> Iterator[Metric]:
        context = self._context
        backlog = context.catalog.coverage.backlog(now)
        yield _gauge("backlog_segments", "Recorded files that wait for the indexer", backlog.segments)
        yield _gauge("backlog_seconds", "Recorded seconds that wait for the indexer", backlog.seconds)
        yield _gauge("index_rows", "Rows of the vector store", context.store.count())
        yield _gauge(
            "disk_free_bytes", "Free where the data folder lies", shutil.disk_usage(context.settings.data_dir).free
        )
        segments = _family("segments", "Recordings in the catalogue, by state", "state")
        for state, n in context.catalog.segments.states().items():
            segments.add_metric([state], n)
        yield segments


def _states(streams: list[Stream], reports: list[Health], now: int) -> Iterator[Metric]:
    """Yield the states of every stream, also of one that no recorder has reported."""
    health = {(h.camera_id, h.role): h for h in reports}
    up = _family("stream_up", "1 while it is being recorded", *STREAM)
    state = _family("stream_state", "1 for the state it is in", *STREAM, "state")
    for stream in streams:
        its_state = state_of(stream, health.get((stream.camera_id, stream.role)), now)
        up.add_metric([stream.camera_id, str(stream.role)], float(its_state is StreamState.RECORDING))
        state.add_metric([stream.camera_id, str(stream.role), str(its_state)], 1)
    yield from (up, state)


def _of_streams(reports: list[Health], now: int) -> Iterator[Metric]:
    age = _family("stream_last_frame_age_seconds", "Since its last frame", *STREAM)
    fps = _family("stream_fps", "Frames a second", *STREAM)
    bits = _family("stream_bits_per_second", "Bits a second", *STREAM)
    again = CounterMetricFamily("xunren_stream_reconnects", "Connections after the first", labels=STREAM)
    jumps = CounterMetricFamily("xunren_stream_clock_jumps", "Jumps of its time stamps", labels=STREAM)
    for h in reports:
        labels, alive = [h.camera_id, str(h.role)], is_alive(h, now)
        if h.last_frame_ms:
            age.add_metric(labels, (now - h.last_frame_ms) / 1000)
        fps.add_metric(labels, h.fps if alive else 0)
        bits.add_metric(labels, 1000 * h.kbit_s if alive else 0)
        again.add_metric(labels, h.reconnects)
        jumps.add_metric(labels, h.clock_jumps)
    yield from (age, fps, bits, again, jumps)


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"xunren_{name}", help_, value=value)


def _family(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"xunren_{name}", help_, labels=labels)
