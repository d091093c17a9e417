"""What a model's image tower can do on this device, and what of it the product gets; a GPU where there is one.

Pure is the forward pass alone, on prepared pictures that lie on the device, at the best of several batches; on a card
one is begun before the one before is waited for. The product is `start_images`, called as the indexer calls it: from
decoded crops (uint8, each of another size, as people are cut out) to unit vectors on the host, with preparing and
copying, one batch begun before the one before is finished. Both in turn, round by round, so that a drift of the machine
hits both. Weights are random but for the shipped model's. Then one 1080p file through the whole product: what share of
time each part takes.

    python -m benchmarks.gpu [--models xunren-small ViT-B-32] [--device auto] [--runtime torch] [--compile] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from api.composition import open_context
from api.jobs import open_threads
from benchmarks.indexing import make_video
from benchmarks.run import Metric, publish
from indexer.importer import register
from search.config import Settings
from search.models import OpenClipEmbedder
from search.times import zone_of
from search.types import Image

MODELS = ("xunren-small", "MobileCLIP2-S0", "ViT-B-32", "ViT-L-14")
BATCHES = (8, 32, 128, 512)
ROUND_S = 2.0


def random_model(name: str, folder: Path) -> str:
    """The setting of an open_clip model with random weights, which is made in `folder`; the shipped one as it is."""
    if name == "xunren-small":
        return name
    import json

    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model(name, pretrained=None)
    place = folder / name
    place.mkdir()
    state = {key: tensor.contiguous().clone() for key, tensor in model.state_dict().items()}
    save_file(state, place / "open_clip_model.safetensors")
    config = {"model_cfg": open_clip.get_model_config(name), "preprocess_cfg": {}}
    (place / "open_clip_config.json").write_text(json.dumps(config))
    return f"local-dir:{place}"


def rate(act: Callable[[], Any], images: int, seconds: float) -> float:
    """Images a second of something that does so many at a time."""
    done, began = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - began < seconds:
        act()
        done += images
    return done / (time.perf_counter() - began)


def pure_pass(embedder: OpenClipEmbedder, batch: int) -> Callable[[], None]:
    """The forward pass on `batch` prepared pictures; a card is two deep in work, as it is in the product."""
    import torch

    with torch.inference_mode():
        pictures = embedder._prepare(crops(batch))
    under_way: deque[Any] = deque()

    def run() -> None:
        with torch.inference_mode():
            embedder._tower(pictures)
        if embedder._cuda:
            done: Any = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            done.record(torch.cuda.current_stream(embedder._device))
            under_way.append(done)
            if len(under_way) > 1:
                under_way.popleft().synchronize()

    return run


def best_batch(embedder: OpenClipEmbedder, seconds: float) -> int:
    """The fastest; larger ones are tried until one is slower than the one before."""
    speeds: dict[int, float] = {}
    for batch in BATCHES:
        run = pure_pass(embedder, batch)
        run()
        speeds[batch] = rate(run, batch, seconds)
        if speeds[batch] < max(speeds.values()):
            break
    return max(speeds, key=lambda one: speeds[one])


def crops(count: int) -> list[Image]:
    random = np.random.default_rng(3)
    heights = random.integers(48, 257, count)
    sizes = [(int(h), int(h * share)) for h, share in zip(heights, random.uniform(0.3, 0.6, count), strict=True)]
    return [random.integers(0, 255, (*size, 3), dtype=np.uint8) for size in sizes]


class Product:
    """`batch` crops to unit vectors, at each call; the batch of the call before is finished after this one is begun."""

    def __init__(self, embedder: OpenClipEmbedder, batch: int) -> None:
        self._embedder, self._images = embedder, crops(batch)
        self._before = embedder.start_images(self._images)

    def __call__(self) -> None:
        started = self._embedder.start_images(self._images)
        self._before()
        self._before = started


def of_model(name: str, settings: Settings, rounds: int, seconds: float) -> list[Metric]:
    """Pure and product of one model, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        s = settings.model_copy(update={"data_dir": Path(folder)})
        embedder = OpenClipEmbedder(
            random_model(name, Path(folder)), device=s.device, threads=s.torch_threads,
            runtime=s.runtime, exports=s.data_dir / "exported", compile_tower=s.torch_compile,
        )  # fmt: skip
        embedder.open()
        best = best_batch(embedder, seconds)
        embedder.batch_size = best
        pure, product = pure_pass(embedder, best), Product(embedder, best)
        pairs = [(rate(pure, best, seconds), rate(product, best, seconds)) for _ in range(rounds)]
    ratios = [whole / pure for pure, whole in pairs]
    print(name, best, [round(one, 2) for one in ratios], flush=True)
    return [
        Metric(f"{name}: pure pass", statistics.median(pure for pure, _ in pairs), "images/s"),
        Metric(f"{name}: the product", statistics.median(whole for _, whole in pairs), "images/s"),
        Metric(f"{name}: product against pure, median", statistics.median(ratios), "share"),
        Metric(f"{name}: product against pure, worst round", min(ratios), "share"),
        Metric(f"{name}: best batch", best, "images"),
    ]


def of_file(settings: Settings, seconds: int) -> list[Metric]:
    """Share of the parts' time from a 1080p file to rows, shipped model."""
    video = make_video(seconds)
    with tempfile.TemporaryDirectory() as folder:
        s = settings.model_copy(update={"data_dir": Path(folder)})
        with open_context(s) as context, open_threads(context) as executor:
            context.embedder.open()  # else loading would count as the model's work
            zone = zone_of("UTC")
            register(context.catalog, [video], camera_id="b", start_ms=None, zone=zone, max_megapixels=s.max_megapixels)
            list(executor.run())
            worker = executor.worker
    return [
        Metric("the model's device: computing", worker.computing(), "% of time"),
        *(
            Metric(f"1080p file to rows: {part}", share, "% of time")
            for part, share in worker.stopwatch.shares().items()
        ),
        *(Metric(f"the model's thread: {part}", share, "% of time") for part, share in worker.profile.shares().items()),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--runtime", default="torch", choices=("torch", "onnxruntime", "openvino"))
    parser.add_argument("--compile", action="store_true", help="through torch.compile")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=ROUND_S, help="of one measurement")
    parser.add_argument("--video-seconds", type=int, default=120)
    given = parser.parse_args(arguments)
    settings = Settings(device=given.device, runtime=given.runtime, torch_compile=given.compile)
    metrics = [m for name in given.models for m in of_model(name, settings, given.rounds, given.seconds)]
    metrics += of_file(settings, given.video_seconds)
    import torch

    kind = (
        "cuda" if given.device.startswith("cuda") or (given.device == "auto" and torch.cuda.is_available()) else "cpu"
    )
    name = "gpu" if kind == "cuda" else "gpu-cpu"
    name += "" if given.runtime == "torch" else f"-{given.runtime}"
    name += "-compiled" if given.compile else ""
    publish(name, {"device": kind, "runtime": given.runtime, "rounds": given.rounds, "seconds": given.seconds}, metrics)


if __name__ == "__main__":
    main()
