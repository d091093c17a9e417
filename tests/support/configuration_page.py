"""Writes docs/configuration.md from the table of settings: ``python -m tests.support.configuration_page``."""

from __future__ import annotations

from pathlib import Path

from search.config import settings_table

FILE = Path(__file__).parents[2] / "docs" / "configuration.md"
HEAD = """# Configuration

A setting comes from, strongest first: the command line, an environment variable (`XUNREN_` and the name in capitals),
the TOML file that `--config` names, its default. An unknown name is refused with the nearest known one. `xunren doctor
--settings` prints the same table. This page is written by `python -m tests.support.configuration_page`, and a test
compares it with the settings.
"""
GROUPS = {  # the setting that begins a group: its heading
    "data_dir": "Data folder",
    "model": "Model",
    "store_uri": "Where the parts live",
    "sample_interval_s": "Indexing",
    "secret_key": "Live cameras",
    "clip_gap_s": "Answers",
    "accounts": "Accounts and purpose",
    "map_tiles": "Page and server",
}


def page() -> str:
    """Return the text of docs/configuration.md."""
    parts = [HEAD]
    for name, _, default, meaning in settings_table():
        if name in GROUPS:
            parts.append(f"\n## {GROUPS[name]}\n\n| setting | default | meaning |\n| --- | --- | --- |\n")
        shown = f"`{default}`" if default else "empty"
        parts.append(f"| `{name}` | {shown} | {meaning.replace('|', '/')} |\n")
    return "".join(parts)


if __name__ == "__main__":
    FILE.write_text(page(), "utf-8")
