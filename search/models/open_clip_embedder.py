"""Any model of open_clip, by torch. `torch` and `open_clip` are loaded by `open()`, never on import."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from search.errors import Unavailable, XunrenError
from search.models.devices import is_card, pick_device
from search.models.export import exported
from search.models.image_tower import compiled, narrowed
from search.models.preprocessing import CpuPreprocessing, DevicePreprocessing
from search.models.registry import resolve_model
from search.models.runtimes import TORCH, open_tower
from search.models.sentence_tokens import check_fits
from search.models.vectors import probes, unit
from search.types import Image, Vectors

log = logging.getLogger(__name__)


class OpenClipEmbedder:
    """Any open_clip model. The constructor is cheap and checks the name; `open()` loads the weights.

    Args:
        model: see `search.models.registry.resolve_model`.
        device: auto, cpu, cuda, cuda:N or mps.
        batch_size: images a forward pass.
        threads: CPU threads of torch; 0 leaves them.
        runtime: runtime of the image tower; another one than torch runs it on its own `device`, and texts on the CPU.
        exports: folder for the ONNX files of other runtimes.
        compile_tower: compile the image tower by `torch.compile` when it is opened.
    """

    def __init__(
        self,
        model: str,
        *,
        device: str = "auto",
        batch_size: int = 32,
        threads: int = 0,
        runtime: str = TORCH,
        exports: Path = Path("exported"),
        compile_tower: bool = False,
    ) -> None:
        self._spec = resolve_model(model)
        self._label = self._spec.label
        self._device_name = device
        self.batch_size = batch_size
        self._threads = threads
        self._runtime = runtime
        self._exports = exports
        self._compile = compile_tower
        self.busy_s = 0.0
        self._lock = threading.Lock()
        self._model: Any = None

    @property
    def label(self) -> str:
        """Return the name of the vector space."""
        return self._label

    @property
    def dim(self) -> int:
        """Return the numbers in a vector; opens the model."""
        self.open()
        return self._dim

    @property
    def device(self) -> str:
        """Return the device that the model runs on; opens the model."""
        self.open()
        return str(self._device)

    def open(self) -> None:
        """Load the weights.

        Raises:
            Unavailable: the weights are not on disk and cannot be fetched, or the device does not exist.
        """
        with self._lock:
            if self._model is None:
                self._load()

    def _load(self) -> None:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads of torch would spin on the decoder's cores
        import open_clip
        import torch

        if self._threads:
            torch.set_num_threads(self._threads)
        self._device = pick_device(self._device_name if self._runtime == TORCH else "cpu")
        self._cuda = is_card(self._device)
        with self._refusing(
            "could not be loaded",
            "check the name and the network (a first use downloads the weights), or set model = xunren-small",
        ):
            model, _, compose = open_clip.create_model_and_transforms(
                self._spec.architecture, pretrained=self._spec.tag, device=self._device, precision="fp32"
            )
            self._tokenizer = open_clip.get_tokenizer(self._spec.architecture)
        model.eval()
        model = model.to(memory_format=torch.channels_last)
        self._context = int(getattr(self._tokenizer, "context_length", None) or model.context_length)
        self._texts = model.encode_text
        with self._refusing(f"does not run on {self._device}", "set device = cpu, or model = xunren-small"):
            self._prepare = self._preprocessing(compose, torch.float32)
            if self._cuda:  # the image tower only: sentences come one at a time, and stay in float32
                model.visual, dtype = narrowed(model.visual, self._prepare(probes()))
                self._prepare = self._preprocessing(compose, dtype)
            self._tower = self._opened_tower(model)
            self._dim = int(self._encode_text(["x"]).shape[1])
            with torch.inference_mode():
                self._tower(self._prepare(probes()[:1]))
        self._model = model
        log.info("model %s on %s, %d dimensions", self._label, self._device, self._dim)

    @contextmanager
    def _refusing(self, what: str, cure: str) -> Iterator[None]:
        """Raise `Unavailable` for any error of open_clip, torch or the hub: this model cannot be used here."""
        try:
            yield
        except XunrenError:
            raise
        except Exception as e:
            got = f"{type(e).__name__}: {e}"
            raise Unavailable(f"the model {self._label} {what}", got=got, cure=cure) from e

    def _preprocessing(self, compose: Any, dtype: Any) -> Callable[[Sequence[Image]], Any]:
        """Return what prepares images as a batch of `dtype` on the device."""
        if not self._cuda:
            return CpuPreprocessing(compose, self._device, dtype).batch
        try:
            return DevicePreprocessing(compose, self._device, dtype).batch
        except NotImplementedError as e:
            log.warning("the CPU resizes the images for %s, one by one; the GPU cannot do it: %s", self._label, e)
            return CpuPreprocessing(compose, self._device, dtype).batch

    def _opened_tower(self, model: Any) -> Callable[[Any], Any]:
        """Return what computes features, a tensor (n, dim), of prepared images."""
        if self._runtime == TORCH and not self._compile:
            encode: Callable[[Any], Any] = model.encode_image
            return encode
        import torch

        example = self._prepare(probes()[:1])
        if self._runtime == TORCH:
            return compiled(model, example, self.batch_size)
        file = exported(self._runtime, model, example.shape[2:], self._exports, self._label)
        tower = open_tower(self._runtime, file, self._device_name, self._threads)
        return lambda batch: torch.from_numpy(tower(batch.contiguous().numpy()))

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """Return float32 (n, dim), unit length. `images`: uint8 (H, W, 3) RGB of any sizes."""
        return self.start_images(images)()

    def start_images(self, images: Sequence[Image]) -> Callable[[], Vectors]:
        """Start the same on a CUDA device; the returned function waits for it. Other devices do it here."""
        self.open()
        size = self.batch_size
        parts = [self._start(images[at : at + size]) for at in range(0, len(images), size)]
        return lambda: np.concatenate([part() for part in parts]) if parts else np.empty((0, self._dim), np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return float32 (n, dim), unit length.

        Raises:
            BadInput: a text has more tokens than the model reads.
        """
        self.open()
        if not texts:
            return np.empty((0, self._dim), np.float32)
        with self._lock:  # fast tokenizers keep padding settings and cannot be shared by threads
            for text in texts:
                self._check_fits(text)
            return self._encode_text(texts)

    def _start(self, images: Sequence[Image]) -> Callable[[], Vectors]:
        """Start one batch."""
        import torch

        with torch.inference_mode():
            batch = self._prepare(images)
            if self._cuda:
                return self._started_on_card(batch)
            began = time.perf_counter()
            vectors = unit(self._tower(batch).float().numpy(force=True))
            self._was_busy(time.perf_counter() - began)
            return lambda: vectors

    def _started_on_card(self, batch: Any) -> Callable[[], Vectors]:
        """Queue the forward pass and the copy back on the GPU, and do not wait for them."""
        import torch

        event: Any = torch.cuda.Event
        began, ended = event(enable_timing=True), event(enable_timing=True)
        arrived = event(blocking=True)  # a blocking wait sleeps; else it would spin on a core of the decoders
        stream = torch.cuda.current_stream(self._device)
        began.record(stream)
        features = self._tower(batch).float()
        ended.record(stream)
        host = torch.empty(features.shape, dtype=torch.float32, pin_memory=True)
        host.copy_(features, non_blocking=True)
        arrived.record(stream)

        def finish() -> Vectors:
            arrived.synchronize()
            self._was_busy(began.elapsed_time(ended) / 1000)
            if not np.isfinite(host.numpy()).all():  # it was tried when it was opened, but not on these images
                cure = "set device = cpu, or another model"
                raise Unavailable(f"the model {self._label} overflows on {self._device}", got="no number", cure=cure)
            return unit(host.numpy())

        return finish

    def _was_busy(self, seconds: float) -> None:
        with self._lock:
            self.busy_s += seconds

    def _encode_text(self, texts: Sequence[str]) -> Vectors:
        import torch

        tokens = self._tokenizer(list(texts)).to(self._device)
        with torch.inference_mode():
            return unit(self._texts(tokens).float().cpu().numpy())

    def _check_fits(self, text: str) -> None:
        """Raise `BadInput` for a text that the real call would cut off: count its tokens with ample room."""
        row = self._tokenizer([text], context_length=max(self._context, 4 * len(text)) + 8)[0]
        used = int((row != row[-1]).sum())  # the last token of so wide a row is padding
        check_fits(used, self._context)
