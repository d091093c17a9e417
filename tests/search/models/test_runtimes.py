"""The same vectors, whoever resizes the pictures and whoever runs the model: cosine at least 0.999."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from search.config import Settings
from search.errors import Unavailable
from search.models.embedder import OpenClipEmbedder, make_embedder
from search.models.image_tower import Runtime
from search.models.preprocessing import CpuPreprocessing, DevicePreprocessing
from search.models.registry import resolve_model
from search.types import Image, Vectors
from tests.search.models.test_embedder import people_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
MODEL = "xunren-small"
RUNTIMES: list[Runtime] = ["onnxruntime", "openvino"]


def pictures() -> list[Image]:
    """People of the sample videos, noise, and odd sizes."""
    random = np.random.default_rng(7)
    sizes = [(128, 64), (40, 22), (360, 640), (77, 501), (128, 64), (9, 9)]
    noise = [random.integers(0, 255, (*size, 3), dtype=np.uint8) for size in sizes]
    return [image for _, image in people_of("gate")] + noise


def cosines(a: Vectors, b: Vectors) -> float:
    return float((a * b).sum(axis=1).min())


@pytest.fixture(scope="module")
def usual() -> OpenClipEmbedder:
    made = OpenClipEmbedder(MODEL)
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


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_another_runtime_gives_the_same_vectors(usual: OpenClipEmbedder, runtime: Runtime, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, runtime=runtime, batch_size=8)
    images = pictures()
    for _ in range(2):  # exported, and then read
        other = make_embedder(settings)
        assert other.label == usual.label
        assert cosines(other.embed_images(images), usual.embed_images(images)) > 0.999
    assert list((tmp_path / "exported").iterdir())
    assert cosines(other.embed_texts(["a red coat"]), usual.embed_texts(["a red coat"])) > 0.999


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_threads_may_share_another_runtime(runtime: Runtime, tmp_path: Path) -> None:
    """Recordings are indexed while somebody searches with a photo."""
    embedder = make_embedder(Settings(data_dir=tmp_path, runtime=runtime))
    batches = [pictures()[:4], pictures()[-3:]]
    expected = [embedder.embed_images(batch) for batch in batches]

    def embed(n: int) -> float:
        return min(cosines(embedder.embed_images(batches[n]), expected[n]) for _ in range(40))

    with ThreadPoolExecutor(2) as pool:
        assert min(pool.map(embed, (0, 1))) > 0.999


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_vision_transformer_too(runtime: Runtime, tmp_path: Path) -> None:
    import open_clip
    import torch

    from search.models.image_tower import open_tower

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32", pretrained=None).eval()
    tower = open_tower(runtime, model, (224, 224), tmp_path, "random:vit", "cpu")
    batch = torch.randn(3, 3, 224, 224)
    with torch.inference_mode():
        plain = model.encode_image(batch).numpy()
    found = tower(batch.numpy())
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(plain, axis=1)
    assert ((found * plain).sum(axis=1) / lengths).min() > 0.999


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_device_that_is_not_there_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, runtime=runtime, device="NoSuchThing")
    with pytest.raises(Unavailable, match="does not have this device") as e:
        make_embedder(settings).open()
    assert "cpu" in str(e.value.expected).lower()


@pytest.mark.parametrize(("runtime", "extra"), [("onnxruntime", "onnx"), ("openvino", "openvino")])
def test_a_runtime_that_is_not_installed_is_refused(
    runtime: Runtime, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, runtime, None)
    with pytest.raises(Unavailable, match="not installed") as e:
        make_embedder(Settings(data_dir=tmp_path, runtime=runtime)).open()
    assert f"xunren[{extra}]" in e.value.cure
