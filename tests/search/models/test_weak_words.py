"""A sentence that leans on what the model is weak at gets a hint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from search.errors import BadInput
from search.models.weak_words import FILE, Hint, WordReliability, hints_for, weaknesses

KNOWN = (
    WordReliability("hat", 0.4, ("cap", "straw hat", "hat", "帽子", "草帽")),
    WordReliability("hair", 0.3, ("long hair", "长发")),
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a man in a red coat", []),
        ("a man in a Cap", [("hat", ("Cap",))]),
        ("an escape hatch, with capers", []),
        ("two men with straw hats and caps", [("hat", ("straw hats", "caps"))]),
        ("long hair, cap", [("hair", ("long hair",)), ("hat", ("cap",))]),
        ("戴草帽的大爷，长发", [("hair", ("长发",)), ("hat", ("草帽",))]),
        ("帽子，帽子", [("hat", ("帽子",))]),
    ],
)
def test_the_words_that_the_sentence_leans_on(text: str, said: list[tuple[str, tuple[str, ...]]]) -> None:
    right = {w.attribute: w.right for w in KNOWN}
    assert hints_for(text, KNOWN) == tuple(Hint(name, right[name], words) for name, words in said)


def test_the_shipped_model_knows_what_it_is_weak_at() -> None:
    known = weaknesses("xunren-small")
    assert known
    for weakness in known:
        assert 0 < weakness.right < 1
        assert any(word.isascii() for word in weakness.words)
        assert any(not word.isascii() for word in weakness.words)


def test_a_model_without_a_list_gives_no_hints() -> None:
    assert weaknesses("ViT-B-32") == ()


def test_a_damaged_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"")
    for text in ("{", "[]", json.dumps({"weak": [{"attribute": "hat"}]})):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(BadInput, match="weak words is damaged"):
            weaknesses(f"local-dir:{tmp_path}")
