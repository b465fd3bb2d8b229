"""``mlopsgen watch``: look whether data changed since the last trainings, and train once where it did."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.adapters.git import ensure_plain_reference
from mlopsgen.constants import BRANCHES, MAIN_BRANCH
from mlopsgen.errors import ExitCode, Interrupted, MlopsgenError
from mlopsgen.events import Note, StepStarted, Waiting, Warn
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.trainings import Trainings
from mlopsgen.forge.worker.surroundings import user_name
from mlopsgen.operations.project import (
    Project,
    Surroundings,
    find_project,
    open_trainings,
    require_forge,
    require_pipelines,
)
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult

_CHANGED = int(ExitCode.PENDING)


@dataclass(frozen=True, kw_only=True)
class WatchRequest:
    """What to watch.

    Attributes:
        surroundings: Where the command runs.
        branch: The branch; ``None`` takes every branch that the forge has.
        every: Seconds between two looks; ``None`` looks once.
        pause: Waits so many seconds.
    """

    surroundings: Surroundings
    branch: str | None = None
    every: float | None = None
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a look at a branch's data has found.

    Attributes:
        branch: The branch.
        words: It in words.
        changed: Whether the data changed; ``None`` where nothing could be said.
        queued: The training that was queued for it.
        error: Why nothing could be found out.
        found: What the worker told.
    """

    branch: str
    words: str
    changed: bool | None = None
    queued: int | None = None
    error: MlopsgenError | None = None
    found: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The look as JSON values."""
        data = self.found.get("data")
        return {
            "branch": self.branch,
            "changed": self.changed,
            "queued": self.queued,
            "words": self.words,
            "compared_with": self.found.get("number") or None,
            "sources": data.get("sources", []) if isinstance(data, Mapping) else [],
            "error": None if self.error is None else {"code": self.error.code, "message": self.error.message},
        }


def watch(request: WatchRequest, events: EventSink) -> OperationResult:
    """Look once, or again and again until somebody stops it.

    Returns:
        What the only look found; its exit code is 1 where a branch could not be looked at.

    Raises:
        MlopsgenError: There is no forge, or it does not have the branch.
        Interrupted: The person stopped watching.
    """
    project = find_project(request.surroundings)
    if request.branch is not None:
        ensure_plain_reference(request.branch, BRANCHES)
    require_pipelines(project)
    forge = require_forge(project, request.surroundings)
    names = _branches(forge, request.branch)
    watcher = _Watcher(request, project, names, events)
    if request.every is None:
        return _once(watcher.look(), forge)
    rounds, queued = 0, 0
    try:
        while True:
            looks = watcher.look()
            rounds, queued = rounds + 1, queued + sum(1 for look in looks if look.queued is not None)
            events(Waiting(message=f"Looking again every {request.every:.0f} s; Ctrl-C stops"))
            request.pause(request.every)
    except KeyboardInterrupt:
        told = f"Stopped watching after {counted(rounds, 'look')}; {counted(queued, 'training')} queued."
        stopped = Interrupted(told, hint="Trainings that are queued go on: 'mlopsgen status'." if queued else "")
        stopped.data = {"looks": rounds, "queued": queued}
        raise stopped from None


def _branches(forge: LocalForge, wanted: str | None) -> tuple[str, ...]:
    repository = forge.repository()
    pushed = repository.branches if repository is not None else {}
    names = tuple(name for name in BRANCHES if name in pushed)
    if wanted is not None and wanted not in names:
        hint = f"Push it: git push local {wanted}"
        raise MlopsgenError(f"The forge has no branch '{wanted}' yet.", hint=hint, where=wanted)
    if not names:
        raise MlopsgenError("The forge has no branch yet.", hint=f"git push local {MAIN_BRANCH}", where=forge.address)
    return names if wanted is None else (wanted,)


class _Watcher:
    """Looks at the branches and says what is new."""

    def __init__(self, request: WatchRequest, project: Project, names: tuple[str, ...], events: EventSink) -> None:
        self._request, self._project, self._names, self._events = request, project, names, events
        self._told: dict[str, str] = {}

    def look(self) -> list[Look]:
        looks = []
        for name in self._names:
            self._events(StepStarted(message=f"Looking at the data of {name}"))
            found = self._look(name)
            looks.append(found)
            self._say(found)
        return looks

    def _look(self, branch: str) -> Look:
        try:
            # Anew each time: the forge may be gone, moved or made again while this watches.
            forge = require_forge(self._project, self._request.surroundings)
            trainings = open_trainings(forge.layout.root, self._request.surroundings)
            return self._judged(branch, trainings)
        except MlopsgenError as error:
            return Look(branch=branch, words=f"{branch}: {error.message}", error=error)

    def _judged(self, branch: str, trainings: Trainings) -> Look:
        waiting = trainings.waiting(branch)
        if waiting:
            words = f"{branch}: training #{waiting[0].number} is not over; its data is looked at afterwards"
            return Look(branch=branch, words=words)
        found = trainings.look_at_data(branch)
        code, summary = found.get("exit_code"), str(found.get("summary") or "")
        if code not in (0, _CHANGED):
            raise _failure(found, summary)
        if code == 0:
            return Look(branch=branch, words=f"{branch}: {summary}", changed=False, found=found)
        reason = str(found.get("reason") or "data changed")
        if found.get("started"):
            words = f"{branch}: {reason}; training #{found['started']} started for it, and is not started again"
            return Look(branch=branch, words=words, changed=True, found=found)
        actor = user_name(self._request.surroundings.environ)
        job = trainings.start_for_data(branch, str(found["commit"]), actor=actor, reason=reason)
        if job is None:
            words = f"{branch}: {reason}; a training of it waits already"
            return Look(branch=branch, words=words, changed=True, found=found)
        words = f"{branch}: {reason}; queued as #{job.number}"
        return Look(branch=branch, words=words, changed=True, queued=job.number, found=found)

    def _say(self, look: Look) -> None:
        """What is as it was is not said again."""
        if self._told.get(look.branch) == look.words:
            return
        self._told[look.branch] = look.words
        if look.error is not None:
            self._events(Warn(message=look.words, hint=look.error.hint))
        else:
            self._events(Note(message=look.words))


def _failure(found: Mapping[str, Any], summary: str) -> MlopsgenError:
    error = found.get("error")
    told = error if isinstance(error, Mapping) else {}
    where = f"{told['where']}: " if told.get("where") else ""
    message = str(told.get("message") or summary or "the data could not be looked at")
    return MlopsgenError(f"{where}{message}", hint=str(told.get("hint") or ""))


def _once(looks: list[Look], forge: LocalForge) -> OperationResult:
    failed = [look for look in looks if look.error is not None]
    queued = [look for look in looks if look.queued is not None]
    changed = [look for look in looks if look.changed]
    parts = [f"The data of {_names(changed)} changed" if changed else "No data has changed"]
    parts += [f"{counted(len(queued), 'training')} queued"] if changed else []
    parts += [f"{_names(failed)} could not be looked at"] if failed else []
    return OperationResult(
        summary=f"{'; '.join(parts)}.",
        data={"forge": str(forge.layout.root), "looks": [look.as_dict() for look in looks]},
        next_steps=tuple(f"mlopsgen status --follow --branch {look.branch}" for look in queued),
        exit_code=ExitCode.FAILURE if failed else ExitCode.OK,
    )


def _names(looks: list[Look]) -> str:
    return " and ".join(look.branch for look in looks)
