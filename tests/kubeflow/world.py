"""What the fake's API server knows: experiments, pipelines with versions, runs, and who may do what where."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .plays import Moment, Play

NEVER = "1970-01-01T00:00:00Z"
"""What the server writes for a time that has not come."""

ENDED = {"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED", "ERROR"}


@dataclass
class Experiment:
    """An experiment."""

    id: str
    name: str
    namespace: str
    created: str
    description: str = ""


@dataclass
class Version:
    """A version of a pipeline."""

    id: str
    name: str
    created: str
    spec: dict[str, Any]
    package: bytes
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Pipeline:
    """A pipeline; one without a namespace is everybody's."""

    id: str
    name: str
    namespace: str
    created: str
    versions: list[Version] = field(default_factory=list)


@dataclass
class Task:
    """A task of a run."""

    id: str
    name: str
    state: str
    started: str
    ended: str = NEVER
    error: str = ""


@dataclass
class Run:
    """A run.

    Attributes:
        moments: What it shows, look after look; empty: it goes on by itself, because something really runs it.
        looks: How often it was looked at.
        terminated: Whether somebody ended it.
        reported: Whether the cluster told of the ending while it went on.
    """

    id: str
    name: str
    experiment: Experiment
    body: dict[str, Any]
    spec: dict[str, Any]
    created: str
    play: Play
    moments: list[Moment]
    state: str = "PENDING"
    history: list[tuple[str, str]] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    ended: str = NEVER
    looks: int = 0
    terminated: bool = False
    reported: bool = False
    retries: int = 0


class World:
    """The server's memory.

    Attributes:
        multi_user: Whether runs belong to people.
        version: What the server calls itself; empty: it does not tell.
        rights: Namespace to the people who may do everything there.
        readers: Namespace to the people who may only look.
        play: How the next runs go.
    """

    def __init__(self, *, multi_user: bool, version: str) -> None:
        self.multi_user, self.version = multi_user, version
        self.rights: dict[str, set[str]] = {}
        self.readers: dict[str, set[str]] = {}
        self.experiments: dict[str, Experiment] = {}
        self.pipelines: dict[str, Pipeline] = {}
        self.runs: dict[str, Run] = {}
        self.play: Callable[[], Play] | None = None
        self.lock = threading.RLock()
        self._seconds = itertools.count()
        self._start = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

    def now(self) -> str:
        """The server's time: a second goes by with each thing that happens."""
        return (self._start + timedelta(seconds=next(self._seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def new_id() -> str:
        """An id like the server's."""
        return str(uuid.uuid4())

    def version_of(self, version_id: str) -> Version | None:
        """A version, whichever pipeline it belongs to."""
        return next((v for p in self.pipelines.values() for v in p.versions if v.id == version_id), None)

    def look(self, run: Run) -> None:
        """Lets a run go on by one moment, because somebody looks."""
        run.looks += 1
        if run.state in ENDED or not run.moments:
            return
        if run.terminated:
            self._end_terminated(run)
            return
        moment = run.moments.pop(0) if len(run.moments) > 1 else run.moments[0]
        for name, state in moment.tasks.items():
            self.set_task(run, name, state, moment.error.get(name, ""))
        self.set_state(run, moment.state)
        if moment.then is not None:
            moment.then()

    def set_state(self, run: Run, state: str) -> None:
        """The run is in another state."""
        if state != run.state or not run.history:
            run.state = state
            run.history.append((self.now(), state))
        if state in ENDED:
            run.ended = self.now()

    def set_task(self, run: Run, name: str, state: str, error: str = "") -> None:
        """A task is in another state."""
        task = run.tasks.setdefault(name, Task(self.new_id(), name, state, self.now()))
        task.state, task.error = state, error
        if state in ENDED:
            task.ended = self.now()

    def terminate(self, run: Run) -> None:
        """Somebody ends a run: it is CANCELING, and only the cluster's next report makes it FAILED."""
        run.terminated = True
        run.state = "CANCELING"

    def _end_terminated(self, run: Run) -> None:
        if not run.reported and run.moments and len(run.moments) > 1:
            run.reported = True
            run.history.append((self.now(), "CANCELING"))
            return
        for name, task in list(run.tasks.items()):
            if task.state not in ENDED:
                self.set_task(run, name, "FAILED")
        run.history.append((self.now(), "FAILED"))
        run.state, run.ended = "FAILED", self.now()
