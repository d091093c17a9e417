"""What importing a module loads: the heavy libraries are loaded where they are first used, never by an import."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT

HEAVY = ("torch", "open_clip", "transformers", "pymilvus", "av", "ray")
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for floor in ("search", "indexer", "api")
    for file in (ROOT / floor).rglob("*.py")
    if "versions" not in file.parts and file.name not in ("__main__.py", "env.py")  # they run when they are imported
)

IMPORT_ALL = """
import importlib, importlib.abc, sys
heavy, modules = {heavy!r}, {modules!r}

class Door(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in heavy:
            return None
        frame = sys._getframe()
        while frame and frame.f_globals.get("__name__", "").partition(".")[0] not in ("search", "indexer", "api"):
            frame = frame.f_back
        print(frame.f_globals["__name__"] if frame else "?", "loads", name, flush=True)
        raise ImportError(name + " is not to be loaded by an import")

sys.meta_path.insert(0, Door())
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError as e:
        print(module, str(e).replace(" ", "_"), flush=True)
print("end")
"""


def test_importing_any_module_loads_no_heavy_library() -> None:
    script = IMPORT_ALL.format(heavy=HEAVY, modules=MODULES)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.stdout.split("\n") == ["end", ""], f"modules that load one: {ran.stdout}\n{ran.stderr}"
