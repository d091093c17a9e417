"""Every detector of the settings is in the table, and another name is refused."""

from __future__ import annotations

from typing import get_args

import pytest

from indexer.detection.registry import DETECTORS, make_detector
from search.config import Settings
from search.errors import BadInput


def test_the_setting_and_the_table_name_the_same_detectors() -> None:
    assert set(get_args(Settings.model_fields["detector"].annotation)) == set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS)
def test_each_is_made_without_loading_its_weights(name: str) -> None:
    make_detector(name, weights="no such file.pth", device="cpu").close()


def test_unknown_detectors_are_refused() -> None:
    with pytest.raises(BadInput) as e:
        make_detector("yolo")
    assert e.value.expected == " or ".join(DETECTORS)
