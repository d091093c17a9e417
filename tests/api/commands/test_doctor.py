"""From which size on `xunren doctor` sends an index to a Milvus server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from api.commands import doctor
from api.commands.doctor import LITE_ROW_S, LITE_SEARCH_S, run_checks, size_for_lite
from api.composition import open_catalog
from search.catalog.index_types import FIRST_COLLECTION
from search.config import Settings
from search.errors import BadInput
from search.vector_store.milvus import MilvusStore
from tests.indexer.decoding.test_nvdec import has_card
from tests.search.vector_store.test_milvus import DIM, make_row, unit

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:google.protobuf")
GIB = 2**30
SLOW = int(LITE_SEARCH_S / LITE_ROW_S)


def test_an_index_outgrows_lite_by_its_time() -> None:
    assert f"up to {SLOW:,}" in size_for_lite(SLOW, 256, 64 * GIB)
    with pytest.raises(BadInput, match=r"outgrown.*XUNREN_STORE_URI"):
        size_for_lite(SLOW + 1, 256, 64 * GIB)


def test_or_by_its_memory_which_goes_with_the_model() -> None:
    rows = 500_000
    assert "500,000 rows" in size_for_lite(rows, 256, 4 * GIB)
    for dim, memory in ((256, 2 * GIB), (1152, 4 * GIB)):
        with pytest.raises(BadInput, match="outgrown"):
            size_for_lite(rows, dim, memory)


def test_doctor_counts_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path)
    with open_catalog(settings) as catalog:
        catalog.indexes.bind_model("some model", lambda: DIM)
    with MilvusStore(settings.store_address, collection=FIRST_COLLECTION, dim=DIM) as store:
        store.upsert([make_row(f"r{n}") for n in range(7)], unit(7, np.random.default_rng(0)))

    def store_line() -> doctor.Check:
        return next(check for check in run_checks(settings) if check.part == "vector store")

    assert store_line().ok
    assert store_line().found.startswith("7 rows (0.00 s to search all")
    monkeypatch.setattr(doctor, "LITE_SEARCH_S", 6 * LITE_ROW_S)
    assert not store_line().ok
    assert "7 rows" in store_line().found
    assert "above 6 rows: start a Milvus server" in store_line().cure


def test_another_runtime_has_devices_of_its_own(tmp_path: Path) -> None:
    checks = {check.part: check for check in run_checks(Settings(data_dir=tmp_path, runtime="openvino", device="npu"))}
    assert checks["model runtime"].ok
    assert "set by runtime" in checks["model runtime"].found
    if not checks["model"].ok:  # this machine has none: OpenVINO says so, not torch
        assert "OpenVINO does not have this device" in checks["model"].found


def test_it_says_which_runtime_computes_the_model_and_why(tmp_path: Path) -> None:
    def line(settings: Settings) -> doctor.Check:
        return next(check for check in run_checks(settings) if check.part == "model runtime")

    quick = line(Settings(data_dir=tmp_path, device="cpu"))
    assert quick.found.startswith("onnxruntime (onnxruntime ")
    assert quick.found.endswith("device cpu: the model runs on the CPU")
    assert line(Settings(data_dir=tmp_path, device="cpu", runtime="torch")).found.startswith("torch (torch ")
    missing = line(Settings(data_dir=tmp_path, device="cuda:99"))
    assert not missing.ok
    assert missing.cure == "set device = auto or cpu"
    assert line(Settings(data_dir=tmp_path, runtime="tensorrt")).cure == "set runtime to auto"


def test_it_says_what_decodes(tmp_path: Path) -> None:
    def line(settings: Settings) -> doctor.Check:
        return next(check for check in run_checks(settings) if check.part == "decoding")

    assert line(Settings(data_dir=tmp_path)).found == "on the CPU"
    other = line(Settings(data_dir=tmp_path, decoder="cuda"))
    assert other.found == "on the card" if has_card() else other.cure == "set decoder = cpu"
