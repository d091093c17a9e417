"""Do the sentences of truth.json find their person with a model? Crops are cut by the true boxes.

python -m training.check_samples --samples sample_videos --model local-dir:search/models/xunren-small
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from training.evaluate import Model

_EVERY = 3
_MARGIN = 0.07


def crops_of(samples: Path, truth: dict[str, Any]) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """Crops with a small margin, every 1.5 s of each appearance, and whose they are."""
    wanted: dict[str, dict[int, list[tuple[str, list[float]]]]] = {}
    for person in truth["people"]:
        for seen in person["appearances"]:
            start = int(np.datetime64(truth["cameras"][seen["camera"]]["start"].rstrip("Z"), "ms").astype(np.int64))
            for row in seen["boxes"][1:-1][::_EVERY]:
                wanted.setdefault(seen["camera"], {}).setdefault(int(row[0]) - start, []).append(
                    (person["id"], row[1:])
                )
    crops: list[NDArray[np.uint8]] = []
    owners: list[str] = []
    for camera, due in wanted.items():
        with av.open(str(samples / truth["cameras"][camera]["file"])) as media:
            for frame in media.decode(video=0):
                for who, (x0, y0, x1, y1) in due.get(round(float(frame.time) * 1000), []):
                    picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                    dx, dy = (x1 - x0) * _MARGIN, (y1 - y0) * _MARGIN
                    crops.append(picture[max(0, int(y0 - dy)) : int(y1 + dy), max(0, int(x0 - dx)) : int(x1 + dx)])
                    owners.append(who)
    return crops, owners


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--pretrained")
    args = parser.parse_args()
    truth = json.loads((args.samples / "truth.json").read_text())
    crops, owners = crops_of(args.samples, truth)
    model = Model(args.model, args.pretrained)
    vectors = model.images(crops)
    names = sorted(set(owners))
    print(f"{len(crops)} crops of {len(names)} people")
    lines = [(d["lang"], d["text"], d["person"], "demo") for d in truth["demo"]]
    lines += [
        (lang, text, p["id"], "") for p in truth["people"] for lang, texts in p["sentences"].items() for text in texts
    ]
    ranks: dict[str, list[int]] = {"en": [], "zh": [], "demo": []}
    for lang, text, who, demo in lines:
        scores = vectors @ model.texts([text])[0]
        best = {name: max(float(s) for s, owner in zip(scores, owners, strict=True) if owner == name) for name in names}
        ranked = sorted(best, key=lambda name: -best[name])
        rank = ranked.index(who) + 1
        ranks[demo or lang].append(rank)
        if demo or rank > 1:
            print(f"{demo:5s}{lang} rank {rank:2d}  {text}  -> {ranked[0]}")
    for key, found in ranks.items():
        print(f"{key}: first {found.count(1)} of {len(found)}, within three {sum(rank <= 3 for rank in found)}")


if __name__ == "__main__":
    main()
