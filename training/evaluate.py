"""Measures a model on held-out people: retrieval in both languages and what it knows of each attribute.

    python -m training.evaluate --data training/work/heldout --model local-dir:search/models/xunren-small --json out.json

``--model`` takes any open_clip name (``ViT-B-32 --pretrained laion2b_s34b_b79k``), so that models can be compared.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from PIL import Image

from training.captions import PERSON_FIELDS, Writer, encode_person, fits
from training.train import Data

Floats = NDArray[np.float32]
PROMPTS: dict[str, tuple[str, str]] = {
    "upper_colour": ("a person wearing a {} top", "upper_colour"), "lower_colour": ("a person wearing {} trousers", "lower_colour"),
    "upper": ("a person wearing a {}", "upper"), "lower": ("a person wearing {}", "lower"), "carried": ("a person with a {}", "carried"),
    "bag": ("a person with a {}", "bag"), "hat": ("a person with a {}", "hat"), "hair": ("a person with {} hair", "hair"),
}  # fmt: skip
SEX = {"male": "a man", "female": "a woman"}
AGE = {"child": "a child", "adult": "an adult", "elder": "an old person"}


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


def retrieval(model: Model, people: list[dict[str, Any]], first: Floats, both: Floats, lang: str) -> dict[str, float]:
    """One description of each person (two to five attributes) against all people."""
    writer = Writer(np.random.default_rng(12_345 if lang == "zh" else 54_321))
    said = [writer.description(p, lang) for p in people]
    text = model.texts([s.text for s in said])
    values = np.stack([encode_person(p) for p in people])
    fit = fits(np.stack([s.masks()[0] for s in said]), values)
    nobody = np.zeros_like(fit)
    right = np.arange(len(people))
    out: dict[str, float] = {}
    for name, gallery in (("", first), ("_two_crops", both)):
        scores = text @ gallery.T
        for top in (1, 5, 10):
            out[f"r{top}{name}"] = recall(scores, nobody, right, top)
        out[f"r1{name}_twins_aside"] = recall(scores, fit, right, 1)
    return out


def _balanced(predicted: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    return float(np.mean([(predicted[truth == k] == k).mean() for k in np.unique(truth)]))


def attribute_accuracy(model: Model, people: list[dict[str, Any]], pictures: Floats) -> dict[str, dict[str, float]]:
    """Nearest of one English prompt a value, as a user would ask; plain and balanced over the values."""
    out: dict[str, dict[str, float]] = {}
    tables: dict[str, dict[str, str]] = {"sex": SEX, "age": AGE}
    for name, (prompt, _) in PROMPTS.items():
        options = [v for v in PERSON_FIELDS[name] if v != "none"]
        tables[name] = {v: prompt.format(v) for v in options}
    for name, prompts in tables.items():
        values = list(prompts)
        keep = np.array([p[name] in prompts for p in people])
        truth = np.array([values.index(p[name]) for p in people if p[name] in prompts])
        guess = (pictures[keep] @ model.texts(list(prompts.values())).T).argmax(1)
        out[name] = {
            "accuracy": float((guess == truth).mean()),
            "balanced": _balanced(guess, truth),
            "classes": len(values),
        }
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--pretrained")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    model = Model(args.model, args.pretrained)
    data = Data(args.data)
    data.refresh()
    began = time.time()
    every = model.images(data.crops)
    rate = len(data.crops) / (time.time() - began)
    first, people = every[::2], data.people[::2]
    both = every[::2] + every[1::2]
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    result = {"model": Path(args.model).name, "people": len(people), "crops_per_second": round(rate, 1),
              "zh": retrieval(model, people, first, both, "zh"), "en": retrieval(model, people, first, both, "en"),
              "attributes": attribute_accuracy(model, people, first)}  # fmt: skip
    for lang in ("zh", "en"):
        print(lang, "  ".join(f"{k} {100 * v:.1f}" for k, v in result[lang].items()))  # type: ignore[attr-defined]
    for name, row in result["attributes"].items():  # type: ignore[attr-defined]
        print(
            f"{name:14s} {100 * row['accuracy']:5.1f} %   balanced {100 * row['balanced']:5.1f} %   of {row['classes']}"
        )
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
