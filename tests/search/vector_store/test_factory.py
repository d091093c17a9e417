"""The one place where a vector store is made of the settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from search.config import Settings
from search.errors import BadInput, Conflict
from search.vector_store.factory import open_vector_store
from search.vector_store.memory import MemoryStore
from tests.search.vector_store.test_milvus import DIM, make_row, unit

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:google.protobuf")


def test_the_store_is_open_and_lies_where_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with open_vector_store(settings, collection="rows", dim=DIM) as store:
        store.upsert([make_row("a")], unit(1, np.random.default_rng(0)))
        assert store.count() == 1
    assert (tmp_path / "vectors.db").is_dir()
    with open_vector_store(settings, collection="rows", dim=DIM) as again:
        assert again.ids() == {"a"}
    with pytest.raises(Conflict, match="another length"):
        open_vector_store(settings, collection="rows", dim=2 * DIM)


def test_addresses_and_neighbours_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not an address"):
        open_vector_store(Settings(data_dir=tmp_path, store_uri="tcp://host:1"), collection="rows", dim=DIM)
    with pytest.raises(BadInput, match="same kind"):
        open_vector_store(Settings(data_dir=tmp_path), collection="rows", dim=DIM, beside=MemoryStore(dim=DIM))


def test_importing_the_room_loads_no_store() -> None:
    code = (
        "import sys, search.vector_store.factory, search.vector_store.lite_patch;"
        "print([m for m in ('pymilvus', 'milvus_lite', 'pyarrow', 'grpc') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
