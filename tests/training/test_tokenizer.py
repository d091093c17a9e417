"""Words that nobody wrote fall back to pieces that the tokenizer knows."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer

from training.model import COMMON, CONTEXT, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(sentences=400)


def test_every_common_chinese_character_is_known(tokenizer: Tokenizer) -> None:
    assert len(COMMON) == 3755
    for start in range(0, len(COMMON), 40):
        assert "[UNK]" not in tokenizer.encode("".join(COMMON[start : start + 40])).tokens


ANY = ("xylophone zebra", "Quick-brown FOX, jumps!", "iPhone 17 pro", "穿迷彩服的七旬老汉", "LED灯")


@pytest.mark.parametrize("text", ANY)
def test_any_word_becomes_known_pieces(tokenizer: Tokenizer, text: str) -> None:
    assert "[UNK]" not in tokenizer.encode(text).tokens


def test_the_end_has_the_highest_id_and_stands_after_the_text(tokenizer: Tokenizer) -> None:
    row = tokenizer.encode("a man in a red coat")
    assert tokenizer.token_to_id("[EOS]") == tokenizer.get_vocab_size() - 1
    assert len(row.ids) == CONTEXT
    assert max(row.ids) == tokenizer.token_to_id("[EOS]")


def test_round_trip(tokenizer: Tokenizer) -> None:
    pieces = [t for t in tokenizer.encode("穿红色大衣的女人").tokens if not t.startswith("[")]
    assert "".join(pieces) == "穿红色大衣的女人"
