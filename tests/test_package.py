"""The built package is whole: it carries the template, and makes the same repository as the checkout does."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that is built from it, as ``make dist`` makes them."""
    built = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(ROOT)],
        env={"PATH": os.environ["PATH"], "HOME": str(built), "PIP_NO_INDEX": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return built


@pytest.fixture
def installed(packages: Path, tmp_path: Path) -> Path:
    """The wheel's files, where nothing of the checkout is near."""
    folder = tmp_path / "site packages"
    with zipfile.ZipFile(next(packages.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


def test_init_from_the_installed_package_is_that_of_the_checkout(
    installed: Path, mlopsgen: Run, tmp_path: Path
) -> None:
    code = "import mlopsgen; print(mlopsgen.__file__)"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}
    where = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert where.stdout.startswith(str(installed))

    for name, path in {"installed": str(installed), "checkout": str(ROOT)}.items():
        done = mlopsgen("init", "--defaults", "--name", "same", str(tmp_path / name / "same"), PYTHONPATH=path)
        assert done.returncode == 0, done.stderr
    trees = {
        subprocess.run(
            ["git", "rev-parse", "development^{tree}"],
            cwd=tmp_path / name / "same",
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in ("installed", "checkout")
    }
    assert len(trees) == 1


def test_the_package_holds_the_tool_and_nothing_else(packages: Path) -> None:
    with zipfile.ZipFile(next(packages.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {"mlopsgen", "mlopsgen-0.1.0.dist-info"}
    assert "mlopsgen/template.bundle" in names
    assert "mlopsgen/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(next(packages.glob("*.tar.gz"))) as sdist:
        assert any(name.endswith("/template.bundle") for name in sdist.getnames())
