"""Locks that die with the processes that hold them, so that nothing has to be cleaned after a crash."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl as _fcntl
except ImportError:
    fcntl: Any = None
    """Nothing on Windows, which locks in a way of its own."""
else:
    fcntl = _fcntl

_PAUSE = 0.05


@contextmanager
def hold(path: Path, *, wait: float | None = None) -> Iterator[int | None]:
    """Hold the lock of a file.

    The descriptor may be handed to child processes: the lock then lasts until the last of them is gone.

    Args:
        path: The file; it is created and stays.
        wait: Seconds to try for; ``None`` waits as long as it takes.

    Yields:
        The descriptor, or ``None`` when somebody else still holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        yield handle if _take(handle, wait) else None
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a file.

    Looking takes the lock for a moment; whoever wants it must therefore try for longer than that.
    """
    if not path.exists():
        return False
    with hold(path, wait=0) as mine:
        return mine is None


def _take(handle: int, wait: float | None) -> bool:
    if wait is None and fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return True
    deadline = None if wait is None else time.monotonic() + wait
    while not _try(handle):
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _try(handle: int) -> bool:
    """Take the lock if nobody holds it. Windows locks bytes: the first one stands for the file."""
    if fcntl is not None:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
    import msvcrt  # noqa: PLC0415 - only there

    bytes_of: Any = msvcrt
    with contextlib.suppress(PermissionError):
        bytes_of.locking(handle, bytes_of.LK_NBLCK, 1)
        return True
    return False
