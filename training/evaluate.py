"""Measures a model on held-out people: retrieval in both languages and what it knows of each attribute.

    python -m training.evaluate --data training/work/heldout --model local-dir:search/models/xunren-small --json training/results.json

``--model`` takes any open_clip name (``ViT-B-32 --pretrained laion2b_s34b_b79k``), so that models can be compared.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from PIL import Image

from training.captions import INDEX, PERSON_FIELDS, Sentence, Writer, encode_person, fits
from training.paraphrases import describe
from training.train import PROMPTED, Data

Floats = NDArray[np.float32]
ASKED = (
    "upper_colour",
    "lower_colour",
    "sex",
    "age",
    "upper",
    "lower",
    "carried",
    "bag",
    "hat",
    "hair",
    "ride",
    "pose",
)
"""Attributes that a user asks for; the person who has none of the thing is left out, as one cannot see which."""
TARGETS = {"r1": 50, "r5": 80, "r10": 90, "upper_colour": 88, "lower_colour": 80, "sex": 80, "age": 70, "carried": 80, "bag": 70,
           "hat": 70, "upper": 55, "lower": 80}  # fmt: skip


class Model:
    """An open_clip model with its preprocessing and tokenizer."""

    def __init__(self, name: str, pretrained: str | None) -> None:
        made = open_clip.create_model_and_transforms(name, pretrained=pretrained)
        self.model, self.preprocess = made[0].eval(), made[2]
        self.tokenizer = open_clip.get_tokenizer(name)

    @torch.inference_mode()
    def images(self, pictures: list[NDArray[np.uint8]]) -> Floats:
        out = []
        for start in range(0, len(pictures), 64):
            batch = torch.stack([self.preprocess(Image.fromarray(p)) for p in pictures[start : start + 64]])
            out.append(self.model.encode_image(batch, normalize=True).float())
        return np.asarray(torch.cat(out), np.float32)

    @torch.inference_mode()
    def texts(self, sentences: list[str]) -> Floats:
        rows = [
            self.model.encode_text(self.tokenizer(sentences[k : k + 128]), normalize=True).float()
            for k in range(0, len(sentences), 128)
        ]
        return np.asarray(torch.cat(rows), np.float32)


def recall(scores: Floats, fit: NDArray[np.bool_], right: NDArray[np.int64], top: int) -> float:
    """Share of sentences whose own person is in the first ``top``, others whom it fits too set aside."""
    own = scores[np.arange(len(right)), right]
    rivals = (scores > own[:, None]) & ~fit
    return float((rivals.sum(1) < top).mean())


def ceiling(fit: NDArray[np.bool_], top: int) -> float:
    """What a model that reads every claimed attribute without a mistake would reach: people alike in words are drawn by lot."""
    return float(np.minimum(1, top / fit.sum(1)).mean())


def retrieval(
    model: Model, people: list[dict[str, Any]], galleries: dict[str, Floats], lang: str, how: str
) -> dict[str, Any]:
    """One description of each person against all people; ``how``: held-out wording, trained wording, or partial."""
    rng = np.random.default_rng(12_345 if lang == "zh" else 54_321)
    writer = Writer(rng)
    make: dict[str, Callable[[dict[str, Any]], Sentence]] = {
        "held_out": lambda p: describe(p, lang, rng),
        "full": lambda p: writer.full(p, lang),
        "partial": lambda p: writer.description(p, lang, 0.0),
    }
    said = [make[how](p) for p in people]
    text = model.texts([s.text for s in said])
    fit = fits(np.stack([s.masks()[0] for s in said]), np.stack([encode_person(p) for p in people]))
    right = np.arange(len(people))
    out: dict[str, Any] = {"example": said[0].text}
    for top in (1, 5, 10):
        for name, gallery in galleries.items():
            out[f"r{top}{name}"] = recall(text @ gallery.T, np.zeros_like(fit), right, top)
        out[f"r{top}_ceiling"] = ceiling(fit, top)
    return out


def _balanced(predicted: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    return float(np.mean([(predicted[truth == k] == k).mean() for k in np.unique(truth)]))


def attribute_accuracy(
    model: Model, people: list[dict[str, Any]], pictures: Floats, lang: str, wordings: int = 12
) -> dict[str, dict[str, float]]:
    """The nearest value, each said in ``wordings`` short texts whose vectors are averaged; plain and balanced."""
    writer, out = Writer(np.random.default_rng(7)), {}
    encoded = np.stack([encode_person(p) for p in people])
    for name in ASKED:
        values = PROMPTED[name]
        place = [PERSON_FIELDS[name].index(v) for v in values]
        truth_all = encoded[:, INDEX[name]]
        keep = np.isin(truth_all, place)
        if name == "lower_colour":
            keep &= encoded[:, INDEX["lower"]] != PERSON_FIELDS["lower"].index("none")
        if not keep.any():
            continue
        truth = np.array([place.index(int(v)) for v in truth_all[keep]])
        vectors = [model.texts([writer.prompt(name, v, lang) for _ in range(wordings)]).mean(0) for v in values]
        guess = (pictures[keep] @ np.stack(vectors).T).argmax(1)
        out[name] = {
            "accuracy": float((guess == truth).mean()),
            "balanced": _balanced(guess, truth),
            "classes": len(values),
        }
    return out


def speed(model: Model, seconds: float = 6.0) -> float:
    """Crops a second through the image tower on one thread, batches of 32."""
    size = model.model.visual.image_size
    shape = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    batch, before, done = torch.randn(32, 3, *shape), torch.get_num_threads(), 0
    torch.set_num_threads(1)
    with torch.inference_mode():
        model.model.encode_image(batch)
        began = time.time()
        while time.time() - began < seconds:
            model.model.encode_image(batch)
            done += len(batch)
    torch.set_num_threads(before)
    return done / (time.time() - began)


def folder_megabytes(name: str) -> float | None:
    folder = Path(name.removeprefix("local-dir:"))
    return sum(f.stat().st_size for f in folder.iterdir() if f.is_file()) / 1e6 if folder.is_dir() else None


def measure(model: Model, data: Data, name: str) -> dict[str, Any]:
    every = model.images(data.crops)
    first, people = every[::2], data.people[::2]
    both = every[::2] + every[1::2]
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    galleries = {"": first, "_two_crops": both}
    result: dict[str, Any] = {"model": Path(name).name, "people": len(people), "megabytes": folder_megabytes(name)}
    for how in ("held_out", "full", "partial"):
        result[how] = {lang: retrieval(model, people, galleries, lang, how) for lang in ("zh", "en")}
    result["zh_over_en_r5"] = result["held_out"]["zh"]["r5"] / max(result["held_out"]["en"]["r5"], 1e-9)
    result["attributes"] = {lang: attribute_accuracy(model, people, first, lang) for lang in ("zh", "en")}
    return result


def table(result: dict[str, Any]) -> str:
    """The table of the issue, in Markdown."""
    rows = ["| what | Chinese | English | reach |", "| --- | --- | --- | --- |"]
    for how, said in (
        ("held_out", "held-out wording"),
        ("full", "trained wording"),
        ("partial", "two to five attributes"),
    ):
        for crops in ("", "_two_crops", "_ceiling"):
            cells = [
                " / ".join(f"{100 * result[how][lang][f'r{top}{crops}']:.1f}" for top in (1, 5, 10))
                for lang in ("zh", "en")
            ]
            what = {"": "one crop", "_two_crops": "two crops", "_ceiling": "best possible"}[crops]
            rows.append(
                f"| R@1/5/10 among {result['people']}, {said}, {what} | {cells[0]} | {cells[1]} | {'50 / 80 / 90' if not crops else ''} |"
            )
    for name, row in result["attributes"]["en"].items():
        pair = [result["attributes"][lang][name] for lang in ("zh", "en")]
        cells = [f"{100 * r['accuracy']:.1f} (balanced {100 * r['balanced']:.1f})" for r in pair]
        rows.append(f"| {name} ({row['classes']}) | {cells[0]} | {cells[1]} | {TARGETS.get(name, '')} |")
    rows.append(f"| Chinese over English, R@5 | {result['zh_over_en_r5']:.2f} | | 0.95 |")
    if "speed" in result:
        s = result["speed"]
        rows.append(
            f"| crops a second, one thread, against {s['against']} | {s['own']:.0f} / {s['other']:.1f} = {s['times']:.1f} x | | 20 x |"
        )
    if result["megabytes"]:
        rows.append(f"| folder, MB | {result['megabytes']:.1f} | | 15 |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--pretrained")
    parser.add_argument("--against", default="ViT-B-32", help="open_clip model whose speed is compared; '' for none")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    model = Model(args.model, args.pretrained)
    data = Data((args.data,))
    data.refresh()
    result = measure(model, data, args.model)
    if args.against:
        own, other = speed(model), speed(Model(args.against, None))
        result["speed"] = {"against": args.against, "own": own, "other": other, "times": own / other}
    print(table(result))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
