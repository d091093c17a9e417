"""What the benchmarks share: the machine, results as a table and as JSON, and a runner of them all."""

from __future__ import annotations

import datetime
import importlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from api.commands.console import table
from api.composition import open_context
from api.jobs import open_executor
from api.runtime import AppContext
from indexer.importer import register
from search.config import Settings
from search.times import zone_of
from search.types import SegmentReport

RESULTS = Path(__file__).parent / "results"
ALL = ("indexing", "samples")


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number with its unit."""

    name: str
    value: float
    unit: str


@contextmanager
def indexed(paths: Iterable[Path], model: str) -> Iterator[tuple[AppContext, list[SegmentReport]]]:
    """All parts over a new index of `paths`, which goes away afterwards, and what became of each recording."""
    with tempfile.TemporaryDirectory() as folder:
        s = Settings(data_dir=Path(folder), model=model)
        with open_context(s) as context, open_executor(context) as executor:
            register(
                context.catalog,
                paths,
                camera_id=None,
                start_ms=None,
                zone=zone_of("UTC"),
                max_megapixels=s.max_megapixels,
            )
            yield context, list(executor.run())


def machine() -> dict[str, Any]:
    """Where a number was measured."""
    import torch

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def publish(name: str, parameters: Mapping[str, Any], metrics: list[Metric]) -> None:
    """Print a table and write ``benchmarks/results/<name>.json``."""
    Console().print(table(name, ("metric", "value", "unit"), [(m.name, f"{m.value:.4g}", m.unit) for m in metrics]))
    RESULTS.mkdir(exist_ok=True)
    data = {
        "benchmark": name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "parameters": dict(parameters),
        "metrics": [asdict(m) for m in metrics],
    }
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(f"written to {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")


def main() -> None:
    names = sys.argv[1:] or ALL
    for name in names:
        if name not in ALL:
            sys.exit(f"unknown benchmark {name}; there are: {', '.join(ALL)}")
        importlib.import_module(f"benchmarks.{name}").main([])


if __name__ == "__main__":
    main()
