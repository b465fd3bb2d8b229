"""What goes wrong with the fake when it is told to: each fault for a number of requests to a path."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum


class Fault(Enum):
    """What happens to a request instead of its answer."""

    DROPPED = "the connection ends without an answer, before anything is done"
    DROPPED_AFTER = "it is done, and the connection ends without an answer"
    UNAVAILABLE = "503 from the proxy in front, as a page"
    BROKEN = "500 of the API server"
    STALLED = "nothing comes until the fake is closed"
    PAGE = "a login page with code 200"
    MAINTENANCE = "a page with code 200 that asks for nothing"
    EXPIRED = "every session and token that was given out has run out"


@dataclass
class _Planned:
    fault: Fault
    times: int
    path: str
    method: str


@dataclass
class Faults:
    """The faults that are planned."""

    planned: list[_Planned] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, fault: Fault, *, times: int = 1, path: str = "", method: str = "") -> None:
        """Lets the next ``times`` requests meet a fault, those to an address that holds ``path`` alone."""
        with self.lock:
            self.planned.append(_Planned(fault, times, path, method))

    def next(self, method: str, path: str) -> Fault | None:
        """The fault of a request."""
        with self.lock:
            for plan in self.planned:
                if plan.path in path and plan.method in ("", method):
                    plan.times -= 1
                    if plan.times <= 0:
                        self.planned.remove(plan)
                    return plan.fault
        return None
