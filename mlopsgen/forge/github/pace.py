"""How fast GitHub may be asked: its limits on writing, and the pauses that it asks for, over all threads together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mlopsgen.errors import MlopsgenError
from mlopsgen.events import Note
from mlopsgen.ports import EventSink

# What GitHub's documentation calls the secondary limits on requests that create content.
WRITES = ((80, 60.0), (500, 3600.0))
PATIENCE = 900.0
"""Seconds that a command waits for GitHub at once; whoever has to wait longer runs it again later."""
_TOLD = 1.0


class RateLimited(MlopsgenError):
    """GitHub wants a pause that is longer than a command waits."""

    code = "rate-limited"
    is_passing = True
    concerns_all = True


class Pace:
    """Lets calls through as fast as GitHub takes them.

    Args:
        events: Is told what is being waited for.
        sleep: Waits that many seconds.
        clock: Seconds since some moment, always growing.
        patience: Seconds that may be waited for at once.
    """

    def __init__(
        self,
        events: EventSink,
        *,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        self._events = events
        self._patience = patience
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._writes: deque[float] = deque(maxlen=WRITES[-1][0])
        self._paused_until = 0.0
        self._paused_for = ""
        self._told_until = 0.0
        self.changes = 0
        """How many changes were let through so far."""

    def turn(self, *, write: bool) -> None:
        """Wait until the next call may be made.

        Raises:
            RateLimited: That takes too long.
        """
        with self._lock:
            now = self._clock()
            due, reason = now, ""
            if self._paused_until > due:
                due, reason = self._paused_until, self._paused_for
            if write:
                for count, span in WRITES:
                    if len(self._writes) >= count and self._writes[-count] + span > due:
                        due = self._writes[-count] + span
                        reason = f"no more than {count} changes in {'a minute' if span == 60 else 'an hour'}"
            wait = due - now
            if wait > self._patience:
                raise too_long(wait, reason)
            if write:
                self._writes.append(due)
                self.changes += 1
            tell = wait > _TOLD and due > self._told_until + _TOLD
            if tell:
                self._told_until = due
        if tell:
            self._events(Note(message=f"Waiting {round(wait)} s, as GitHub asks for ({reason})."))
        if wait > 0:
            self._sleep(wait)

    def pause(self, seconds: float, reason: str) -> None:
        """Let no call through for a while; :meth:`turn` waits.

        Raises:
            RateLimited: The pause is too long.
        """
        if seconds > self._patience:
            raise too_long(seconds, reason)
        with self._lock:
            until = self._clock() + seconds
            if until > self._paused_until:
                self._paused_until, self._paused_for = until, reason

    def seconds_for(self, writes: int) -> float:
        """How long it takes at the least until so many more changes are let through."""
        with self._lock:
            now, due = self._clock(), list(self._writes)
            paused = max(0.0, self._paused_until - now)
        last = now
        for _ in range(writes):
            last = max([last, *(due[-count] + span for count, span in WRITES if len(due) >= count)])
            due.append(last)
        return max(paused, last - now)


def too_long(seconds: float, reason: str) -> RateLimited:
    """The error for a pause that no command waits for."""
    again = datetime.now(tz=UTC) + timedelta(seconds=seconds)
    return RateLimited(
        f"GitHub takes no more calls with this token until {again:%H:%M} UTC ({reason}).",
        hint="Run the same command again then; what is done stays done.",
    )
