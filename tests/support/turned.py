"""A second model that is as good as the shipped one, but of another vector space: the shipped one, turned around.

Both its projections are multiplied by the same random rotation: a sentence is as near to a picture as before, and what
one of the two models embeds says nothing to the other.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from search.models.registry import MODELS_DIR, WEIGHTS


def turned_model(folder: Path, seed: int = 1) -> str:
    """Make it in `folder`; the setting `model` that loads it."""
    shutil.copytree(MODELS_DIR / "xunren-small", folder)
    weights = load_file(folder / WEIGHTS)
    image, text = weights["visual.head.proj.weight"], weights["text.text_projection"]
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((image.shape[0],) * 2))
    weights["visual.head.proj.weight"] = (turn @ image).astype(image.dtype)
    weights["text.text_projection"] = (text @ turn.T).astype(text.dtype)
    save_file(weights, folder / WEIGHTS)
    return f"local-dir:{folder}"
