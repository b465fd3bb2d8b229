"""Following a training: its short lines as they come, until its verdict; leaving never disturbs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from . import locks, queue
from .journal import PROGRESS
from .layout import Layout
from .records import Job, Run, read_run

_PAUSE = 0.15
_LOOK_AFTER_WORKER = 2.0
_MOST_STARTS = 3


class WorkerGone(Exception):
    """Nobody trains, and starting a worker again did not help."""


def follow(
    layout: Layout, branch: str, number: int, *, say: Callable[[str], None], start_worker: Callable[[], None]
) -> Run:
    """Hand over the lines of a training until it is over.

    Args:
        layout: The forge.
        branch: The training's branch.
        number: The training's number.
        say: Takes each line; what it raises ends the following and nothing else.
        start_worker: Called when the worker of the branch is gone before its work is done.

    Returns:
        The training's final state.

    Raises:
        WorkerGone: No worker could be kept alive.
    """
    reader = _Reader(layout.run(branch, number) / PROGRESS)
    ahead = [job for job in queue.waiting(layout, branch) if job.number < number]
    if ahead:
        say(f"{branch} #{number} waits for {_list(ahead)}")
    starts, looked = 0, time.monotonic()
    while True:
        run = read_run(layout, branch, number)  # before the lines: the last of them are written before the last state
        for line in reader.lines():
            say(line)
        if run is not None and run.is_final:
            return run
        time.sleep(_PAUSE)
        if time.monotonic() - looked < _LOOK_AFTER_WORKER:
            continue
        looked = time.monotonic()
        if not locks.is_held(layout.worker_lock(branch)):
            starts += 1
            if starts > _MOST_STARTS:
                raise WorkerGone(f"The worker does not stay alive; {layout.worker_log} may say why.")
            start_worker()


class _Reader:
    """Reads the whole lines that were added to a file since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._rest = b""

    def lines(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                added = file.read()
        except FileNotFoundError:
            return []
        self._position += len(added)
        *whole, self._rest = (self._rest + added).split(b"\n")
        return [line.decode("utf-8", "replace") for line in whole]


def _list(jobs: list[Job]) -> str:
    return ", ".join(f"#{job.number}" for job in jobs)
