"""Skinning and z-buffer triangles in numba: the two loops that numpy cannot do fast."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_jit: Any = numba.njit(cache=True, fastmath=True, nogil=True)


@_jit
def skin(verts: Any, weights: Any, indices: Any, bones: Any) -> Any:
    """Linear blend skinning: (v, 3), (v, 4), (v, 4), (b, 3, 4) to (v, 3)."""
    out = np.empty_like(verts)
    for v in range(verts.shape[0]):
        x, y, z = verts[v, 0], verts[v, 1], verts[v, 2]
        for r in range(3):
            total = np.float32(0.0)
            for k in range(weights.shape[1]):
                w = weights[v, k]
                if w > 0:
                    m = bones[indices[v, k]]
                    total += w * (m[r, 0] * x + m[r, 1] * y + m[r, 2] * z + m[r, 3])
            out[v, r] = total
    return out


@_jit
def vertex_normals(verts: Any, faces: Any) -> Any:
    """Unit normals, weighted by area, (v, 3)."""
    out = np.zeros_like(verts)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = verts[b, 0] - verts[a, 0], verts[b, 1] - verts[a, 1], verts[b, 2] - verts[a, 2]
        wx, wy, wz = verts[c, 0] - verts[a, 0], verts[c, 1] - verts[a, 1], verts[c, 2] - verts[a, 2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for v in range(verts.shape[0]):
        n = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2) + np.float32(1e-9)
        out[v] /= n
    return out


@_jit
def _fill(screen: Any, cover: Any, faces: Any, depth: Any, face_id: Any, bary: Any) -> None:
    height, width = depth.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if cover[a] < 0 and cover[b] < 0 and cover[c] < 0:
            continue
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        x0, x1 = max(0, int(np.ceil(min(ax, bx, cx) - 0.5))), min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        y0, y1 = max(0, int(np.ceil(min(ay, by, cy) - 0.5))), min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                px, py = x + 0.5, y + 0.5
                wa = ((bx - px) * (cy - py) - (by - py) * (cx - px)) / area
                wb = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) / area
                wc = 1 - wa - wb
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                z = wa * screen[a, 2] + wb * screen[b, 2] + wc * screen[c, 2]
                if z >= depth[y, x] or wa * cover[a] + wb * cover[b] + wc * cover[c] < 0:
                    continue
                depth[y, x] = z
                face_id[y, x] = f
                bary[y, x, 0] = wa
                bary[y, x, 1] = wb


def rasterise(
    screen: NDArray[np.float32], cover: NDArray[np.float32], faces: NDArray[np.int32], size: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:  # fmt: skip
    """Depth (h, w), triangle (h, w; -1 outside) and its first two weights (h, w, 2).

    ``screen`` holds pixel x, pixel y and depth; where the interpolated ``cover`` is negative there is a hole.
    """
    depth = np.full(size, np.inf, np.float32)
    face_id = np.full(size, -1, np.int32)
    bary = np.zeros((*size, 2), np.float32)
    _fill(screen, cover, faces, depth, face_id, bary)
    return depth, face_id, bary
