"""What decoding costs a camera-hour by the interval between looks: key frames suffice down to their own distance.

Below it every picture is decoded, which costs five times as much and more, so the cost is not that of the looks alone.
One of the films that the cameras of `live` show (1080p25, 4 Mbit/s, a key frame every 2 s); CPU time of this process.

    python -m benchmarks.decoding [--rounds 3] [--intervals 5 2 1.5 1]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.live import FILM_S, as_mp4, films
from benchmarks.run import Metric, publish
from indexer.decoding import VideoSource

KEY_S = 2.0  # between the key frames of the file
INTERVALS = (5.0, 2.0, 1.5, 1.0)


def cpu_s(video: Path, interval_s: float) -> float:
    """CPU seconds of one reading."""
    began = time.process_time()
    for _ in VideoSource(video, interval_s=interval_s, max_megapixels=17).frames():
        pass
    return time.process_time() - began


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--intervals", type=float, nargs="+", default=list(INTERVALS))
    given = parser.parse_args(arguments)
    hour = 3600 / FILM_S
    with tempfile.TemporaryDirectory() as folder:
        video = as_mp4(films()[0], Path(folder) / "film.mp4")
        rounds = [[hour * cpu_s(video, interval) for interval in given.intervals] for _ in range(given.rounds)]
    medians = [statistics.median(costs) for costs in zip(*rounds, strict=True)]
    metrics = [
        Metric(f"CPU a camera-hour, a look every {interval:g} s", cost, "s")
        for interval, cost in zip(given.intervals, medians, strict=True)
    ]
    publish("decoding", {"key_interval_s": KEY_S, "rounds": given.rounds}, metrics)


if __name__ == "__main__":
    main()
