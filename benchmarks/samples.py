"""How often the right person's clip comes first on the sample videos, and what the verdicts are worth.

Every sentence of ``sample_videos/truth.json`` is asked of an index of the sample videos; a clip is right if the box of
its best moment lies on a person whom the sentence was written for (IoU above 0.4). Sentences that fit nobody there are
asked too: they should not be answered "match". The sample videos are made by the same scripts as the model's training
pictures (other people in them), so this says that the pipeline is whole, not how the model does on real footage.

    python -m benchmarks.samples [--model NAME]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.runtime import AppContext
from benchmarks.run import Metric, indexed, publish
from search.answer import Answer
from search.config import Settings
from search.query import Query
from search.types import Box, Clip, Verdict

SAMPLES = Path(__file__).parent.parent / "sample_videos"
NOBODY = (
    "a woman in a blue dress", "a man in a pink shirt", "a man in a white suit", "a man in green trousers",
    "a boy with a green backpack", "a woman with a yellow suitcase", "an old man in a wheelchair",
    "a man in a purple coat with a white hat", "a girl in a black and white striped dress", "a man on a bicycle",
    "穿蓝色连衣裙的女子", "穿粉色衬衫的男子", "穿白色西装的男子", "穿绿色裤子的男子", "背绿色书包的男孩",
    "拖黄色行李箱的女子", "坐轮椅的老人", "穿紫色大衣、戴白色帽子的男子", "穿黑白条纹裙的女孩", "骑自行车的男子",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A sentence of the truth and its answer: `rank` of the first right clip, or None."""

    lang: str
    rank: int | None
    verdict: Verdict


def shows(person: dict[str, Any], camera: str, time_ms: int, box: Box) -> bool:
    """Whether `box` is on that person of the truth, on that camera at that time."""
    boxes = [b for seen in person["appearances"] if seen["camera"] == camera for b in seen["boxes"]]
    near = min(boxes, key=lambda b: abs(b[0] - time_ms), default=None)
    if near is None or abs(near[0] - time_ms) > 600:
        return False
    return box.iou(Box(*(max(0, round(v)) for v in near[1:]))) > 0.4


@dataclass(frozen=True, slots=True)
class Bench:
    """An index of the sample videos and who is in them."""

    context: AppContext
    truth: dict[str, Any]

    def ask(self, sentence: str) -> Answer:
        return self.context.engine.search(Query(sentence))

    def true_sentences(self) -> Iterator[Asked]:
        for person in self.truth["people"]:
            for lang, sentences in person["sentences"].items():
                for sentence in sentences:
                    clips = self.ask(sentence).clips
                    rank = next((n for n, clip in enumerate(clips, 1) if _is_right(clip, person)), None)
                    yield Asked(lang, rank, clips[0].verdict)


def _is_right(clip: Clip, person: dict[str, Any]) -> bool:
    """Whether the clip's best moment has its box on that person."""
    row = clip.best.row
    return shows(person, clip.camera_id, row.time_ms, row.box)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=Settings().model)
    given = parser.parse_args(arguments)
    with indexed([SAMPLES], given.model) as (context, reports):
        bench = Bench(context, json.loads((SAMPLES / "truth.json").read_text("utf-8")))
        asked = list(bench.true_sentences())
        nobody = [bench.ask(sentence).verdict for sentence in NOBODY]
    rows = sum(report.rows for report in reports)
    parameters = {"model": given.model, "rows": rows, "sentences": len(asked), "sentences that fit nobody": len(nobody)}
    publish("samples", parameters, _metrics(asked, nobody))


def _metrics(asked: Sequence[Asked], nobody: Sequence[Verdict]) -> list[Metric]:
    metrics = []
    for lang in ("en", "zh"):
        ranks = [a.rank or 10**9 for a in asked if a.lang == lang]
        metrics += [Metric(f"right clip first, {lang}", _share([r == 1 for r in ranks]), "%")]
        metrics += [Metric(f"right clip among the first 3, {lang}", _share([r <= 3 for r in ranks]), "%")]
    right = [a.verdict for a in asked if a.rank == 1]
    wrong = [a.verdict for a in asked if a.rank != 1]
    for name, verdicts in (("first clip right", right), ("first clip wrong", wrong), ("fits nobody", nobody)):
        for verdict in Verdict if verdicts else ():
            share = _share([v is verdict for v in verdicts])
            metrics.append(Metric(f"verdict {verdict.value} where {name}", share, "%"))
    return metrics


def _share(hits: Sequence[bool]) -> float:
    return 100 * sum(hits) / len(hits)


if __name__ == "__main__":
    main()
