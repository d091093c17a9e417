"""The domain's plain data and the HTTP models are one shape: each takes the other's without a field more or less."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from api.cases.case_store import cases_of
from api.cases.investigation import CaseSearchOptions, CaseService
from api.cases.types import CaseInput, LastSeen
from api.cases.views import CaseView
from api.runtime.context import AppContext
from api.web.routes.cases import WebLinks
from api.web.routes.search import served
from api.web.schemas.cases import CaseAnswer, CaseOut, SightingOut, TrailOut
from api.web.schemas.search import SearchAnswer
from search.query import Query
from tests.support.browser import small_index

VIDEOS = (("gate", "red"), ("yard", "blue"))
QUERY = "a man in a red coat without a bag"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    with small_index(tmp_path_factory.mktemp("shapes"), VIDEOS) as opened:
        yield opened


@pytest.fixture(scope="module")
def answer(context: AppContext) -> dict[str, Any]:
    data = served(context.engine.search(Query(QUERY)), context.zone)
    assert data["clips"]
    assert data["parsed"]["chips"]
    return data


def check_same(model: type[BaseModel], data: dict[str, Any]) -> None:
    """Raise where `model` lacks a field of `data`, adds one, or changes a value."""
    assert model.model_validate(data).model_dump(mode="json", by_alias=True) == data


def test_an_answer(answer: dict[str, Any]) -> None:
    check_same(SearchAnswer, answer)


def test_an_answer_of_the_command_line_lacks_the_address_of_the_clip_only(
    context: AppContext, answer: dict[str, Any]
) -> None:
    data = context.engine.search(Query(QUERY)).as_dict(context.zone, lambda _: "thumbnail.jpg")
    assert data.keys() == answer.keys()
    assert all(clip.keys() == answer["clips"][0].keys() - {"clip_url"} for clip in data["clips"])


@pytest.mark.parametrize("place", [(), ("clips", 0), ("parsed",), ("coverage",)])
def test_a_field_that_is_not_declared_is_refused(answer: dict[str, Any], place: tuple[str | int, ...]) -> None:
    changed = SearchAnswer.model_validate(answer).model_dump(mode="json")
    part: Any = changed
    for step in place:
        part = part[step]
    part["unknown"] = 1
    with pytest.raises(ValidationError, match="unknown"):
        SearchAnswer.model_validate(changed)
    assert SearchAnswer.model_json_schema()["additionalProperties"] is True


def test_a_case_with_its_sighting_and_trail(context: AppContext, tmp_path: Path) -> None:
    store = cases_of(context.settings, context.catalog)
    last_seen = LastSeen(1_762_000_000_000, place="home")
    case = store.new(CaseInput("Li Ming", ("a man in a red coat",), last_seen), ())
    service = CaseService(context, store)
    findings = service.search(case.id, CaseSearchOptions())
    data = findings.as_dict(served(findings.answer, context.zone))
    check_same(CaseAnswer, data)
    sighting = service.confirm(case.id, data["clips"][0]["id"], "at the gate")
    view = CaseView(context.catalog, context.zone, WebLinks())
    check_same(CaseOut, view.full(store.case(case.id)))
    check_same(SightingOut, view.sighting(case.id, sighting))
    check_same(TrailOut, view.trail(store.case(case.id)))
