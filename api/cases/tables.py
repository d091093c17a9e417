"""The tables of cases. They lie beside the catalogue's, in the same database; used by `api.cases.case_store` only.

Numbers are counted in columns, not by the database: they start at 1 for each case, and none is given twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from api.cases.types import Case, CaseInput, LastSeen, Mark, Sighting, Sign, marks_of
from search.catalog import metadata
from search.errors import NotFound
from search.types import Box

years = sa.Table(
    "case_years",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_number", sa.Integer, nullable=False),
)
cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("seen_ms", sa.BigInteger),
    sa.Column("seen_camera", sa.String(64), nullable=False),
    sa.Column("seen_lat", sa.Float),
    sa.Column("seen_lon", sa.Float),
    sa.Column("seen_place", sa.Text, nullable=False),
    sa.Column("speed_mps", sa.Float, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("closed_ms", sa.BigInteger),
    sa.Column("last_photo", sa.Integer, nullable=False),
    sa.Column("last_mark", sa.Integer, nullable=False),
    sa.Column("last_sighting", sa.Integer, nullable=False),
)


def _of_case() -> sa.Column[Any]:
    return sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True)


def _number() -> sa.Column[Any]:
    return sa.Column("number", sa.Integer, primary_key=True, autoincrement=False)


sentences = sa.Table("case_sentences", metadata, _of_case(), _number(), sa.Column("text", sa.Text, nullable=False))
photos = sa.Table("case_photos", metadata, _of_case(), _number())
marks = sa.Table(
    "case_marks",
    metadata,
    _of_case(),
    _number(),
    sa.Column("clip_id", sa.String(256), nullable=False),
    sa.Column("sign", sa.String(8), nullable=False),
    sa.Column("made_ms", sa.BigInteger, nullable=False),
)
sightings = sa.Table(
    "case_sightings",
    metadata,
    _of_case(),
    _number(),
    sa.Column("track", sa.String(256), nullable=False),
    sa.Column("clip_id", sa.String(256), nullable=False),
    sa.Column("camera_id", sa.String(64), nullable=False),
    sa.Column("segment_id", sa.String(32), nullable=False),
    *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("start_ms", "end_ms", "time_ms")),
    *(sa.Column(name, sa.Integer, nullable=False) for name in ("x1", "y1", "x2", "y2", "frame_width", "frame_height")),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("confirmed_ms", sa.BigInteger, nullable=False),
    sa.Column("hold_id", sa.Integer, nullable=False),
    sa.UniqueConstraint("case_id", "track"),
)
PARTS = (sentences, photos, marks, sightings)
_SIGHTING = [name for name in Sighting.__dataclass_fields__ if name != "box"]


def case_values(draft: CaseInput) -> dict[str, Any]:
    """Return the column values of a case, without the sentences."""
    seen = draft.last_seen
    return {
        "name": draft.name,
        "seen_ms": seen.time_ms if seen else None,
        "seen_camera": seen.camera_id if seen else "",
        "seen_lat": seen.lat if seen else None,
        "seen_lon": seen.lon if seen else None,
        "seen_place": seen.place if seen else "",
        "speed_mps": draft.speed_mps,
        "note": draft.note,
    }


def to_draft(row: RowMapping, its_sentences: tuple[str, ...]) -> CaseInput:
    """Return what people wrote, from a case's row."""
    seen = None
    if row["seen_ms"] is not None:
        seen = LastSeen(row["seen_ms"], row["seen_camera"], row["seen_lat"], row["seen_lon"], row["seen_place"])
    return CaseInput(row["name"], its_sentences, seen, row["speed_mps"], row["note"])


def sighting_values(sighting: Sighting) -> dict[str, Any]:
    """Return the column values of a sighting, without its case."""
    corners = dict(zip(("x1", "y1", "x2", "y2"), sighting.box.xyxy, strict=True))
    return {name: getattr(sighting, name) for name in _SIGHTING} | corners | {"track": sighting.track}


def to_sighting(row: RowMapping) -> Sighting:
    """Return the sighting in a row."""
    box = Box(row["x1"], row["y1"], row["x2"], row["y2"])
    return Sighting(**{name: row[name] for name in _SIGHTING}, box=box)


def put_sentences(db: sa.Connection, case_id: str, texts: Iterable[str]) -> None:
    """Let these be the sentences of a case that has none."""
    for number, text in enumerate(texts, start=1):
        db.execute(sentences.insert().values(case_id=case_id, number=number, text=text))


def read(db: sa.Connection, case_id: str | None) -> list[Case]:
    """Read one case if it exists, or all of them, the newest first."""
    query = sa.select(cases).order_by(cases.c.created_ms.desc(), cases.c.id.desc())
    rows = db.execute(query if case_id is None else query.where(cases.c.id == case_id)).mappings().all()
    texts, pictures, history, seen = (_by_case(db, part, case_id) for part in PARTS)
    return [
        Case(
            id=row["id"],
            draft=to_draft(row, tuple(one["text"] for one in texts.get(row["id"], ()))),
            created_ms=row["created_ms"],
            closed_ms=row["closed_ms"],
            photos=tuple(one["number"] for one in pictures.get(row["id"], ())),
            marks=marks_of(Mark(one["clip_id"], Sign(one["sign"])) for one in history.get(row["id"], ())),
            sightings=tuple(to_sighting(one) for one in seen.get(row["id"], ())),
        )
        for row in rows
    ]


def _by_case(db: sa.Connection, part: sa.Table, case_id: str | None) -> dict[str, list[Any]]:
    """Return case id -> its rows in a table, by number."""
    query = sa.select(part).order_by(part.c.case_id, part.c.number)
    found: dict[str, list[Any]] = {}
    for row in db.execute(query if case_id is None else query.where(part.c.case_id == case_id)).mappings():
        found.setdefault(row["case_id"], []).append(row)
    return found


def next_of_year(db: sa.Connection, year: int) -> int:
    """Increment the counter of a year and return it."""
    counted = years.update().where(years.c.year == year).values(last_number=years.c.last_number + 1)
    number = db.scalar(counted.returning(years.c.last_number))
    if number is None:
        db.execute(years.insert().values(year=year, last_number=1))
        return 1
    return int(number)


def next_number(db: sa.Connection, case_id: str, counter: sa.Column[int]) -> int:
    """Increment one of a case's counters and return it. Raises `NotFound`."""
    counted = cases.update().where(cases.c.id == case_id).values({counter: counter + 1}).returning(counter)
    number = db.scalar(counted)
    if number is None:
        raise NotFound("there is no such case", got=repr(case_id), cure="it was deleted just now")
    return int(number)
