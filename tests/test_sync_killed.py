"""Killed at each of its steps, ``mlopsgen sync`` leaves all as before or complete; run again, it ends well."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mlopsgen.errors import ExitCode, MlopsgenError
from tests.sync_killed import GIT
from tests.sync_toys import Person, arrive

SYNC = "mlopsgen/sync-development"
TOP = Path(__file__).parents[1]
NEVER = 10_000
NOTHING = "No update waits here that could be given up."
MARK = re.compile(rb"(?m)^>>>>>>> .*$")


@dataclass
class Stage:
    """Runs commands that are killed.

    Attributes:
        folder: Where everything lies.
        launcher: Forks and runs them.
    """

    folder: Path
    launcher: subprocess.Popen[str]
    count: int = 0

    def copy(self, model: Person) -> Person:
        """The same person with the same repository, somewhere else."""
        self.count += 1
        place = self.folder / str(self.count) / "toy"
        shutil.copytree(model.folder, place, symlinks=True)
        return replace(model, folder=place, said=[])

    def run(self, person: Person, command: str, at: int = NEVER, when: str = "before") -> tuple[int, list[str]]:
        """Run a command, killed at its ``at``-th git command; how it ended, and the git commands that it came to."""
        counted = person.folder.parent / "counted"
        counted.unlink(missing_ok=True)
        environ = {
            **person.environ,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{person.environ['PATH']}",
            "REAL_GIT": str(shutil.which("git")),
            "COUNTED": str(person.folder),
            "COUNT": str(counted),
            "KILL_AT": str(at),
            "KILL_WHEN": when,
        }
        task = {"folder": str(person.folder), "environ": environ, "command": command}
        assert self.launcher.stdin is not None
        assert self.launcher.stdout is not None
        self.launcher.stdin.write(json.dumps(task) + "\n")
        self.launcher.stdin.flush()
        status = json.loads(self.launcher.stdout.readline())
        return status, counted.read_text().split() if counted.exists() else []


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    git = folder / "bin" / "git"
    git.parent.mkdir()
    git.write_text(GIT, encoding="utf-8")
    git.chmod(0o755)
    argv = [sys.executable, "-m", "tests.sync_killed"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP), "HOME": str(folder)}
    with subprocess.Popen(
        argv, cwd=TOP, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as launcher:
        yield Stage(folder, launcher)
        assert launcher.stdin is not None
        launcher.stdin.close()
    shutil.rmtree(folder, ignore_errors=True)


def clean(folder: Path) -> Person:
    ada = arrive(folder)
    ada.write("notes.txt", "untracked\n")
    ada.write("run.sh", "not committed\n")
    return ada


def conflicting(folder: Path) -> Person:
    ada = arrive(folder)
    ada.commit("config.yaml", "a: 1\nb: 3\nc: 3\n")
    ada.git("switch", "--quiet", "-c", "feature")
    ada.commit("feature.txt", "something else is checked out\n")
    ada.write("notes.txt", "untracked\n")
    ada.write("run.sh", "not committed\n")
    return ada


def resolved(folder: Path) -> Person:
    ada = conflicting(folder)
    assert ada.sync().exit_code == ExitCode.PARTIAL
    ada.write("config.yaml", "a: 1\nb: 23\nc: 3\n")
    ada.git("add", "config.yaml")
    return ada


def seen(person: Person) -> dict[str, Any]:
    """The state, with what is on the sync branch instead of its commit, which is made at another moment each time."""
    state = person.state()
    branches = [line.split()[::2] for line in state["references"].splitlines()]
    kept = [line for line in branches if not line[1].startswith("refs/mlopsgen/")]
    made = person.git("rev-parse", "--verify", "--quiet", f"{SYNC}^{{tree}}", check=False)
    names = [name if name.endswith(SYNC) else f"{name} {commit}" for commit, name in kept]
    head = "" if state["head"].endswith(SYNC) else state["commit"]
    files = {name: (mode, MARK.sub(b">", content)) for name, (mode, content) in state["files"].items()}
    return {**state, "references": names, "commit": head, "tree": made, "files": files}


def leftovers(person: Person) -> str:
    return person.git("for-each-ref", "--format=%(refname)", "refs/mlopsgen")


def every_point(stage: Stage, model: Person, command: str) -> list[tuple[int, str]]:
    """Before and after each git command that a command runs in the repository."""
    status, verbs = stage.run(stage.copy(model), command)
    assert status == 0
    assert len(verbs) >= 3, verbs
    return [(number, when) for number in range(1, len(verbs) + 1) for when in ("before", "after")]


def each_killed(stage: Stage, model: Person, command: str) -> Iterator[tuple[str, Person]]:
    for number, when in every_point(stage, model, command):
        person = stage.copy(model)
        status, verbs = stage.run(person, command, number, when)
        assert status == -signal.SIGKILL, (number, when, status)
        yield f"{command}, killed {when} git {verbs[-1]} ({number})", person


def same(found: dict[str, Any], wanted: dict[str, Any], where: str) -> None:
    for name, value in wanted.items():
        assert found[name] == value, f"{where}: {name}"


def refused(act: Callable[[], Any]) -> str:
    """Why a command did nothing; empty if it worked."""
    try:
        act()
    except MlopsgenError as error:
        return error.message
    return ""


def undisturbed(stage: Stage, model: Person, act: Callable[[Person], Any]) -> dict[str, Any]:
    person = stage.copy(model)
    act(person)
    return seen(person)


def test_a_clean_update(stage: Stage, tmp_path: Path) -> None:
    ada = clean(tmp_path)
    before, after = seen(ada), undisturbed(stage, ada, Person.sync)
    for where, person in each_killed(stage, ada, "sync"):
        here = seen(person)
        same({**here, "references": 0, "tree": 0}, {**before, "references": 0, "tree": 0}, where)
        assert here["tree"] in (before["tree"], after["tree"]), where
        assert person.sync().exit_code == ExitCode.OK, where
        same(seen(person), after, f"{where}, run again")
        assert not leftovers(person), where


def test_an_update_with_conflicts_is_begun_again_or_given_up(stage: Stage, tmp_path: Path) -> None:
    ada = conflicting(tmp_path)
    before, after = seen(ada), undisturbed(stage, ada, Person.sync)
    for where, person in each_killed(stage, ada, "sync"):
        other = stage.copy(person)
        assert other.sync().exit_code == ExitCode.PARTIAL, where
        same(seen(other), after, f"{where}, run again")
        assert refused(person.abort) in ("", NOTHING), where
        same(seen(person), before, f"{where}, given up")


def test_continuing_goes_on(stage: Stage, tmp_path: Path) -> None:
    ada = resolved(tmp_path)
    after = undisturbed(stage, ada, Person.go_on)
    for where, person in each_killed(stage, ada, "go_on"):
        if refused(person.go_on):
            assert person.sync().exit_code == ExitCode.OK, where
        assert (person.folder / ".git" / "mlopsgen" / "pull-request.md").exists(), where
        same(seen(person), after, f"{where}, run again")
        assert not leftovers(person), where


def test_giving_up_can_be_repeated(stage: Stage, tmp_path: Path) -> None:
    before = seen(conflicting(tmp_path / "as it was"))
    ada = resolved(tmp_path)
    for where, person in each_killed(stage, ada, "abort"):
        assert refused(person.abort) in ("", NOTHING), where
        found = seen(person)
        commits = ("references", "commit")  # of another repository
        same({**found, **dict.fromkeys(commits)}, {**before, **dict.fromkeys(commits)}, where)
        assert SYNC not in "".join(found["references"]), where
        assert found["head"] == "refs/heads/feature", where
        assert not leftovers(person), where
