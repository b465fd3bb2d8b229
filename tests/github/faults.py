"""Faults that the fake answers with when told to, and the log of all calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What goes wrong."""

    RESET_BEFORE = "reset-before"
    """The connection breaks, nothing was done."""
    RESET_AFTER = "reset-after"
    """It was done, the connection breaks before the answer."""
    HALF_ANSWER = "half-answer"
    """It was done, half of the answer arrives."""
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    """502, nothing was done."""
    BAD_GATEWAY_AFTER = "502-after"
    """502, but it was done."""
    UNAVAILABLE = "503"
    SECONDARY = "secondary"
    """403, a secondary limit, without ``Retry-After``."""
    SECONDARY_RETRY_AFTER = "secondary-retry-after"
    PRIMARY = "primary"
    """403, the hourly limit, with ``X-RateLimit-Reset``."""
    TOO_MANY = "429"
    REVOKED = "401"
    """The token is revoked from now on."""
    NOT_FOUND = "404"
    FORBIDDEN = "403"
    STALLED = "stalled"
    """No answer until the client gives up or the fake is closed."""


@dataclass
class Record:
    """A call as it happened; ``number`` counts REST and git requests together, from 1."""

    number: int
    kind: str
    method: str
    path: str
    started: float
    concurrency: int
    ended: float = 0.0
    status: int = 0
    fault: str = ""
    login: str = ""

    @property
    def writes(self) -> bool:
        """Whether it was to change something."""
        return self.method not in {"GET", "HEAD"} if self.kind == "rest" else "receive-pack" in self.path

    def __str__(self) -> str:
        return f"{self.number} {self.method} {self.path} -> {self.status}{' ' + self.fault if self.fault else ''}"


Test = Callable[[Record], bool]


@dataclass
class Fault:
    """What shall go wrong, at which of the matching calls (from 1), how many times (0: from then on)."""

    kind: Kind
    nth: int = 1
    times: int = 1
    matches: Test = field(default=lambda record: True)
    retry_after: int = 1
    seen: int = 0

    def hits(self, record: Record) -> bool:
        """Whether this call is one of them; counts."""
        if not self.matches(record):
            return False
        self.seen += 1
        return self.seen >= self.nth and (not self.times or self.seen < self.nth + self.times)


@dataclass
class Hook:
    """Something to do when a call arrives (or when it has been acted on, before its answer)."""

    act: Callable[[Record], None]
    nth: int
    after: bool
    matches: Test = field(default=lambda record: True)
    seen: int = 0


class Faults:
    """What shall go wrong.

    ``faults.add("reset-after", nth=7)`` breaks the connection of the seventh call from now on after acting;
    ``kind="rest"|"git"``, ``method=``, ``path=`` (a part of it), ``writes=True`` restrict which calls count.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._hooks: list[Hook] = []

    def add(
        self, fault: str, *, nth: int = 1, times: int = 1, retry_after: int = 1, kind: str = "", method: str = "",
        path: str = "", writes: bool | None = None, only: Test | None = None,
    ) -> Fault:  # fmt: skip
        """Let calls go wrong from now on; ``times=0`` means every one from the ``nth``."""
        made = Fault(Kind(fault), nth, times, _test(kind, method, path, writes, only), retry_after)
        with self._lock:
            self._faults.append(made)
        return made

    def before(self, nth: int, act: Callable[[Record], None], **which: object) -> None:
        """Do something (kill a process, say) when the ``nth`` matching call arrives, before it acts."""
        self._hook(Hook(act, nth, after=False, matches=_test(**which)))  # type: ignore[arg-type]

    def after(self, nth: int, act: Callable[[Record], None], **which: object) -> None:
        """Do something when the ``nth`` matching call has acted, before its answer is sent."""
        self._hook(Hook(act, nth, after=True, matches=_test(**which)))  # type: ignore[arg-type]

    def _hook(self, made: Hook) -> None:
        with self._lock:
            self._hooks.append(made)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._faults.clear()
            self._hooks.clear()

    def for_call(self, record: Record) -> Fault | None:
        """What goes wrong with this call."""
        with self._lock:
            hit = [fault for fault in self._faults if fault.hits(record)]
        return hit[0] if hit else None

    def run_hooks(self, record: Record, *, after: bool) -> None:
        """Do what was asked for at this call."""
        with self._lock:
            due = []
            for hook in self._hooks:
                if hook.after == after and hook.matches(record):
                    hook.seen += 1
                    if hook.seen == hook.nth:
                        due.append(hook)
        for hook in due:
            hook.act(record)


def _test(
    kind: str = "", method: str = "", path: str = "", writes: bool | None = None, only: Test | None = None
) -> Test:
    return lambda record: (
        (not kind or record.kind == kind)
        and (not method or record.method == method)
        and path in record.path
        and (writes is None or record.writes == writes)
        and (only is None or only(record))
    )


class Calls:
    """The log of all calls, in the order in which they arrived."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._open = 0

    def begin(self, kind: str, method: str, path: str) -> Record:
        """A call arrives."""
        with self._lock:
            self._open += 1
            made = Record(len(self._records) + 1, kind, method, path, time.monotonic(), self._open)
            self._records.append(made)
            return made

    def end(self, record: Record, status: int) -> None:
        """Its answer is on the way; 0 when there is none."""
        with self._lock:
            self._open -= 1
            record.ended, record.status = time.monotonic(), status

    def clear(self) -> None:
        """Forget the calls so far; numbers start from 1 again."""
        with self._lock:
            self._records.clear()

    def __iter__(self) -> Iterator[Record]:
        with self._lock:
            return iter(list(self._records))

    def __len__(self) -> int:
        return len(self._records)

    @property
    def rest(self) -> list[Record]:
        """The calls of the REST API."""
        return [record for record in self if record.kind == "rest"]

    @property
    def git(self) -> list[Record]:
        """The calls that git made."""
        return [record for record in self if record.kind == "git"]

    @property
    def concurrency(self) -> int:
        """How many were under way at once at most."""
        return max((record.concurrency for record in self), default=0)
