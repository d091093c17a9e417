from __future__ import annotations

from dataclasses import replace

import pytest

from search.catalog.catalog import Catalog
from search.catalog.recordings import RecorderUpdate
from search.catalog.streams import CameraConfig
from search.errors import Unavailable
from search.stream_types import Health, Rules, StreamState
from search.types import Camera, StreamRole
from tests.support.catalog import SQUARE, T, stream


def test_streams_are_kept_with_their_beginning(catalog: Catalog) -> None:
    main, sub = stream(), stream(role=StreamRole.SUB)
    catalog.streams.set("gate", [main, sub])
    catalog.streams.set("hall", [stream("hall")])
    assert catalog.streams.all() == [main, sub, stream("hall")]
    assert catalog.streams.indexed() == [sub, stream("hall")]
    catalog.streams.set("gate", [replace(main, sealed="other", since_ms=T + 99)])
    assert catalog.streams.all()[0] == replace(main, sealed="other"), "a new address is no new beginning"
    catalog.streams.set("gate", [])
    assert catalog.streams.all() == [stream("hall")]


def test_a_stream_that_ends_takes_its_health_along(catalog: Catalog) -> None:
    catalog.streams.set("gate", [stream(), stream(role=StreamRole.SUB)])
    both = [
        Health("gate", role, StreamState.RECORDING, "fine", T, fps=25.0) for role in (StreamRole.MAIN, StreamRole.SUB)
    ]
    catalog.recordings.write(RecorderUpdate(health=both))
    assert catalog.recordings.health() == both
    catalog.recordings.write(RecorderUpdate(health=[replace(both[0], state=StreamState.NO_FRAMES)] * 2))
    assert catalog.recordings.health()[0].state is StreamState.NO_FRAMES
    catalog.streams.set("gate", [stream()])
    assert [health.role for health in catalog.recordings.health()] == [StreamRole.MAIN]


def test_many_cameras_are_put_at_once(catalog: Catalog) -> None:
    catalog.streams.set("gate", [stream(), stream(role=StreamRole.SUB)])
    catalog.recordings.write(
        RecorderUpdate(
            health=[Health("gate", role, StreamState.RECORDING) for role in (StreamRole.MAIN, StreamRole.SUB)]
        )
    )
    wanted = [
        CameraConfig(Camera("gate", "North"), (stream(),), Rules("gate", 7, (SQUARE,))),
        CameraConfig(Camera("hall", "Hall")),
        *(CameraConfig(Camera(f"c{n}"), (stream(f"c{n}"),)) for n in range(1200)),
    ]
    catalog.streams.put(wanted)
    ids = [item.camera.id for item in wanted]
    assert catalog.streams.configs([*ids, "nobody"]) == {item.camera.id: item for item in wanted}
    assert len(catalog.cameras.all()) == 1202
    assert [health.role for health in catalog.recordings.health()] == [StreamRole.MAIN]
    catalog.streams.put([])
    catalog.streams.put([CameraConfig(Camera("gate"))])
    assert catalog.streams.configs(["gate"]) == {"gate": CameraConfig(Camera("gate"))}


def test_putting_is_all_or_nothing(catalog: Catalog) -> None:
    wrong = CameraConfig(Camera("gate", "changed"), (stream("nobody"),))
    with pytest.raises(Unavailable):
        catalog.streams.put([CameraConfig(Camera("new")), wrong])
    assert catalog.streams.configs(["gate", "new"]) == {"gate": CameraConfig(Camera("gate"))}


def test_rules_replace_each_other(catalog: Catalog) -> None:
    assert catalog.streams.rules() == {}
    catalog.streams.set_rules(Rules("gate", 7, (SQUARE, SQUARE)))
    catalog.streams.set_rules(Rules("hall"))
    assert catalog.streams.rules() == {"gate": Rules("gate", 7, (SQUARE, SQUARE)), "hall": Rules("hall")}
    catalog.streams.set_rules(Rules("gate", 0.5))
    assert catalog.streams.rules()["gate"] == Rules("gate", 0.5)
