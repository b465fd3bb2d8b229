"""The workflow that looks for a newer template: executed, with the tool that this project is and a private template."""

from __future__ import annotations

import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from mlopsgen.answers import resolve
from tests import workflow_files
from tests.github import FakeGitHub
from tests.github.repositories import Repository, Secret, Variable
from tests.push_toys import TOP

from .hosted import GitHubActions, running
from .runs import Run

NAME, TEMPLATE = "acme/demo", "acme/template"
FILE = ".github/workflows/template-update.yml"
BRANCH = "mlopsgen/sync-development"
COPIER = """\
_subdirectory: template
_templates_suffix: .jinja
_answers_file: .copier-answers.yml
name: {type: str, default: demo}
"""
ANSWERS = "{{ _copier_answers | to_nice_yaml }}"
RIGHTS = {"contents": "write", "pull_requests": "write", "workflows": "write", "metadata": "read"}


@dataclass
class Place:
    """A repository whose template has gone on, and its Actions."""

    actions: GitHubActions

    @property
    def repository(self) -> Repository:
        return self.actions.repository

    @property
    def pulls(self) -> list[str]:
        """The titles of its pull requests."""
        return [pull["title"] for pull in self.repository.pulls]

    def read(self, path: str, branch: str = BRANCH) -> str:
        """A file of a branch."""
        return self.repository.git("show", f"{branch}:{path}")

    def give_token(self, **rights: str) -> None:
        """Set the secret."""
        token = self.actions.github.add_token(
            "ada", kind="fine-grained", owner="acme", repositories=[NAME, TEMPLATE], permissions={**RIGHTS, **rights}
        )
        self.repository.vault.secrets["TEMPLATE_UPDATE_TOKEN"] = Secret("TEMPLATE_UPDATE_TOKEN", token)

    def dispatch(self, **inputs: str) -> Run:
        """Ada presses *Run workflow*."""
        known = self.actions.github.add_run(
            NAME, workflow="template-update.yml", event="workflow_dispatch", actor="ada", status="queued"
        )
        known.inputs.update(inputs)
        return self.actions.finish(self.actions.start_queued(known))


def wheel(folder: Path) -> Path:
    """What pip installs in the place of the tool: its command, which is this project's."""
    made = folder / "mlopsgen-0.2.0-py3-none-any.whl"
    info = "mlopsgen-0.2.0.dist-info"
    command = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(TOP))} exec {shlex.quote(sys.executable)} -m mlopsgen "$@"\n'
    with zipfile.ZipFile(made, "w") as archive:
        program = zipfile.ZipInfo("mlopsgen-0.2.0.data/scripts/mlopsgen")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, command)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mlopsgen\nVersion: 0.2.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return made


def write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def commit(folder: Path, tag: str = "") -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    commands = [["add", "--all"], [*identity, "commit", "--quiet", "--message", "A change"], ["tag", tag]]
    for words in commands if tag else commands[:2]:
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def publish(folder: Path, to: Repository) -> None:
    subprocess.run(
        ["git", "push", "--quiet", "--tags", str(to.folder), "HEAD:refs/heads/development"], cwd=folder, check=True
    )
    to.git("symbolic-ref", "HEAD", "refs/heads/development")
    to.default_branch = "development"


@pytest.fixture(scope="module")
def workflow() -> str:
    """The file, as an answer of ``monthly`` makes it."""
    return workflow_files.render({**resolve({}), "template_update": "monthly"})[FILE]


@pytest.fixture
def place(workflow: str, tmp_path: Path) -> Iterator[Place]:
    with FakeGitHub() as github, running(github, NAME, tmp_path / "machine") as actions:
        github.add_user("ada")
        github.add_org("acme", plan="team", members=["ada"])
        template, repository = github.add_repository(TEMPLATE), github.add_repository(NAME)
        source, mine = tmp_path / "template", tmp_path / "mine"
        for folder in (source, mine):
            subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
        first = {"config.yaml": "seed: 1\n\nrows: 10\n", FILE: workflow}
        second = {"config.yaml": "seed: 2\n\nrows: 10\n", FILE: f"# Newer.\n{workflow}"}
        write(source, {"copier.yml": COPIER, "template/{{ _copier_conf.answers_file }}.jinja": ANSWERS})
        for version, files in (("v1.0.0", first), ("v1.1.0", second), ("v1.2.0", {"config.yaml": "seed: 3\n"})):
            write(source, {f"template/{path}": text for path, text in files.items()})
            commit(source, version)
        publish(source, template)
        record = {"_commit": "v1.0.0", "_src_path": f"{github.url}/{TEMPLATE}.git", "name": "demo"}
        write(mine, {**first, ".copier-answers.yml": yaml.safe_dump(record), "own.txt": "mine\n"})
        commit(mine)
        publish(mine, repository)
        repository.vault.variables["MLOPSGEN_PACKAGE"] = Variable("MLOPSGEN_PACKAGE", str(wheel(tmp_path)))
        yield Place(actions)


def test_without_the_token_it_stops_first_and_names_it(place: Place) -> None:
    run = place.actions.scheduled("template-update.yml")
    assert run.conclusion == "failure", run.said()
    assert list(run.jobs["update"].outcomes) == ["Look for the token"]
    ((kind, text),) = run.annotations
    assert kind == "error"
    assert all(f"'{right}'" in text for right in ("Contents", "Pull requests", "Workflows"))
    assert f"gh secret set TEMPLATE_UPDATE_TOKEN --repo {NAME}" in text
    assert place.pulls == []


def test_a_newer_template_becomes_a_pull_request(place: Place) -> None:
    place.give_token()
    run = place.dispatch(version="v1.1.0")
    assert run.conclusion == "success", run.said()
    assert place.pulls == ["Update from template v1.0.0 to v1.1.0"]
    assert place.read("config.yaml") == "seed: 2\n\nrows: 10"
    assert place.read(FILE).startswith("# Newer.")
    assert place.read("own.txt") == "mine"
    assert "_commit: v1.1.0" in place.read(".copier-answers.yml")


def test_a_token_that_may_not_change_workflows_is_said(place: Place) -> None:
    place.give_token(workflows="none")
    run = place.actions.scheduled("template-update.yml")
    assert run.conclusion == "failure", run.said()
    assert "Workflows" in run.log, run.said()
    assert place.pulls == []
