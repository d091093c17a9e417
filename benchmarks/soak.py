"""Eight live cameras and a fault every minute: at the end every second is accounted for, and nothing has grown.

`xunren serve` runs as a process of its own, as a user runs it; cameras are served by GStreamer, half of them through a
proxy that misbehaves. Twice the product is killed with -9 at the beginning; memory and open files are those of the
process that runs from then on.

    python -m benchmarks.soak [--minutes 30] [--cameras 8]
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from api.commands.console import out, table
from benchmarks.cameras import CameraServer, FaultyProxy, make_media
from benchmarks.live import SCENES, WORK
from benchmarks.run import Metric, publish
from search.catalog import Catalog
from search.config import Settings
from search.coverage import account
from search.stream_types import Reason, Stream
from search.times import now_ms
from search.types import Camera, SegmentState, StreamRole
from search.vault import Vault, shown

ROOT = Path(__file__).parent.parent
SETTLE_S = 40.0
PERIOD_S = 5.0
EVER_MS = 10**15


@dataclass(slots=True)
class Stand:
    """Everything that runs, and what was seen of it."""

    settings: Settings
    catalog: Catalog
    server: CameraServer
    proxy: FaultyProxy
    cameras: list[str]
    films: dict[str, Path]
    product: subprocess.Popen[bytes] | None = None
    rss_mib: list[tuple[float, float]] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def start(self) -> None:
        command = [
            sys.executable,
            "-c",
            "from api.cli.main import main; main()",
            "--data-dir",
            str(self.settings.data_dir),
        ]
        environ = os.environ | {"HF_HUB_OFFLINE": "1"}
        self.product = subprocess.Popen([*command, "serve", "--port", "0"], cwd=ROOT, env=environ, stdout=sys.stderr)
        self.rss_mib.clear()
        self.files.clear()

    def kill(self) -> None:
        if self.product is not None:
            self.product.kill()
            self.product.wait()

    def look(self, began: float) -> None:
        if self.product is not None and self.product.poll() is None:
            process = psutil.Process(self.product.pid)
            self.rss_mib.append((time.monotonic() - began, process.memory_info().rss / 2**20))
            self.files.append(process.num_fds())

    def address(self, camera: str, url: str) -> None:
        """Let `camera` be recorded from `url`; through the proxy if its number is odd."""
        through = self.proxy.url_of(url) if int(camera[-1]) % 2 else url
        sealed = Vault(self.settings.data_dir).seal(through)
        self.catalog.streams.set(camera, [Stream(camera, StreamRole.MAIN, sealed, shown(through), now_ms())])


Fault = Callable[[Stand], Iterator[float]]
"""Does something, waits the seconds that it yields, and mends it."""


def killed_server(s: Stand) -> Iterator[float]:
    s.server.kill()
    yield 6
    s.server.restart()


def frozen_server(s: Stand) -> Iterator[float]:
    s.server.freeze()
    yield 9
    s.server.thaw()


def silent_camera(s: Stand) -> Iterator[float]:
    s.server.do(s.cameras[1], "pause")
    yield 12
    s.server.do(s.cameras[1], "resume")


def damaged_pictures(s: Stand) -> Iterator[float]:
    s.server.do(s.cameras[2], "garbage", seconds=3)
    yield 3


def cut_connections(s: Stand) -> Iterator[float]:
    s.proxy.cut()
    yield 1


def stalled_network(s: Stand) -> Iterator[float]:
    s.proxy.stall()
    yield 10
    s.proxy.flow()


def garbage_in_the_connection(s: Stand) -> Iterator[float]:
    for _ in range(5):
        s.proxy.garbage(4000)
        yield 0.2


def refused_connections(s: Stand) -> Iterator[float]:
    s.proxy.refuse()
    s.proxy.cut()
    yield 8
    s.proxy.flow()


def clock_an_hour_ahead(s: Stand) -> Iterator[float]:
    s.server.do(s.cameras[3], "jump", seconds=3600)
    yield 1


def clock_an_hour_back(s: Stand) -> Iterator[float]:
    s.server.do(s.cameras[4], "jump", seconds=-3600)
    yield 1


def another_resolution(s: Stand) -> Iterator[float]:
    s.server.do(s.cameras[5], "media", file=s.films["small"])
    yield 20
    s.server.do(s.cameras[5], "media", file=s.films["normal"])


def another_codec(s: Stand) -> Iterator[float]:
    s.server.do(s.cameras[6], "media", file=s.films["h265"])
    yield 20
    s.server.do(s.cameras[6], "media", file=s.films["normal"])


def wrong_password(s: Stand) -> Iterator[float]:
    s.address(s.cameras[7], s.server.url(s.cameras[7], "operator", "wrong"))
    yield 10
    s.address(s.cameras[7], s.server.url(s.cameras[7]))


def locked_catalogue(s: Stand) -> Iterator[float]:
    other = sqlite3.connect(s.settings.data_dir / "catalog.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield 17
    other.execute("ROLLBACK")
    other.close()


def killed_product(s: Stand) -> Iterator[float]:
    s.kill()
    yield 3
    s.start()


FIRST: tuple[Fault, ...] = (killed_product, killed_product)
FAULTS: tuple[Fault, ...] = (
    killed_server, frozen_server, silent_camera, damaged_pictures, cut_connections, stalled_network,
    garbage_in_the_connection, refused_connections, clock_an_hour_ahead, clock_an_hour_back, another_resolution,
    another_codec, wrong_password, locked_catalogue,
)  # fmt: skip


@contextmanager
def standing(cameras: int) -> Iterator[Stand]:
    films = {
        "normal": make_media(WORK, width=1280, height=720, seconds=20, key_s=2, bitrate_kbit=2000, scene=SCENES[0]),
        "small": make_media(WORK, width=640, height=360, seconds=20, key_s=2, bitrate_kbit=600, scene=SCENES[0]),
        "h265": make_media(
            WORK, width=1280, height=720, seconds=20, key_s=2, bitrate_kbit=1500, codec="h265", scene=SCENES[0]
        ),
    }
    names = [f"cam-{n}" for n in range(cameras)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(
            CameraServer(dict.fromkeys(names, films["normal"]), user="operator", password="soak")  # noqa: S106
        )
        proxy = stack.enter_context(FaultyProxy(server.port))
        settings = Settings(data_dir=folder)
        catalog = stack.enter_context(Catalog(settings.catalog_address))
        stand = Stand(settings, catalog, server, proxy, names, films)
        for name in names:
            catalog.cameras.add(Camera(name))
            stand.address(name, server.url(name))
        stand.start()
        stack.callback(stand.kill)
        yield stand


def run(stand: Stand, minutes: float) -> tuple[int, int]:
    """A fault at the start of every minute. Returns the range (Unix ms) that is to be accounted for."""
    began, chosen = time.monotonic(), random.Random(1)
    order = [*FIRST, *(fault for _ in range(1000) for fault in chosen.sample(FAULTS, len(FAULTS)))]
    _wait(stand, began, 45)
    from_ms = min(stream.since_ms for stream in stand.catalog.streams.all())
    for minute, fault in enumerate(order[: round(minutes)]):
        out.print(f"minute {minute}: {fault.__name__.replace('_', ' ')}")
        for seconds in fault(stand):
            _wait(stand, began, seconds)
        stand.done.append(fault.__name__)
        _wait(stand, began, 45 + 60 * (minute + 1) - (time.monotonic() - began))
    to_ms = now_ms()
    _wait(stand, began, SETTLE_S)
    return from_ms, to_ms


def _wait(stand: Stand, began: float, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(PERIOD_S, left))
        stand.look(began)


def accounts(stand: Stand, from_ms: int, to_ms: int) -> tuple[list[Sequence[object]], Counter[str], Counter[str]]:
    """A line of the table for each camera, and the sums of what is missing and of what is not indexed, by reason."""
    lines: list[Sequence[object]] = []
    missing: Counter[str] = Counter()
    unindexed: Counter[str] = Counter()
    for a in account(stand.catalog, from_ms, to_ms, now_ms(), step_ms=EVER_MS):
        missing.update(a.missing)
        unindexed.update(a.not_indexed)
        why = ", ".join(f"{reason} {ms / 1000:.1f}" for reason, ms in sorted(a.missing.items()))
        seconds = (a.expected_ms, a.recorded_ms, sum(a.missing.values()), a.indexed_ms, sum(a.not_indexed.values()))
        lines.append((a.camera_id, *(f"{ms / 1000:.1f}" for ms in seconds), why))
    return lines, missing, unindexed


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--cameras", type=int, default=8)
    given = parser.parse_args(arguments)
    with standing(given.cameras) as stand:
        from_ms, to_ms = run(stand, given.minutes)
        lines, missing, unindexed = accounts(stand, from_ms, to_ms)
        columns = ("camera", "expected s", "recorded s", "missing s", "indexed s", "not indexed s", "missing, why")
        out.print(table("soak", columns, lines, right=columns[1:6]))
        for line in lines:
            print("| " + " | ".join(map(str, line)) + " |")
        parameters = {"minutes": given.minutes, "cameras": given.cameras, "faults": stand.done}
        publish("soak", parameters, _metrics(stand, lines, missing, unindexed))


def _metrics(
    stand: Stand, lines: Sequence[Sequence[object]], missing: Counter[str], unindexed: Counter[str]
) -> list[Metric]:
    def total(column: int) -> float:
        return sum(float(str(line[column])) for line in lines)

    steady = stand.rss_mib[len(stand.rss_mib) // 3 :]
    slope = statistics.linear_regression([at for at, _ in steady], [mib for _, mib in steady]).slope
    early, late = stand.files[len(stand.files) // 3 : len(stand.files) // 2], stand.files[-len(stand.files) // 6 :]
    return [
        Metric("expected", total(1), "s"),
        Metric("recorded", total(2), "s"),
        *(Metric(f"missing: {reason}", ms / 1000, "s") for reason, ms in sorted(missing.items())),
        Metric("unexplained", missing.get(Reason.UNEXPLAINED, 0) / 1000, "s"),
        Metric("expected - recorded - missing", total(1) - total(2) - total(3), "s"),
        Metric("indexed", total(4), "s"),
        *(Metric(f"not indexed: {reason}", ms / 1000, "s") for reason, ms in sorted(unindexed.items())),
        Metric("segments indexed", stand.catalog.segments.states().get(SegmentState.INDEXED, 0), ""),
        Metric("memory, last", stand.rss_mib[-1][1], "MiB"),
        Metric("memory, growth over the last two thirds", slope * 1800, "MiB in 30 min"),
        Metric("open files, early", statistics.median(early), ""),
        Metric("open files, late", statistics.median(late), ""),
    ]


if __name__ == "__main__":
    main()
