"""Simulated cameras over RTSP on loopback, and a recorder beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.cameras import CameraServer, make_media
from tests.support.recorder import Station, station


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of a small moving picture, a key frame each second."""
    return make_media(tmp_path_factory.mktemp("media"), width=320, height=180)


@pytest.fixture
def cameras(media: Path) -> Iterator[CameraServer]:
    """Two cameras, one of which is to be disturbed and one never."""
    with CameraServer({"bad": media, "good": media}, user="operator", password="s3cret/&") as server:
        yield server


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Station]:
    """An empty folder with quick settings."""
    with station(tmp_path) as made:
        yield made
