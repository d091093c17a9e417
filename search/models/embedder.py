"""The protocol of an embedder, and the factory that opens one by the settings. Nothing heavy is loaded on import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from search.config import Settings
from search.models.onnx_embedder import OnnxEmbedder
from search.models.open_clip_embedder import OpenClipEmbedder
from search.models.registry import resolve_model
from search.models.runtimes import RuntimeChoice, choose_runtime
from search.types import Image, Vectors


class Embedder(Protocol):
    """Embeds images and sentences into one vector space. `label` names that space; `dim` is known once open."""

    @property
    def label(self) -> str:
        """Return the name of the vector space, kept with the index."""

    @property
    def dim(self) -> int:
        """Return the numbers in a vector."""

    @property
    def batch_size(self) -> int:
        """Return the number of images that are best embedded at once."""

    @property
    def busy_s(self) -> float:
        """Return the seconds that the device has computed vectors of images, so far."""

    def open(self) -> None:
        """Load what is heavy. Calling it again does nothing."""

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """Return float32 (n, dim), unit length. `images`: uint8 (H, W, 3) RGB of any sizes."""

    def start_images(self, images: Sequence[Image]) -> Callable[[], Vectors]:
        """Start the same, and do not wait for a device that works beside: the returned function gives the vectors."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return float32 (n, dim), unit length. Raise `BadInput` for a text that does not fit whole."""


def make_embedder(settings: Settings, model: str = "") -> Embedder:
    """Return the embedder of these settings; `model` instead of theirs. Load nothing yet.

    Raises:
        BadInput: an unknown model or runtime.
    """
    s, name = settings, model or settings.model
    choice = runtime_of(settings, model)
    if choice.from_folder:
        return OnnxEmbedder(
            name, runtime=choice.name, device=s.device, batch_size=s.batch_size, threads=s.torch_threads
        )
    return OpenClipEmbedder(
        name, device=s.device, batch_size=s.batch_size, threads=s.torch_threads,
        runtime=choice.name, exports=s.data_dir / "exported", compile_tower=s.torch_compile,
    )  # fmt: skip


def runtime_of(settings: Settings, model: str = "") -> RuntimeChoice:
    """Return the runtime that `make_embedder` takes, and why."""
    spec = resolve_model(model or settings.model)
    return choose_runtime(spec, settings.runtime, settings.device, compiled=settings.torch_compile)
