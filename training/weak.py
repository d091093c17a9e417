"""Writes ``weak.json`` into a model's folder: what the evaluation found it weak at, with the words that speak of it.

python -m training.weak --results training/results.json --model search/models/xunren-small
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from training import words

WEAK = 0.65  # of made people; below it the product says so
SPOKEN = ("upper", "lower", "hat", "bag", "carried", "hair", "pose", "ride")


def weak(results: Path) -> list[dict[str, object]]:
    """The weak attributes, each with the balanced share that is right in the worse language, and their words."""
    attributes = json.loads(results.read_text("utf-8"))["attributes"]
    found: list[dict[str, object]] = []
    for name in SPOKEN:
        right = min(attributes[language][name]["balanced"] for language in ("en", "zh"))
        if right < WEAK:
            en, zh = spoken(words.VALUES_EN[name]), spoken(words.VALUES_ZH[name])
            found.append({"attribute": name, "right": round(right, 2), "en": en, "zh": zh})
    return found


def spoken(values: words.Words) -> list[str]:
    """What tells the value: behind the place of the colour, if there is one, without an article."""
    told = {word.split("{c}")[-1].strip().removeprefix("a ") for group in values.values() for word in group}
    return sorted(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("training/results.json"))
    parser.add_argument("--model", type=Path, default=Path("search/models/xunren-small"))
    given = parser.parse_args()
    file = given.model / "weak.json"
    file.write_text(json.dumps({"weak": weak(given.results)}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"written to {file}")


if __name__ == "__main__":
    main()
