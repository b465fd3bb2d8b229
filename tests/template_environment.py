"""The environment of the generated repository, which `make` prepares for the tests, and programs run in it."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.once import of_all_workers

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = ROOT / "template"
VARIABLE = "MLOPSGEN_TEMPLATE_VENV"
_READ = {".py", ".pyi", ".ipynb", ".toml", ".cfg", ".ini"}


def python() -> Path:
    """The interpreter that has what the generated repository requires, and nothing of the tool."""
    folder = ROOT / os.environ.get(VARIABLE, "build/template-venv")
    found = folder / "bin" / "python"
    assert found.exists(), f"{folder} is missing; 'make template-venv' makes it"
    return found


def environ(home: Path, **more: str) -> dict[str, str]:
    """A whole environment: the interpreter's programs first on the PATH, an empty home, no byte code left."""
    path = os.pathsep.join([str(python().parent), os.environ["PATH"]])
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
    return {"PATH": path, "HOME": str(home)} | quiet | more


def run(folder: Path, home: Path, *arguments: str, timeout: float = 600, **more: str) -> None:
    """Run ``python ARGUMENTS`` of that environment in a folder; its output is the message when it fails."""
    done = subprocess.run(
        [str(python()), *arguments],
        cwd=folder,
        env=environ(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )
    said = (done.stdout + done.stderr)[-20_000:]
    assert done.returncode == 0, f"python {' '.join(arguments)} ended with {done.returncode} in {folder}\n{said}"


def lint(folder: Path, home: Path, factory: pytest.TempPathFactory) -> None:
    """Style and types of a repository's Python: once for the same code and settings, however many have it."""
    passed = of_all_workers(factory) / f"linted-{_code(folder)}"
    if passed.exists():
        return
    run(folder, home, "-m", "ruff", "check", "--no-cache", ".")
    run(folder, home, "-m", "ruff", "format", "--no-cache", "--check", ".")
    run(folder, home, "-m", "mypy", "--cache-dir", shared_types())
    passed.touch()


def _code(folder: Path) -> str:
    """What a linter finds in a folder and goes by: one word for it."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in _READ or path.name == ".gitignore":
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            found.update(f"{name} {len(content)}\n".encode() + content)
    return found.hexdigest()


def shared_types(environment: Mapping[str, str] = os.environ) -> str:
    """A folder for mypy's findings about libraries, which are the same in each rendering."""
    return str(ROOT / "build" / f"mypy-cache-{environment.get('PYTEST_XDIST_WORKER', 'main')}")
