"""An organisation's configuration repository on a small template of ours, whose versions a test makes up."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import mlopsgen
from mlopsgen.adapters.git import GitRepository
from mlopsgen.adapters.template_store import TemplateStore, write_bundle
from mlopsgen.events import Event, Warn
from mlopsgen.operations import config_repository, config_update
from mlopsgen.operations.project import Surroundings
from mlopsgen.result import OperationResult

NEWEST = f"v{mlopsgen.__version__}"
WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}
QUESTIONS = """\
_subdirectory: template
name: {type: str, default: wine}

# -------------------------------
# The questions of ours end here.
# What stands below is yours.
# -------------------------------
"""
# Most is decided, so that few sets of answers are left to try.
DECIDED = """\
version: 1
name: Acme
release: 1.0.0
preset: {owner: Acme}
locked:
  visibility: private
  license: none
  data_address: data/sample/diabetes.csv
  data_format: auto
  task: regression
  development_engine: local
  staging_engine: local
  development_runner: ubuntu-24.04
  staging_runner: ubuntu-24.04
  production_runner: ubuntu-24.04
  development_tracking_uri: ""
  staging_tracking_uri: ""
  production_tracking_uri: ""
  production_engine: local
  registry: ""
  data_watch: "off"
  template_update: "off"
  notify_how: none
  reviewers: []
  python_version: "3.12"
"""
FIRST = {
    "copier.yml": QUESTIONS,
    "sync.yaml": "version: 1\n",
    "template/Makefile": "first\n\nsecond\n\nthird\n\nfourth\n\nfifth\n",
    "template/helpers.py": '"""Helpers."""\n',
    "template/run.sh": "#!/bin/sh\ntrue\n",
}
CHANGELOG = f"# Changelog\n\n## [Unreleased]\n\n- Something of {NEWEST}.\n\n## [0.1.0]\n\n- The beginning.\n"

Files = Mapping[str, str | None]


class Upstream:
    """A checkout of ours with the template alone, and what a package carries of it.

    Args:
        folder: An empty folder.
        versions: What each version but the newest changes, by its tag; ``None`` deletes a file.
        newest: What the newest changes.
    """

    def __init__(self, folder: Path, versions: Mapping[str, Files], newest: Files) -> None:
        self.project = folder / "project"
        self.package = folder / "package"
        for made in (self.project, self.package):
            made.mkdir(parents=True)
        self._git("init", "--quiet", "--template=", "--initial-branch=main")
        for version, files in versions.items():
            write(self.project, files)
            self._git("add", "--all")
            self._git("commit", "--quiet", "--allow-empty", "-m", version)
            self._git("tag", version)
        write(self.project, newest)
        (self.project / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
        scratch = folder / "scratch"
        scratch.mkdir()
        shutil.copy(write_bundle(self.project, scratch, environment(folder)), self.package)

    def _git(self, *arguments: str) -> None:
        subprocess.run(
            ["git", *arguments], cwd=self.project, env=environment(self.project), check=True, capture_output=True
        )


class Acme:
    """The configuration repository of Acme.

    Args:
        folder: Where it is made; it is not there yet.
        upstream: Ours.
        version: The version of ours that it begins with.
    """

    def __init__(self, folder: Path, upstream: Upstream, version: str) -> None:
        self.path = folder
        self.environ = environment(folder.parent)
        self.store = TemplateStore(self.environ, package=upstream.package)
        self.git = GitRepository(folder, self.environ)
        self.events: list[Event] = []
        self.created = self.create(version)

    @classmethod
    def of(cls, folder: Path, environ: dict[str, str]) -> Acme:
        """One that is there already."""
        made = cls.__new__(cls)
        made.path, made.environ, made.events = folder, environ, []
        made.git = GitRepository(folder, environ)
        return made

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(folder=self.path, environ=self.environ, python=Path("python3"))

    def create(self, version: str = "") -> OperationResult:
        request = config_repository.CreateRequest(
            destination=self.path, name="Acme", version=version, environ=self.environ, upstream=self.store
        )
        return config_repository.create(request, self.events.append)

    def update(self, to: str = "") -> OperationResult:
        request = config_update.UpdateRequest(surroundings=self.surroundings, to=to, upstream=self.store)
        return config_update.update(request, self.events.append)

    def commit(self, files: Files, message: str = "Acme's work") -> str:
        write(self.path, files)
        self.git.run("add", "--all")
        self.git.run("commit", "--quiet", "-m", message)
        return self.git.read("rev-parse", "HEAD")

    def text(self, name: str, at: str = "HEAD") -> str:
        return self.git.run("cat-file", "blob", f"{at}:{name}").stdout

    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warn)]

    def status(self) -> str:
        return self.git.read("status", "--porcelain", "--branch")


def write(folder: Path, files: Files) -> None:
    """Write files; ``None`` deletes one."""
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def environment(home: Path) -> dict[str, str]:
    """Of a person with nothing but an identity."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8", **WHO}


def lean(folder: Path) -> Acme:
    """A configuration repository of the template as it lies here, without its code and with little left to try."""
    environ = environment(folder.parent)
    request = config_repository.CreateRequest(destination=folder, name="Acme", environ=environ)
    config_repository.create(request, lambda _: None)
    acme = Acme.of(folder, environ)
    for name in ("docs", "notebooks", "src/helpers", "src/steps", "tests"):
        shutil.rmtree(folder / "template" / name)
    acme.commit({"organisation.yaml": DECIDED})
    return acme
