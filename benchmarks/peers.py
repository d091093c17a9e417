"""The same file, interval and image tower through clip-video-encode, amon-hen and the product, one after the other.

Every way runs as a process of its own, from start to end, loading included. The tower is ViT-B-32 with random weights,
made once and given to each as a local file: to clip-video-encode as `pretrained`, to the product as a local-dir model,
to amon-hen as an ONNX export of the same weights, put where its download would lie (nothing else of it is patched).
Each peer lies in a virtual environment of its own. clip-video-encode's pins (torch < 2, pyarrow < 8) have no builds for
this Python, so it is installed without them and uses the torch of the environment that runs the benchmark.

    python -m benchmarks.peers setup
    python -m benchmarks.peers [--seconds 120] [--interval 2] [--rounds 2]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.indexing import ROOT, make_video
from benchmarks.run import Metric, publish

WORK = ROOT / "benchmarks" / "work" / "peers"
TOWER = WORK / "tower"
PEERS = {
    "amon-hen": ("amon-hen==0.1.21",),
    "clip-video-encode": ("--no-deps", "clip-video-encode==1.3.0", "video2numpy==2.3.0", "webdataset==1.0.2",
                          "braceexpand", "fire", "ffmpeg-python", "youtube-dl", "pyarrow", "fsspec"),
}  # fmt: skip
RUN = {
    "xunren": """
import json, sys
from pathlib import Path
from api.composition import open_context
from api.jobs.workers import open_executor
from indexer.importer.registration import register
from search.config import Settings
from search.times import zone_of
if __name__ == "__main__":
    video, tower, out, interval = sys.argv[1:]
    s = Settings(data_dir=Path(out), model=f"local-dir:{tower}", sample_interval_s=float(interval))
    with open_context(s) as context, open_executor(context) as executor:
        utc = zone_of("UTC")
        register(context.catalog, [Path(video)], camera_id="bench", start_ms=None, zone=utc, max_megapixels=17)
        (report,) = executor.run()
        print(json.dumps({"looked": report.seen, "rows": report.rows}))
""",
    "clip-video-encode": """
import json, sys
import numpy as np
from clip_video_encode import clip_video_encode
if __name__ == "__main__":
    video, tower, out, interval = sys.argv[1:]
    clip_video_encode(video, out, take_every_nth=round(25 * float(interval)), oc_model_name="ViT-B-32",
                      pretrained=tower + "/open_clip_model.safetensors")
    rows = len(np.load(out + "/0.npy"))
    print(json.dumps({"looked": rows, "rows": rows}))
""",
    "amon-hen": """
import json, sys
from dataclasses import replace
from pathlib import Path
from amonhen import encode
from amonhen.model_registry import DEFAULT_MODEL
from amonhen.pipeline import IndexConfig, index_videos
from amonhen.store import Store
if __name__ == "__main__":
    video, tower, out, interval = sys.argv[1:]
    spec = replace(DEFAULT_MODEL, image_size=224, embed_dim=512)
    encode._RESOLVED[spec.repo_id] = Path(tower)
    store = Store(Path(out) / "amon.db", embed_dim=512)
    done = index_videos([video], store, IndexConfig(fps=1 / float(interval)), encode.ImageEncoder(spec))
    print(json.dumps({"looked": done.frames_decoded, "rows": done.frames_kept}))
""",
}


@dataclass(frozen=True, slots=True)
class Pass:
    """One process from start to end. `memory_mib` is that of its largest process."""

    wall_s: float
    cpu_s: float
    memory_mib: float
    looked: int
    rows: int


def python_of(name: str) -> Path:
    return Path(sys.executable) if name == "xunren" else WORK / name / "bin" / "python"


def setup() -> None:
    """The peers' environments and the tower's files."""
    for name, packages in PEERS.items():
        base = _python_with_extensions() if name == "amon-hen" else sys.executable
        subprocess.run([base, "-m", "venv", "--without-pip", str(WORK / name)], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python_of(name))]
        subprocess.run([*pip, "install", "-q", *packages], check=True)
    shared = Path(sysconfig.get_path("purelib"))
    own = subprocess.check_output(
        [str(python_of("clip-video-encode")), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    (Path(own.strip()) / "shared-torch.pth").write_text(f"{shared}\n")
    _make_tower()


def _python_with_extensions() -> str:
    """amon-hen loads an extension into SQLite, which not every build of Python can do; Debian's can."""
    able = "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(True)"
    for python in (sys.executable, "/usr/bin/python3"):
        if Path(python).exists() and not subprocess.run([python, "-c", able], stderr=subprocess.DEVNULL).returncode:
            return python
    sys.exit("amon-hen needs a Python whose sqlite3 loads extensions. Cure: apt-get install python3")


def _make_tower() -> None:
    import open_clip
    import torch
    from safetensors.torch import save_file

    TOWER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32", pretrained=None).eval()
    save_file(
        {name: tensor.contiguous() for name, tensor in model.state_dict().items()},
        TOWER / "open_clip_model.safetensors",
    )
    config = {"model_cfg": open_clip.get_model_config("ViT-B-32"), "preprocess_cfg": {}}
    (TOWER / "open_clip_config.json").write_text(json.dumps(config))
    torch.onnx.export(
        model.visual, (torch.zeros(2, 3, 224, 224),), str(TOWER / "vision_model.onnx"), dynamo=False,
        input_names=["pixels"], output_names=["vector"], dynamic_axes={"pixels": {0: "n"}, "vector": {0: "n"}},
    )  # fmt: skip


def measure(name: str, video: Path, interval_s: float) -> Pass:
    with tempfile.TemporaryDirectory() as folder:
        script, said, errors = Path(folder) / "run.py", Path(folder) / "said", Path(folder) / "errors"
        script.write_text(RUN[name])
        out = Path(folder) / "out"
        out.mkdir()
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT) if name == "xunren" else ""}
        began = time.perf_counter()
        with said.open("w") as f, errors.open("w") as e:
            process = subprocess.Popen(
                [str(python_of(name)), str(script), str(video), str(TOWER), str(out), str(interval_s)],
                stdout=f, stderr=e, env=env,
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{name} failed ({process.returncode}):\n{errors.read_text()[-2000:]}")
        wall_s = time.perf_counter() - began
        counts: dict[str, Any] = json.loads(said.read_text().splitlines()[-1])
        return Pass(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, counts["looked"], counts["rows"])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("do", nargs="?", choices=("run", "setup"), default="run")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--interval", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args(arguments)
    if given.do == "setup":
        setup()
        return
    if not TOWER.exists():
        sys.exit("the peers are not installed. Cure: python -m benchmarks.peers setup")
    video = make_video(given.seconds)
    rounds = []
    for _ in range(given.rounds):  # one after the other, so that a drift of the machine hits all
        rounds.append({name: measure(name, video, given.interval) for name in RUN})
        print(rounds[-1], flush=True)
    parameters = {"video": video.name, "interval_s": given.interval, "rounds": given.rounds,
                  "model": "ViT-B-32, random weights", "load_at_end": os.getloadavg()[0]}  # fmt: skip
    publish("peers", parameters, _metrics(rounds))


def _metrics(rounds: Sequence[dict[str, Pass]]) -> list[Metric]:
    found = []
    for name in RUN:
        passes = [one[name] for one in rounds]
        found += [
            Metric(f"{name}: clock", statistics.median(p.wall_s for p in passes), "s"),
            Metric(f"{name}: CPU", statistics.median(p.cpu_s for p in passes), "s"),
            Metric(f"{name}: memory of the largest process", max(p.memory_mib for p in passes), "MiB"),
            Metric(f"{name}: frames", passes[0].looked, ""),
            Metric(f"{name}: rows", passes[0].rows, ""),
        ]
        if name != "xunren":
            ratios = [one[name].cpu_s / one["xunren"].cpu_s for one in rounds]
            found.append(Metric(f"{name}: CPU against the product", statistics.median(ratios), "x"))
    return found


if __name__ == "__main__":
    main()
