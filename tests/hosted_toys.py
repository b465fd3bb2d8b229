"""A repository that lies on the fake GitHub already, and operations that run on it in this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlopsgen.adapters.credentials import Credential, find_credential
from mlopsgen.operations.hosting import Target, Wanted
from mlopsgen.operations.project import Surroundings
from mlopsgen.secret_value import SecretValue
from tests import in_process
from tests.github import FakeGitHub
from tests.github.repositories import Repository

NAME = "acme/heart-rate"
BRANCHES = ("development", "staging", "production")


@dataclass
class Hosted:
    """What a test acts on.

    Attributes:
        github: The fake GitHub.
        there: The repository on it.
        here: The repository on this machine, whose ``origin`` leads there.
        environ: The environment of the person; no token in it.
        token: The token of an administrator who may do everything.
    """

    github: FakeGitHub
    there: Repository
    here: Path
    environ: dict[str, str]
    token: str

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(folder=self.here, environ=self.environ, python=Path(sys.executable))

    @property
    def wanted(self) -> Wanted:
        return Wanted(host=self.github.url)

    @property
    def credential(self) -> Callable[[Target], Credential]:
        return self.with_token(self.token)

    def with_token(self, token: str) -> Callable[[Target], Credential]:
        given = SecretValue(token)
        return lambda target: find_credential(target.host, {}, cwd=self.here, given=given)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.here, env=self.environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def push(self, *branches: str) -> None:
        """Bring branches there by the back door, and say where they are from."""
        self.git("push", "--quiet", str(self.there.folder), *(branches or BRANCHES))

    def commit_there(self, branch: str = "development") -> str:
        """A commit of somebody else on a branch there, which is not here."""
        tree = self.there.git("rev-parse", f"{branch}^{{tree}}")
        identity = ["-c", "user.name=Bob", "-c", "user.email=bob@example.org"]
        made = self.there.git(*identity, "commit-tree", tree, "-p", branch, "-m", "Bob's work")
        self.there.git("update-ref", f"refs/heads/{branch}", made)
        return made

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command line here, with the token in the environment."""
        environ = {**self.environ, "MLOPSGEN_GITHUB_TOKEN": self.token, **more}
        return in_process.mlopsgen(*arguments, cwd=self.here, environ=environ)


def set_up(github: FakeGitHub, model: Path, folder: Path) -> Hosted:
    """An organisation with a repository, and a copy of ``model`` beside it that was pushed there."""
    github.add_user("ada")
    github.add_user("bob")
    github.add_org("acme", plan="enterprise", members={"ada": "admin", "bob": "member"})
    token = github.add_token("ada", kind="classic", scopes=["repo", "workflow", "delete_repo"])
    there = github.world.make_repository(github.world.account("acme"), "heart-rate", "private")
    there.topics = ["mlopsgen"]
    here = folder / "heart-rate"
    shutil.copytree(model, here, symlinks=True)
    home = folder / "home"
    home.mkdir()
    names = {f"GIT_{who}_{what}": f"ada@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8", **names}
    hosted = Hosted(github=github, there=there, here=here, environ=environ, token=token)
    hosted.push()
    there.default_branch = "development"
    hosted.git("remote", "add", "origin", f"{github.url}/{NAME}.git")
    for branch in BRANCHES:
        hosted.git("update-ref", f"refs/remotes/origin/{branch}", branch)
        hosted.git("branch", "--quiet", f"--set-upstream-to=origin/{branch}", branch)
    return hosted


def make_model(folder: Path, answers: Sequence[str] = ()) -> Path:
    """A repository as ``init`` makes it; copy it, do not change it."""
    made = folder / "model"
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    argv = [sys.executable, "-m", "mlopsgen", "init", "--defaults", "--name", "Heart rate", "--owner", "acme", *answers]
    subprocess.run([*argv, str(made)], cwd=folder, env=environ, check=True, capture_output=True)
    return made


def silent(event: Any) -> None:
    """Takes events and says nothing."""
