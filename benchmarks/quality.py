"""How good the answers are, on the made city (``python -m training.city`` makes it; training/README.md).

WHAT COUNTS AS FOUND. A clip shows a person if it is of a camera that saw them, overlaps the time in which they were in
its view by at least half of the shorter of the two, and, where the clip's best moment has a box, at least half of the
person's true box at that moment lies in it. Nothing else counts: a look-alike whom the sentence fits just as well is
wrong.

Every person is asked for with two sentences in each language, in words that training never saw, and one ranked list of
`DEPTH` clips is read from its beginning. Then each part of the ranking is switched off in turn, and the plain way is
asked beside it: the rows nearest by cosine, each a clip of its own. The city's people are made by the same scripts as
the model's training pictures (other people, other wording): this measures the search, not the model on real footage.

    python -m benchmarks.quality [--people N] [--fresh]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.runtime import AppContext
from benchmarks.city import OLD, City, Person, Rows, city_index, load_city
from benchmarks.run import Metric, publish
from search.config import Settings
from search.engine import SearchEngine
from search.query import Query
from search.types import Clip, Filter, Hit, Row, RowKind, Verdict
from search.vector_store import VectorStore

DEPTH = 100
LANGUAGES = ("en", "zh")
PLAIN_PAD_MS = 2000


@dataclass(frozen=True, slots=True)
class Ranks:
    """By sentence the place of the first right clip, from 1; `DEPTH` + 1 where none was among them."""

    ranks: Sequence[int]

    def found(self, at: int) -> float:
        """Share of sentences, in percent, whose first right clip is among the first `at`."""
        return 100 * sum(rank <= at for rank in self.ranks) / len(self.ranks)

    def metrics(self, name: str) -> list[Metric]:
        mean = sum(1 / rank for rank in self.ranks if rank <= DEPTH) / len(self.ranks)
        tenth = statistics.quantiles(self.ranks, n=10)[-1]
        return [
            *(Metric(f"{name}: found at {at}", self.found(at), "%") for at in (1, 5, 10)),
            Metric(f"{name}: mean reciprocal rank", mean, ""),
            Metric(f"{name}: clips watched until the first right one, median", statistics.median(self.ranks), ""),
            Metric(f"{name}: the same, nine of ten", tenth, ""),
        ]


Answerer = Callable[[str], Sequence[Clip]]


def ranks(people: Sequence[Person], lang: str, answer: Answerer) -> Ranks:
    """Ask for everybody; who is right, see the top of this file."""
    return Ranks([_rank(answer(text), person) for person in people for text in person.sentences[lang]])


def _rank(clips: Iterable[Clip], person: Person) -> int:
    return next((n for n, clip in enumerate(clips, 1) if person.shown_by(clip) is not None), DEPTH + 1)


def middles(rows: Sequence[Row]) -> set[str]:
    """Ids of one crop of each track, the middle one, and of all whole frames."""
    tracks: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        if row.kind is RowKind.PERSON:
            tracks.setdefault((row.segment_id, row.track), []).append(row)
    chosen = {sorted(t, key=lambda r: r.time_ms)[len(t) // 2].id for t in tracks.values()}
    return chosen | {row.id for row in rows if row.kind is RowKind.FRAME}


@dataclass(frozen=True, slots=True)
class Bench:
    """An index of the city, in memory, and who is in it."""

    context: AppContext
    city: City
    rows: Rows

    def engine(self, store: VectorStore | None = None, **settings: Any) -> SearchEngine:
        """The product's engine over these rows, with other settings."""
        changed = self.context.settings.model_copy(update=settings)
        return SearchEngine(changed, self.context.embedder, store or self.rows.store(), self.context.catalog)

    def answers(self, engine: SearchEngine, where: Filter = Filter()) -> Answerer:  # noqa: B008 - frozen
        return lambda text: engine.search(Query(text, where, limit=DEPTH, without=OLD)).clips

    def plain(self) -> Answerer:
        """The rows nearest by cosine, each a clip of its own."""
        store = self.rows.store()

        def answer(text: str) -> list[Clip]:
            hits = store.search(self.context.embedder.embed_texts([text])[0], DEPTH)
            return [_alone(hit) for hit in hits]

        return answer

    def variants(self) -> Iterator[tuple[str, Answerer]]:
        """The whole ranking, the plain way, and the ranking with one part changed."""
        whole, one = self.engine(), middles(self.rows.rows)
        yield "whole ranking", self.answers(whole)
        yield "plain rows by cosine", self.plain()
        yield "whole frames instead of crops", self.answers(whole, Filter(kinds=(RowKind.FRAME,)))
        yield "whole frames beside crops", self.answers(whole, Filter(kinds=tuple(RowKind)))
        yield "one crop of a track", self.answers(self.engine(self.rows.store(lambda row: row.id in one)))
        yield "without camera spread", self.answers(self.engine(camera_step=0.0))
        yield "hits not joined", self.answers(self.engine(clip_gap_s=0.0))


def _alone(hit: Hit) -> Clip:
    row = hit.row
    return Clip(row.camera_id, row.segment_id, row.time_ms - PLAIN_PAD_MS, row.time_ms + PLAIN_PAD_MS, hit, (hit,))


def verdicts(bench: Bench, shares: Sequence[float]) -> Iterator[Metric]:
    """How often "match" is wrong: for sentences that fit nobody, and for the first clip of those that fit somebody."""
    for share in shares:
        engine = bench.engine(false_match_share=share, false_maybe_share=max(share, 0.3))
        for lang in LANGUAGES:
            false = [
                engine.search(Query(text, limit=1, without=OLD)).verdict is Verdict.MATCH
                for text in bench.city.nobody[lang]
            ]
            yield Metric(f"false match share set to {share:g}, {lang}: measured", 100 * statistics.mean(false), "%")
            found = [engine.search(Query(p.sentences[lang][0], limit=1, without=OLD)) for p in bench.city.people]
            sure = [answer.verdict is Verdict.MATCH for answer in found]
            yield Metric(
                f"false match share set to {share:g}, {lang}: people who are there", 100 * statistics.mean(sure), "%"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=Settings().model)
    parser.add_argument("--people", type=int, default=150, help="ask for so many of the 150")
    parser.add_argument("--fresh", action="store_true", help="index the films again")
    given = parser.parse_args(arguments)
    metrics: list[Metric] = []
    with city_index(given.model, fresh=given.fresh) as context:
        city = load_city()
        people = city.people[: given.people]
        bench = Bench(context, city, Rows.of(context.store))
        for name, answer in bench.variants():
            for lang in LANGUAGES:
                metrics += ranks(people, lang, answer).metrics(f"{name}, {lang}")
                print(*(f"{m.name} {m.value:.4g}" for m in metrics[-6:-2]), sep="; ", flush=True)
        metrics += verdicts(bench, (0.02, 0.05, 0.1, 0.2))
    parameters = {
        "model": given.model,
        "people": len(people),
        "cameras": len(city.cameras),
        "rows": len(bench.rows.rows),
    }
    publish("quality", parameters, metrics)


if __name__ == "__main__":
    main()
