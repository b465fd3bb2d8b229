"""A person who pushes to the fake GitHub with the command line, from a repository of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import in_process
from tests.canaries import canary
from tests.github import FakeGitHub

TOP = Path(__file__).parents[1]
ANSWERS = ("reviewers=grace,acme/ml", "review_wait_minutes=30", "staging_engine=kubeflow")
ENDPOINT = "staging_endpoint=https://kubeflow.example.org/pipeline"


@dataclass
class Person:
    """Ada, who belongs to two organisations; her repository was never pushed.

    Attributes:
        github: The fake GitHub.
        folder: Her repository.
        environ: Her environment, the token in it.
    """

    github: FakeGitHub
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """Run ``mlopsgen ARGUMENTS``; nobody can be asked."""
        return in_process.mlopsgen(*arguments, cwd=cwd or self.folder, environ={**self.environ, **more})

    def push(self, *arguments: str, **more: str) -> dict[str, Any]:
        """``mlopsgen push --yes --output json``; the envelope, with its data on the same level and what was said."""
        done = self.run("push", "--yes", "--output", "json", *arguments, **more)
        return told(done)

    def plan(self, *arguments: str, **more: str) -> dict[str, Any]:
        """``mlopsgen push --dry-run --output json``."""
        return told(self.run("push", "--dry-run", "--output", "json", *arguments, **more))

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run git."""
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.folder, env=self.environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, path: str, text: str) -> None:
        """Write a file of the repository and commit it."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", f"Change {path}")

    def edit_document(self, before: str, after: str) -> None:
        """Change ``.github/remote.yaml`` and commit it."""
        text = (self.folder / ".github" / "remote.yaml").read_text(encoding="utf-8")
        assert before in text
        self.write(".github/remote.yaml", text.replace(before, after, 1))

    def new_token(self, *scopes: str, **more: Any) -> str:
        """Another token for Ada, which is used from now on."""
        self.environ["GH_TOKEN"] = self.github.add_token("ada", scopes=scopes, **more)
        return self.environ["GH_TOKEN"]


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The envelope that a command printed, its data on the same level; ``events`` and ``stderr`` beside it."""
    envelope = json.loads(done.stdout)
    assert envelope["exit_code"] == done.returncode, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    return {**envelope, **envelope["data"], "events": lines, "stderr": done.stderr}


def items(document: dict[str, Any], act: str) -> set[tuple[str, str, str]]:
    """What a plan does in one way: kind, environment, name."""
    actions = document["plan"]["actions"]
    return {(each["resource"], each["scope"], each["name"]) for each in actions if each["kind"] == act}


def item(document: dict[str, Any], resource: str, name: str, scope: str = "") -> dict[str, Any]:
    """One line of a plan."""
    actions = document["plan"]["actions"]
    found = [each for each in actions if (each["resource"], each["name"], each["scope"]) == (resource, name, scope)]
    assert len(found) == 1, (resource, name, scope)
    return found[0]


def make_model(folder: Path) -> Path:
    """A repository as ``init`` makes it; copy it, do not change it."""
    made = folder / "demo"
    chosen = [word for answer in (*ANSWERS, ENDPOINT) for word in ("--set", answer)]
    argv = [sys.executable, "-m", "mlopsgen", "init", "--defaults", "--name", "demo", "--owner", "Acme Inc.", *chosen]
    subprocess.run([*argv, str(made)], cwd=folder, env=environment(folder), check=True, capture_output=True)
    return made


def environment(home: Path) -> dict[str, str]:
    """The environment of a person with a git identity and nothing else."""
    names = {f"GIT_{who}_{what}": f"ada@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": str(TOP),
        **names,
    }


def arrive(github: FakeGitHub, model: Path, folder: Path) -> Person:
    """Ada with a copy of ``model``, an organisation that pays for everything and one that pays for nothing."""
    for login in ("ada", "grace"):
        github.add_user(login)
    github.add_org("acme", plan="enterprise", members=["ada", "grace"])
    github.add_org("smallshop", plan="free", members=["ada"])
    github.add_team("acme", "ml", members=["grace"])
    here = folder / "demo"
    shutil.copytree(model, here, symlinks=True)
    home = folder / "home"
    home.mkdir()
    person = Person(github=github, folder=here, environ=environment(home))
    person.environ |= {"GITHUB_SERVER_URL": github.url, "GITHUB_API_URL": github.api}
    person.environ["MLOPSGEN_SECRET_STAGING_KUBEFLOW_TOKEN"] = canary("kubeflow")
    person.new_token("repo", "workflow", "read:org", "user")
    return person
