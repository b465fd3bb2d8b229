"""The first minutes of a newcomer: what is missing on the machine is named with its next step; Ctrl-C is no crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.in_process import mlopsgen

INTERRUPTED = """import sys
class Pressed:
    def find_spec(self, name, path, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
from mlopsgen.__main__ import main
raise SystemExit(main())"""


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def test_ctrl_c_while_the_program_starts_is_told_like_later_on(environ: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped: Stopped.\n")


@pytest.mark.parametrize(
    ("git", "said"),
    [("", "'git' is not installed"), ("echo git version 2.30.2", "git 2.30.2 is too old; 2.38.0 or newer is needed")],
    ids=["none", "old"],
)
def test_without_a_git_that_can_do_it_the_next_step_is_named(
    git: str, said: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    if git:
        program(tmp_path / "bin", "git", git)
    here = tmp_path / "here"
    here.mkdir()
    poor = {**environ, "PATH": str(tmp_path / "bin")}
    done = mlopsgen("init", "wine", "--defaults", cwd=here, environ=poor)
    assert done.returncode == 1
    assert said.replace("2.38.0", "2.38") in done.stderr.replace("2.38.0", "2.38")
    assert "Install git" in done.stderr
    assert list(here.iterdir()) == []
    looked = mlopsgen("doctor", cwd=here, environ=poor)
    assert looked.returncode == 1
    assert "WRONG" in looked.stdout
    assert "Install git" in looked.stdout


def test_a_repository_is_made_although_git_knows_nobody_and_the_step_is_named(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    done = mlopsgen("init", "wine", "--defaults", cwd=tmp_path, environ=environ)
    assert done.returncode == 0
    assert "git config --global user.name" in done.stderr
    looked = mlopsgen("doctor", cwd=tmp_path / "wine", environ=environ)
    assert "git config --global user.name" in looked.stdout


def test_doctor_helps_where_there_is_nothing_yet(tmp_path: Path, environ: dict[str, str]) -> None:
    program(tmp_path / "bin", "uv", "exit 1")
    done = mlopsgen("doctor", cwd=tmp_path, environ={**environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}"})
    assert "mlopsgen init" in done.stdout
    assert "ok     mlopsgen " in done.stdout.replace("\x1b", "")
    assert f"uv is {tmp_path / 'bin' / 'uv'}" in done.stdout
    assert "make is" not in done.stdout, "nobody needs it outside of a repository"


def test_without_make_doctor_says_who_misses_it(tmp_path: Path, environ: dict[str, str]) -> None:
    assert mlopsgen("init", "wine", "--defaults", cwd=tmp_path, environ=environ).returncode == 0
    for name in ("git", "python3"):
        found = next(Path(folder) / name for folder in environ["PATH"].split(":") if (Path(folder) / name).exists())
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(found)
    done = mlopsgen("doctor", cwd=tmp_path / "wine", environ={**environ, "PATH": str(tmp_path / "bin")})
    assert "make is not here" in done.stdout
    assert "apt install make" in done.stdout
