"""Tiny repositories for tests of the engine: a few steps that need neither pandas nor MLflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.branch import load_branch
from helpers.local_engine import EngineResult, LocalEngine, StepState
from helpers.wiring import Plan
from helpers.workers import Workers

TEMPLATE = Path(__file__).resolve().parents[1]

STEPS = """
from pathlib import Path
from kfp.dsl import Dataset, Input, Output

def pull(rows: int, data: Output[Dataset], context: str) -> None:
    Path(data.path).write_text("x" * rows)
    data.metadata["rows"] = rows

def clean(data: Input[Dataset], valid: Output[Dataset]) -> None:
    Path(valid.path).write_text(Path(data.path).read_text().upper())

def decide(valid: Input[Dataset], least: int = 3) -> bool:
    return len(Path(valid.path).read_text()) >= least

def publish(valid: Input[Dataset], note: str, page: Output[Dataset]) -> str:
    Path(page.path).write_text(note + Path(valid.path).read_text())
    return note
"""

PIPELINE = """
version: 1
project: toy
pipelines:
  training:
    parameters: {rows: 5, note: hi}
    steps:
      - {id: pull-data, uses: "steps.toy:pull"}
      - {id: clean-data, uses: "steps.toy:clean"}
      - {id: decide, uses: "steps.toy:decide"}
      - {id: publish, uses: "steps.toy:publish", if: decide}
"""


@dataclass
class Toy:
    """A repository in a folder of its own."""

    root: Path
    pipeline: str = PIPELINE
    steps: str = STEPS
    config: str = "version: 1\n"
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for package in ("steps", "pipelines"):
            (self.root / "src" / package).mkdir(parents=True)
            (self.root / "src" / package / "__init__.py").touch()
        for branch in ("development", "production"):
            shutil.copytree(
                TEMPLATE / "src" / "pipelines" / branch,
                self.root / "src" / "pipelines" / branch,
                ignore=shutil.ignore_patterns("*.jinja", "__pycache__"),
            )
        self.write()

    def write(self) -> None:
        """Writes the texts."""
        (self.root / "src" / "steps" / "toy.py").write_text(textwrap.dedent(self.steps), encoding="utf-8")
        (self.root / "src" / "pipelines" / "pipeline.yaml").write_text(self.pipeline, encoding="utf-8")
        for branch in ("development", "production"):
            path = self.root / "src" / "pipelines" / branch / "config.yaml"
            path.write_text(self.config, encoding="utf-8")

    def plan(self, name: str = "training", branch: str = "development") -> Plan:
        """The wired pipeline."""
        return load_branch(self.root, branch).plan(name)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a person who works in the repository."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        path = os.pathsep.join([str(self.root / "src"), str(TEMPLATE / "src")])
        return {**kept, "PYTHONPATH": path, "MLOPSGEN_ROOT": str(self.root), "PYTHONUNBUFFERED": "1"}

    @contextmanager
    def engine(
        self, *, mode: str = "auto", preload: tuple[str, ...] = ("kfp.dsl.executor_main",)
    ) -> Iterator[LocalEngine]:
        """A local engine whose package is compiled."""
        folder = self.root / "runs" / str(time.monotonic_ns())
        folder.mkdir(parents=True)
        log = folder / "log.txt"
        workers = Workers(self.root, folder / "jobs", log, self.environ, mode=mode)
        engine = LocalEngine(self.root, workers, folder / "steps", log, self.environ, self.tell)
        try:
            workers.start(preload)
            engine.start(folder / "p.yaml", branch="development", pipeline="training", compiled=False)
            engine.wait_compiled()
            yield engine
        finally:
            engine.close()
            workers.close()

    def tell(self, step: StepState) -> None:
        """Notes what the engine tells."""
        self.told.append(f"{step.name} {step.state}")

    def run(self, *, mode: str = "auto", **arguments: Any) -> tuple[EngineResult, Path]:
        """Runs the pipeline without MLflow; gives the result and the folder of the steps' files."""
        with self.engine(mode=mode) as engine:
            result = engine.run({"context": "{}", **arguments})
        return result, next(engine.folder.iterdir())

    def command(self, *arguments: str, branch: str = "development") -> list[str]:
        """The command of a verb."""
        return [sys.executable, "-m", f"pipelines.{branch}.main", *arguments]

    def main(
        self, *arguments: str, branch: str = "development", environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a verb as a person does."""
        return subprocess.run(
            self.command(*arguments, branch=branch),
            cwd=self.root,
            env={**self.environ, **(environ or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def processes_of(root: Path) -> list[int]:
    """The processes whose command, environment or working directory belongs to a repository."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                cwd = (entry / "cwd").readlink()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if cwd == root and state != "Z":
                found.append(int(entry.name))
    return found


def wait_until(happened: Callable[[], object], *, seconds: float = 60) -> None:
    """Waits for something that another process does."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)
