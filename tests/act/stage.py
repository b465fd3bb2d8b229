"""A repository of a person on the fake GitHub, made by ``mlopsgen init`` and ``mlopsgen push``, whose workflows run."""

from __future__ import annotations

import base64
import copy
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from tests.github import FakeGitHub
from tests.github.repositories import Repository
from tests.push_toys import Person, arrive, environment

from .hosted import GitHubActions, Started, running
from .runs import Run

NAME = "acme/demo"


@dataclass
class Stage:
    """What a test acts on.

    Attributes:
        person: Ada with her clone.
        actions: GitHub Actions of the repository.
    """

    person: Person
    actions: GitHubActions

    @property
    def github(self) -> FakeGitHub:
        """The fake GitHub."""
        return self.actions.github

    def push(self, branch: str = "development", *, say: str = "A change") -> Run:
        """Commit what was changed, push it, and let the branch's workflow run."""
        (run,) = self.push_all(branch, say=say)
        return run

    def push_all(self, branch: str = "development", *, say: str = "A change") -> list[Run]:
        """The same, when several workflows wait for it, or none."""
        before = self.actions.repository.branches.get(branch, "")
        self.push_quietly(say, branch)
        return self.actions.pushed(branch, before)

    def push_quietly(self, say: str, branch: str = "development") -> None:
        """Commit what was changed and push it; no workflow runs."""
        if self.person.git("status", "--porcelain"):
            commit(self.person.folder, say)
        self._with_token("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")

    def write(self, path: str, text: str) -> None:
        """Write a file of the clone."""
        place = self.person.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def configure(self, branch: str, **changed: object) -> None:
        """Change keys of a branch's configuration."""
        configure(self.person.folder, branch, **changed)

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Ada does something on GitHub's pages, in words of its API; ``path`` is that below the repository's."""
        request = urllib.request.Request(
            f"{self.github.api}/repos/{self.actions.full_name}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self.person.environ['GH_TOKEN']}"},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def dispatch(self, file: str, branch: str = "development", **inputs: str) -> Run:
        """Ada starts a workflow by hand."""
        return self.actions.finish(self.start(file, branch, **inputs))

    def start(self, file: str, branch: str = "development", **inputs: str) -> Started:
        """The same, while it goes on; ``stage.actions.finish`` waits for its end."""
        self.call("POST", f"/actions/workflows/{file}/dispatches", {"ref": branch, "inputs": inputs})
        return self.actions.start_queued(max(self.actions.repository.runs.values(), key=lambda run: run.id))

    def propose(self, head: str, base: str = "development") -> dict[str, Any]:
        """Ada opens a pull request."""
        made: dict[str, Any] = self.call("POST", "/pulls", {"title": "A change", "head": head, "base": base})
        return made

    def _with_token(self, *arguments: str) -> None:
        basic = base64.b64encode(f"x-access-token:{self.person.environ['GH_TOKEN']}".encode()).decode()
        more = {
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"http.{self.github.url}/.extraheader",
            "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
        }  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=self.person.folder, env={**self.person.environ, **more}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def configure(repository: Path, branch: str, **changed: object) -> None:
    """Change keys of a branch's configuration."""
    path = repository / "src" / "pipelines" / branch / "config.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**document, **changed}), encoding="utf-8")


def commit(repository: Path, say: str) -> None:
    """Commit everything."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for argv in (["add", "--all"], [*identity, "commit", "--quiet", "-m", say]):
        subprocess.run(["git", *argv], cwd=repository, check=True, capture_output=True)


def make_repository(folder: Path, *answers: str) -> Path:
    """A repository as ``init`` makes it; copy it, do not change it."""
    made = folder / "demo"
    chosen = [word for answer in answers for word in ("--set", answer)]
    argv = [sys.executable, "-m", "mlopsgen", "init", "--defaults", "--name", "demo", "--owner", "Acme Inc.", *chosen]
    subprocess.run([*argv, str(made)], cwd=folder, env=environment(folder), check=True, capture_output=True)
    return made


@contextmanager
def opened(model: Path, folder: Path, **secrets: str) -> Iterator[Stage]:
    """Ada has pushed a copy of ``model``; no workflow has run yet.

    Args:
        model: From :func:`make_repository`.
        folder: Where everything lies.
        secrets: Values of secrets, ``DEVELOPMENT_KUBEFLOW_TOKEN=...``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FakeGitHub() as github, running(github, NAME, folder / "machine") as actions:
        person = arrive(github, model, folder)
        person.environ |= {f"MLOPSGEN_SECRET_{name}": value for name, value in secrets.items()}
        pushed = person.push("--org", "acme")
        assert pushed["exit_code"] == 0, pushed
        shutil.rmtree(folder / "home")
        (folder / "home").mkdir()
        yield Stage(person, actions)


@dataclass(frozen=True)
class Saved:
    """A stage at a moment: what the repository was, there and here."""

    repository: Repository
    bare: Path
    clone: Path


def save(stage: Stage, folder: Path) -> Saved:
    """Keep what a stage has come to, so that several tests can go on from there."""
    of = stage.actions.repository
    shutil.copytree(of.folder, folder / "bare.git")
    shutil.copytree(stage.person.folder, folder / "clone", symlinks=True)
    return Saved(copy.deepcopy(of), folder / "bare.git", folder / "clone")


@contextmanager
def restored(saved: Saved, folder: Path, **known: Any) -> Iterator[Stage]:
    """A stage that goes on from where another one was saved."""
    folder.mkdir(parents=True, exist_ok=True)
    with FakeGitHub() as github, running(github, NAME, folder / "machine", **known) as actions:
        person = arrive(github, saved.clone, folder)
        github.world.ids = count(100_001)
        there = github.add_repository(NAME)
        shutil.rmtree(there.folder)
        shutil.copytree(saved.bare, there.folder)
        kept = {"id": there.id, "owner": there.owner, "folder": there.folder}
        github.world.repositories[NAME] = replace(copy.deepcopy(saved.repository), **kept)
        person.git("remote", "set-url", "origin", f"{github.url}/{NAME}.git")
        yield Stage(person, actions)
