"""Progress as data: an operation emits these, the console draws them, ``--output json`` prints them as NDJSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """Anything an operation tells while it works."""

    message: str

    def as_dict(self) -> dict[str, Any]:
        """The event as a JSON object; ``event`` names its kind."""
        return {"event": type(self).__name__, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class StepStarted(Event):
    """A piece of work that takes a moment begins."""


@dataclass(frozen=True, kw_only=True)
class StepDone(Event):
    """A piece of work is done.

    Attributes:
        done: How many of them are done now.
        total: How many there are; 0 where that is not known.
    """

    done: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """How far a long piece of work is.

    Attributes:
        done: How many of them are done now.
        total: How many there are.
        seconds_left: About how long the rest takes; 0 where that is not known.
    """

    done: int
    total: int
    seconds_left: int = 0


@dataclass(frozen=True, kw_only=True)
class Waiting(Event):
    """Something takes a while and says nothing by itself.

    Terminals show it with the time that it takes, until more is told than lines of its log; pipes get nothing.
    """


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """Something worth knowing that needs no action."""


@dataclass(frozen=True, kw_only=True)
class Warn(Event):
    """Something that a person should look at; ``hint`` is the next step."""

    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class LogLine(Event):
    """A line of another program's output (a training's log)."""
