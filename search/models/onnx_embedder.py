"""A local model whose folder has ONNX graphs of both towers: neither torch nor open_clip nor transformers is loaded."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from search.errors import BadInput
from search.models.preprocessing import SquashPreprocessing
from search.models.registry import resolve_model
from search.models.runtimes import Tower, open_tower
from search.models.sentence_tokens import SentenceTokenizer
from search.models.vectors import probes, unit
from search.types import Image, Vectors

log = logging.getLogger(__name__)

_TEXT_THREADS = 1
"""A sentence takes 2 ms. With one thread it is computed by the thread that asks, so that the searches which a server
answers at once do not wait for each other's threads."""


class OnnxEmbedder:
    """A local model by its graphs. The constructor is cheap and checks the name; `open()` loads the weights.

    Args:
        model: see `search.models.registry.resolve_model`; its folder has graphs.
        runtime: a name of `search.models.runtimes.RUNTIMES`.
        device: device of the runtime, for images; texts are embedded on the CPU.
        batch_size: images a forward pass.
        threads: CPU threads of the image tower; 0: one for each core.

    Raises:
        BadInput: an unknown model, or one without graphs for its weights.
    """

    def __init__(
        self,
        model: str,
        *,
        runtime: str = "onnxruntime",
        device: str = "auto",
        batch_size: int = 32,
        threads: int = 0,
    ) -> None:
        spec = resolve_model(model)
        if spec.folder is None or spec.graphs is None:
            raise BadInput("the model has no ONNX graphs", got=model, cure="set runtime to torch")
        self._folder: Path = spec.folder
        self._image_file, self._text_file = spec.graphs
        self._label = spec.label
        self._runtime = runtime
        self._device = device
        self.batch_size = batch_size
        self._threads = threads
        self.busy_s = 0.0
        self._lock = threading.Lock()
        self._text_tower: Tower | None = None
        self._image_tower: Tower | None = None

    @property
    def label(self) -> str:
        """Return the name of the vector space."""
        return self._label

    @property
    def dim(self) -> int:
        """Return the numbers in a vector; opens the text tower."""
        self._texts()
        return self._dim

    def open(self) -> None:
        """Load both towers. Calling it again does nothing.

        Raises:
            Unavailable: the runtime or the device is missing, or a file of the model cannot be read.
        """
        self._texts()
        self._images()

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """Return float32 (n, dim), unit length. `images`: uint8 (H, W, 3) RGB of any sizes."""
        return self.start_images(images)()

    def start_images(self, images: Sequence[Image]) -> Callable[[], Vectors]:
        """Do the same; the CPU has done it when this returns, and what is returned gives the vectors."""
        tower, size = self._images(), self.batch_size
        parts = [self._embed(tower, images[at : at + size]) for at in range(0, len(images), size)]
        vectors = np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)
        return lambda: vectors

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return float32 (n, dim), unit length.

        Raises:
            BadInput: a text has more tokens than the model reads.
        """
        tower = self._texts()
        return unit(tower(self._tokens(texts))) if texts else np.empty((0, self._dim), np.float32)

    def _embed(self, tower: Tower, images: Sequence[Image]) -> Vectors:
        batch = self._prepare(images)
        began = time.perf_counter()
        vectors = unit(tower(batch))
        with self._lock:
            self.busy_s += time.perf_counter() - began
        return vectors

    def _texts(self) -> Tower:
        """Return the text tower. A search by a sentence needs no other."""
        with self._lock:
            if self._text_tower is None:
                self._tokens = SentenceTokenizer(self._folder)
                tower = open_tower(self._runtime, self._text_file, "cpu", _TEXT_THREADS)
                self._dim = int(tower(self._tokens(["x"])).shape[1])
                self._text_tower = tower
                log.info("model %s by %s, %d dimensions", self._label, self._runtime, self._dim)
            return self._text_tower

    def _images(self) -> Tower:
        with self._lock:
            if self._image_tower is None:
                self._prepare = SquashPreprocessing(self._folder)
                tower = open_tower(self._runtime, self._image_file, self._device, self._threads)
                tower(self._prepare(probes()[:1]))
                self._image_tower = tower
            return self._image_tower
