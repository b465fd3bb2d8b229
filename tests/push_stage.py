"""A stage for pushes: a fake GitHub with an organisation, a repository of a person, and the command line beside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests import in_process
from tests.canaries import canary
from tests.github import FakeGitHub
from tests.push_state import state_here, state_there

NAME = "acme/heart-rate"
PUSH = ("push", "--yes", "--output", "json")
LAUNCHER = Path(__file__).with_name("hurried.py")
REMOTE_DOCUMENT = Path(".github", "remote.yaml")
ANSWERS = """\
project_name: Heart rate
description: Predicts "it's" $HOME
owner: acme
reviewers: [grace, acme/ml]
review_wait_minutes: 5
data_address: https://data.example.org/table.csv
data_format: csv
target: rate
development_engine: kubeflow
development_endpoint: https://kubeflow.example.org/pipeline
production_engine: kubeflow
production_endpoint: https://kubeflow.example.org/pipeline
production_login: dex
"""
SECRETS = {
    "DEVELOPMENT_KUBEFLOW_TOKEN": canary("kubeflow-token"),
    "PRODUCTION_KUBEFLOW_USERNAME": canary("kubeflow-user"),
    "PRODUCTION_KUBEFLOW_PASSWORD": canary("kubeflow-password") + "\n\"'$HOME ü",
    "DATA_MAIN_TOKEN": canary("data-token"),
}


class Done(NamedTuple):
    """How a command ended; ``code`` is negative when it was killed."""

    code: int
    out: str
    said: str


@dataclass
class Stage:
    """What a test acts on.

    Attributes:
        github: The fake GitHub.
        login: The person.
        repository: The repository on this machine.
        environ: The environment of the person, the token and the secrets' values among it.
    """

    github: FakeGitHub
    login: str
    repository: Path
    environ: dict[str, str]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *arguments: str, **more: str) -> Done:
        """Run the command line to its end, or to its death."""
        return self.end(self.start(*arguments, **more))

    def run_here(self, *arguments: str) -> Done:
        """Run the command line in this process, which is cheaper; nothing shall disturb it."""
        words = (*arguments, "--host", self.github.url, "--org", "acme")
        done = in_process.mlopsgen(*words, cwd=self.repository, environ=self.environ)
        return Done(done.returncode, done.stdout, done.stderr)

    def push(self, **more: str) -> Done:
        """Push, without questions."""
        return self.run(*PUSH, **more)

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """Start the command line in a process group of its own."""
        process = subprocess.Popen(
            [sys.executable, "-P", str(LAUNCHER), *arguments, "--host", self.github.url, "--org", "acme"],
            cwd=self.repository,
            env=self.environ | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> Done:
        """Wait for a command's end."""
        out, said = process.communicate(timeout=120)
        self.running.remove(process)
        return Done(process.returncode, out, said)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End everything that runs at once, as the machine's failure would; or send it another signal."""
        for process in self.running:
            os.killpg(process.pid, number)

    def renew_token(self) -> None:
        """Give the person a new token."""
        token = self.github.add_token(self.login, kind="classic", scopes=["repo", "workflow", "read:org"])
        self.environ["MLOPSGEN_GITHUB_TOKEN"] = token

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        return git(self.repository, *arguments, environ=self.environ)

    def commit(self, message: str) -> str:
        """Commit everything in the repository; the commit is always the same one."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self.git("rev-parse", "HEAD")

    def state(self, name: str = NAME) -> dict[str, Any]:
        """Everything that a push changes, there and here."""
        here = state_here(self.repository, self.github.url, self.environ)
        return {"there": state_there(self.github.repository(name) if self.github.has(name) else None), "here": here}


def git(folder: Path, *arguments: str, environ: Mapping[str, str]) -> str:
    """Run git and return what it prints, without the last line's end."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=dict(environ), capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\n")


def environment(home: Path) -> dict[str, str]:
    """The environment of a person with nothing but a git identity; commits are always made at the same moment."""
    home.mkdir(parents=True, exist_ok=True)
    names = {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in _IDENTITY.items()}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        **names,
        **{f"MLOPSGEN_SECRET_{name}": value for name, value in SECRETS.items()},
    }


_IDENTITY = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": "2026-11-21T08:00:00Z"}


def make_repository(folder: Path) -> Path:
    """A repository as ``init`` makes it, with an answer to everything that matters to a remote."""
    folder.mkdir(parents=True, exist_ok=True)
    answers = folder / "answers.yml"
    answers.write_text(ANSWERS, encoding="utf-8")
    made = folder / "heart-rate"
    command = [sys.executable, "-m", "mlopsgen", "init", "--defaults", "--answers", str(answers), str(made)]
    subprocess.run(command, cwd=folder, env=environment(folder / "home"), check=True, capture_output=True)
    return made


def set_up(github: FakeGitHub, model: Path, folder: Path) -> Stage:
    """An organisation with its people on the fake, and Ada's copy of the repository ``model`` in ``folder``."""
    for login in ("ada", "bob", "grace"):
        github.add_user(login)
    github.add_org("acme", plan="enterprise", members=["ada", "bob", "grace"], owners=["ada", "bob"])
    github.add_team("acme", "ml", members=["grace"])
    return join(github, model, folder, "ada")


def join(github: FakeGitHub, model: Path, folder: Path, login: str) -> Stage:
    """Somebody with a copy of the repository ``model``."""
    repository = folder / login / "heart-rate"
    shutil.copytree(model, repository, symlinks=True)
    stage = Stage(github=github, login=login, repository=repository, environ=environment(folder / login / "home"))
    stage.renew_token()
    return stage


def remove(folder: Path) -> None:
    """Remove what a test is done with."""
    shutil.rmtree(folder, ignore_errors=True)
