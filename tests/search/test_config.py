from __future__ import annotations

from pathlib import Path

import pytest

from search.config import Settings, load_settings, settings_table
from search.errors import BadInput


def test_order_of_precedence(tmp_path: Path) -> None:
    toml = tmp_path / "x.toml"
    toml.write_text('workers = 3\nbatch_size = 5\nmodel = "ViT-B-32"\n')
    environ = {"XUNREN_BATCH_SIZE": "7", "XUNREN_MODEL": "MobileCLIP2-S0", "OTHER": "1"}
    settings = load_settings({"model": "xunren-small", "port": None}, config=toml, environ=environ)
    assert (settings.workers, settings.batch_size, settings.model, settings.port) == (3, 7, "xunren-small", 8000)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"XUNREN_WORKER": "2"}, ("worker", "workers")),
        ({"XUNREN_WORKERS": "many"}, ("workers", "many")),
        ({"XUNREN_SAMPLE_INTERVAL_S": "0"}, ("sample_interval_s", "greater than 0")),
        ({"XUNREN_TIMEZONE": "Mars/Base"}, ("timezone", "Mars/Base")),
        ({"XUNREN_FALSE_MATCH_SHARE": "0.9"}, ("false_match_share", "false_maybe_share")),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(environ: dict[str, str], words: tuple[str, ...]) -> None:
    with pytest.raises(BadInput) as e:
        load_settings(environ=environ)
    assert all(word in str(e.value) for word in words)


def test_secrets_are_not_shown() -> None:
    settings = load_settings({"store_token": "root:secret", "catalog_url": "postgresql://me:secret@h/d"}, environ={})
    assert "secret" not in repr(settings)
    with pytest.raises(BadInput) as e:
        load_settings({"store_token": 5}, environ={})
    assert "5" not in e.value.got


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        load_settings(config=tmp_path / "missing.toml", environ={})
    (tmp_path / "bad.toml").write_text("workers = = 3")
    with pytest.raises(BadInput, match="not TOML"):
        load_settings(config=tmp_path / "bad.toml", environ={})


def test_every_setting_is_in_the_table_with_help() -> None:
    assert [row[0] for row in settings_table()] == list(Settings.model_fields)
    assert all(row[3] for row in settings_table())
