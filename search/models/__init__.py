"""Models: the CLIP models that turn sentences and pictures into vectors."""

from search.models.devices import pick_device
from search.models.embedder import Embedder, make_embedder, runtime_of
from search.models.graphs import write_graphs
from search.models.open_clip_embedder import OpenClipEmbedder
from search.models.registry import RECOMMENDED
from search.models.runtimes import TORCH, runtime_info
from search.models.weak_words import Hint, hints_for, weaknesses

__all__ = [
    "Embedder", "Hint", "OpenClipEmbedder", "RECOMMENDED", "TORCH", "hints_for", "make_embedder", "pick_device",
    "runtime_info", "runtime_of", "weaknesses", "write_graphs",
]  # fmt: skip
