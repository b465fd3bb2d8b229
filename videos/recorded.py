"""What happened in the stand-ins, with the moment of each thing: shown later, at the film's own speed."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.act.hosted import GitHubActions, Started
from tests.act.runs import Run
from tests.kubeflow import FakeKubeflow

NEWS_EVERY = 0.2


@dataclass
class ClusterNews:
    """What the tasks on the stand-in of Kubeflow came to: moment, run, task, state."""

    kubeflow: FakeKubeflow
    news: list[tuple[float, str, str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.kubeflow.world
        told = world.set_task

        def listening(run: Any, name: str, state: str, error: str = "") -> None:
            told(run, name, state, error)
            self.news.append((time.monotonic(), run.id, name, state))

        world.set_task = listening

    def states(self, run_id: str, moment: float) -> dict[str, str]:
        """The state of each task of a run at a moment."""
        return {name: state for at, run, name, state in self.news if run == run_id and at <= moment}

    def span(self, run_id: str) -> tuple[float, float]:
        """When the first and the last thing of a run happened."""
        moments = [at for at, run, _, _ in self.news if run == run_id]
        return moments[0], moments[-1]


@dataclass
class Watched:
    """A run of a workflow with the moment of each line that ``act`` printed.

    Attributes:
        lines: Moment and line.
        run: What it came to.
        left_out: Steps whose work was left out.
    """

    lines: list[tuple[float, str]]
    run: Run
    began: float
    ended: float
    left_out: tuple[str, ...] = ()

    def until(self, moment: float) -> list[str]:
        """What had been printed by then."""
        return [line for at, line in self.lines if at <= moment]

    def end_of(self, job: str) -> float:
        """When a job was over."""
        told = ((at, event_of(line)) for at, line in self.lines)
        return next(at for at, event in told if event.get("jobID") == job and "jobResult" in event)


def watch(actions: GitHubActions, started: Started) -> Watched:
    """Follow a run to its end."""
    began = time.monotonic()
    lines: list[tuple[float, str]] = []
    over = threading.Event()

    def follow() -> None:
        while not over.wait(NEWS_EVERY):
            fresh = started.going.lines[len(lines) :]
            lines.extend((time.monotonic(), line) for line in fresh)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        run = actions.finish(started)
    finally:
        over.set()
        thread.join()
    ended = time.monotonic()
    lines.extend((ended, line) for line in started.going.lines[len(lines) :])
    return Watched(lines, run, began, ended, tuple(actions.done))


def event_of(line: str) -> dict[str, Any]:
    """What a line of ``act --json`` tells."""
    found: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
    return found
