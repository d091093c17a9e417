"""A new model at the command line: plan, build, switch, roll back, drop, and a part that is not switched to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Command, Outcome
from tests.support.reindex import SENTENCE, contents, states
from tests.support.turned import turned_model


def best(xunren: Command, data: Path) -> list[str]:
    outcome = xunren("search", SENTENCE, "--data-dir", data, "--json")
    assert outcome.code == 0, outcome.err
    return [clip["id"] for clip in outcome.json["clips"]]


def test_plan_build_switch_roll_back_and_drop(demo_copy: Path, second_model: str, xunren: Command) -> None:
    def reindex(*words: str) -> Outcome:
        return xunren("reindex", *words, "--data-dir", demo_copy, "--json")

    def states_after(*words: str) -> Any:
        outcome = reindex(*words)
        assert outcome.code == 0, outcome.err
        return states(outcome.json)

    before = best(xunren, demo_copy)
    planned = reindex("--model", second_model, "--plan")
    assert (planned.code, planned.json["segments_left"]) == (0, 4), planned.err
    assert states_after("status") == {"xunren": "live"}
    assert states_after("--model", second_model) == {"xunren": "live", "xunren_2": "ready"}
    index = contents(demo_copy)
    assert index["live"][0] == index["ready"][0]
    assert not np.allclose(index["live"][1], index["ready"][1], atol=0.1)
    assert reindex("--model", "xunren-small").code == 1  # it answers already
    assert reindex("rollback").code == 1  # the other one never answered
    assert states_after("switch") == {"xunren": "old", "xunren_2": "live"}
    assert best(xunren, demo_copy)[:3] == before[:3]
    assert states_after("rollback") == {"xunren": "live", "xunren_2": "old"}
    assert best(xunren, demo_copy) == before
    assert states_after("switch") == {"xunren": "old", "xunren_2": "live"}
    assert states_after("drop") == {"xunren_2": "live"}
    assert "Model" not in xunren("doctor", "--deep", "--data-dir", demo_copy).err


def test_a_part_and_a_setting_that_fits_no_index_are_refused(
    demo_copy: Path, second_model: str, xunren: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ("--data-dir", demo_copy, "--json")
    part = xunren("reindex", "--model", second_model, "--camera", "gate", *here)
    assert [i["done"] for i in part.json["indexes"] if i["state"] == "ready"] == [1]
    refused = xunren("reindex", "switch", *here)
    assert refused.code == 1
    assert "a part of the recordings" in " ".join(refused.err.split())
    assert xunren("reindex", "--model", second_model, "--camera", "nowhere", *here).code == 1
    third = turned_model(tmp_path / "third", seed=2)
    assert "a second index of another model" in xunren("reindex", "--model", third, "--data-dir", demo_copy).err
    monkeypatch.setenv("XUNREN_MODEL", third)
    assert "made with another model" in xunren("search", SENTENCE, "--data-dir", demo_copy).err
