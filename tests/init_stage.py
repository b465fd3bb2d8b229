"""Templates for ``init``: an organisation's, derived from ours but small, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlopsgen.adapters.git import GitRepository
from mlopsgen.cli.boundary import run
from mlopsgen.cli.main import VERBS, app
from mlopsgen.constants import ANSWERS_FILE
from tests.fleet_stage import ROOT
from tests.template_toys import Published

RECORD = "[[ _copier_conf.answers_file ]].jinja"
WHY = "Everything of staging runs in the Frankfurt cluster."
OWN_QUESTIONS = """
cost_centre:
  type: str
  help: Who pays for the trainings.
gpu:
  type: bool
  help: Whether trainings need a graphics card.
  default: "[[ development_engine == 'kubeflow' ]]"
gpu_type:
  type: str
  choices: [t4, a100]
  default: t4
  when: "[[ gpu ]]"
"""
ORGANISATION = f"""\
version: 1
name: acme
release: 1.0.0
preset:
  owner: acme
  license: proprietary
  development_runner: acme-small
locked:
  visibility: internal
  staging_engine: {{value: kubeflow, why: {WHY}}}
  staging_endpoint: https://kubeflow.acme.example/pipeline
"""


def derived_files() -> dict[str, str]:
    """A template with our questions and some of an organisation, which renders little."""
    return {
        "copier.yml": (ROOT / "copier.yml").read_text(encoding="utf-8") + OWN_QUESTIONS,
        "organisation.yaml": ORGANISATION,
        "sync.yaml": (ROOT / "sync.yaml").read_text(encoding="utf-8"),
        f"template/{RECORD}": (ROOT / "template" / RECORD).read_text(encoding="utf-8"),
        "template/README.md.jinja": "# [[ project_name ]] of [[ cost_centre ]]: [[ gpu ]]\n",
    }


def publish_derived(folder: Path) -> Published:
    """The organisation's template with two versions; the second one has a file more."""
    published = Published(folder, derived_files())
    published.release("v1.1.0", {"template/HANDBOOK.md": "How we work.\n"}, "A handbook")
    return published


@dataclass(frozen=True)
class Told:
    """What a command said.

    Attributes:
        code: Its exit code.
        envelope: Standard output.
        events: What standard error told.
    """

    code: int
    envelope: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def error(self) -> dict[str, str]:
        """What went wrong; everything is said if nothing did."""
        assert self.code, self.envelope
        return dict(self.envelope["error"])

    @property
    def data(self) -> dict[str, Any]:
        """What came of it."""
        assert self.code == 0, self.envelope
        return dict(self.envelope["data"])

    @property
    def warnings(self) -> list[str]:
        """What was warned of."""
        return [f"{event['message']} {event.get('hint', '')}" for event in self.events if event["event"] == "Warn"]

    @property
    def text(self) -> str:
        """All of it, to look for what may not be there."""
        return json.dumps([self.envelope, self.events])


@dataclass(frozen=True)
class Desk:
    """A folder in which somebody runs the command line, here in this process.

    Attributes:
        folder: Where.
        environ: With which environment.
        capsys: Takes what is printed.
        monkeypatch: Goes to the folder.
    """

    folder: Path
    environ: Mapping[str, str]
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: str, cwd: Path | None = None, **more: str) -> Told:
        """Run a command."""
        self.monkeypatch.chdir(cwd or self.folder)
        self.capsys.readouterr()
        groups = {name for name in VERBS if name in ("secrets", "config-repo")}
        code = run(app, [*arguments, "--output", "json"], {**self.environ, **more}, groups=groups)
        said = self.capsys.readouterr()
        return Told(code, json.loads(said.out), [json.loads(line) for line in said.err.splitlines()])

    def init(self, template: object, *arguments: str, **more: str) -> Told:
        """Run ``init`` without asking anything."""
        return self.run("init", "--template", str(template), "--defaults", *arguments, **more)

    def record(self, name: str) -> dict[str, Any]:
        """What a repository records."""
        found: dict[str, Any] = yaml.safe_load((self.folder / name / ANSWERS_FILE).read_text(encoding="utf-8"))
        return found

    def git(self, name: str, *arguments: str) -> str:
        """What git prints in a repository."""
        return GitRepository(self.folder / name, self.environ).read(*arguments)
