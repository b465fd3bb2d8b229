"""The files of a folder on this machine, and the digests of their content, of which known ones are not taken again."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers.data.place import file_chunks

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".parquet", ".pq")
"""What counts as data in a folder."""


@dataclass(frozen=True)
class File:
    """A file of a folder.

    Attributes:
        name: Its path below the folder, with ``/``.
        path: Where it lies.
        size: Its bytes.
        changed: When it was changed, in nanoseconds.
        node: What tells it from a file that took its place.
    """

    name: str
    path: str
    size: int
    changed: int
    node: int


def wanted(name: str, pattern: str) -> bool:
    """Whether a file of a folder counts as data: visible, and of a known kind or of the pattern that was given."""
    if name.startswith((".", "_")) or "/." in name or "/_" in name:
        return False
    return fnmatch.fnmatchcase(name, pattern) if pattern else name.lower().endswith(ENDINGS)


def files_of(folder: Path, pattern: str = "") -> list[File]:
    """The data files below a folder in the order of their names."""
    found = [file for file in _walk(str(folder), "") if wanted(file.name, pattern)]
    found.sort(key=lambda file: file.name)
    return found


def _walk(folder: str, prefix: str) -> Iterator[File]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = prefix + entry.name
            if entry.is_dir():
                yield from _walk(entry.path, f"{name}/")
                continue
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                status = entry.stat()
                yield File(name, entry.path, status.st_size, status.st_mtime_ns, status.st_ino)


def digests(files: Sequence[File], cache: Path | None) -> dict[str, str]:
    """The SHA-256 of each file; a file that looks as it did when its digest was taken is not read.

    Args:
        files: The files.
        cache: A database of digests; None for none. It only saves time: it may be removed, and need not be writable.
    """
    known = _known(cache) if cache is not None else {}
    found: dict[str, str] = {}
    new: list[tuple[str, int, int, int, str]] = []
    for file in files:
        size, changed, node, digest = known.get(file.path, (-1, -1, -1, ""))
        if (size, changed, node) != (file.size, file.changed, file.node):
            digest = _digest(Path(file.path))
            new.append((file.path, file.size, file.changed, file.node, digest))
        found[file.name] = digest
    if cache is not None and new:
        _remember(cache, new)
    return found


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in file_chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _known(cache: Path) -> Mapping[str, tuple[int, int, int, str]]:
    if not cache.is_file():
        return {}
    try:
        with contextlib.closing(sqlite3.connect(cache, timeout=10)) as database:
            rows = database.execute("SELECT path, size, changed, node, digest FROM digests")
            return {path: (size, changed, node, digest) for path, size, changed, node, digest in rows}
    except sqlite3.Error:
        return {}


def _remember(cache: Path, new: Sequence[tuple[str, int, int, int, str]]) -> None:
    with contextlib.suppress(sqlite3.Error, OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(cache, timeout=10)) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS digests "
                "(path TEXT PRIMARY KEY, size INT, changed INT, node INT, digest TEXT)"
            )
            database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)", new)
