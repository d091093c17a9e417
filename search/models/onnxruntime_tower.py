"""ONNX Runtime: the default of the shipped model on a CPU."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from search.models.runtimes import Tower, no_device, unreadable
from search.types import Vectors

_NAME = "ONNX Runtime"
_ERRORS_ONLY = 3


def open_tower(file: Path, device: str, threads: int) -> Tower:
    """Open a graph; see `search.models.runtimes.open_tower`. Threads may share what is returned."""
    import onnxruntime as ort

    provider = "CPUExecutionProvider" if device in ("auto", "cpu") else device
    if provider not in ort.get_available_providers():
        raise no_device(_NAME, device, ort.get_available_providers())
    try:
        session = ort.InferenceSession(str(file), _options(ort, threads), providers=[provider])
    except Exception as e:  # of many kinds, most of them private to it
        raise unreadable(_NAME, file, e) from e
    name = session.get_inputs()[0].name

    def run(batch: Any) -> Vectors:
        return np.asarray(session.run(None, {name: np.ascontiguousarray(batch)})[0], np.float32)

    return run


def _options(ort: Any, threads: int) -> Any:
    """Return a session's options.

    The number of threads is always set: left to itself ONNX Runtime pins its threads to cores, which the decoders
    use as well. An idle thread sleeps: by default it spins on its core for the next call.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or _cores()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _ERRORS_ONLY
    return options


def _cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
