"""The image tower of a model that torch has loaded, written as an ONNX file for another runtime.

It is written once, into the data folder, under the model's label, so that other weights are another file. Texts stay
with torch: they come one at a time. A model folder with graphs of its own (`search.models.graphs`) needs no export.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

from search.errors import Unavailable
from search.files import written
from search.models.runtimes import package, runtime_info

log = logging.getLogger(__name__)


def exported(runtime: str, model: Any, size: tuple[int, int], folder: Path, label: str) -> Path:
    """Return the ONNX file of an image tower; write it unless it exists.

    Args:
        runtime: a name of `search.models.runtimes.RUNTIMES`.
        model: the open_clip model on the CPU, in float32; its `visual` is written.
        size: (h, w) of prepared images.
        folder: where exported models lie.
        label: the model's, which names its file.

    Raises:
        Unavailable: the runtime or the exporter is not installed, or the model cannot be exported.
    """
    info = runtime_info(runtime)
    package(info.package, info.extra)
    file = folder / f"{label.replace('/', '_').replace(':', '_')}.onnx"
    if not file.exists():
        package("onnxscript", info.extra)
        _export(model, size, file)
    return file


def _export(model: Any, size: tuple[int, int], file: Path) -> None:
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
