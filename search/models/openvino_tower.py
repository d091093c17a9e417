"""OpenVINO."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from search.models.runtimes import Tower, no_device, unreadable
from search.types import Vectors

_NAME = "OpenVINO"


def open_tower(file: Path, device: str, threads: int) -> Tower:
    """Open a graph; see `search.models.runtimes.open_tower`. Threads may share what is returned."""
    import openvino as ov

    name = "CPU" if device in ("auto", "cpu") else device.upper()
    core = ov.Core()
    if name.split(".")[0] not in {one.split(".")[0] for one in core.available_devices}:
        raise no_device(_NAME, device, core.available_devices)
    # Some processors would be given bfloat16: measured on one, a vector's cosine fell to 0.955.
    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads and name == "CPU":
        options["INFERENCE_NUM_THREADS"] = threads
    try:
        compiled = core.compile_model(str(file), name, options)
    except RuntimeError as e:
        raise unreadable(_NAME, file, e) from e
    output = compiled.output(0)
    one_at_a_time = threading.Lock()  # a second thread would be refused: it is busy

    def run(batch: Any) -> Vectors:
        with one_at_a_time:
            return np.asarray(compiled([np.ascontiguousarray(batch)])[output], np.float32)

    return run
