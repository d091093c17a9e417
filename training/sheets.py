"""Pictures to look at: a contact sheet of crops and frames, and the plot of a run's log.

python -m training.sheets --data training/work/crops2 --sheet training/sheet.jpg
python -m training.sheets --runs training/work/run3 training/work/run4 --plot training/loss.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.train import Data

Image = NDArray[np.uint8]
ACROSS, DOWN = 20, 6


def sheet(data: Data) -> Image:
    """Rows of crops, one row of frames."""
    step = max(1, len(data.crops) // (ACROSS * (DOWN - 1)))
    shown = [data.crops[k * step] for k in range(ACROSS * (DOWN - 1))] + data.frames[:ACROSS]
    rows = [np.concatenate(shown[k : k + ACROSS], 1) for k in range(0, len(shown), ACROSS)]
    return np.asarray(np.concatenate(rows, 0), np.uint8)


def read_log(runs: list[Path]) -> list[tuple[float, dict[str, float]]]:
    """Minutes since the first run began, and what was logged; the runs follow one another."""
    rows: list[tuple[float, dict[str, float]]] = []
    for run in runs:
        before = rows[-1][0] if rows else 0.0
        for text in (run / "log.jsonl").read_text().splitlines():
            line = json.loads(text)
            minute = before + line["seconds"] / 60
            if not rows or minute > rows[-1][0]:  # a log that was gone on with begins again with older times
                rows.append((minute, line))
    return rows


def plot(rows: list[tuple[float, dict[str, float]]], size: tuple[int, int] = (900, 420)) -> Image:
    """Curves of the losses over minutes."""
    wide, high = size
    picture = np.full((high, wide, 3), 255, np.uint8)
    last = max(minute for minute, _ in rows)
    top = max(line.get("match", 0.0) for _, line in rows) * 1.05

    def at(minute: float, value: float) -> tuple[int, int]:
        return int(50 + minute / last * (wide - 70)), int(high - 40 - value / top * (high - 60))

    for tick in np.linspace(0, last, 7):
        cv2.putText(
            picture,
            f"{tick:.0f} min",
            at(float(tick), -top * 0.06),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.42,
            (90, 90, 90),
            1,
            cv2.LINE_AA,
        )
    for tick in np.linspace(0, top, 6):
        cv2.line(picture, at(0, float(tick)), at(last, float(tick)), (225, 225, 225), 1)
        cv2.putText(
            picture,
            f"{tick:.1f}",
            (8, at(0, float(tick))[1] + 4),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.42,
            (90, 90, 90),
            1,
            cv2.LINE_AA,
        )
    for k, (name, rgb) in enumerate(
        (("match", (200, 60, 40)), ("attributes", (40, 110, 200)), ("named", (60, 150, 70)))
    ):
        points = [at(minute, line[name]) for minute, line in rows if name in line]
        if len(points) > 1:
            cv2.polylines(picture, [np.asarray(points, np.int32)], False, rgb, 2, cv2.LINE_AA)
            cv2.putText(picture, name, (wide - 130, 30 + 20 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.5, rgb, 1, cv2.LINE_AA)
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    if args.data and args.sheet:
        data = Data((args.data,))
        data.refresh()
        cv2.imwrite(str(args.sheet), sheet(data)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    if args.runs and args.plot:
        cv2.imwrite(str(args.plot), plot(read_log(args.runs))[..., ::-1])


if __name__ == "__main__":
    main()
