"""What each folder of tests costs: seconds, and processor seconds of the test's process and the children that ended.

Processor seconds hardly change on a busy machine, so a run there still says what a quiet machine would take.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

CPU = "cpu_s"


def cpu_s() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def lines(reports: Iterable[Any]) -> list[str]:
    """Return a table of folders, the dearest first."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for report in reports:
        folder = sums[str(PurePath(report.nodeid.partition("::")[0]).parent)]
        folder[1] += report.duration
        if report.when == "teardown":
            folder[0] += 1
            folder[2] += sum(value for name, value in report.user_properties if name == CPU)
    rows = sorted(sums.items(), key=lambda one: -one[1][2])
    return [f"{name:<34}{n:>6.0f} tests{s:>9.1f} s{cpu:>9.1f} CPU s" for name, (n, s, cpu) in rows]
