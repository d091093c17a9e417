"""A search on the command line, from the start of the process to its answer: ONNX Runtime against torch.

Both run alternately over the same small index of `sample_videos`, in processes of their own, so that a drift of the
machine hits both. The shipped model answers, on the CPU. CPU seconds (user and system, of the process and its
children) are steadier than the clock where the machine is shared.

    python -m benchmarks.startup [--rounds 5]
"""

from __future__ import annotations

import argparse
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

SAMPLES = Path(__file__).parent.parent / "sample_videos"
RUN = "from api.cli.main import main; main()"
IMPORTS = {"onnxruntime": "import onnxruntime, tokenizers", "torch": "import torch, open_clip, transformers"}
SENTENCE = "a man in a red coat"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, in seconds."""

    cpu_s: float
    wall_s: float


def cost(arguments: Sequence[str], environ: dict[str, str]) -> Cost:
    """Run Python once and wait for it."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=os.environ | environ)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def rounds_of(folder: Path, count: int) -> tuple[dict[str, list[Cost]], dict[str, list[Cost]], list[Cost]]:
    """Return the costs of imports and searches by runtime, and of `--help`, each measured `count` times."""
    environ = {"XUNREN_DATA_DIR": str(folder), "XUNREN_REQUIRE_CASE": "false", "XUNREN_DEVICE": "cpu"}
    cost(["-c", RUN, "index", str(SAMPLES)], environ)
    imports: dict[str, list[Cost]] = {name: [] for name in IMPORTS}
    searches: dict[str, list[Cost]] = {name: [] for name in IMPORTS}
    helps = []
    for _ in range(count):
        for name, code in IMPORTS.items():
            imports[name].append(cost(["-c", code], {}))
            searches[name].append(cost(["-c", RUN, "search", SENTENCE], environ | {"XUNREN_RUNTIME": name}))
        helps.append(cost(["-c", RUN, "--help"], {}))
    return imports, searches, helps


def ratio(costs: dict[str, list[Cost]]) -> float:
    """Return torch's CPU seconds over ONNX Runtime's, the median of the rounds."""
    return statistics.median(t.cpu_s / o.cpu_s for t, o in zip(costs["torch"], costs["onnxruntime"], strict=True))


def metrics_of(what: str, costs: dict[str, list[Cost]]) -> list[Metric]:
    seconds = [
        Metric(f"{what}, {name}: {kind}", statistics.median(values), "s")
        for name, runs in costs.items()
        for kind, values in (("CPU", [one.cpu_s for one in runs]), ("clock", [one.wall_s for one in runs]))
    ]
    return [Metric(f"{what}: CPU of torch against ONNX Runtime", ratio(costs), "x"), *seconds]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        imports, searches, helps = rounds_of(Path(folder), given.rounds)
    metrics = [*metrics_of("import", imports), *metrics_of("search", searches)]
    metrics.append(Metric("--help: CPU", statistics.median(one.cpu_s for one in helps), "s"))
    publish("startup", {"rounds": given.rounds, "sentence": SENTENCE}, metrics)


if __name__ == "__main__":
    main()
