"""Runtimes: what computes the towers of a model, and which one a setting chooses.

A new runtime is one module with `open_tower(file, device, threads) -> Tower` and one line of `RUNTIMES`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.errors import BadInput, Unavailable
from search.models.registry import ModelSpec
from search.types import Vectors

Tower = Callable[[Any], Vectors]
"""Batch to features, float32 (n, dim). Images come as float32 (n, 3, h, w), texts as int64 (n, tokens)."""

AUTO, TORCH = "auto", "torch"
_GPU_NODES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")
"""Files of a GPU's driver: NVIDIA, AMD, and either under Windows' Linux."""


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """A runtime that reads ONNX files. `package` is imported by `module`; `extra` of xunren installs it."""

    name: str
    module: str
    package: str
    extra: str


RUNTIMES: tuple[RuntimeInfo, ...] = (
    RuntimeInfo("onnxruntime", "search.models.onnxruntime_tower", "onnxruntime", "onnx"),
    RuntimeInfo("openvino", "search.models.openvino_tower", "openvino", "openvino"),
)


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """The runtime of a model, and the reason for it, for `xunren doctor`.

    `from_folder`: both towers are read from the model's own graphs, without torch.
    """

    name: str
    from_folder: bool
    reason: str


def choose_runtime(spec: ModelSpec, runtime: str = AUTO, device: str = "auto", *, compiled: bool) -> RuntimeChoice:
    """Return the runtime for a model: the one that the setting names, or the quickest for its device.

    On a CPU ONNX Runtime is ready in 0.2 s, torch in 8, and a crop takes half of torch's time. Loads nothing.

    Raises:
        BadInput: an unknown runtime.
    """
    has_graphs = spec.graphs is not None
    if runtime == TORCH:
        return RuntimeChoice(TORCH, False, "set by runtime")
    if runtime != AUTO:
        return RuntimeChoice(runtime_info(runtime).name, has_graphs, "set by runtime")
    if reason := _reason_for_torch(device, has_graphs=has_graphs, compiled=compiled):
        return RuntimeChoice(TORCH, False, reason)
    return RuntimeChoice("onnxruntime", True, "the model runs on the CPU")


def _reason_for_torch(device: str, *, has_graphs: bool, compiled: bool) -> str:
    if compiled:
        return "torch_compile is set"
    if not has_graphs:
        return "the model has no ONNX graphs"
    if device == "auto":
        return "this machine may have a GPU; device = cpu is without torch" if may_have_gpu() else ""
    return "" if device == "cpu" else f"device is {device}"


def may_have_gpu() -> bool:
    """Return whether torch could find a GPU here. Only torch knows for sure, and takes seconds to load."""
    return sys.platform != "linux" or any(Path(node).exists() for node in _GPU_NODES)


def runtime_info(name: str) -> RuntimeInfo:
    """Return the runtime of this name.

    Raises:
        BadInput: there is none.
    """
    for info in RUNTIMES:
        if info.name == name:
            return info
    expected = ", ".join((AUTO, TORCH, *(info.name for info in RUNTIMES)))
    raise BadInput("unknown runtime", got=name, expected=expected, cure="set runtime to auto")


def open_tower(runtime: str, file: Path, device: str, threads: int) -> Tower:
    """Open the ONNX `file` of one tower.

    Args:
        runtime: a name of `RUNTIMES`.
        file: the graph, with its weights in it or beside it.
        device: of the runtime: `auto`, `cpu`; for OpenVINO also `gpu`, `npu`; for ONNX Runtime a provider's name.
        threads: CPU threads of one call; 0: one for each core.

    Raises:
        BadInput: an unknown runtime.
        Unavailable: the runtime or the device is missing, or the runtime cannot read the file.
    """
    info = runtime_info(runtime)
    package(info.package, info.extra)
    tower: Tower = importlib.import_module(info.module).open_tower(file, device, threads)
    return tower


def package(name: str, extra: str) -> Any:
    """Import a package that an extra of xunren installs. Raise `Unavailable` if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as e:
        cure = f"pip install 'xunren[{extra}]', or set runtime to torch"
        raise Unavailable(f"{name} is not installed", got=str(e), cure=cure) from None


def no_device(runtime: str, device: str, devices: list[str]) -> Unavailable:
    """Return the error for a device that the runtime does not have."""
    cure = "set device to auto, or to one of these"
    return Unavailable(f"{runtime} does not have this device", got=device, expected=", ".join(devices), cure=cure)


def unreadable(runtime: str, file: Path, error: Exception) -> Unavailable:
    """Return the error for a graph that the runtime cannot read."""
    cure = "restore the file, or set runtime to torch"
    return Unavailable(f"{runtime} cannot read the model", got=f"{file}: {type(error).__name__}: {error}", cure=cure)
