"""`mlopsgen doctor` finds what is broken on purpose, names the next step, and that step helps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_toys import data, mlopsgen
from tests.forge_toys import Toy, make_toy


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path)
    mlopsgen(toy, "push", "--local", "--yes")
    toy.wait_for_rest()
    yield toy
    toy.go()
    if toy.root.exists():
        toy.wait_for_rest()


def found(toy: Toy, level: str) -> dict[str, str]:
    done = mlopsgen(toy, "doctor", "--output", "json")
    findings = data(done)["findings"]
    assert done.returncode == (1 if any(finding["level"] == "problem" for finding in findings) else 0)
    for finding in findings:
        assert bool(finding["hint"]) is (finding["level"] != "ok")
    return {finding["check"]: finding["hint"] for finding in findings if finding["level"] == level}


def test_all_is_well(toy: Toy) -> None:
    assert found(toy, "problem") == {}
    assert found(toy, "warning") == {}
    done = mlopsgen(toy, "doctor")
    assert done.returncode == 0
    assert "0 problems, 0 warnings" in done.stdout


def test_a_secret_that_others_may_read(toy: Toy) -> None:
    path = toy.layout.secrets("production")
    path.chmod(0o644)
    assert found(toy, "problem") == {"environment-production": f"chmod 600 '{path}'"}


def test_a_line_that_cannot_be_read(toy: Toy) -> None:
    toy.layout.secrets("staging").write_text("nonsense\n")
    done = mlopsgen(toy, "doctor")
    assert done.returncode == 1
    assert "secrets.env:1: expected NAME=value" in done.stdout


@pytest.mark.parametrize("how", ["not executable", "gone"])
def test_a_hook_that_does_not_run_is_mended_by_the_step_that_is_named(toy: Toy, how: str) -> None:
    if how == "gone":
        toy.layout.hook.unlink()
    else:
        toy.layout.hook.chmod(0o644)
    assert found(toy, "problem") == {"forge-hook": "mlopsgen push --local"}
    assert mlopsgen(toy, "push", "--local", "--yes").returncode == 0
    assert found(toy, "problem") == {}


def test_a_worker_that_does_not_start(toy: Toy) -> None:
    toy.layout.program.write_bytes(b"not a program")
    assert found(toy, "problem") == {"worker": "mlopsgen push --local"}


def test_a_python_that_is_gone(toy: Toy) -> None:
    toy.layout.recorded_python.write_text("/opt/gone/bin/python\n")
    assert set(found(toy, "warning")) == {"worker"}


def test_a_forge_that_is_gone(toy: Toy) -> None:
    shutil.rmtree(toy.root)
    assert found(toy, "warning")["forge"] == (
        "If it was moved: mlopsgen push --local ITS-FOLDER. If it is gone: mlopsgen push --local makes a new one, "
        "which knows no earlier run and no champion."
    )
    assert mlopsgen(toy, "push", "--local", "--yes").returncode == 0
    assert found(toy, "problem") == {}


def test_a_remote_that_is_gone(toy: Toy) -> None:
    toy.git("remote", "remove", "local")
    assert found(toy, "problem") == {"remote": "mlopsgen push --local"}


def test_no_identity(toy: Toy) -> None:
    toy.environ = {
        name: value for name, value in toy.environ.items() if not name.startswith(("GIT_AUTHOR", "GIT_COMM"))
    }
    assert "git config --global user.name" in found(toy, "problem")["identity"]


def test_a_push_that_was_never_queued(toy: Toy) -> None:
    content = toy.layout.hook.read_text()
    toy.layout.hook.write_text("#!/bin/sh\nexit 0\n")
    toy.commit("Silent")
    toy.push()
    toy.layout.hook.write_text(content)
    assert found(toy, "problem") == {"queue": "mlopsgen run --branch development"}
    assert mlopsgen(toy, "run", "--branch", "development").returncode == 0
    assert found(toy, "problem") == {}


def test_a_lock_that_a_killed_git_left(toy: Toy) -> None:
    lock = toy.folder / ".git" / "config.lock"
    lock.touch()
    assert found(toy, "problem") == {}
    os.utime(lock, (1, 1))
    assert found(toy, "problem") == {"git-locks": f"If no git is at work: rm '{lock}'"}


def test_an_environment_that_was_not_finished(toy: Toy) -> None:
    [marker] = toy.layout.virtual_environments.glob("*/.complete")
    marker.unlink()
    assert set(found(toy, "warning")) == {"prepared"}


def test_outside_of_a_project_it_checks_the_machine(toy: Toy, tmp_path: Path) -> None:
    done = mlopsgen(toy, "doctor", cwd=tmp_path)
    assert done.returncode == 0
    assert "trainings use Python" in done.stdout
    assert "mlopsgen init" in done.stdout


def test_without_git_it_says_how_to_get_it(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    toy.environ["PATH"] = str(tmp_path / "bin")
    done = mlopsgen(toy, "doctor")
    assert done.returncode == 1
    assert "'git' is not installed" in done.stdout
    assert "Install git" in done.stdout
    toy.environ["PATH"] = "/usr/bin:/bin"
