"""How far the work on a fleet is, and about how long the rest takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from mlopsgen.events import Note, Progress, StepDone
from mlopsgen.operations.fleet_rows import Row, State
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink

_TOLD_AT_ONCE = {State.OPENED, State.UPDATED, State.PUSHED, State.CONFLICTS, State.WORKED_ON, State.FAILED}
_OFTEN = 50
"""So many times the rest is estimated anew for each; then every second."""
_FEWEST = 3
"""From so many repositories on their time says something about the rest."""


class FleetProgress:
    """Tells what happens to a fleet, one repository after the other.

    Args:
        total: How many repositories there are.
        doing: What is done with them, as the beginning of a line.
        tells: Whether what was done is told of each; a table follows anyway.
        events: Is told.
        seconds_for: How long GitHub's limits make so many changes wait.
        changes: How many changes were asked of GitHub so far.
        clock: Seconds since some moment, always growing.
    """

    def __init__(
        self,
        total: int,
        doing: str,
        events: EventSink,
        *,
        seconds_for: Callable[[int], float],
        changes: Callable[[], int],
        tells: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = total
        self._doing = doing
        self._events = events
        self._seconds_for = seconds_for
        self._changes = changes
        self._tells = tells
        self._clock = clock
        self._started = clock()
        self._done = 0
        self._estimated_at = self._started - 1
        self._left = 0

    def begin(self) -> None:
        """The first is about to be looked at."""
        self._events(Progress(message=self._doing, done=0, total=self._total))

    def ended(self, row: Row) -> None:
        """A repository is done."""
        self._done += 1
        if self._tells and row.state in _TOLD_AT_ONCE:
            told = StepDone if row.state not in (State.FAILED, State.WORKED_ON) else Note
            self._events(told(message=line_of(row)))
        now = self._clock()
        if now - self._estimated_at >= 1 or self._done <= _OFTEN or self._done == self._total:
            self._estimated_at, self._left = now, self.seconds_left()
        self._events(
            Progress(message=self._doing, done=self._done, total=self._total, seconds_left=self._left),
        )

    def seconds_left(self) -> int:
        """About how long the rest takes; 0 while nobody can tell.

        The longer one of two: at the pace so far, and as fast as GitHub takes the changes that are still to come.
        """
        rest = self._total - self._done
        if rest == 0 or self._done < min(_FEWEST, self._total):
            return 0
        work = (self._clock() - self._started) / self._done * rest
        limits = self._seconds_for(round(self._changes() / self._done * rest))
        return max(1, round(max(work, limits)))


def line_of(row: Row) -> str:
    """What happened to a repository, in a line."""
    return f"{row.repository}: {words_of(row)}"


def words_of(row: Row) -> str:
    """How a repository stands, in a few words."""
    pull = row.pull_request
    if row.state is State.CONFLICTS:
        conflicts = counted(len(row.conflicts), "conflict")
        return f"{conflicts}, draft pull request #{pull.number}" if pull is not None else conflicts
    if row.state is State.BEHIND and row.behind:
        return f"{counted(row.behind, 'version')} behind"
    number = f" #{pull.number}" if pull is not None else ""
    return _WORDS.get(row.state, row.state.value).format(number=number, reason=row.reason)


_WORDS = {
    State.OPENED: "pull request{number} opened",
    State.UPDATED: "pull request{number} updated",
    State.OPEN: "pull request{number} is open",
    State.PUSHED: "branch pushed",
    State.WORKED_ON: "pull request{number} is being worked on",
    State.DECLINED: "pull request{number} was closed without being merged",
    State.BEHIND: "not as the template makes it",
    State.LEFT: "not looked at",
    State.CURRENT: "up to date",
    State.FAILED: "failed: {reason}",
    State.NOT_GENERATED: "not generated",
}
