"""What a clip is watched with: the boxes of its people, and the cameras around at that time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from api.accounts.account_store import AccountStore
from api.accounts.types import AccessScope, AccountInput, UserRole
from api.runtime.context import AppContext
from search.times import now_ms
from tests.support.accounts import PASSWORD, REASON, a_case, sign_in, town, town_server

PLACES = {"gate": (31.23, 121.47), "hall": (31.2305, 121.4703)}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppContext]:
    with town(tmp_path_factory.mktemp("around")) as context:
        for camera, (lat, lon) in PLACES.items():
            context.catalog.cameras.add(replace(context.catalog.cameras.get(camera), lat=lat, lon=lon))
        yield context


@pytest.fixture(scope="module")
def url(context: AppContext) -> Iterator[str]:
    with town_server(context) as url:
        yield url


@pytest.fixture(scope="module")
def oscar(url: str) -> httpx.Client:
    return sign_in(url, "oscar")


@pytest.fixture(scope="module")
def clip(oscar: httpx.Client) -> dict[str, Any]:
    body = {"query": "red", "cameras": ["gate"], "case": a_case(oscar), "reason": REASON}
    found: dict[str, Any] = oscar.post("/api/search", json=body).json()["clips"][0]
    return found


def test_the_boxes_go_through_the_clip_and_its_best_moment(oscar: httpx.Client, clip: dict[str, Any]) -> None:
    boxes = oscar.get("/api/tracks", params={"tracks": clip["tracks"]}).json()["boxes"]
    times = [box[0] for box in boxes]
    assert [clip["time_ms"], *clip["box"]] in boxes
    assert times == sorted(set(times))
    assert len(times) > 2
    assert clip["start_ms"] <= times[0] < times[-1] <= clip["end_ms"]


def test_what_was_indexed_before_boxes_were_kept_has_none(
    context: AppContext, oscar: httpx.Client, clip: dict[str, Any]
) -> None:
    segment = str(clip["segment"])
    kept = context.media.tracks(segment)
    assert kept is not None
    (context.settings.media_dir / "thumbnails" / segment / "tracks.json").unlink()
    try:
        assert oscar.get("/api/tracks", params={"tracks": clip["tracks"]}).json() == {"boxes": []}
    finally:
        context.media.put_tracks(segment, kept)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("tracks=x", 400),
        ("tracks=..%2f..%2fcatalog-p1-1", 400),
        (f"tracks={'0' * 24}-p1-1", 404),
        ("&".join([f"tracks={'0' * 24}-p1-1"] * 65), 400),
    ],
)
def test_what_is_no_track_is_refused(oscar: httpx.Client, query: str, status: int) -> None:
    assert oscar.get(f"/api/tracks?{query}").status_code == status


def test_the_cameras_around_show_the_same_time(context: AppContext, oscar: httpx.Client, clip: dict[str, Any]) -> None:
    moment = context.catalog.segments.by_id([str(clip["segment"])])[str(clip["segment"])].start_ms + 1000
    (hall,) = oscar.get("/api/cameras/gate/near", params={"time_ms": moment}).json()["cameras"]
    assert (hall["camera"], hall["metres"]) == ("hall", pytest.approx(62, abs=2))
    assert hall["start_ms"] <= moment < hall["end_ms"]
    assert oscar.get(hall["clip_url"]).headers["content-type"] == "video/mp4"
    (then,) = oscar.get("/api/cameras/gate/near", params={"time_ms": now_ms()}).json()["cameras"]
    assert then["clip_url"] is None, "nothing was recorded then"


def test_neighbours_of_another_district_and_of_long_ago_are_not_told(context: AppContext, url: str) -> None:
    segment = next(
        iter(context.catalog.segments.by_id([row.segment_id for row in context.store.sample(1)[0]]).values())
    )
    olga = sign_in(url, "olga")
    assert olga.get("/api/cameras/gate/near", params={"time_ms": segment.start_ms}).json() == {"cameras": []}
    young = AccountInput("young", frozenset({UserRole.OPERATOR}), AccessScope(everything=True, back_hours=1))
    AccountStore(context.catalog).add(young, PASSWORD)
    (hall,) = (
        sign_in(url, "young").get("/api/cameras/gate/near", params={"time_ms": segment.start_ms}).json()["cameras"]
    )
    assert hall["clip_url"] is None
    answer = sign_in(url, "young").get("/api/tracks", params={"tracks": f"{segment.id}-p1-0"})
    assert answer.status_code == 404
