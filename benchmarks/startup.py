"""A search on the command line, from the start of the process to its answer: ONNX Runtime against torch.

Both run alternately over the same index of one of the `sample_videos`, in processes of their own, so that a drift of
the machine hits both; beside them `--help` and an empty Python, which tells how quick the machine is now. The shipped
model answers, on the CPU. CPU seconds (user and system, of the process and its children) are steadier than the clock
where the machine is shared. After `--seconds` no process is started; each kind has run once at least.

    python -m benchmarks.startup [--seconds 100]
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.run import Metric, publish

SAMPLE = Path(__file__).parent.parent / "sample_videos" / "gate"
RUN = "from api.cli.main import main; main()"
SENTENCE = "a man in a red coat"
FIRST, ONNX, TORCH = "first search of a data folder", "search by ONNX Runtime", "search by torch"
KINDS = (TORCH, *(3 * ("empty Python", "--help", ONNX)))
"""What runs, in this order, again and again: torch takes most of the time, and its spread matters least."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, in seconds."""

    cpu_s: float
    wall_s: float


class Bench:
    """Processes over one data folder, and what they took by the name of what they did."""

    def __init__(self, folder: Path) -> None:
        data = {"XUNREN_DATA_DIR": str(folder), "XUNREN_REQUIRE_CASE": "false", "XUNREN_DEVICE": "cpu"}
        self._environ = os.environ | data
        self.costs: dict[str, list[Cost]] = {}

    def run(self, what: str, *arguments: str, **environ: str) -> None:
        """Run Python once and wait for it."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=self._environ | environ)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.costs.setdefault(what, []).append(Cost(cpu, wall))

    def run_kind(self, what: str) -> None:
        """Run one of `KINDS`."""
        arguments = {"empty Python": ("-c", "pass"), "--help": ("-c", RUN, "--help")}
        runtime = "torch" if what == TORCH else "onnxruntime"
        self.run(what, *arguments.get(what, ("-c", RUN, "search", SENTENCE)), XUNREN_RUNTIME=runtime)


def measured(folder: Path, seconds: float) -> dict[str, list[Cost]]:
    """Return what all processes took."""
    ends = time.monotonic() + seconds
    bench = Bench(folder)
    bench.run("index", "-c", RUN, "index", str(SAMPLE))
    bench.run(FIRST, "-c", RUN, "search", SENTENCE, XUNREN_RUNTIME="onnxruntime")
    for what in itertools.cycle(KINDS):
        if time.monotonic() > ends and set(KINDS) <= set(bench.costs):
            return bench.costs
        bench.run_kind(what)
    raise AssertionError("a cycle never ends")


def metrics_of(costs: dict[str, list[Cost]]) -> list[Metric]:
    """Return the medians of what was measured, and the ratio of the two runtimes."""
    cpu = {what: statistics.median(one.cpu_s for one in runs) for what, runs in costs.items()}
    metrics = [Metric("CPU of torch against ONNX Runtime", cpu[TORCH] / cpu[ONNX], "x")]
    for what, runs in costs.items():
        metrics.append(Metric(f"{what}: CPU", cpu[what], "s"))
        metrics.append(Metric(f"{what}: least CPU", min(one.cpu_s for one in runs), "s"))
        metrics.append(Metric(f"{what}: clock", statistics.median(one.wall_s for one in runs), "s"))
        metrics.append(Metric(f"{what}: least clock", min(one.wall_s for one in runs), "s"))
    return metrics


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark and publish its results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=100.0)
    given = parser.parse_args(arguments)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        costs = measured(Path(folder), given.seconds)
    load = {"load before": round(before, 1), "load after": round(os.getloadavg()[0], 1)}
    runs = {f"{what}: runs": len(ran) for what, ran in costs.items()}
    publish("startup", {"sentence": SENTENCE} | load | runs, metrics_of(costs))


if __name__ == "__main__":
    main()
