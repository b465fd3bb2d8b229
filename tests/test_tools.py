"""The scripts behind ``make``: environments are made once, and the demo's change still fits the example."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import demo, environment, workflow_tools

ROOT = Path(__file__).resolve().parents[1]
# An empty lock: nothing is downloaded, and as it lacks uv, pip has to take its place.
EMPTY = "# nothing\n"


@pytest.fixture
def make(environ: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "tools" / "environment.py"), "an environment", *arguments],
            cwd=tmp_path,
            env=environ | {"PIP_NO_INDEX": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_environment_is_made_once_for_a_lock(
    make: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(EMPTY, encoding="utf-8")
    first = make("--lock", "lock.txt")
    assert first.returncode == 0, first.stderr
    assert (tmp_path / "an environment" / "bin" / "python").exists()
    again = make("--lock", "lock.txt")
    assert (again.returncode, again.stdout) == (0, "")

    lock.write_text(EMPTY + "# another\n", encoding="utf-8")
    changed = make("--lock", "lock.txt")
    assert "is ready" in changed.stdout


def test_an_environment_of_another_interpreter_is_made_anew(
    make: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "lock.txt").write_text(EMPTY, encoding="utf-8")
    make("--lock", "lock.txt")
    stamp = tmp_path / "an environment" / "made-from"
    stamp.write_text("3.0 of long ago\n" + stamp.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")
    left = tmp_path / "an environment" / "left over"
    left.touch()
    assert "is ready" in make("--lock", "lock.txt").stdout
    assert not left.exists()


def test_an_environment_that_could_not_be_filled_is_not_taken_for_ready(
    make: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "lock.txt").write_text("nothing-of-that-name==1.0 --hash=sha256:" + "0" * 64 + "\n", encoding="utf-8")
    for _ in range(2):
        failed = make("--lock", "lock.txt")
        assert failed.returncode == 1
        assert "could not be made" in failed.stderr


def test_uv_is_installed_with_the_hashes_of_the_lock() -> None:
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    block = environment.lines_of("uv", lock)
    assert block[0].startswith("uv==")
    assert all("--hash=sha256:" in line for line in block[1:])
    assert environment.lines_of("uv", EMPTY) == []


def test_the_change_of_the_demo_fits_the_example() -> None:
    text = (ROOT / "template" / f"{demo.FILE}.jinja").read_text(encoding="utf-8")
    for before in demo.CHANGES:
        assert text.count(before) == 1


def test_the_programs_that_check_workflows_are_made_once(tmp_path: Path) -> None:
    stamp = tmp_path / "made-from"
    stamp.write_text(workflow_tools._fingerprint(), encoding="utf-8")
    assert workflow_tools.main([str(tmp_path)]) == 0
    assert list(tmp_path.iterdir()) == [stamp]
    assert (workflow_tools.SOURCE / "go.sum").is_file()
    assert "integrity" in (workflow_tools.SOURCE / "package-lock.json").read_text(encoding="utf-8")
