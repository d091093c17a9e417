"""Indexing against the simple way, on the same file, at the same interval, with the same model, in the same run.

The simple way reads every frame with OpenCV and embeds one whole frame at a time. The product decodes key frames only
where that is enough, and also finds people, embeds their crops and writes rows and thumbnails. What is compared is
CPU time of the whole process: it is what a machine with many cameras runs out of, and it is steadier than the clock.

    python -m benchmarks.indexing [--video FILE] [--seconds 300] [--interval 2] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.composition import open_context
from api.jobs import open_threads
from benchmarks.run import Metric, publish
from indexer.decoding import OpenCVSource
from indexer.importer import register
from indexer.pipeline import IndexWorker
from search.config import Settings
from search.media import ffmpeg_path
from search.models import Embedder, make_embedder
from search.times import zone_of

ROOT = Path(__file__).parent.parent
WORK = ROOT / "benchmarks" / "work"
SOURCE = ROOT / "sample_videos" / "street" / "street.mp4"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one pass over the file took."""

    cpu_s: float
    wall_s: float
    frames: int
    shares: dict[str, float]


def make_video(seconds: int) -> Path:
    """A file as a street camera records it: 1920 x 1080, 25 fps, 4 Mbit/s, a key frame every 2 s; repeated content."""
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / f"street-1080p25-{seconds}s.mp4"
    if not file.exists():
        print(f"making {file.name}")
        part = file.with_suffix(".part.mp4")  # a file that an interrupted run left half made is not taken for whole
        subprocess.run(
            [
                ffmpeg_path(), "-v", "error", "-y", "-stream_loop", "-1", "-i", str(SOURCE), "-t", str(seconds),
                "-vf", "scale=1920:1080,fps=25,noise=alls=6:allf=t", "-an", "-c:v", "libx264", "-preset", "veryfast",
                "-b:v", "4M", "-maxrate", "6M", "-bufsize", "8M", "-g", "50", "-sc_threshold", "0",
                "-pix_fmt", "yuv420p", str(part),
            ],
            check=True,
        )  # fmt: skip
        part.rename(file)
    return file


def simple_way(video: Path, interval_s: float, embedder: Embedder) -> Cost:
    cpu, wall = time.process_time(), time.perf_counter()
    source = OpenCVSource(video, interval_s=interval_s, max_megapixels=17)
    for frame in source.frames():
        embedder.embed_images([frame.image])
    return Cost(time.process_time() - cpu, time.perf_counter() - wall, source.counts.seen, {})


def product(video: Path, settings: Settings) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        s = settings.model_copy(update={"data_dir": Path(folder)})
        with open_context(s) as context, open_threads(context) as executor:
            context.embedder.open()
            zone = zone_of("UTC")
            cpu, wall = time.process_time(), time.perf_counter()
            register(
                context.catalog, [video], camera_id="bench", start_ms=None, zone=zone, max_megapixels=s.max_megapixels
            )
            (report,) = executor.run()
            cost_cpu, cost_wall = time.process_time() - cpu, time.perf_counter() - wall
            return Cost(cost_cpu, cost_wall, report.seen, _shares(executor.worker))


def _shares(worker: IndexWorker) -> dict[str, float]:
    seconds = worker.stopwatch.seconds()
    total = sum(seconds.values())
    return {part: seconds.get(part, 0.0) / total for part in ("decode", "detect", "embed", "write")}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=int, default=300, help="length of the made video")
    parser.add_argument("--interval", type=float, default=Settings().sample_interval_s)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    video = given.video or make_video(given.seconds)
    settings = Settings(sample_interval_s=given.interval)
    embedder = make_embedder(settings)
    embedder.open()
    rounds = [  # one after the other, so that a drift of the machine hits both
        (simple_way(video, given.interval, embedder), product(video, settings)) for _ in range(given.rounds)
    ]
    publish("indexing", _parameters(video, given), _metrics(rounds))


def _parameters(video: Path, given: argparse.Namespace) -> dict[str, object]:
    return {"video": video.name, "interval_s": given.interval, "rounds": given.rounds, "model": Settings().model}


def _metrics(rounds: Sequence[tuple[Cost, Cost]]) -> list[Metric]:
    median = statistics.median
    ours = [cost for _, cost in rounds]
    ratios = [simple.cpu_s / own.cpu_s for simple, own in rounds]
    shares = {part: median(own.shares[part] for own in ours) for part in ours[0].shares}
    return [
        Metric("frames of the file a second of CPU", median(own.frames / own.cpu_s for own in ours), "1/s"),
        Metric("frames of the file a second of clock", median(own.frames / own.wall_s for own in ours), "1/s"),
        *(Metric(f"share of time in {part}", 100 * share, "%") for part, share in shares.items()),
        Metric("CPU, the product", median(own.cpu_s for own in ours), "s"),
        Metric("CPU, the simple way", median(simple.cpu_s for simple, _ in rounds), "s"),
        Metric("times less CPU than the simple way (median)", median(ratios), "x"),
        Metric("times less CPU than the simple way (worst round)", min(ratios), "x"),
    ]


if __name__ == "__main__":
    main()
