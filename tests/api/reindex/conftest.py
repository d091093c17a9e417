"""Open indexes: one of the sample videos, one with a second index beside it, and one on a Milvus server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.composition import open_context
from api.runtime.context import AppContext
from search.config import Settings
from tests.conftest import Demo
from tests.support.reindex import build
from tests.support.shared import run_folder, shared


@pytest.fixture
def context(demo_copy: Path) -> Iterator[AppContext]:
    """A context over a copy of the sample videos' index."""
    with open_context(Settings(data_dir=demo_copy)) as context:
        yield context


@pytest.fixture(scope="session")
def built_dir(demo: Demo, second_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sample videos' index with a second one that is ready, built once a run; only to be copied."""
    made = tmp_path_factory.mktemp("built") / "data"

    @contextmanager
    def start() -> Iterator[str]:
        shutil.copytree(demo.data_dir, made)
        with open_context(Settings(data_dir=made)) as context:
            build(context, second_model)
        yield str(made)

    with shared(run_folder(tmp_path_factory), "built", start) as folder:
        yield Path(folder)


@pytest.fixture
def built(built_dir: Path, tmp_path: Path) -> Path:
    """A copy of the index with a second one that is ready."""
    return Path(shutil.copytree(built_dir, tmp_path / "built"))


@pytest.fixture
def built_context(built: Path) -> Iterator[AppContext]:
    """A context over a copy of the index with a second one that is ready."""
    with open_context(Settings(data_dir=built)) as context:
        yield context


@pytest.fixture
def two_contexts(milvus: str, tmp_path: Path) -> Iterator[tuple[AppContext, AppContext]]:
    """Two contexts over one empty index on a Milvus server, as two processes have them."""
    settings = Settings(data_dir=tmp_path / "data", store_uri=milvus, timezone="UTC")
    with open_context(settings) as one, open_context(settings) as other:
        yield one, other
