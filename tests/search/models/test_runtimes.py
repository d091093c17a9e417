"""The same vectors from every preprocessing and every runtime: cosine at least 0.999."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.config import Settings
from search.errors import BadInput, Unavailable
from search.models import runtimes
from search.models.embedder import make_embedder, runtime_of
from search.models.export import exported
from search.models.onnx_embedder import OnnxEmbedder
from search.models.open_clip_embedder import OpenClipEmbedder
from search.models.preprocessing import CpuPreprocessing, DevicePreprocessing, SquashPreprocessing
from search.models.registry import MODELS_DIR, WEIGHTS, resolve_model
from search.models.runtimes import RUNTIMES, open_tower
from search.models.sentence_tokens import SentenceTokenizer
from search.types import Image, Vectors
from tests.conftest import SAMPLES
from tests.search.models.test_embedder import people_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
MODEL = "xunren-small"
TEXTS = ["a red coat", "穿红色外套、背黑色书包的男子", "x", "a man " * 20, "“curly” caf\u00e9 &amp; ﬁne", "Ａ，１"]
NAMES = [info.name for info in RUNTIMES]


def pictures() -> list[Image]:
    """People of the sample videos, noise, and odd sizes."""
    random = np.random.default_rng(7)
    sizes = [(128, 64), (40, 22), (360, 640), (77, 501), (128, 64), (9, 9)]
    noise = [random.integers(0, 255, (*size, 3), dtype=np.uint8) for size in sizes]
    return [image for _, image in people_of("gate")] + noise


def without_graphs(folder: Path) -> Path:
    """The shipped model as somebody trained it who wrote no graphs."""
    shipped = resolve_model(MODEL).folder
    assert shipped is not None
    shutil.copytree(shipped, folder, ignore=shutil.ignore_patterns("*.onnx"))
    return folder


def cosines(a: Vectors, b: Vectors) -> float:
    return float((a * b).sum(axis=1).min())


@pytest.fixture(scope="module")
def usual() -> OpenClipEmbedder:
    made = OpenClipEmbedder(MODEL, device="cpu")
    made.open()
    return made


@pytest.mark.parametrize("products", ["float32", "float16"])  # the second is what a card takes
def test_resized_by_the_device_they_are_the_same(usual: OpenClipEmbedder, products: str) -> None:
    import open_clip
    import torch

    images = pictures()
    _, _, compose = open_clip.create_model_and_transforms(resolve_model(MODEL).architecture, pretrained=None)
    there = DevicePreprocessing(compose, torch.device("cpu"), torch.float32, getattr(torch, products))
    with torch.inference_mode():
        found = usual._model.encode_image(there.batch(images)).numpy()
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert cosines(found, usual.embed_images(images)) > 0.999


@pytest.mark.parametrize("kind", [CpuPreprocessing, DevicePreprocessing])
@pytest.mark.parametrize("mode", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [224, 31])
def test_pixels_are_those_of_open_clip(
    size: int, interpolation: str, mode: str, kind: type[CpuPreprocessing] | type[DevicePreprocessing]
) -> None:
    import open_clip
    import torch
    from PIL import Image as Picture

    compose = open_clip.image_transform(size, is_train=False, interpolation=interpolation, resize_mode=mode)
    images = pictures()
    plain = torch.stack([compose(Picture.fromarray(image)) for image in images])
    batch = kind(compose, torch.device("cpu"), torch.float32).batch(images)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    apart = (batch - plain).abs()
    assert apart.mean(dim=(1, 2, 3)).max() < 0.02  # one of 255 steps; cropped one pixel off it is 0.1
    assert apart.max() < 0.5  # of noise: what overshoots is cut off between the two axes, and either may be first


def test_a_transform_that_knows_only_pil_is_done_by_pil() -> None:
    import open_clip
    import torch
    from PIL import Image as Picture

    compose = open_clip.image_transform((40, 20), is_train=False, resize_mode="longest", fill_color=90)
    images = pictures()
    plain = torch.stack([compose(Picture.fromarray(image)) for image in images])
    batch = CpuPreprocessing(compose, torch.device("cpu"), torch.float32).batch(images)
    torch.testing.assert_close(batch, plain, rtol=0, atol=1e-5, check_stride=False)
    with pytest.raises(NotImplementedError, match="ResizeKeepRatio"):
        DevicePreprocessing(compose, torch.device("cpu"), torch.float32)


def test_a_picture_that_may_not_be_written_to_or_is_turned_is_taken(usual: OpenClipEmbedder) -> None:
    image = pictures()[0]
    frozen = image.copy()
    frozen.setflags(write=False)
    turned = np.rot90(np.ascontiguousarray(np.rot90(image, -1)))
    plain, *others = usual.embed_images([image, frozen, turned])
    for other in others:
        np.testing.assert_allclose(other, plain, atol=1e-6)


def test_an_unknown_transform_is_not_left_out() -> None:
    import torch
    from torchvision import transforms

    compose = transforms.Compose([transforms.ColorJitter(), transforms.ToTensor()])
    with pytest.raises(NotImplementedError, match="ColorJitter"):
        DevicePreprocessing(compose, torch.device("cpu"), torch.float32)


def test_what_is_started_may_be_finished_in_any_order(usual: OpenClipEmbedder) -> None:
    images = pictures()
    before = usual.busy_s
    started = [usual.start_images(part) for part in (images[:3], [], images[3:])]
    last, none, first = (finish() for finish in reversed(started))
    assert none.shape == (0, usual.dim)
    assert cosines(np.concatenate([first, last]), usual.embed_images(images)) > 0.999
    assert usual.busy_s > before


def test_compiled_it_gives_the_same_vectors(usual: OpenClipEmbedder) -> None:
    images = pictures()
    other = make_embedder(Settings(device="cpu", torch_compile=True, batch_size=4))
    for some in (images, images[:1], images[:2]):
        assert cosines(other.embed_images(some), usual.embed_images(some)) > 0.999


def test_where_nothing_compiles_that_is_said(tmp_path: Path) -> None:
    code = (
        "from search.config import Settings\nfrom search.models.embedder import make_embedder\n"
        "from search.errors import Unavailable\n"
        "try: make_embedder(Settings(device='cpu', torch_compile=True)).open()\n"
        "except Unavailable as e: print(e.what, '|', e.cure)\n"
    )
    none = {"CXX": str(tmp_path / "c++"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | none)
    assert "cannot be used here | install a C++ compiler" in done.stdout, done.stderr


def test_another_runtime_is_not_compiled() -> None:
    with pytest.raises(ValueError, match="torch_compile is of no use"):
        Settings(runtime="openvino", torch_compile=True)


@pytest.mark.parametrize("runtime", NAMES)
def test_another_runtime_gives_the_same_vectors(usual: OpenClipEmbedder, runtime: str, tmp_path: Path) -> None:
    images = pictures()
    other = make_embedder(Settings(data_dir=tmp_path, runtime=runtime, batch_size=8))
    assert other.label == usual.label
    assert other.dim == usual.dim
    assert cosines(other.embed_images(images), usual.embed_images(images)) > 0.999
    assert cosines(other.embed_texts(TEXTS), usual.embed_texts(TEXTS)) > 0.9999
    assert other.embed_images([]).shape == other.embed_texts([]).shape == (0, other.dim)
    assert not list(tmp_path.iterdir()), "the folder's own graphs need no export"


@pytest.mark.parametrize("runtime", NAMES)
def test_a_model_without_graphs_is_exported_once(usual: OpenClipEmbedder, runtime: str, tmp_path: Path) -> None:
    model = f"local-dir:{without_graphs(tmp_path / 'model')}"
    images = pictures()
    for _ in range(2):  # exported, and then read
        other = make_embedder(Settings(data_dir=tmp_path, runtime=runtime, batch_size=8, model=model))
        assert isinstance(other, OpenClipEmbedder)
        assert cosines(other.embed_images(images), usual.embed_images(images)) > 0.999
    assert len(list((tmp_path / "exported").iterdir())) == 1
    assert cosines(other.embed_texts(TEXTS), usual.embed_texts(TEXTS)) > 0.999


@pytest.mark.parametrize("runtime", NAMES)
def test_threads_may_share_another_runtime(runtime: str, tmp_path: Path) -> None:
    """Recordings are indexed while somebody searches with a photo."""
    embedder = make_embedder(Settings(data_dir=tmp_path, runtime=runtime))
    batches = [pictures()[:4], pictures()[-3:]]
    expected = [embedder.embed_images(batch) for batch in batches]

    def embed(n: int) -> float:
        return min(cosines(embedder.embed_images(batches[n]), expected[n]) for _ in range(40))

    with ThreadPoolExecutor(2) as pool:
        assert min(pool.map(embed, (0, 1))) > 0.999


@pytest.mark.parametrize("runtime", NAMES)
def test_a_vision_transformer_too(runtime: str, tmp_path: Path) -> None:
    import open_clip
    import torch

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32", pretrained=None).eval()
    tower = open_tower(runtime, exported(runtime, model, (224, 224), tmp_path, "random:vit"), "cpu", 0)
    batch = torch.randn(3, 3, 224, 224)
    with torch.inference_mode():
        plain = model.encode_image(batch).numpy()
    found = tower(batch.numpy())
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(plain, axis=1)
    assert ((found * plain).sum(axis=1) / lengths).min() > 0.999


@pytest.mark.parametrize("runtime", NAMES)
def test_a_device_that_is_not_there_is_refused(runtime: str, tmp_path: Path) -> None:
    other = Settings(data_dir=tmp_path, runtime=runtime, device="NoSuchThing")
    with pytest.raises(Unavailable, match="does not have this device") as e:
        make_embedder(other).open()
    assert "cpu" in str(e.value.expected).lower()


@pytest.mark.parametrize(("runtime", "extra"), [("onnxruntime", "onnx"), ("openvino", "openvino")])
def test_a_runtime_that_is_not_installed_is_refused(
    runtime: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, runtime, None)
    with pytest.raises(Unavailable, match="not installed") as e:
        make_embedder(Settings(data_dir=tmp_path, runtime=runtime)).open()
    assert f"xunren[{extra}]" in e.value.cure


def test_on_a_cpu_the_shipped_model_needs_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "may_have_gpu", lambda: False)
    other = f"local-dir:{without_graphs(tmp_path / 'model')}"
    for one, name, reason in (
        (Settings(), "onnxruntime", "on the CPU"),
        (Settings(device="cpu"), "onnxruntime", "on the CPU"),
        (Settings(device="cuda"), "torch", "device is cuda"),
        (Settings(torch_compile=True), "torch", "torch_compile"),
        (Settings(model=other), "torch", "no ONNX graphs"),
        (Settings(runtime="torch"), "torch", "set by runtime"),
        (Settings(runtime="openvino"), "openvino", "set by runtime"),
    ):
        choice = runtime_of(one)
        assert (choice.name, choice.from_folder) == (name, name != "torch")
        assert reason in choice.reason
    monkeypatch.setattr(runtimes, "may_have_gpu", lambda: True)
    assert runtime_of(Settings()).name == "torch"
    assert "may have a GPU" in runtime_of(Settings()).reason
    assert runtime_of(Settings(device="cpu")).name == "onnxruntime"


def test_an_unknown_runtime_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="unknown runtime") as e:
        make_embedder(Settings(runtime="onnx"))
    assert e.value.expected == "auto, torch, onnxruntime, openvino"


def test_graphs_of_other_weights_are_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODELS_DIR / MODEL, folder)
    assert resolve_model(f"local-dir:{folder}").graphs
    weights = bytearray((folder / WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (folder / WEIGHTS).write_bytes(weights)
    assert resolve_model(f"local-dir:{folder}").graphs is None
    with pytest.raises(BadInput, match="no ONNX graphs"):
        OnnxEmbedder(f"local-dir:{folder}")


@pytest.mark.parametrize(("file", "what"), [("tokenizer.json", "tokenizer"), ("open_clip_config.json", "tokenizer")])
def test_a_damaged_folder_is_unavailable(file: str, what: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODELS_DIR / MODEL, folder)
    (folder / file).write_text("{")
    with pytest.raises(Unavailable, match=what):
        OnnxEmbedder(f"local-dir:{folder}").open()


def test_a_damaged_graph_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no graph")
    for runtime in NAMES:
        with pytest.raises(Unavailable, match="cannot read the model"):
            open_tower(runtime, tmp_path / "x.onnx", "cpu", 1)


def test_preprocessing_that_is_not_known_here_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODELS_DIR / MODEL, folder)
    config = (folder / "open_clip_config.json").read_text()
    (folder / "open_clip_config.json").write_text(config.replace('"squash"', '"shortest"'))
    with pytest.raises(Unavailable, match="open_clip alone") as e:
        SquashPreprocessing(folder)
    assert e.value.got == "shortest, bilinear"


def test_pixels_without_torch_are_those_of_open_clip() -> None:
    import open_clip
    import torch
    from PIL import Image as Picture

    folder = MODELS_DIR / MODEL
    _, _, compose = open_clip.create_model_and_transforms(f"local-dir:{folder}", pretrained=None)
    images = pictures()
    plain = torch.stack([compose(Picture.fromarray(image)) for image in images]).numpy()
    np.testing.assert_allclose(SquashPreprocessing(folder)(images), plain, atol=1e-5)


@given(
    st.lists(st.text(max_size=30) | st.text("ab &;ltgx，男子ﬁＡ\u0301\u3000\t", max_size=20), min_size=1, max_size=4)
)
@settings(max_examples=150)
def test_tokens_are_those_of_open_clip(texts: list[str]) -> None:
    rows = tokenizers()[0](texts)
    whole = tokenizers()[1](texts).numpy()
    np.testing.assert_array_equal(rows, whole[:, : rows.shape[1]])
    assert not whole[:, rows.shape[1] :].any()


@cache
def tokenizers() -> tuple[SentenceTokenizer, Any]:
    import open_clip

    folder = MODELS_DIR / MODEL
    return SentenceTokenizer(folder), open_clip.get_tokenizer(f"local-dir:{folder}")


def test_a_search_loads_none_of_torch_and_its_kin(tmp_path: Path) -> None:
    """With the default settings, by the command line, over an index that has rows."""
    code = (
        "import sys\nfrom api.cli.main import main\n"
        "try: main()\nexcept SystemExit as e: assert not e.code, e.code\n"
        "print('loaded:', *sorted({'torch', 'open_clip', 'transformers', 'torchvision', 'timm'} & set(sys.modules)))\n"
    )
    environ = os.environ | {"XUNREN_REQUIRE_CASE": "false", "XUNREN_DEVICE": "cpu", "XUNREN_DATA_DIR": str(tmp_path)}
    for arguments in (["index", str(SAMPLES / "gate")], ["search", "a man in a red coat", "--json"]):
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=300)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1].strip() == "loaded:", done.stdout
    assert '"verdict"' in done.stdout
