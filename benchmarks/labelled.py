"""Sentences over a folder of real footage through the whole product, both languages apart.

The folder holds videos and ``labels.json``: for each video, sentences in English and Chinese with the time ranges, in
seconds from its start, in which each is true. Right is a clip whose best moment lies in one of them, give or take half
a second.

    python -m benchmarks.labelled ../shared/real [--model NAME]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.run import Metric, indexed, publish
from search.answer import Answer
from search.config import Settings
from search.query import Query

FIRST = 3  # clips among which the right one counts as found
SLACK_S = 0.5


def found(answer: Answer, video: str, ranges: Sequence[tuple[float, float]]) -> bool:
    """Whether a right clip is among the first."""
    for clip in answer.clips[:FIRST]:
        segment = answer.segments[clip.segment_id]
        at = (clip.best.row.time_ms - segment.start_ms) / 1000
        inside = any(begin - SLACK_S <= at <= end + SLACK_S for begin, end in ranges)
        if Path(segment.path).name == video and inside:
            return True
    return False


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=Settings().model)
    given = parser.parse_args(arguments)
    videos: dict[str, Any] = json.loads((given.folder / "labels.json").read_text("utf-8"))["videos"]
    asked = [(video, query) for video, data in videos.items() for query in data["queries"]]
    metrics = [Metric("sentences", len(asked), "")]
    with indexed([given.folder / video for video in videos], given.model) as (context, _):
        for lang in ("en", "zh"):
            right = sum(found(context.engine.search(Query(q[lang])), video, q["ranges"]) for video, q in asked)
            metrics.append(Metric(f"right clip among the first {FIRST}, {lang}", right, ""))
    publish("labelled", {"model": given.model, "videos": list(videos)}, metrics)


if __name__ == "__main__":
    main()
