"""What runs on macOS and Windows can at least be loaded without what they lack."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from tools import elsewhere

ROOT = Path(__file__).resolve().parents[1]
LOAD = """
import importlib, sys
import plumbum.machines.local  # copier's; it looks for POSIX when it is loaded
from tests import without_posix
without_posix.take_away()
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def test_every_test_for_other_systems_can_be_loaded_there(environ: dict[str, str]) -> None:
    names = ["tests.conftest", *(f"tests.test_{name}" for name in elsewhere.TESTS)]
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *names], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_what_is_left_out_on_windows_is_there() -> None:
    for name in elsewhere.NOT_ON_WINDOWS:
        path, _, test = name.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_they_need_none_of_linux_servers() -> None:
    for name in elsewhere.TESTS:
        text = (ROOT / "tests" / f"test_{name}.py").read_text(encoding="utf-8")
        for word in ("tests.servers", "pexpect", "FakeGitHub", "tests.once", "unshare"):
            assert word not in text, f"test_{name}.py needs {word}"
