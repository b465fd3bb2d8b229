"""What happens to one call of a command: the command is killed there, or the call fails in one of many ways."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tests.github import FakeGitHub
from tests.github.faults import Record

KILLS = ("kill before", "kill after")
"""The command and all that it started are killed: when the call has arrived and nothing is done, or all of it."""
INTERRUPTS = ("interrupt",)
"""Somebody presses Ctrl-C while the call is under way."""
PASSING = (
    "reset-before", "reset-after", "half-answer", "500", "502", "502-after", "503", "secondary",
    "secondary-retry-after", "429",
)  # fmt: skip
"""One call fails; whoever tries again gets through."""
LASTING = ("all 503", "all reset-after")
"""The call fails however often it is tried, until the command gives up."""
REVOKED = ("401",)
"""The token is revoked with this call."""

DONE, FAILED, LOCKED_OUT, PARTIAL, KILLED, INTERRUPTED = 0, 1, 4, 5, -9, 130


class Disturbable(Protocol):
    """A stage whose command can be ended and whose person can get another token."""

    @property
    def github(self) -> FakeGitHub:
        """The fake GitHub."""

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End everything that runs, or send it another signal."""

    def renew_token(self) -> None:
        """Give the person a new token."""


class Point(NamedTuple):
    """A call of a command's course: the how-manieth of its kind, because calls at once come in any order."""

    path: str
    method: str
    number: int

    @property
    def writes(self) -> bool:
        """Whether it is to change something."""
        return self.method not in {"GET", "HEAD"} or "receive-pack" in self.path


@dataclass(frozen=True)
class Disturbed:
    """What happens at which call."""

    point: Point
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.point.method} {self.point.path} ({self.point.number})"

    @property
    def codes(self) -> frozenset[int]:
        """How the command may end: it gets through, or says that something is left."""
        if self.kind in KILLS:
            return frozenset({KILLED})
        if self.kind in INTERRUPTS:
            return frozenset({INTERRUPTED})
        if self.kind in REVOKED:
            return frozenset({LOCKED_OUT, PARTIAL})
        # What fails while everything is still being read leaves nothing half-done: an ordinary failure.
        return frozenset({DONE, PARTIAL, FAILED} if self.kind in LASTING else {DONE, PARTIAL})


@dataclass
class Watch:
    """Sees every call of a command, and disturbs one of them.

    Attributes:
        seen: The calls as they came.
        met: Whether the command came to the call that was to be disturbed.
    """

    disturbed: Disturbed | None = None
    seen: list[Point] = field(default_factory=list)
    met: bool = False

    def put_on(self, stage: Disturbable) -> None:
        """From now on."""
        self._stage = stage
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._record: Record | None = None
        faults = stage.github.faults
        kind = self.disturbed.kind if self.disturbed and self.disturbed.kind not in INTERRUPTS else "500"
        word = {"kill before": "reset-before", "kill after": "reset-after"}.get(kind, kind.removeprefix("all "))
        # The fault asks about every call: this is also how they are counted.
        faults.add(word, times=0, only=self._takes)
        if kind == "kill after":
            faults.after(1, lambda _: stage.kill(), only=lambda record: record is self._record)

    def take_off(self) -> None:
        """From now on nothing is disturbed any more; whoever had a token that was revoked gets another one."""
        self._stage.github.faults.clear()
        if self.disturbed and self.disturbed.kind in REVOKED:
            self._stage.renew_token()

    def _takes(self, record: Record) -> bool:
        with self._lock:
            path, method = plain(record.path), record.method
            self._counts[path, method] += 1
            point = Point(path, method, self._counts[path, method])
            self.seen.append(point)
            if self.disturbed is None:
                return False
            wanted = self.disturbed.point
            lasting = self.disturbed.kind in LASTING and point[:2] == wanted[:2] and point.number > wanted.number
            if point != wanted and not lasting:
                return False
            self.met, self._record = True, record
        if self.disturbed.kind == "kill before":
            self._stage.kill()
        if self.disturbed.kind in INTERRUPTS:
            # The call itself goes on as if nothing had happened, only late enough to be waited for.
            self._stage.kill(signal.SIGINT)
            time.sleep(0.3)
            return False
        return True


def plain(path: str) -> str:
    """A path without the numbers that differ from one time to the next, and with what git asks for."""
    place, _, query = path.partition("?")
    service = f"?{query}" if query.startswith("service=") else ""
    return re.sub(r"/\d+(?=/|$)", "/N", place) + service
