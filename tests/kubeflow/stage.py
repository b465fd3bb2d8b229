"""A small repository whose branch trains on the fake Kubeflow, and its verbs, run as people run them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests import template_environment

STEPS = '''"""Steps that need nothing."""


def count(rows: int, context: str) -> int:
    """Counts."""
    assert context
    return rows


def check(count: int, least: int = 3) -> bool:
    """Compares."""
    return count >= least
'''
PIPELINE = {
    "version": 1,
    "project": "demo",
    "pipelines": {
        "training": {
            "parameters": {"rows": 5},
            "steps": [
                {"id": "count-rows", "uses": "steps.small:count"},
                {"id": "check-rows", "uses": "steps.small:check", "with": {"count": "$count-rows.Output"}},
            ],
        }
    },
}


@dataclass
class Stage:
    """The repository.

    Attributes:
        root: Where it lies.
        home: The home folder of who works in it.
        variables: Their environment.
    """

    root: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ignore = shutil.ignore_patterns("__pycache__", "*.jinja")
        shutil.copytree(template_environment.TEMPLATE / "src", self.root / "src", ignore=ignore)
        shutil.copytree(template_environment.TEMPLATE / "data", self.root / "data", ignore=ignore)
        for name in ("requirements.in", "requirements.txt", "requirements-linux.txt", "pyproject.toml"):
            shutil.copy(template_environment.TEMPLATE / name, self.root / name)
        (self.root / "src" / "steps" / "small.py").write_text(STEPS)
        (self.root / "src" / "pipelines" / "pipeline.yaml").write_text(yaml.safe_dump(PIPELINE))

    def configure(self, kubeflow: Mapping[str, Any], *, branch: str = "development", **more: Any) -> None:
        """Writes the configuration of a branch."""
        quick = {"poll_seconds": 0.02, **kubeflow}
        document = {"version": 1, "engine": "kubeflow", "kubeflow": quick, **more}
        (self.root / "src" / "pipelines" / branch / "config.yaml").write_text(yaml.safe_dump(document))

    def start(self, *arguments: str, branch: str = "development", **more: str) -> subprocess.Popen[str]:
        """Starts ``python -m pipelines.BRANCH.main ARGUMENTS``."""
        environ = template_environment.environ(self.home, PYTHONPATH=str(self.root / "src"), **self.variables, **more)
        return subprocess.Popen(
            [str(template_environment.python()), "-m", f"pipelines.{branch}.main", *arguments],
            cwd=self.root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, branch: str = "development", **more: str) -> Said:
        """The same to its end."""
        return ended(self.start(*arguments, branch=branch, **more))


@dataclass(frozen=True)
class Said:
    """How a verb ended.

    Attributes:
        code: Its exit code.
        out: Its standard output.
        progress: Its standard error.
    """

    code: int
    out: str
    progress: str

    @property
    def document(self) -> Any:
        """What ``--output json`` printed."""
        return json.loads(self.out)

    @property
    def all(self) -> str:
        """Everything that a person sees."""
        return self.progress + self.out


def ended(process: subprocess.Popen[str], *, timeout: float = 240) -> Said:
    """Waits for a verb."""
    out, progress = process.communicate(timeout=timeout)
    return Said(process.returncode, out, progress)


def interrupt(process: subprocess.Popen[str], *, number: int = signal.SIGINT) -> Said:
    """Ends a verb as Ctrl-C, or the machine, does."""
    process.send_signal(number)
    return ended(process)


def until(happened: Callable[[], object], *, seconds: float = 60) -> None:
    """Waits until something has happened in another process."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
