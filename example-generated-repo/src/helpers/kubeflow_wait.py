"""Waits for a run: tells each change of a step, outlives a server that is away for a while, ends on every last state.

``kfp.Client`` waits for ever on a cancelled run, and gives up at the first connection that breaks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from helpers.kubeflow_answers import Away
from helpers.kubeflow_client import Kubeflow, insist
from helpers.kubeflow_runs import ENDED, read_run

HOSTED_HOURS = 5.5
"""GitHub ends a job on its own machines after six hours; what comes before and after the waiting needs its part."""

SELF_HOSTED_HOURS = 119.0
"""The same for machines of one's own, where it is five days."""

STEP_WORDS = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "SKIPPED": "skipped",
    "FAILED": "failed",
    "ERROR": "failed",
    "CANCELING": "ending",
    "CANCELED": "ended",
    "PAUSED": "paused",
}
OWN_TASKS = ("root", "executor")
"""Tasks that Kubeflow adds; those that prepare another one end in ``-driver``."""


@dataclass
class Seen:
    """A step as the run shows it."""

    name: str
    state: str
    seconds: float | None = None
    message: str = ""
    pod: str = ""
    number: int = 1


@dataclass
class Outcome:
    """How the waiting ended.

    Attributes:
        run: The run as it was seen last.
        steps: Its steps, in the order in which they appeared.
        state: The last state; ``CANCELED`` for one that was ended by somebody, whatever the server calls it.
        reason: Why the waiting ended before the run did; empty when the run ended.
    """

    run: Any
    steps: list[Seen]
    state: str
    reason: str = ""


@dataclass
class Waiting:
    """One waiting.

    Attributes:
        kubeflow: Where.
        run_id: What for.
        tell: Told a line at each change.
        poll: Seconds between two looks.
        patience: Seconds that the server may be away.
        deadline: Seconds after which the waiting is given up; None: never.
        names: The steps that the package has; others are Kubeflow's own. Empty: not known.
        stop: Ends the waiting.
    """

    kubeflow: Kubeflow
    run_id: str
    tell: Callable[[str], None]
    poll: float = 10.0
    patience: float = 1800.0
    deadline: float | None = None
    names: Collection[str] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    _seen: dict[str, Seen] = field(init=False, default_factory=dict)
    _state: str = field(init=False, default="")
    _ending: bool = field(init=False, default=False)

    def until_end(self) -> Outcome:
        """Waits until the run has ended, the deadline is over, or the server is away for too long."""
        began = time.monotonic()
        run: Any = None
        while True:
            left = None if self.deadline is None else self.deadline - (time.monotonic() - began)
            patience = self.patience if left is None else max(0.0, min(self.patience, left))
            try:
                run = insist(self._look, patience=patience, pause=self.poll, tell=self.tell, stop=self.stop)
            except Away as error:
                reason = f"{error.message} The waiting was given up."
                return Outcome(run, self.steps, self._state, reason)
            self._notice(run)
            if self._state in ENDED:
                ended_by_somebody = self._ending and self._state != "SUCCEEDED"
                return Outcome(run, self.steps, "CANCELED" if ended_by_somebody else self._state)
            if left is not None and left <= self.poll:
                return Outcome(run, self.steps, self._state, f"The run has not ended in {_hours(self.deadline)}.")
            if self.stop.wait(self.poll):
                return Outcome(run, self.steps, self._state, "The waiting was stopped.")

    @property
    def steps(self) -> list[Seen]:
        """The steps, in the order in which they appeared."""
        return list(self._seen.values())

    def _look(self) -> Any:
        return read_run(self.kubeflow, self.run_id)

    def _notice(self, run: Any) -> None:
        """Tells what has changed since the last look."""
        state = str(run.state or "")
        history = [str(entry.state) for entry in run.state_history or ()]
        if state in ("CANCELING", "CANCELED") or "CANCELING" in history:
            self._ending = True
        details = run.run_details
        for task in (details.task_details if details is not None else None) or ():
            self._notice_step(task)
        if state != self._state:
            self._state = state
            if state and state not in ENDED:
                self.tell(f"run: {STEP_WORDS.get(state, state.lower())}")

    def _notice_step(self, task: Any) -> None:
        name, state = str(task.display_name or ""), str(task.state or "")
        if not name or not state or not self._is_step(name):
            return
        key = str(task.task_id or task.pod_name or name)
        seen = self._seen.get(key)
        if seen is None:
            number = 1 + sum(other.name == name for other in self._seen.values())
            seen = self._seen[key] = Seen(name, "", number=number)
        seen.pod = str(task.pod_name or seen.pod)
        seen.message = _error_text(task) or seen.message
        seen.seconds = _seconds(task) if state in ENDED else None
        if state != seen.state:
            seen.state = state
            shown = name if seen.number == 1 else f"{name} #{seen.number}"
            took = f" ({seen.seconds:.0f} s)" if seen.seconds is not None and state != "SKIPPED" else ""
            self.tell(f"step {shown}: {STEP_WORDS.get(state, state.lower())}{took}")

    def _is_step(self, name: str) -> bool:
        if self.names:
            return name in self.names
        return name not in OWN_TASKS and not name.endswith("-driver")


def longest_wait(hours: float | None, environ: Mapping[str, str]) -> float | None:
    """Seconds that may be waited: the setting, and less where the machine would be taken away before."""
    limits = [hours] if hours is not None else []
    if environ.get("GITHUB_ACTIONS") == "true":
        hosted = environ.get("RUNNER_ENVIRONMENT", "github-hosted") == "github-hosted"
        limits.append(HOSTED_HOURS if hosted else SELF_HOSTED_HOURS)
    return min(limits) * 3600 if limits else None


def _error_text(task: Any) -> str:
    message = str(getattr(task.error, "message", "") or "") if task.error is not None else ""
    return next((line.strip() for line in message.splitlines() if line.strip()), "")


def _seconds(task: Any) -> float | None:
    """How long a step took; the server writes the year 1970 for a time that has not come."""
    start, end = task.start_time or task.create_time, task.end_time
    if not isinstance(start, datetime) or not isinstance(end, datetime) or end.year <= 1970 or start.year <= 1970:
        return None
    return max(0.0, (end - start).total_seconds())


def _hours(seconds: float | None) -> str:
    hours = (seconds or 0) / 3600
    return f"{hours:.3g} hours" if hours >= 1 else f"{hours * 60:.3g} minutes"
