"""Data in files of this machine: one file, or all files of a folder or a pattern as one table."""

from __future__ import annotations

import contextlib
import glob
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from helpers.data import listing
from helpers.data.combine import combine
from helpers.data.limits import refuse_size
from helpers.data.place import (
    CHEAP_BYTES,
    Fetched,
    Place,
    State,
    Task,
    cut_at_line,
    digest_of,
    file_chunks,
    shown_address,
    write_chunks,
)
from helpers.errors import DataError, RepositoryError

CACHE = Path("runs") / ".data-digests.sqlite"
"""Digests of files that were read once, below the repository."""


def local_place(task: Task) -> FilePlace | FolderPlace:
    """The file, or the folder, that a path names."""
    path = task.root / Path(task.address).expanduser()
    if not path.exists() and re.search(r"[*?\[]", task.address):
        return FolderPlace(task, *_split_pattern(path))
    return FolderPlace(task, path) if path.is_dir() else FilePlace(task, path)


class FilePlace(Place):
    """One file."""

    def __init__(self, task: Task, path: Path, shown: str = "") -> None:
        self.task = task
        self.path = path
        self.shown = shown or shown_address(task.address)

    def state(self) -> State:
        """Its size and when it was changed."""
        with _translated(self.shown):
            status = self.path.stat()
            self.path.open("rb").close()  # whether it may be read
        return State(
            revision=f"file:{status.st_size}-{status.st_mtime_ns}",
            size=status.st_size,
            modified=datetime.fromtimestamp(status.st_mtime, UTC),
        )

    def fetch(self, to: Path) -> Fetched:
        """Copies it."""
        with _translated(self.shown):
            state = self.state()
            refuse_size(self.task.source, state.size, self.shown)
            fingerprint, size = write_chunks(file_chunks(self.path), to, self.shown)
        return Fetched(path=to, address=self.shown, fingerprint=fingerprint, size=size, revision=state.revision)

    def sample(self, to: Path, limit: int) -> bool:
        """Copies its beginning."""
        with _translated(self.shown):
            _, size = write_chunks(file_chunks(self.path), to, self.shown, limit=limit)
            if size >= self.path.stat().st_size:
                return True
        cut_at_line(to)
        return False

    def end(self, count: int) -> bytes:
        """Its last bytes."""
        with _translated(self.shown), self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - count))
            return file.read()

    def content(self) -> str:
        """The digest of its bytes: reading costs less than a training."""
        with _translated(self.shown):
            file = _as_listed(self.path)
            return f"sha256:{listing.digests([file], self.task.root / CACHE)[file.name]}"


class FolderPlace(Place):
    """The files of a folder, as one table."""

    def __init__(self, task: Task, folder: Path, pattern: str = "") -> None:
        self.task = task
        self.folder = folder
        self.pattern = pattern
        self.shown = shown_address(task.address)

    def state(self) -> State:
        """The listing; of a folder with a marker, the marker alone."""
        marker = self.task.source.changes_by
        with _translated(self.shown):
            if marker:
                return self._marked(marker)
            files = self._files()
        newest = max(file.changed for file in files)
        listed = digest_of(f"{file.name}\0{file.size}\0{file.changed}" for file in files)
        return State(
            revision=f"listing:{listed}",
            size=sum(file.size for file in files),
            files=len(files),
            modified=datetime.fromtimestamp(newest / 1e9, UTC),
        )

    def fetch(self, to: Path) -> Fetched:
        """Writes all of them to one file."""
        with _translated(self.shown):
            state = self.state()
            files = self._files()
            refuse_size(self.task.source, sum(file.size for file in files), self.shown)
            fingerprint = self._fingerprint(files)
            named = [(file.name, Path(file.path)) for file in files]
            combine(named, self.task.source, to, self.shown)
        size = to.stat().st_size
        return Fetched(path=to, address=self.shown, fingerprint=fingerprint, size=size, revision=state.revision)

    def sample(self, to: Path, limit: int) -> bool:
        """Writes the first of them to one file."""
        with _translated(self.shown):
            chosen: list[tuple[str, Path]] = []
            size = 0
            files = self._files()
            for file in files:
                if chosen and size + file.size > limit:
                    break
                chosen.append((file.name, Path(file.path)))
                size += file.size
            combine(chosen, self.task.source, to, self.shown)
        return len(chosen) == len(files)

    def content(self) -> str:
        """The digests of what changed are taken; the others are known."""
        with _translated(self.shown):
            return self._fingerprint(self._files())

    def _fingerprint(self, files: list[listing.File]) -> str:
        known = listing.digests(files, self.task.root / CACHE)
        return digest_of(f"{name}\0{digest}" for name, digest in known.items())

    def _marked(self, marker: str) -> State:
        path = self.folder / marker
        if not path.is_file():
            raise DataError(
                f"There is no file '{marker}' in the folder, which 'changes_by' names.",
                where=self.shown,
                hint="Correct 'changes_by', or remove it: then the folder's listing is compared.",
            )
        status = path.stat()
        if status.st_size > CHEAP_BYTES:
            digest = f"{status.st_size}-{status.st_mtime_ns}"
        else:
            file = _as_listed(path)
            digest = f"sha256:{listing.digests([file], self.task.root / CACHE)[file.name]}"
        return State(revision=f"marker:{digest}", modified=datetime.fromtimestamp(status.st_mtime, UTC))

    def _files(self) -> list[listing.File]:
        files = listing.files_of(self.folder, self.pattern) if self.folder.is_dir() else []
        if not files:
            kinds = f"'{self.pattern}'" if self.pattern else ", ".join(listing.ENDINGS)
            raise DataError(
                f"The folder holds no files of data ({kinds})." if self.folder.is_dir() else "There is no such folder.",
                where=self.shown,
                hint="Files and folders whose name begins with a point or an underscore do not count.",
            )
        return files


def _split_pattern(path: Path) -> tuple[Path, str]:
    """The folder that is certain, and the pattern below it."""
    parts = path.parts
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first]), "/".join(parts[first:])


def _as_listed(path: Path) -> listing.File:
    status = path.stat()
    return listing.File(path.name, str(path), status.st_size, status.st_mtime_ns, status.st_ino)


@contextlib.contextmanager
def _translated(shown: str) -> Iterator[None]:
    try:
        yield
    except RepositoryError:
        raise
    except FileNotFoundError as error:
        raise DataError(
            "The file does not exist.",
            where=shown,
            hint="Correct 'address' in data/sources.yaml; paths are relative to the root of the repository. "
            "A push trains what is committed: is the file?",
        ) from error
    except PermissionError as error:
        raise DataError(
            "There is no permission to read it.", where=shown, hint="Look at its mode and owner."
        ) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"It cannot be read: {reason}.", where=shown, hint="Look at the path.") from error
