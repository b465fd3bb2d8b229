"""A folder that appears all at once: filled beside its place under another name, then moved there by one rename.

Killed at any moment, either nothing or everything is there. What a killed run leaves is a hidden folder
``.mlopsgen-init-*`` beside the destination; the next run recognises it by its unlocked lock file and removes it.

An empty folder that is there already is kept, because a shell may stand in it, it may be a mount, or what is above it
may not be writable: the hidden folder lies inside it, and what it holds moves up at the end, ``.git`` last.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mlopsgen.errors import CommandFailed, MlopsgenError, UsageError, from_os_error

PREFIX = ".mlopsgen-init-"
_LOCK = "lock"
_TREE = "tree"
_BEING_MADE = 60.0
_TRIES, _PAUSE = 100, 0.02
_GIT = ".git"
_FULL = {"No space left on device": errno.ENOSPC, "Disk quota exceeded": errno.EDQUOT}


class Birthplace:
    """The folder in which a destination is prepared.

    Attributes:
        folder: Fill this one; it becomes the destination.
    """

    def __init__(self, destination: Path, temporary: Path, inner: tuple[str, ...]) -> None:
        self._destination = destination
        self._temporary = temporary
        self._inner = inner
        self._kept = temporary.parent == destination
        self.folder = temporary.joinpath(_TREE, *inner)
        self.folder.mkdir(parents=True)

    def move_into_place(self) -> None:
        """Make the prepared folder the destination, by one rename where the destination is not there yet.

        Raises:
            UsageError: Something has appeared at the destination meanwhile.
        """
        if self._kept:
            self._move_up()
            return
        top = self._destination.parents[len(self._inner) - 1] if self._inner else self._destination
        try:
            (self._temporary / _TREE).replace(top)
        except OSError as error:
            if top.exists() and (not top.is_dir() or any(top.iterdir())):
                raise occupied(top) from error
            raise

    def _move_up(self) -> None:
        # Two runs for one folder: the second one to come here finds what the first one made.
        lock = _take_lock(self._destination, wait=True, flags=os.O_RDONLY)
        try:
            if _holds_something(self._destination):
                raise occupied(self._destination)
            self._move_each()
        finally:
            os.close(lock)

    def _move_each(self) -> None:
        moved: list[str] = []
        try:
            for name in sorted((path.name for path in self.folder.iterdir()), key=lambda name: (name == _GIT, name)):
                (self.folder / name).rename(self._destination / name)
                moved.append(name)
        except BaseException:
            for name in reversed(moved):
                (self._destination / name).rename(self.folder / name)
            raise


def _holds_something(folder: Path) -> bool:
    """Whether a folder holds anything but what runs of ``init`` left in it."""
    return any(not path.name.startswith(PREFIX) for path in folder.iterdir())


def occupied(destination: Path) -> UsageError:
    """The error for a destination that holds something."""
    hint = "Choose another folder, or empty this one yourself; nothing was changed."
    if destination.is_dir():
        return UsageError(f"The folder {destination} is not empty.", where=str(destination), hint=hint)
    return UsageError(f"{destination} is there already and is no folder.", where=str(destination), hint=hint)


def check_free(destination: Path) -> None:
    """Make sure that nothing stands where the destination will be.

    Raises:
        UsageError: Something does.
    """
    try:
        if destination.is_symlink() and not destination.exists():
            raise UsageError(
                f"{destination} is a link to something that is not there.",
                where=str(destination),
                hint="Remove the link, or choose another folder.",
            )
        if destination.exists() and (not destination.is_dir() or _holds_something(destination)):
            raise occupied(destination)
        if not destination.exists():
            above = _nearest_folder(destination)[0]
            if not above.is_dir():
                raise UsageError(
                    f"{above} is no folder, so nothing can be made in it.",
                    where=str(destination),
                    hint="Choose another folder.",
                )
    except OSError as error:
        raise _translated(error, destination) from error


def _nearest_folder(destination: Path) -> tuple[Path, tuple[str, ...]]:
    """What exists of the path, and the names below it that do not exist yet."""
    missing: list[str] = []
    above = destination
    while not above.exists() and above != above.parent:
        missing.insert(0, above.name)
        above = above.parent
    return above, tuple(missing)


def _translated(error: OSError, destination: Path) -> MlopsgenError:
    known = from_os_error(error, doing=f"Making {destination}")
    if known is not None:
        known.where = str(destination)
        return known
    return MlopsgenError(
        f"Making {destination} failed: {error.strerror or error}.",
        where=str(error.filename or destination),
        hint="Choose another folder, on a disk that can be written.",
    )


@contextlib.contextmanager
def prepare(destination: Path) -> Iterator[Birthplace]:
    """A :class:`Birthplace` for ``destination``; removed at the end, whatever happens.

    Folders that are missing above the destination come with it.

    Raises:
        MlopsgenError: The file system refused or is full.
    """
    destination = destination.resolve() if destination.exists() else destination
    above, missing = _nearest_folder(destination)
    temporary: Path | None = None
    lock = -1
    try:
        with _alone_in(above) as alone:
            _remove_leftovers(above, alone=alone)
            temporary = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above))
            lock = _take_lock(temporary / _LOCK)
        yield Birthplace(destination, temporary, missing[1:])
    except OSError as error:
        raise _translated(error, destination) from error
    except CommandFailed as error:
        # git says it in words, and has no number of the operating system for it.
        full = next((number for words, number in _FULL.items() if words in error.output), None)
        if full is None:
            raise
        raise _translated(OSError(full, os.strerror(full)), destination) from error
    finally:
        if lock >= 0:
            os.close(lock)
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _take_lock(path: Path, *, wait: bool = False, flags: int = os.O_CREAT | os.O_RDWR) -> int:
    """Open and lock a file; the operating system gives the lock back when the process ends, however it ends."""
    descriptor = os.open(path, flags, 0o600)
    try:
        import fcntl  # noqa: PLC0415 - not on Windows, where leftovers stay until a person removes them
    except ImportError:
        return descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def _alone_in(above: Path) -> Iterator[bool]:
    """Whether no other run makes its folder here, or removes leftovers, until this ends."""
    descriptor = -1
    for _ in range(_TRIES):
        try:
            descriptor = _take_lock(above, flags=os.O_RDONLY)
        except BlockingIOError:  # whoever it is may be anybody, and need not be waited for
            time.sleep(_PAUSE)
        except OSError:  # some file systems lock no folders
            break
        else:
            break
    try:
        yield descriptor >= 0
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _remove_leftovers(above: Path, *, alone: bool) -> None:
    """Remove what killed runs left: folders of our name whose lock nobody holds."""
    for leftover in above.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            has_lock = (leftover / _LOCK).exists()
            if not alone and not has_lock and time.time() - leftover.stat().st_mtime < _BEING_MADE:
                continue  # another run may just be making it
            os.close(_take_lock(leftover / _LOCK))
            shutil.rmtree(leftover, ignore_errors=True)
