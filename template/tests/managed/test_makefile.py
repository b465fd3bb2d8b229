"""The verbs of the Makefile, in a folder with spaces, with stand-ins for the programs of the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support import TEMPLATE

PROGRAM = '#!/bin/sh\necho "$(basename "$0") $*"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository that has nothing but the Makefile and the requirements."""
    repository = tmp_path / "my repo"
    repository.mkdir()
    for name in ("Makefile", "requirements.in", "requirements-dev.in", "requirements-dev.txt"):
        shutil.copy(TEMPLATE / name, repository)
    subprocess.run(["git", "init", "-q", "-b", "staging", str(repository)], check=True)
    return repository


def program(folder: Path, name: str, text: str = PROGRAM) -> None:
    path = folder / ".venv" / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}  # these tests may be run by a make themselves
    return subprocess.run(["make", *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False)


def test_make_alone_lists_every_verb(folder: Path) -> None:
    done = make(folder)
    text = (folder / "Makefile").read_text(encoding="utf-8")
    verbs = {line.split()[1] for line in text.splitlines() if line.startswith(".PHONY:")} - {"ready"}
    assert {line.split()[1] for line in done.stdout.splitlines()} == verbs


def test_verbs_say_so_when_there_is_no_environment(folder: Path) -> None:
    for verb in ("check", "train", "report", "test", "lint", "ui", "lock", "notebook"):
        done = make(folder, verb)
        assert done.returncode == 2
        assert "run 'make setup' first" in done.stderr


@pytest.mark.parametrize(
    ("branch", "trained"),
    [
        ("development", "development"),
        ("staging", "staging"),
        ("production", "production"),
        ("deeper-trees", "development"),
    ],
)
def test_the_branch_that_is_checked_out_selects_the_configuration(folder: Path, branch: str, trained: str) -> None:
    program(folder, "python")
    subprocess.run(["git", "-C", str(folder), "symbolic-ref", "HEAD", f"refs/heads/{branch}"], check=True)
    for verb, word in (("train", "run"), ("check", "check"), ("report", "report")):
        assert make(folder, verb).stdout == f"python -m pipelines.{trained}.main {word}\n"


def test_parameters_and_the_pipeline_are_handed_on(folder: Path) -> None:
    program(folder, "python")
    done = make(folder, "train", "BRANCH=production", "PIPELINE=nightly", "PARAMS=seed=7 algorithm=linear")
    expected = "run --pipeline nightly --param seed=7 --param algorithm=linear"
    assert done.stdout == f"python -m pipelines.production.main {expected}\n"
    done = make(folder, "train", "ENGINE=local")
    assert done.stdout == "python -m pipelines.staging.main run --engine local\n"


def test_add_writes_the_line_locks_and_installs(folder: Path) -> None:
    program(folder, "python")
    program(folder, "uv")
    before = (folder / "requirements.in").read_text(encoding="utf-8")
    for _ in range(2):
        done = make(folder, "add", "PKG=lightgbm>=4")
        assert done.returncode == 0, done.stderr
        assert "--universal" in done.stdout
        assert "--override" not in done.stdout
        assert "pip install" in done.stdout
    assert (folder / "requirements.in").read_text(encoding="utf-8") == before + "lightgbm>=4\n"
    (folder / "requirements.in").write_text(before.rstrip("\n"), encoding="utf-8")
    assert make(folder, "add", "PKG=lightgbm>=4").returncode == 0
    assert (folder / "requirements.in").read_text(encoding="utf-8") == before + "lightgbm>=4\n", "not in one line"
    (folder / "overrides.txt").write_text("urllib3>=2.8\n", encoding="utf-8")
    assert "--override overrides.txt" in make(folder, "lock").stdout


def test_add_leaves_everything_as_it_was_when_locking_fails(folder: Path) -> None:
    program(folder, "python")
    program(folder, "uv", "#!/bin/sh\nexit 1\n")
    before = (folder / "requirements.in").read_text(encoding="utf-8")
    done = make(folder, "add", "PKG=no-such-library")
    assert done.returncode == 2
    assert "requirements.in is as it was" in done.stderr
    assert (folder / "requirements.in").read_text(encoding="utf-8") == before
    assert make(folder, "add").returncode == 2


def test_setup_installs_uv_from_the_lock_with_its_hashes(folder: Path) -> None:
    program(folder, "python")
    program(folder, "uv")
    done = make(folder, "setup")
    assert done.returncode == 0, done.stderr
    lines = (folder / ".venv" / "uv.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("uv==")
    assert len(lines) > 1
    assert all("--hash=sha256:" in line for line in lines[1:] if not line.strip().startswith("#"))
    assert "--require-hashes --requirement requirements-dev.txt" in done.stdout
    assert "pip --disable-pip-version-check install --quiet --require-hashes --requirement .venv/uv.txt" in done.stdout


def test_setup_leaves_the_uv_of_the_lock_and_replaces_another_one(folder: Path) -> None:
    lock = (folder / "requirements-dev.txt").read_text(encoding="utf-8")
    version = next(line for line in lock.splitlines() if line.startswith("uv==")).split()[0].removeprefix("uv==")
    program(folder, "python")
    for there, installed in ((version, False), (f"{version}1", True), ("", True)):
        program(folder, "uv", f'#!/bin/sh\ntest "$1" != --version || echo "uv {there} (of 2026)"\n')
        done = make(folder, "setup")
        assert done.returncode == 0, done.stderr
        assert ("pip --disable-pip-version-check" in done.stdout) is installed
