"""Sentences to tokens as open_clip's `HFTokenizer` makes them of a model folder, without torch and transformers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.errors import BadInput, Unavailable

_CLEAN = re.compile(r"[ -%'-~\u4e00-\u9fff]*")
"""ASCII but `&`, and Chinese characters: ftfy, which takes 0.05 s to load, leaves such text as it is."""


def check_fits(tokens: int, context: int) -> None:
    """Raise `BadInput` for a text of more tokens than the model reads. It is never cut off silently."""
    if tokens > context:
        raise BadInput(
            "the sentence is too long for this model",
            got=f"{tokens} tokens",
            expected=f"at most {context}",
            cure="say less, or split it into two searches",
        )


class SentenceTokenizer:
    """The tokenizer of a local model folder. Threads may share it.

    Args:
        folder: folder with open_clip_config.json and tokenizer.json.

    Raises:
        Unavailable: the files cannot be read, or ask for what is not done here.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        try:
            config = json.loads((folder / "open_clip_config.json").read_text("utf-8"))["model_cfg"]["text_cfg"]
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self.context = int(config["context_length"])
            pad = (self._tokenizer.padding or {})["pad_id"]
        except Exception as e:  # of tokenizers, which raises plain ones
            got = f"{type(e).__name__}: {e}"
            raise Unavailable("the model's tokenizer cannot be read", got=got, cure="restore the folder") from e
        options = config.get("tokenizer_kwargs") or {}
        if options != {"clean": "whitespace"}:
            raise Unavailable(
                "this tokenizer is read by open_clip only", got=options, expected="clean: whitespace",
                cure="set runtime to torch",
            )  # fmt: skip
        self._pad = int(pad)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the tokens of the texts, (n, length of the longest), padded.

        Raises:
            BadInput: a text has more tokens than the model reads.
        """
        tokens = [self._tokenizer.encode(cleaned(text)).ids for text in texts]
        for ids in tokens:
            check_fits(len(ids), self.context)
        rows = np.full((len(tokens), max(map(len, tokens), default=0)), self._pad, np.int64)
        for row, ids in zip(rows, tokens, strict=True):
            row[: len(ids)] = ids
        return rows


def cleaned(text: str) -> str:
    """Return a text as open_clip's `clean: whitespace` does: mended by ftfy, without entities and doubled blanks."""
    if not _CLEAN.fullmatch(text):
        import ftfy

        text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split())
