"""The contents that an update has to read: a clone without blobs gets them in one go, before the merge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from mlopsgen.adapters.git import GitRepository
from mlopsgen.remote.document import REMOTE_DOCUMENT
from mlopsgen.sync.locks import EXTRACTOR, Standing
from mlopsgen.sync.sides import Rules, Trees
from mlopsgen.sync.trees import SYMLINK, blobs
from mlopsgen.sync.values import Entry, FileClass

Fetch = Callable[[Collection[str]], None]
"""Brings contents that are not in the repository yet, by their ids."""

_PLAIN = ("100644", "100755", SYMLINK)
_OF_LOCKS = ("Makefile", "pyproject.toml", "uv.toml", EXTRACTOR)
_OF_SETTINGS = (REMOTE_DOCUMENT, "data/sources.yaml")


class Reading:
    """Reads contents; asks for those of the owner that may be missing, each at most once."""

    def __init__(self, repository: GitRepository, trees: Trees, fetch: Fetch | None) -> None:
        self._repository = repository
        rendered = {entry.blob for side in (trees.base, trees.theirs) for entry in side.values()}
        self._foreign = {entry.blob for entry in trees.ours.values() if entry.mode in _PLAIN} - rendered
        self._fetch = fetch

    def bring(self, ids: Iterable[str]) -> None:
        """Make sure that contents are there."""
        missing = self._foreign & set(ids)
        if missing and self._fetch is not None:
            self._fetch(missing)
        self._foreign -= missing

    def read(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Contents by id."""
        wanted = set(ids)
        self.bring(wanted)
        return blobs(self._repository, wanted)


def needed(trees: Trees, rules: Rules) -> set[str]:
    """The ids of the owner's contents that merging, counting lines, locks and settings will read."""
    paths = {*_OF_SETTINGS, *(path for path in {*trees.base, *trees.theirs} if _is_read(path, trees, rules))}
    again = [group for group, word in rules.groups if word is Standing.AGAIN]
    if again:
        paths.update(_OF_LOCKS, *(group.locks for group in again), *(group.sources for group in again))
    if any(_may_be_renamed(path, trees, rules) for path in trees.base):
        paths.update(path for path in trees.ours if path not in trees.base and path not in trees.theirs)
    return {entry.blob for path in paths if (entry := trees.ours.get(path)) is not None}


def merged_by_lines(trees: Trees, rules: Rules) -> list[str]:
    """Files that the owner has otherwise than the template ever had them, and that the update touches."""
    return [path for path in sorted({*trees.base, *trees.theirs}) if _is_read(path, trees, rules)]


def _is_read(path: str, trees: Trees, rules: Rules) -> bool:
    base, ours, theirs = (side.get(path) for side in (trees.base, trees.ours, trees.theirs))
    if ours is None or ours in {base, theirs} or path in rules.owned:
        return False
    kind = rules.of(path, trees.theirs)
    return kind in {FileClass.MANAGED, FileClass.RECORD} or (kind is not FileClass.SEEDED and base != theirs)


def _may_be_renamed(path: str, trees: Trees, rules: Rules) -> bool:
    entries: tuple[Entry | None, ...] = (trees.ours.get(path), trees.theirs.get(path))
    return (
        entries[0] is None
        and entries[1] != trees.base[path]
        and rules.of(path, trees.theirs) is FileClass.MERGED
        and path not in rules.owned
    )
