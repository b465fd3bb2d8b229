"""How a run goes on the fake: one moment after the other, one moment at each look at the run. No clock is involved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

LAST = "finish-run"
"""The step that runs whatever happens to the others."""


@dataclass(frozen=True)
class Moment:
    """What the run shows at one look.

    Attributes:
        state: The run's state.
        tasks: States of tasks that have changed.
        error: Message of a task that failed, by task.
        then: Called when the moment is shown.
    """

    state: str
    tasks: dict[str, str] = field(default_factory=dict)
    error: dict[str, str] = field(default_factory=dict)
    then: Callable[[], None] | None = None


@dataclass
class Play:
    """The moments of a run; the last one stays.

    Attributes:
        moments: What is shown, look after look; made from the package's steps.
        logs: The log of a task, where the server gives it.
    """

    moments: Callable[[Sequence[str]], list[Moment]]
    logs: dict[str, str] = field(default_factory=dict)


def succeeding(*, then: dict[str, Callable[[], None]] | None = None) -> Play:
    """Every step runs and succeeds.

    Args:
        then: What happens when a step is seen running.
    """

    def moments(steps: Sequence[str]) -> list[Moment]:
        found = [Moment("PENDING")]
        for step in steps:
            found.append(Moment("RUNNING", {step: "RUNNING"}, then=(then or {}).get(step)))
            found.append(Moment("RUNNING", {step: "SUCCEEDED"}))
        return [*found, Moment("SUCCEEDED")]

    return Play(moments)


def failing(step: str, *, message: str = "", log: str = "", state: str = "FAILED") -> Play:
    """A step fails, and the run with it; those after it are skipped."""

    def moments(steps: Sequence[str]) -> list[Moment]:
        before = list(steps[: steps.index(step)])
        after = list(steps[steps.index(step) + 1 :])
        found = [Moment("PENDING")]
        found += [Moment("RUNNING", {name: "SUCCEEDED"}) for name in before]
        found.append(Moment("RUNNING", {step: "RUNNING"}))
        ends = {step: state, **{name: "SUCCEEDED" if name == LAST else "SKIPPED" for name in after}}
        return [*found, Moment(state, ends, {step: message} if message else {})]

    return Play(moments, {step: log} if log else {})


def held(state: str = "RUNNING", *, then: Callable[[], None] | None = None) -> Play:
    """The run stays in a state until somebody ends it.

    Args:
        state: Which one.
        then: What happens at the second look.
    """

    def moments(steps: Sequence[str]) -> list[Moment]:
        first = {steps[0]: "RUNNING"} if steps and state == "RUNNING" else {}
        return [Moment("PENDING"), Moment(state, first), Moment(state, then=then), Moment(state)]

    return Play(moments)


def through(*states: str) -> Play:
    """The run shows these states, one at each look."""
    return Play(lambda _: [Moment(state) for state in states])
