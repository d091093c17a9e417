"""The recommended models, as data, and how a `model` setting is read."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from search.errors import BadInput

MODELS_DIR = Path(__file__).parent
WEIGHTS = "open_clip_model.safetensors"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One recommended model. `architecture` and `tag` are open_clip's words; `download_mb` is loaded by a first use."""

    name: str
    architecture: str
    tag: str
    dim: int
    licence: str
    languages: tuple[str, ...]
    download_mb: int
    note: str


RECOMMENDED: tuple[ModelInfo, ...] = (
    ModelInfo(
        "xunren-small", f"local-dir:{MODELS_DIR / 'xunren-small'}", "", 256, "Apache-2.0", ("zh", "en"), 0,
        "ships in the package, no network; made people only, see its MODEL_CARD.md",
    ),
    ModelInfo(
        "xlm-roberta-base-ViT-B-32", "xlm-roberta-base-ViT-B-32", "laion5b_s13b_b90k", 512, "MIT", ("zh", "en", "+98"),
        1460, "Chinese and English; the first choice where it can be downloaded",
    ),
    ModelInfo(
        "ViT-B-32", "ViT-B-32", "laion2b_s34b_b79k", 512, "MIT", ("en",), 605,
        "the usual yardstick; English only",
    ),
    ModelInfo(
        "ViT-B-16-SigLIP2", "ViT-B-16-SigLIP2", "webli", 768, "Apache-2.0", ("zh", "en", "+107"), 1500,
        "strong in many languages; about four times the work of ViT-B-32",
    ),
    ModelInfo(
        "MobileCLIP2-S0", "MobileCLIP2-S0", "dfndr2b", 512, "apple-amlr (research only)", ("en",), 300,
        "small and quick on a CPU; English only",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: `architecture` and `tag` are open_clip's words."""

    name: str
    architecture: str
    tag: str | None

    @property
    def folder(self) -> Path | None:
        """Return the folder of a local model; None for a model that open_clip downloads."""
        local = self.architecture.removeprefix("local-dir:")
        return None if local == self.architecture else Path(local)

    @property
    def label(self) -> str:
        """Return the name of the vector space: `name`, and a digest of local weights, which are read for it.

        Retrained weights make another vector space.
        """
        return self.name if self.folder is None else f"{self.name}@{_digest(self.folder / WEIGHTS)}"

    @property
    def graph_files(self) -> tuple[Path, Path]:
        """Return where the graphs of the image and the text tower lie if the local model's folder has them."""
        folder = Path() if self.folder is None else self.folder
        digest = _digest(folder / WEIGHTS)
        return folder / f"image.{digest}.onnx", folder / f"text.{digest}.onnx"

    @property
    def graphs(self) -> tuple[Path, Path] | None:
        """Return the graphs of the image and the text tower; None for a model without them."""
        if self.folder is None or not all(file.is_file() for file in self.graph_files):
            return None
        return self.graph_files


def resolve_model(setting: str) -> ModelSpec:
    """Read a `model` setting: a recommended name, ``NAME:TAG``, ``hf-hub:ORG/REPO`` or ``local-dir:PATH``.

    Raises:
        BadInput: an unknown name; the known ones are listed.
    """
    for info in RECOMMENDED:
        if setting == info.name:
            return _check(ModelSpec(info.name, info.architecture, info.tag or None))
    if setting.startswith("local-dir:"):
        return _check(ModelSpec(Path(setting).name, setting, None))
    if setting.startswith("hf-hub:") and len(setting) > len("hf-hub:"):
        return ModelSpec(setting, setting, None)
    name, colon, tag = setting.partition(":")
    if colon and name and tag:
        return ModelSpec(setting, name, tag)
    names = [info.name for info in RECOMMENDED]
    near = difflib.get_close_matches(setting, names, n=1)
    raise BadInput(
        "unknown model",
        got=setting,
        expected=f"{', '.join(names)}, or NAME:TAG, hf-hub:ORG/REPO, local-dir:PATH",
        cure=f"did you mean {near[0]}?" if near else "`xunren doctor --models` describes the recommended ones",
    )


def _digest(weights: Path) -> str:
    """Return the first 12 hex digits of a file's SHA-256; the file is read again only after a change."""
    stat = weights.stat()
    return _digest_of(weights, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _digest_of(weights: Path, _mtime_ns: int, _size: int) -> str:
    with weights.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()[:12]


def _check(spec: ModelSpec) -> ModelSpec:
    if spec.folder is not None and not (spec.folder / WEIGHTS).is_file():
        raise BadInput(
            "not an open_clip model folder",
            got=spec.folder,
            expected=f"open_clip_config.json, {WEIGHTS} and tokenizer files",
            cure="correct the model setting",
        )
    return spec
