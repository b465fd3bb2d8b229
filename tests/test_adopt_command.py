"""``mlopsgen adopt`` as people run it: the built-in template, answers in a real terminal, JSON for programs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
import yaml

from mlopsgen.constants import ANSWERS_FILE
from tests.fleet_stage import CHANGED, MANAGED, MERGED, OLD, environment, make_site, make_template

ADOPTED = "mlopsgen/adopt"
STYLED = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
MINE = {
    "src/churn.py": "print('mine')\n",
    "README.md": "# Mine\n",
    ".gitignore": "*.csv\n",
    "pyproject.toml": '[project]\nname = "churn"\ndescription = "Who leaves."\nrequires-python = ">=3.13"\n',
}


@dataclass
class Ada:
    """Ada with a repository of her own and the tool as a package with two versions of its template."""

    folder: Path
    environ: dict[str, str]

    def git(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self.environ, capture_output=True, text=True, check=check
        )
        return done.stdout.rstrip("\n")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "mlopsgen", *arguments]
        return subprocess.run(words, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False)

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments, "--output", "json")
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["exit_code"] == done.returncode
        return found

    def terminal(self, *arguments: str, size: tuple[int, int] = (60, 100)) -> pexpect.spawn[str]:
        environ = {**self.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        words = ["-m", "mlopsgen", *arguments]
        return pexpect.spawn(
            sys.executable, words, cwd=str(self.folder), env=environ, encoding="utf-8", timeout=120, dimensions=size
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home folder and the package."""
    folder = tmp_path_factory.mktemp("site")
    plain = environment(folder / "home")
    return folder / "home", make_site(folder, make_template(folder, plain), plain)


@pytest.fixture
def ada(site: tuple[Path, Path], tmp_path: Path) -> Ada:
    mine = Ada(tmp_path / "churn", environment(site[0], site[1]))
    for name, text in MINE.items():
        (mine.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (mine.folder / name).write_text(text)
    mine.git("init", "--quiet", "--initial-branch=main")
    mine.git("add", "--all")
    mine.git("commit", "--quiet", "-m", "Start")
    return mine


def test_the_whole_way_from_a_repository_made_by_hand_to_an_update(ada):
    done = ada.json("adopt", "--template-version", OLD, "--set", "task=binary", "--set", "target=left")
    data = done["data"]
    assert (done["exit_code"], data["state"], data["version"]) == (0, "ready", OLD)
    assert data["guessed"] == ["project_name", "description", "python_version"]
    assert data["answers"]["python_version"] == "3.13"
    assert {one["path"] for one in data["kept"]} == {"README.md", ".gitignore", "pyproject.toml"}
    (warning,) = data["warnings"]
    assert warning.startswith(".gitignore stays yours, and does not name .env")
    ada.git("merge", "--quiet", ADOPTED)
    make = next(step for step in done["next_steps"] if step.startswith("git branch ")).partition("   ")[0]
    subprocess.run(["sh", "-c", make], cwd=ada.folder, env=ada.environ, check=True)
    with (ada.folder / "Makefile").open("a") as file:
        file.write("\nmine:\n\t@true\n")
    ada.git("switch", "--quiet", "development")
    ada.git("commit", "--quiet", "--all", "-m", "Work")
    done = ada.json("sync", "--no-pull-request")
    assert {one["path"] for one in done["data"]["changes"]} == {*CHANGED, ANSWERS_FILE}
    ada.git("merge", "--quiet", "mlopsgen/sync-development")
    assert ada.git("show", f"HEAD:{MERGED}").endswith("\nmine:\n\t@true")
    assert "older version" not in ada.git("show", f"HEAD:{MANAGED}")
    assert {name: f"{ada.git('show', f'HEAD:{name}')}\n" for name in MINE} == MINE
    record = yaml.safe_load(ada.git("show", f"HEAD:{ANSWERS_FILE}"))
    assert record["owned"] == ["/.gitignore", "/pyproject.toml"]
    plan = ada.json("push", "--local", "--dry-run")["data"]
    assert plan


def test_what_is_shown_and_what_comes_next(ada):
    done = ada.run("adopt")
    assert done.returncode == 0
    assert done.stdout.startswith("churn: the built-in template v")
    assert "Yours, and the template has another one (3): they stay as they are" in done.stdout
    assert re.search(r"\n  \+ src/  \(\d+ files\)\n", done.stdout)
    assert "\n  + Makefile\n" in done.stdout
    assert re.search(r"\n      \d+ lines of the template's, 1 of yours", done.stdout)
    assert "  * description: Who leaves.\n" in done.stdout
    assert "\n  git switch main && git merge mlopsgen/adopt\n" in done.stdout


def test_a_person_sees_the_answers_first_and_may_stop(ada):
    child = ada.terminal("adopt")
    child.expect("Change anything")
    assert "churn" in STYLED.sub("", child.before)
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "nothing was changed" in STYLED.sub("", child.before)
    assert not ada.git("branch", "--list", ADOPTED)


def test_a_person_agrees_and_the_branch_is_made(ada):
    child = ada.terminal("adopt", size=(50, 60))
    child.expect("Change anything")
    child.send("\r")
    child.expect("Write it")
    child.send("\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert "git merge mlopsgen/adopt" in STYLED.sub("", child.before)
    assert ada.git("branch", "--list", ADOPTED)
