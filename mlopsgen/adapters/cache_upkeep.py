"""What the cache folder holds, and what of it goes: by itself when it is old or too much, or all of it when asked.

Whoever uses the cache holds a lock on it together with everybody else; who removes something has to be alone with it.
A lock dies with its process. What goes is moved aside first, so that a kill leaves nothing that is half there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import fcntl as _fcntl
except ImportError:
    fcntl: Any = None
    """Nothing on Windows, which knows no locks that several hold: there nothing goes by itself."""
else:
    fcntl = _fcntl

PARTS = {
    "templates": "mirrors of templates",
    "renders": "what templates made of answers",
    "fleet": "parts of repositories on GitHub, for updates without a clone",
    "locks": "lock files that were made again",
}
"""The folders of the cache, with what they hold."""

MOST_DAYS = 60
"""What was not used for so many days goes by itself."""
MOST_BYTES = 1_000_000_000
"""Where there is more, what was not used for the longest time goes by itself."""

_DAY = 24 * 3600.0
_LOCK, _TENDED, _GONE = "in-use", "looked-after", ".gone-"
_MOST_HELD = 16
_held: dict[Path, int] = {}
_guard = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One thing in the cache that is whole or not there: a repository or a file.

    Attributes:
        part: Which of ``PARTS`` it belongs to.
        path: Where it lies.
        size: How many bytes it takes.
        used: When it was used last.
    """

    part: str
    path: Path
    size: int
    used: float


def kept(folder: Path) -> list[Kept]:
    """Everything in a cache folder, what was used last first."""
    return sorted(_kept(folder), key=lambda each: -each.used)


def use(folder: Path) -> None:
    """Say that this process uses the cache, to its end; once a day, somebody who is alone looks after it first."""
    with _guard, suppress(OSError):
        if fcntl is None or folder in _held:
            return
        if len(_held) >= _MOST_HELD:
            os.close(_held.pop(next(iter(_held))))
        handle = _open(folder)
        _held[folder] = handle
        if _is_due(folder) and _alone(handle):
            with suppress(OSError):
                look_after(folder)
        fcntl.flock(handle, fcntl.LOCK_SH)


def look_after(folder: Path, *, now: float | None = None, most_bytes: int = MOST_BYTES) -> None:
    """Remove what is old, what is too much, and what kills have left; whoever calls it is alone with the cache."""
    now = time.time() if now is None else now
    (folder / _TENDED).touch()
    going, total = [], 0
    for each in kept(folder):
        total += each.size
        if total > most_bytes or now - each.used > MOST_DAYS * _DAY:
            going.append(each)
    _remove(folder, going)


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Whether nobody else uses the cache; it stays so inside."""
    with _guard:
        if folder in _held:
            os.close(_held.pop(folder))
        handle = _open(folder)
        try:
            yield fcntl is None or _alone(handle)
        finally:
            os.close(handle)


def clear(folder: Path) -> None:
    """Remove all of it; whoever calls it is alone with the cache.

    Raises:
        OSError: Something cannot be removed.
    """
    _remove(folder, kept(folder))


def _open(folder: Path) -> int:
    return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)


def _alone(handle: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_due(folder: Path) -> bool:
    with suppress(FileNotFoundError):
        return not 0 <= time.time() - (folder / _TENDED).stat().st_mtime < _DAY
    return True


def _kept(folder: Path) -> Iterator[Kept]:
    for part in PARTS:
        depth = 3 if part == "fleet" else 1  # host, owner, name
        for path in (folder / part).glob("/".join("*" * depth)):
            if path.name.startswith("."):
                continue  # not whole yet, or not any more
            with suppress(FileNotFoundError):
                yield Kept(part=part, path=path, size=_size(path), used=path.lstat().st_mtime)


def _size(path: Path) -> int:
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    total = 0
    for top, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += Path(top, name).lstat().st_size
    return total


def _remove(folder: Path, going: Iterable[Kept]) -> None:
    going = list(going)
    if any(each.part == "renders" for each in going):
        # Repositories of a fleet see the objects of renders.
        going = [*(each for each in _kept(folder) if each.part == "fleet"), *going]
    # What is being made has such a name until it is whole, and nobody is making anything now.
    left = [path for part in PARTS for path in (folder / part).glob(".*")]
    if going or left or any(folder.glob(f"{_GONE}*")):
        aside = Path(tempfile.mkdtemp(prefix=_GONE, dir=folder))
        for number, path in enumerate([*(each.path for each in going), *left]):
            with suppress(FileNotFoundError):
                path.rename(aside / str(number))
        for gone in folder.glob(f"{_GONE}*"):
            shutil.rmtree(gone)
