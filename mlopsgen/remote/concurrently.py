"""Doing independent things at once, so that a person can stop them at any moment."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
Ended = Callable[[T, BaseException | None], bool]

_PATIENCE = 5.0
"""Seconds that a person who stops the program waits for the calls that are under way."""


def run(items: Sequence[T], do: Callable[[T], None], finished: Ended[T], *, workers: int) -> None:
    """Do something with each item.

    Threads that hang in a call do not keep the process alive: they are daemons, which those of ``concurrent.futures``
    cannot be.

    Args:
        items: What to do it with; begun in this order.
        do: What is done.
        finished: Called in the caller's thread with each item that came to its end, and its failure if it has one;
            returns whether further items are begun.
        workers: How many at once, at most.

    Raises:
        KeyboardInterrupt: The person stopped it; what was under way had a few seconds to end.
    """
    if workers <= 1 or len(items) <= 1:
        for item in items:
            if not finished(item, _outcome(do, item)):
                return
        return
    crew = _Crew(items, do)
    crew.start(min(workers, len(items)))
    try:
        while crew.is_expecting():
            item, error = crew.ended.get()
            crew.taken += 1
            if not finished(item, error):
                crew.stop()
    except KeyboardInterrupt:
        for item, error in crew.last():
            finished(item, error)
        raise
    except BaseException:
        list(crew.last())
        raise


class _Crew(Generic[T]):
    def __init__(self, items: Sequence[T], do: Callable[[T], None]) -> None:
        self.ended: queue.SimpleQueue[tuple[T, BaseException | None]] = queue.SimpleQueue()
        self.taken = 0
        self._do = do
        self._todo = list(reversed(items))
        self._begun = 0
        self._lock = threading.Lock()

    def start(self, workers: int) -> None:
        for _ in range(workers):
            threading.Thread(target=self._work, daemon=True).start()

    def stop(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._todo.clear()

    def is_expecting(self) -> bool:
        """Whether an end is still to come."""
        with self._lock:
            return bool(self._todo) or self.taken < self._begun

    def last(self) -> list[tuple[T, BaseException | None]]:
        """Begin nothing more, and wait a little for what is under way."""
        self.stop()
        found = []
        deadline = time.monotonic() + _PATIENCE
        while self.is_expecting():
            try:
                found.append(self.ended.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                break
            self.taken += 1
        return found

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._todo:
                    return
                item = self._todo.pop()
                self._begun += 1
            self.ended.put((item, _outcome(self._do, item)))


def _outcome(do: Callable[[T], None], item: T) -> BaseException | None:
    try:
        do(item)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - it is handed to the caller's thread
        return error
    return None
