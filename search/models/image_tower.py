"""The image tower in half precision, compiled by torch, or in another runtime, for what computes best with it.

For another runtime it is exported from the very model that torch has loaded, once, into the data folder, under the
model's label, so that other weights are another file. Sentences stay with torch: they come one at a time.
"""

from __future__ import annotations

import copy
import importlib
import logging
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from search.errors import Unavailable
from search.files import written
from search.types import Vectors

log = logging.getLogger(__name__)

Runtime = Literal["torch", "onnxruntime", "openvino"]
ALIKE = 0.9995  # the least cosine; pictures may be further off than those that are tried, and 0.999 is promised
Tower = Callable[[Any], Vectors]
"""float32 (n, 3, h, w), prepared, to float32 (n, dim), of any length."""


def open_tower(runtime: Runtime, model: Any, size: tuple[int, int], folder: Path, label: str, device: str) -> Tower:
    """The image tower of an open_clip model on the CPU (`model.visual`), in `runtime`.

    Args:
        runtime: onnxruntime or openvino.
        model: the open_clip model, in float32.
        size: (h, w) of prepared pictures.
        folder: where exported models lie.
        label: the model's, which names its file.
        device: of the runtime: `auto`, `cpu`; for OpenVINO also `gpu`, `npu`; for ONNX Runtime a provider's name.

    Raises:
        Unavailable: the runtime or the device is not there, or the model cannot be exported.
    """
    file = folder / f"{label.replace('/', '_').replace(':', '_')}.onnx"
    return (_openvino if runtime == "openvino" else _onnxruntime)(model, size, file, device)


def narrowed(visual: Any, pictures: Any) -> tuple[Any, Any]:
    """The image tower in the first of float16, bfloat16 and float32 whose vectors are float32's, and that type.

    It is tried, not looked up: bfloat16, which nothing overflows, has so few digits that vectors of the shipped model
    fall to a cosine of 0.998; float16 has them (0.99999), but may be too narrow for large numbers in a transformer that
    was trained in bfloat16. Such numbers hardly depend on the picture, so a few pictures show them.

    Args:
        visual: in float32.
        pictures: float32 (n, 3, h, w), prepared.
    """
    import torch

    for dtype in (torch.float16, torch.bfloat16):
        narrow = copy.deepcopy(visual).to(dtype)
        with torch.inference_mode():
            found, plain = narrow(pictures.to(dtype)).float(), visual(pictures)
            alike = torch.nn.functional.cosine_similarity(found, plain)
        if bool((alike >= ALIKE).all()):  # what is no number is not
            return narrow, dtype
    return visual, torch.float32


def compiled(model: Any, example: Any, batch_size: int) -> Callable[[Any], Any]:
    """The image tower through `torch.compile`: tensors (n, 3, h, w) to (n, dim). Compiled here, which takes minutes.

    Args:
        model: the open_clip model, on its device.
        example: a prepared picture (1, 3, h, w), of the type and on the device that they come in.
        batch_size: the most pictures at once.

    Raises:
        Unavailable: what compiles is not there, or cannot compile this model.
    """
    import torch

    encode: Any = torch.compile(model.encode_image)

    def run(batch: Any) -> Any:
        alone = len(batch) == 1  # torch would compile once more for one picture
        return encode(torch.cat([batch, batch]))[:1] if alone else encode(batch)

    try:
        with torch.inference_mode():
            for count in (max(2, batch_size), 3):  # of one size, and then, as torch does it, of any
                run(example.expand(count, -1, -1, -1).contiguous(memory_format=torch.channels_last))
    except Exception as e:  # of many kinds; all mean: not here, or not this model
        got = f"{type(e).__name__}: {str(e).strip().splitlines()[0] if str(e).strip() else ''}"
        cure = "install a C++ compiler (CPU) or Triton (CUDA), or set torch_compile to false"
        raise Unavailable("torch.compile cannot be used here", got=got, cure=cure) from e
    return run


def _openvino(model: Any, size: tuple[int, int], file: Path, device: str) -> Tower:
    ov = _imported("openvino", "openvino")
    wanted = "CPU" if device in ("auto", "cpu") else device.upper()
    core = ov.Core()
    if wanted.split(".")[0] not in {one.split(".")[0] for one in core.available_devices}:
        raise _no_device("OpenVINO", device, core.available_devices)
    _export("openvino", model, size, file)
    # Some processors would be given bfloat16: measured on one, a vector's cosine fell to 0.955.
    compiled = core.compile_model(str(file), wanted, {"INFERENCE_PRECISION_HINT": "f32"})
    output = compiled.output(0)
    one_at_a_time = threading.Lock()  # it is busy for a second thread, and takes all cores for the first

    def run(batch: Any) -> Vectors:
        with one_at_a_time:
            return np.asarray(compiled([batch])[output], np.float32)

    return run


def _onnxruntime(model: Any, size: tuple[int, int], file: Path, device: str) -> Tower:
    ort = _imported("onnxruntime", "onnx")
    provider = "CPUExecutionProvider" if device in ("auto", "cpu") else device
    if provider not in ort.get_available_providers():
        raise _no_device("ONNX Runtime", device, ort.get_available_providers())
    _export("onnx", model, size, file)
    session = ort.InferenceSession(str(file), providers=[provider])
    name = session.get_inputs()[0].name

    def run(batch: Any) -> Vectors:
        return np.asarray(session.run(None, {name: np.ascontiguousarray(batch)})[0], np.float32)

    return run


def _export(extra: str, model: Any, size: tuple[int, int], file: Path) -> None:
    """Write `file` (ONNX, which both read) unless it is there."""
    if file.exists():
        return
    _imported("onnxscript", extra)
    log.info("exporting the model to %s; this is done once", file)
    try:
        with written(file) as temporary:
            _to_onnx(model, size, temporary)
    except Unavailable:
        raise
    except Exception as e:  # the exporter raises many kinds; all mean: not this model
        cure = "set runtime to torch, or choose another model"
        raise Unavailable("the model cannot be exported", got=f"{type(e).__name__}: {e}", cure=cure) from e


def _to_onnx(model: Any, size: tuple[int, int], file: Path) -> None:
    import torch

    count = torch.export.Dim("n", min=1, max=4096)
    example = torch.zeros(2, 3, *size)
    with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        torch.onnx.export(
            model.visual, (example,), str(file), dynamo=True, external_data=False, verbose=False,
            input_names=["pictures"], output_names=["vectors"], dynamic_shapes=({0: count},),
        )  # fmt: skip


def _imported(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as e:
        cure = f"pip install 'xunren[{extra}]', or set runtime to torch"
        raise Unavailable(f"{name} is not installed", got=str(e), cure=cure) from None


def _no_device(runtime: str, device: str, there: Any) -> Unavailable:
    cure = "set device to auto, or to one of these"
    return Unavailable(f"{runtime} does not have this device", got=device, expected=", ".join(there), cure=cure)
