"""The store of cases: rows in the catalogue's database, pictures in the data folder. Each case has a folder of its own.

Whatever is handed in is checked before anything is written; a case that is refused leaves nothing behind.
"""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from api.cases import tables as t
from api.cases.pictures import CasePictures, existing
from api.cases.types import Case, CaseInput, Sighting, Sign, check_looks
from search.catalog import Catalog, tables
from search.config import Settings
from search.errors import Conflict, NotFound
from search.parsing import content_policy
from search.times import now_ms

_ID = re.compile(r"\d{4}-\d{4,8}")
_NEAREST = 5


class CaseStore:
    """Cases in an open catalogue. Safe for many threads. Every method raises `Unavailable` where the database fails.

    `pictures` says where they lie.

    Args:
        catalog: open; opened and closed by whoever made it.
        folder: folder of the pictures; made when first needed.
    """

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        self._catalog = catalog
        self.pictures = CasePictures(folder)

    # cases ---------------------------------------------------------------------------------------------------

    def new(self, draft: CaseInput, photos: Sequence[bytes] = (), at_ms: int | None = None) -> Case:
        """Open a case. Its id is the year and a running number.

        Args:
            draft: checked.
            photos: JPEG.
            at_ms: when it was opened; now where it is not given.

        Raises:
            BadInput: nothing says what the person looks like.
            PolicyViolation: the content policy forbids a sentence.
            NotFound: the camera where they were last seen is unknown.
        """
        check_looks(draft.sentences, len(photos))
        _check_sentences(draft.sentences)
        self._check_seen(draft)
        created = now_ms() if at_ms is None else at_ms
        values = t.case_values(draft) | {"created_ms": created, "last_photo": 0, "last_mark": 0, "last_sighting": 0}
        year = time.gmtime(created / 1000).tm_year

        with self._catalog.begin() as db:
            tables.alone(db)  # else two may count the same number
            case_id = f"{year}-{t.next_of_year(db, year):04d}"
            db.execute(t.cases.insert().values(id=case_id, **values))
            t.put_sentences(db, case_id, draft.sentences)
            self._add_photos(db, case_id, photos)
        return self.case(case_id)

    def case(self, case_id: str) -> Case:
        """Return one case. Raises `NotFound`, naming the nearest known ids."""
        cases = self._read(case_id) if _ID.fullmatch(case_id) else []
        if not cases:
            with self._catalog.begin() as db:
                known = list(db.scalars(sa.select(t.cases.c.id).order_by(t.cases.c.created_ms.desc())))
            near = difflib.get_close_matches(case_id, known, n=_NEAREST, cutoff=0.4) or known[:_NEAREST]
            raise NotFound(
                "there is no such case",
                got=repr(case_id),
                expected=", ".join(near) or "(no case yet)",
                cure="`xunren case list` shows all",
            )
        return cases[0]

    def cases(self) -> list[Case]:
        """Return all cases, the newest first."""
        return self._read(None)

    def change(
        self, case_id: str, draft: CaseInput, add_photos: Sequence[bytes] = (), drop_photos: Collection[int] = ()
    ) -> Case:
        """Let this stand in the case instead of what stood there, with these photos (JPEG) more, and those less."""
        before = self.case(case_id)
        for number in drop_photos:
            _check_photo(before, number)
        check_looks(draft.sentences, len(before.photos) - len(set(drop_photos)) + len(add_photos))
        _check_sentences(draft.sentences, known=before.draft.sentences)
        if draft.last_seen != before.draft.last_seen:
            self._check_seen(draft)
        with self._catalog.begin() as db:
            db.execute(t.cases.update().where(t.cases.c.id == case_id).values(**t.case_values(draft)))
            db.execute(t.sentences.delete().where(t.sentences.c.case_id == case_id))
            t.put_sentences(db, case_id, draft.sentences)
            p = t.photos.c
            db.execute(t.photos.delete().where(p.case_id == case_id, p.number.in_(list(drop_photos))))
            self._add_photos(db, case_id, add_photos)
        for number in drop_photos:
            self.pictures.photo(case_id, number).unlink(missing_ok=True)
        return self.case(case_id)

    def close(self, case_id: str, *, closed: bool = True) -> Case:
        """Close a case, or open it again. A closed case keeps everything, holds too."""
        before = self.case(case_id)
        if closed != (before.closed_ms is not None):
            values = {"closed_ms": now_ms() if closed else None}
            with self._catalog.begin() as db:
                db.execute(t.cases.update().where(t.cases.c.id == case_id).values(**values))
        return self.case(case_id)

    def delete(self, case_id: str) -> None:
        """Remove a case with its pictures and the holds of its sightings."""
        case = self.case(case_id)
        with self._catalog.begin() as db:
            for part in t.PARTS:
                db.execute(part.delete().where(part.c.case_id == case_id))
            db.execute(t.cases.delete().where(t.cases.c.id == case_id))
        for sighting in case.sightings:
            self._let_go(sighting.hold_id)
        self.pictures.remove(case_id)

    # marks ---------------------------------------------------------------------------------------------------

    def mark(self, case_id: str, clip_id: str, sign: Sign) -> Case:
        """Add a mark to the case's history."""
        self.case(case_id)
        with self._catalog.begin() as db:
            number = t.next_number(db, case_id, t.cases.c.last_mark)
            values = {"clip_id": clip_id, "sign": sign.value, "made_ms": now_ms()}
            db.execute(t.marks.insert().values(case_id=case_id, number=number, **values))
        return self.case(case_id)

    def undo(self, case_id: str) -> Case:
        """Take back the last mark that is not undone. Raises `Conflict` where there is none."""
        if not self.case(case_id).marks:
            raise Conflict("there is no mark to undo", got=case_id, cure="`xunren case show ID` lists the marks")
        return self.mark(case_id, "", Sign.UNDO)

    # sightings -----------------------------------------------------------------------------------------------

    def confirm(self, case_id: str, sighting: Sighting, picture: bytes | None) -> Sighting:
        """Keep a sighting with its picture (JPEG), and its recording from retention; the same one again is that one.

        Its number, time of confirming and hold are given here. A note that comes with the same one replaces the old.
        """
        known = self._known(case_id, sighting)
        if known is not None:
            return self._with_note(case_id, known, sighting.note)
        hold = self._catalog.retention.add_hold(
            sighting.camera_id, sighting.start_ms, sighting.end_ms, f"case {case_id}"
        )
        try:
            with self._catalog.begin() as db:
                number = t.next_number(db, case_id, t.cases.c.last_sighting)
                made = replace(sighting, number=number, confirmed_ms=now_ms(), hold_id=hold.id)
                db.execute(t.sightings.insert().values(case_id=case_id, **t.sighting_values(made)))
                if picture is not None:
                    self.pictures.put(self.pictures.still(case_id, number), picture)
        except BaseException:
            self._let_go(hold.id)
            known = self._known(case_id, sighting)  # somebody else was quicker
            if known is None:
                raise
            return known
        return made

    def withdraw(self, case_id: str, number: int) -> Sighting:
        """Take a sighting back, and its hold. Raises `NotFound`."""
        withdrawn = sighting_of(self.case(case_id), number)
        s = t.sightings.c
        with self._catalog.begin() as db:
            db.execute(t.sightings.delete().where(s.case_id == case_id, s.number == number))
        self._let_go(withdrawn.hold_id)
        self.pictures.still(case_id, number).unlink(missing_ok=True)
        return withdrawn

    def _known(self, case_id: str, sighting: Sighting) -> Sighting | None:
        return next((s for s in self.case(case_id).sightings if s.track == sighting.track), None)

    def _with_note(self, case_id: str, sighting: Sighting, note: str) -> Sighting:
        if not note or note == sighting.note:
            return sighting
        s = t.sightings.c
        with self._catalog.begin() as db:
            own = sa.and_(s.case_id == case_id, s.number == sighting.number)
            db.execute(t.sightings.update().where(own).values(note=note))
        return replace(sighting, note=note)

    def _let_go(self, hold_id: int) -> None:
        with suppress(NotFound):  # somebody removed it by hand
            self._catalog.retention.remove_hold(hold_id)

    # pictures ------------------------------------------------------------------------------------------------

    def photo(self, case: Case, number: int) -> Path:
        """Return the file of a photo. Raises `NotFound`."""
        _check_photo(case, number)
        return existing(self.pictures.photo(case.id, number))

    def still(self, case: Case, number: int) -> Path:
        """Return the file of a sighting's picture. Raises `NotFound`."""
        sighting_of(case, number)
        return existing(self.pictures.still(case.id, number))

    # rows ----------------------------------------------------------------------------------------------------

    def _read(self, case_id: str | None) -> list[Case]:
        with self._catalog.begin() as db:
            return t.read(db, case_id)

    def _check_seen(self, draft: CaseInput) -> None:
        if draft.last_seen and draft.last_seen.camera_id:
            self._catalog.cameras.check([draft.last_seen.camera_id])

    def _add_photos(self, db: sa.Connection, case_id: str, photos: Iterable[bytes]) -> None:
        for jpeg in photos:
            number = t.next_number(db, case_id, t.cases.c.last_photo)
            db.execute(t.photos.insert().values(case_id=case_id, number=number))
            self.pictures.put(self.pictures.photo(case_id, number), jpeg)


def cases_of(settings: Settings, catalog: Catalog) -> CaseStore:
    """Return the cases of an index; `catalog` is open."""
    return CaseStore(catalog, settings.data_dir / "cases")


def sighting_of(case: Case, number: int) -> Sighting:
    """Return one sighting of a case. Raises `NotFound`, naming those that there are."""
    sighting = next((s for s in case.sightings if s.number == number), None)
    if sighting is None:
        known = ", ".join(str(s.number) for s in case.sightings) or "(none yet)"
        raise NotFound(f"case {case.id} has no such sighting", got=number, expected=known)
    return sighting


def _check_sentences(sentences: Iterable[str], known: Collection[str] = ()) -> None:
    """Raise `PolicyViolation` for new sentences only, so that a case with an older one can still be closed."""
    for sentence in sentences:
        if sentence not in known:
            content_policy.check_policy(sentence)


def _check_photo(case: Case, number: int) -> None:
    if number not in case.photos:
        known = ", ".join(map(str, case.photos)) or "(none yet)"
        raise NotFound(f"case {case.id} has no such photo", got=number, expected=known)
