"""The ONNX graphs of a model folder: both towers without their weights, which stay in the folder's safetensors file.

A graph names each weight by its place in that file, in half precision, and casts it to float32, so the two graphs of
the shipped model take 0.1 MB and not 20. Their names carry the digest of the weights: other weights need new graphs.

    python -m search.models.graphs FOLDER

It needs torch, open_clip, onnx and onnxscript. Whoever reads the graphs needs none of them.
"""

from __future__ import annotations

import json
import struct
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.models.registry import WEIGHTS, ModelSpec


@dataclass(frozen=True, slots=True)
class WeightPlace:
    """One weight in a safetensors file: its shape, and where its bytes begin and how many they are."""

    shape: tuple[int, ...]
    offset: int
    length: int


def write_graphs(folder: Path) -> tuple[Path, Path]:
    """Write the graphs of the image and the text tower into a model folder. Return their paths.

    Raises:
        ValueError: a weight of a tower is not in the file, in half precision.
    """
    import open_clip
    import torch

    spec = ModelSpec(folder.name, f"local-dir:{folder}", None)
    model: Any = open_clip.create_model(spec.architecture, precision="fp32").eval()
    places = weight_places(folder / WEIGHTS)
    image, text = spec.graph_files
    size = model.visual.image_size
    tokens = torch.zeros(2, model.context_length // 2, dtype=torch.int64)
    tokens[:, -1] = model.vocab_size - 1
    count, length = torch.export.Dim("n", min=1, max=4096), torch.export.Dim("length", min=2, max=model.context_length)
    _write(_pair("visual", model.visual), torch.zeros(2, 3, *size), ({0: count},), places, image)
    _write(_pair("text", model.text), tokens, ({0: count, 1: length},), places, text)
    return image, text


def _pair(name: str, tower: Any) -> Any:
    """Return the tower under the name that its weights have in the file; texts as long as the longest, not padded.

    A text tower of open_clip computes all places of its context. No place sees a later one, and the vector is that of
    the last token, so what is padded behind it changes nothing: sentences of ten tokens take a quarter of the time.
    """
    import torch

    class Tower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            setattr(self, name, tower)

        def forward(self, batch: Any) -> Any:
            return tower(batch) if name == "visual" else _text_features(tower, batch)

    return Tower().eval()


def _text_features(text: Any, tokens: Any) -> Any:
    """Return what open_clip's `TextTransformer` gives for tokens (n, length) that end with the highest one."""
    length = tokens.shape[1]
    x = text.token_embedding(tokens) + text.positional_embedding[:length]
    x = text.ln_final(text.transformer(x, attn_mask=text.attn_mask[:length, :length]))
    last = tokens.argmax(dim=1)
    ended = x.gather(1, last.view(-1, 1, 1).expand(-1, 1, x.shape[2])).squeeze(1)
    return ended @ text.text_projection


def weight_places(file: Path) -> dict[str, WeightPlace]:
    """Return the places of the weights in half precision in a safetensors file, by name."""
    with file.open("rb") as f:
        (header,) = struct.unpack("<Q", f.read(8))
        tensors = json.loads(f.read(header))
    places = {}
    for name, tensor in tensors.items():
        if name != "__metadata__" and tensor["dtype"] == "F16":
            begin, end = tensor["data_offsets"]
            places[name] = WeightPlace(tuple(tensor["shape"]), 8 + header + begin, end - begin)
    return places


def _write(tower: Any, example: Any, shapes: Any, places: dict[str, WeightPlace], file: Path) -> None:
    import onnx

    proto = _export(tower, example, shapes)
    _drop_zero_biases(proto.graph)
    _point_into_file(proto.graph, places)
    _strip(proto)
    onnx.save(proto, file)


def _export(tower: Any, example: Any, shapes: Any) -> Any:
    """Return the tower as an ONNX model. Nothing is computed from weights: they must stay those of the file."""
    import torch
    from onnxscript import optimizer

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            tower, (example,), dynamo=True, optimize=False, verbose=False,
            input_names=["batch"], output_names=["vectors"], dynamic_shapes=shapes,
        )  # fmt: skip
        assert program is not None  # noqa: S101 - it is given no file
        kept = ("Transpose",)
        optimizer.optimize_ir(
            program.model, input_size_limit=0, should_fold=lambda node: False if node.op_type in kept else None
        )
    return program.model_proto


def _drop_zero_biases(graph: Any) -> None:
    """Remove biases of zeros that the exporter gives to convolutions: batch norms are not merged into those."""
    from onnx import numpy_helper

    zeros = {t.name for t in graph.initializer if not numpy_helper.to_array(t).any()}
    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) == 3 and node.input[2] in zeros:
            del node.input[2]
    used = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)


def _point_into_file(graph: Any, places: dict[str, WeightPlace]) -> None:
    """Replace every weight by its place in the file and a cast to float32. Constants stay in the graph."""
    from onnx import TensorProto, helper

    casts = []
    for tensor in graph.initializer:
        place = places.get(tensor.name)
        if place is None or tuple(tensor.dims) != place.shape:
            if tensor.ByteSize() > 16_384:
                raise ValueError(f"{tensor.name} {list(tensor.dims)} is not in {WEIGHTS} in half precision")
            continue
        name = tensor.name
        tensor.Clear()
        tensor.name, tensor.data_type, tensor.data_location = f"{name}.half", TensorProto.FLOAT16, TensorProto.EXTERNAL
        tensor.dims.extend(place.shape)
        for key, value in _external(place):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _external(place: WeightPlace) -> Iterator[tuple[str, str]]:
    yield "location", WEIGHTS
    yield "offset", str(place.offset)
    yield "length", str(place.length)


def _strip(proto: Any) -> None:
    """Remove what only says where in torch a node came from: it is half of the file, with paths of this machine."""
    graph = proto.graph
    del graph.value_info[:]
    for part in (proto, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    for node in graph.node:
        node.name = ""


if __name__ == "__main__":
    for path in write_graphs(Path(sys.argv[1])):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")  # noqa: T201
