"""The sides of an update as plain mappings of text, and a locker that asks a package index of the tests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlopsgen.sync.locking import Locker
from mlopsgen.sync.locks import Group, Locked, Sides, Standing, make_locks, standing
from mlopsgen.sync.values import Entry, Listing, Why
from tests.servers.packages import PackageIndex

ROOT = Path(__file__).resolve().parents[1]
PINNED = Group(("requirements.txt", "requirements-linux.txt"), ("requirements.in", "overrides.txt"))
FURTHER = Group(
    ("requirements-dev.txt",), ("requirements-dev.in", "requirements.in", "requirements.txt", "overrides.txt")
)
Files = Mapping[str, str]


@dataclass
class Shelf:
    """Blobs by id."""

    blobs: dict[str, bytes] = field(default_factory=dict)

    def listing(self, files: Files) -> Listing:
        """The files as a tree lists them."""
        found = {}
        for path, text in files.items():
            blob = hashlib.sha1(text.encode()).hexdigest()
            self.blobs[blob] = text.encode()
            found[path] = Entry("100644", blob)
        return found

    def read(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        """The contents."""
        return {blob: self.blobs[blob] for blob in blobs}


@dataclass
class Case:
    """An update of which only the requirements and locks matter."""

    base: dict[str, str]
    ours: dict[str, str]
    theirs: dict[str, str]
    merged: dict[str, str] = field(default_factory=dict)
    groups: tuple[Group, ...] = (PINNED, FURTHER)
    shelf: Shelf = field(default_factory=Shelf)

    def standing(self, group: Group) -> Standing:
        """What becomes of a group."""
        return standing(group, *(self.shelf.listing(side) for side in (self.base, self.ours, self.theirs)))

    def make(self, locker: Locker | None, **more: Any) -> Locked:
        """Make what has to be made again."""
        sides = Sides(*(self.shelf.listing(side) for side in (self.base, self.ours, self.theirs, self.merged)))
        again = [group for group in self.groups if self.standing(group) is Standing.AGAIN]
        return make_locks(again, sides, self.shelf.read, locker, **{"run_code": True, **more})


def notes(locked: Locked) -> dict[str, tuple[Why, str]]:
    """What is said, by file."""
    return {note.path: (note.why, note.detail) for note in locked.notes}


def environ(index: PackageIndex, folder: Path, **more: str) -> dict[str, str]:
    """Nothing of the person who runs the tests; packages come from the index."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "UV_CACHE_DIR": str(folder / "uv-cache"),
        "UV_DEFAULT_INDEX": index.url,
        "UV_HTTP_RETRIES": "0",
        "NO_PROXY": "127.0.0.1",
        **more,
    }


def helpers() -> dict[str, str]:
    """What the extract is made with, as the template has it."""
    folder = ROOT / "template"
    names = ("__init__", "errors", "linux_lock")
    return {f"src/helpers/{name}.py": (folder / f"src/helpers/{name}.py").read_text("utf-8") for name in names}
