"""The made city as the benchmarks see it: its index, kept between runs, and the truth about who was where.

``python -m training.city`` makes the films (training/README.md); they are not in the repository. The index is made by
the product, as `xunren camera import` and `xunren index` do, in ``benchmarks/work/city-index``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.commands.camera_import import import_cameras
from api.composition import open_context
from api.jobs import open_executor
from api.runtime import AppContext
from indexer.importer import register
from search.config import Settings
from search.times import zone_of
from search.types import Box, Clip, Row, RowKind, Vectors
from search.vector_store import MemoryStore, VectorStore

WORK = Path(__file__).parent / "work"
FILMS = WORK / "city"
INDEX = WORK / "city-index"
OLD = ("昨天下午",)
"""One of the held-out wordings says "yesterday afternoon", but the films are older: this chip is removed."""
COVERED = 0.5  # of a person's true box must lie in the box of a clip
NEAR_MS = 1100  # films have a picture every two seconds


@dataclass(frozen=True, slots=True)
class Appearance:
    """One person in view of one camera, Unix ms, end inclusive; boxes by time, xyxy pixels."""

    camera: str
    start_ms: int
    end_ms: int
    boxes: dict[int, tuple[float, float, float, float]]

    def is_shown_by(self, clip: Clip) -> bool:
        """Whether the clip shows it: see the rule at the top of ``benchmarks/quality.py``."""
        if clip.camera_id != self.camera:
            return False
        overlap = min(clip.end_ms, self.end_ms) - max(clip.start_ms, self.start_ms)
        shorter = min(clip.end_ms - clip.start_ms, self.end_ms - self.start_ms)
        return overlap >= shorter / 2 and (clip.best.row.kind is RowKind.FRAME or self.has(clip.best.row))

    def has(self, row: Row) -> bool:
        """Whether the person is in the box of a row of this camera."""
        at = min(self.boxes, key=lambda time: abs(time - row.time_ms))
        return abs(at - row.time_ms) <= NEAR_MS and _inside(self.boxes[at], row.box) >= COVERED


def _inside(person: Sequence[float], box: Box) -> float:
    """Share of a person's box that lies in another box."""
    w = min(person[2], box.x2) - max(person[0], box.x1)
    h = min(person[3], box.y2) - max(person[1], box.y1)
    area = (person[2] - person[0]) * (person[3] - person[1])
    return w * h / area if w > 0 and h > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the city: where they were, in order of time, and sentences about them by language."""

    id: str
    speed_mps: float
    appearances: tuple[Appearance, ...]
    sentences: dict[str, tuple[str, ...]]

    def shown_by(self, clip: Clip) -> int | None:
        """Number of the appearance that the clip shows."""
        return next((n for n, seen in enumerate(self.appearances) if seen.is_shown_by(clip)), None)


@dataclass(frozen=True, slots=True)
class City:
    """Who was where, and by language sentences that fit nobody."""

    people: tuple[Person, ...]
    nobody: dict[str, tuple[str, ...]]
    cameras: dict[str, dict[str, Any]]


def load_city() -> City:
    """The truth that was written with the films."""
    truth = json.loads((FILMS / "truth.json").read_text("utf-8"))
    people = [_person(entry) for entry in truth["people"]]
    nobody = {
        lang: tuple(s["text"] for entry in truth["nobody"] for s in entry["sentences"][lang]) for lang in ("en", "zh")
    }
    return City(tuple(p for p in people if p.appearances), nobody, truth["cameras"])


def _person(entry: dict[str, Any]) -> Person:
    seen = [
        Appearance(a["camera"], a["start_ms"], a["end_ms"], {int(b[0]): tuple(b[1:]) for b in a["boxes"]})
        for a in sorted(entry["appearances"], key=lambda a: a["start_ms"])
    ]
    sentences = {lang: tuple(s["text"] for s in said) for lang, said in entry["sentences"].items()}
    return Person(entry["id"], entry["speed_mps"], tuple(seen), sentences)


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of an index with their vectors (n, dim)."""

    rows: Sequence[Row]
    vectors: Vectors

    @classmethod
    def of(cls, store: VectorStore) -> Rows:
        return cls(*store.sample(10**7))

    def store(self, keep: Callable[[Row], bool] = lambda _: True) -> MemoryStore:
        """A store of the rows that are kept: exact, and quick for so few."""
        kept = [n for n, row in enumerate(self.rows) if keep(row)]
        made = MemoryStore(dim=self.vectors.shape[1])
        made.upsert([self.rows[n] for n in kept], self.vectors[kept])
        return made


@contextmanager
def city_index(model: str, *, fresh: bool = False) -> Iterator[AppContext]:
    """All parts over the city's index; made if it is not there, or `fresh`."""
    folder = INDEX / model
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(data_dir=folder, model=model, timezone="UTC")
    if not (folder / "done").exists():
        _index(settings)
    with open_context(settings) as context:
        yield context


def _index(settings: Settings) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    import_cameras(settings, FILMS / "cameras.csv")
    with open_context(settings) as context, open_executor(context) as executor:
        zone, largest = zone_of("UTC"), settings.max_megapixels
        register(context.catalog, [FILMS], camera_id=None, start_ms=None, zone=zone, max_megapixels=largest)
        for report in executor.run():
            print(f"{report.segment.camera_id}: {report.state}, {report.seen} pictures, {report.rows} rows")
    (settings.data_dir / "done").touch()
