"""How many live cameras this machine records and indexes at once, and what a camera costs.

Simulated cameras, 1920 x 1080 at 25 frames a second, 4 Mbit/s, a key frame every 2 s, are served over RTSP by GStreamer
on this machine (its CPU is counted apart) and recorded, indexed and kept by the product's own recorder, worker, store
and retention, with the embedded model.

    python -m benchmarks.live [--cameras 50] [--minutes 10] [--interval 5] [--name live]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import psutil

from api.composition import open_context
from api.jobs import apply_retention_until, in_background, open_threads
from api.runtime import AppContext
from benchmarks.cameras import CameraServer, Mount, make_media
from benchmarks.run import Metric, publish
from indexer.decoding import OpenCVSource, VideoSource
from indexer.pipeline import IndexWorker
from indexer.recorder import Recorder
from search.config import Settings
from search.stream_types import Stream, StreamState
from search.times import now_ms
from search.types import Camera, SegmentState, StreamRole
from search.vault import Vault, shown

ROOT = Path(__file__).parent.parent
WORK = ROOT / "benchmarks" / "work"
SCENES = tuple(sorted((ROOT / "sample_videos").glob("*/*.mp4")))
CLIENTS = 5  # cameras that share what one mount shows; each has a connection of its own
FILM_S = 20
PERIOD_S = 5.0
SETTLE_S = 20.0  # until the last files of the measured time are closed and indexed
WARM_S = 120.0  # until backgrounds are learnt and all cameras are on
PARTS = (("record", "recording"), ("decode", "decoding and detecting"), ("embed", "embedding"), ("write", "writing"))


@dataclass(frozen=True, slots=True)
class Sample:
    """The product at one moment. `lag_s` is that of the camera that is furthest behind."""

    at_s: float
    lag_s: float
    waiting_s: float
    rss_mib: float
    files: int
    recording: int


def films() -> list[Path]:
    """What the cameras show: the sample videos, as a street camera sends them."""
    return [
        make_media(WORK, width=1920, height=1080, seconds=FILM_S, key_s=2.0, bitrate_kbit=4000, scene=scene)
        for scene in SCENES
    ]


def mounts(cameras: int, shown_films: Sequence[Path]) -> dict[str, Mount]:
    """One for every `CLIENTS` cameras, each somewhere else in its film."""
    count = -(-cameras // CLIENTS)
    return {f"m{n}": Mount(shown_films[n % len(shown_films)], phase_s=n * FILM_S / count) for n in range(count)}


def add_cameras(context: AppContext, server: CameraServer, cameras: int) -> None:
    vault = Vault(context.settings.data_dir)
    for n in range(cameras):
        name, url = f"cam-{n:03d}", server.url(f"m{n // CLIENTS}")
        context.catalog.cameras.add(Camera(name))
        context.catalog.streams.set(name, [Stream(name, StreamRole.MAIN, vault.seal(url), shown(url), now_ms())])


@contextmanager
def running(context: AppContext) -> Iterator[IndexWorker]:
    """Recording, indexing and retention, as `xunren serve` runs them."""
    with open_threads(context) as executor, ExitStack() as stack:

        def index(stop: threading.Event) -> None:
            for _ in executor.run(until=stop):
                pass

        stack.enter_context(in_background("indexing", index))
        stack.enter_context(in_background("retention", lambda stop: apply_retention_until(context, stop)))
        stack.enter_context(Recorder(context.settings, context.catalog))
        yield executor.worker


class Watch:
    """Samples, and the CPU time of every thread by its name."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._process = psutil.Process()
        self._began = time.monotonic()
        self._threads: dict[int, tuple[str, float]] = {}
        self.samples: list[Sample] = []

    def look(self) -> Sample:
        self._count_threads()
        newest, now = self._context.catalog.coverage.newest_indexed(), now_ms()
        health = self._context.catalog.recordings.health()
        sample = Sample(
            time.monotonic() - self._began,
            max((now - newest.get(h.camera_id, 0)) / 1000 for h in health) if health else 0.0,
            self._context.catalog.coverage.backlog(now).seconds,
            self._process.memory_info().rss / 2**20,
            self._process.num_fds(),
            sum(h.state is StreamState.RECORDING for h in health),
        )
        self.samples.append(sample)
        return sample

    def cpu_by_part(self) -> dict[str, float]:
        """Seconds so far; what has no name of ours is the model's and the store's helpers."""
        self._count_threads()
        found: defaultdict[str, float] = defaultdict(float)
        for name, seconds in self._threads.values():
            found[next((part for prefix, part in PARTS if name.startswith(prefix)), "everything else")] += seconds
        return dict(found)

    def _count_threads(self) -> None:
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        for thread in self._process.threads():
            name = names.get(thread.id) or self._threads.get(thread.id, ("", 0.0))[0]
            self._threads[thread.id] = (name, thread.user_time + thread.system_time)


@dataclass(frozen=True, slots=True)
class Count:
    """What there was and was used up to a moment: rows, CPU seconds, clock seconds of the decoding threads."""

    time_ms: int
    rows: int
    cpu_s: dict[str, float]
    server_s: float
    clocks: dict[str, float]


def measure(cameras: int, minutes: float, interval_s: float) -> list[Metric]:
    shown_films = films()
    with tempfile.TemporaryDirectory() as folder, CameraServer(mounts(cameras, shown_films)) as server:
        settings = Settings(data_dir=Path(folder), sample_interval_s=interval_s, torch_threads=1, min_free_gib=1)
        with open_context(settings) as context:
            context.embedder.open()
            add_cameras(context, server, cameras)
            watch = Watch(context)

            def count(worker: IndexWorker) -> Count:
                return Count(
                    now_ms(), context.store.count(), watch.cpu_by_part(), server.cpu_s(), worker.stopwatch.seconds()
                )

            with running(context) as worker:
                _wait(watch, WARM_S)
                before, warm = count(worker), len(watch.samples)
                _wait(watch, 60 * minutes)
                after, last = count(worker), len(watch.samples)
                _wait(watch, SETTLE_S)
            return [
                *_accounts(context, before.time_ms, after.time_ms, cameras),
                Metric("rows in the measured time", after.rows - before.rows, ""),
                *_steadiness(watch.samples[warm:last]),
                *_costs(before, after, cameras),
                *_against_reading_all(shown_films[0], interval_s, settings),
            ]


def _wait(watch: Watch, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(min(PERIOD_S, max(0.1, end - time.monotonic())))
        s = watch.look()
        print(
            f"{s.at_s:5.0f} s  {s.recording} recording  lag {s.lag_s:5.1f} s  waiting {s.waiting_s:6.1f} s  "
            f"{s.rss_mib:5.0f} MiB  {s.files} files",
            flush=True,
        )


def _accounts(context: AppContext, from_ms: int, to_ms: int, cameras: int) -> list[Metric]:
    """Recorded and indexed seconds of the time that was measured, and frames that were not looked at for load."""
    recorded = indexed = load = 0
    size = 0.0
    ends: defaultdict[str, int] = defaultdict(lambda: from_ms)
    for segment, state, report in context.catalog.coverage.recordings(from_ms, to_ms):
        new = max(0, min(segment.end_ms, to_ms) - max(segment.start_ms, ends[segment.camera_id]))
        ends[segment.camera_id] = max(ends[segment.camera_id], segment.end_ms)
        recorded += new
        size += segment.size_bytes * new / max(segment.duration_ms, 1)
        indexed += new if state is SegmentState.INDEXED else 0
        load += report.get("skipped", {}).get("load", 0)
    expected = cameras * (to_ms - from_ms)
    return [
        Metric("cameras", cameras, ""),
        Metric("expected", expected / 1000, "s"),
        Metric("recorded", recorded / 1000, "s"),
        Metric("recorded, size", size / 1e6, "MB"),
        Metric("recorded of expected", 100 * recorded / expected, "%"),
        Metric("indexed of recorded", 100 * indexed / max(recorded, 1), "%"),
        Metric("frames skipped for load", load, ""),
        Metric("rows", context.store.count(), ""),
    ]


def _steadiness(samples: Sequence[Sample]) -> list[Metric]:
    lags = sorted(s.lag_s for s in samples)
    slope = statistics.linear_regression([s.at_s for s in samples], [s.rss_mib for s in samples]).slope
    return [
        Metric("lag of the camera furthest behind, median", statistics.median(lags), "s"),
        Metric("lag of the camera furthest behind, longest", lags[-1], "s"),
        Metric("memory, last", samples[-1].rss_mib, "MiB"),
        Metric("memory, growth", slope * 600, "MiB in 10 min"),
        Metric("open files, growth", samples[-1].files - samples[0].files, ""),
    ]


def _costs(before: Count, after: Count, cameras: int) -> list[Metric]:
    """CPU by part. Decoding threads also detect: their CPU is split by their own clocks."""
    wall_s = (after.time_ms - before.time_ms) / 1000
    used = {part: s - before.cpu_s.get(part, 0.0) for part, s in after.cpu_s.items()}
    clocks = {part: after.clocks[part] - before.clocks.get(part, 0.0) for part in ("decode", "detect")}
    both = used.pop("decoding and detecting")
    for part, name in (("decode", "decoding"), ("detect", "detecting")):
        used[name] = both * clocks[part] / sum(clocks.values())
    hours, cores = cameras * wall_s / 3600, os.cpu_count() or 1
    order = ("recording", "decoding", "detecting", "embedding", "writing", "everything else")
    return [
        *(Metric(f"CPU a camera-hour: {part}", used.get(part, 0.0) / hours, "s") for part in order),
        Metric("CPU a camera-hour: all", sum(used.values()) / hours, "s"),
        Metric("CPU of the product, share of all cores", 100 * sum(used.values()) / wall_s / cores, "%"),
        Metric(
            "CPU of the camera server, share of all cores",
            100 * (after.server_s - before.server_s) / wall_s / cores,
            "%",
        ),
    ]


def as_mp4(film: Path, file: Path) -> Path:
    """Write what a camera shows, from its start to its end, as `file`."""
    with av.open(str(film)) as container, av.open(str(file), "w") as out:
        stream = container.streams.video[0]
        copy = out.add_stream_from_template(stream)
        for n, packet in enumerate(p for p in container.demux(stream) if p.size):
            packet.pts = packet.dts = round(n / 25 / packet.time_base)
            packet.stream = copy
            out.mux(packet)
    return file


def _against_reading_all(film: Path, interval_s: float, settings: Settings) -> list[Metric]:
    """Decoding a file as the product does, against reading every frame of it with OpenCV."""
    with tempfile.TemporaryDirectory() as folder:
        file = as_mp4(film, Path(folder) / "film.mp4")
        cpu: list[float] = []
        for source in (VideoSource, OpenCVSource):
            began = time.process_time()
            for _ in source(file, interval_s=interval_s, max_megapixels=settings.max_megapixels).frames():
                pass
            cpu.append(time.process_time() - began)
    return [Metric("decoding is cheaper than reading every frame by", cpu[1] / cpu[0], "times")]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cameras", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between the frames that are sampled")
    parser.add_argument("--name", default="live", help="of the results' file")
    given = parser.parse_args(arguments)
    metrics = measure(given.cameras, given.minutes, given.interval)
    parameters = {"cameras": given.cameras, "minutes": given.minutes, "interval_s": given.interval}
    publish(
        given.name, parameters | {"model": Settings().model, "media": "1920x1080, 25/s, 4 Mbit/s, key 2 s"}, metrics
    )


if __name__ == "__main__":
    main()
