"""Git's three-way merge on objects alone, what it says about conflicts, and what a merge changed: as values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mlopsgen.adapters.git import GitRepository
from mlopsgen.sync.trees import name_of, shown
from mlopsgen.sync.values import Conflict, FileChange

MERGE_SETTINGS = (
    "-c", "merge.renames=true", "-c", "merge.renameLimit=1000", "-c", "merge.directoryRenames=false",
    "-c", "merge.renormalize=false",
)  # fmt: skip
"""How git merges an update: give them to ``git cherry-pick`` as well, so that it does the same."""

_OWN = (*MERGE_SETTINGS, "-c", "merge.conflictStyle=merge")
_KIND = re.compile(r"^CONFLICT \(([^)]*)\)")
_BINARY = "CONFLICT (binary)"
_NO_TEXT = "Both changed it, and it is no text: yours stands there"
_DELETED = ("modify/delete", "rename/delete")


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What git made of two sides.

    Attributes:
        tree: The merged tree, with git's markers where there are conflicts.
        conflicts: What git could not merge, with git's own paths.
        stages: For each path in conflict, which sides have it: 1 the base, 2 ours, 3 theirs.
        together: For each path in conflict, the paths that git names with it (two for a rename).
    """

    tree: str
    conflicts: tuple[Conflict, ...] = ()
    stages: Mapping[str, frozenset[int]]
    together: Mapping[str, frozenset[str]]

    def deleted_by_owner(self) -> frozenset[str]:
        """Paths that the template changed or renamed and the owner's side has no more."""
        found: set[str] = set()
        for conflict in self.conflicts:
            paths = self.together.get(conflict.path, frozenset())
            stages = frozenset[int]().union(*(self.stages.get(path, frozenset()) for path in paths))
            if conflict.kind in _DELETED and 2 not in stages and 3 in stages:
                found |= paths
        return frozenset(found)


def merge(repository: GitRepository, ours: str, theirs: str) -> Merged:
    """Merge two commits that have one common ancestor; no reference, index or working tree is touched."""
    printed = repository.run_bytes(
        *_OWN, "merge-tree", "--write-tree", "--messages", "-z", ours, theirs, accepted=(0, 1)
    )
    head, _, rest = printed.partition(b"\0")
    tree = head.decode("ascii")
    fields = rest.split(b"\0")
    stages: dict[str, frozenset[int]] = {}
    position = 0
    while position < len(fields) and fields[position]:
        meta, _, path = fields[position].partition(b"\t")
        name = name_of(path)
        stages[name] = stages.get(name, frozenset()) | {int(meta.rsplit(b" ", 1)[1])}
        position += 1
    conflicts, together = _conflicts(_messages(fields[position + 1 :]), {ours: "yours", theirs: "the template's"})
    return Merged(tree=tree, conflicts=conflicts, stages=stages, together=together)


def _messages(fields: list[bytes]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Each message of git: the paths that it is about, its short name and its words."""
    position = 0
    while position < len(fields) and fields[position].strip():
        count = int(fields[position])
        paths = tuple(name_of(path) for path in fields[position + 1 : position + 1 + count])
        yield paths, name_of(fields[position + 1 + count]), name_of(fields[position + 2 + count]).strip()
        position += count + 3


def _conflicts(
    messages: Iterator[tuple[tuple[str, ...], str, str]], words: Mapping[str, str]
) -> tuple[tuple[Conflict, ...], dict[str, frozenset[str]]]:
    found: dict[tuple[str, str], Conflict] = {}
    together: dict[str, frozenset[str]] = {}
    binary: set[str] = set()
    for paths, name, text in messages:
        if name == _BINARY:
            binary.update(paths)
        kind = _KIND.match(text)
        if kind is None or not paths:
            continue
        sentence = _KIND.sub("", text).removeprefix(":").strip()
        for commit, word in words.items():
            sentence = sentence.replace(commit, word)
        path = paths[0]
        found.setdefault((path, kind[1]), Conflict(path, kind[1], shown(sentence)))
        together[path] = together.get(path, frozenset()) | set(paths)
    told = (one._replace(kind="binary", message=_NO_TEXT) if one.path in binary else one for one in found.values())
    return tuple(told), together


def changes(repository: GitRepository, before: str, after: str) -> tuple[FileChange, ...]:
    """What is different between two trees, with renames and counted lines."""
    if before == after:
        return ()
    printed = repository.run_bytes(
        "diff-tree", "-r", "-z", "-M", "--raw", "--numstat", "--no-ext-diff", "--no-textconv", before, after
    )
    fields = iter(printed.split(b"\0"))
    kinds: dict[str, tuple[str, str]] = {}
    counts: dict[str, tuple[int, int]] = {}
    for field in fields:
        if field.startswith(b":"):
            old_mode, new_mode, old, new, status = field[1:].decode("ascii").split(" ")
            path, origin = name_of(next(fields)), ""
            if status[0] == "R":
                path, origin = name_of(next(fields)), path
            only_mode = status[0] == "M" and old == new and old_mode != new_mode
            kinds[path] = ("mode" if only_mode else _WORDS.get(status[0], "changed"), origin)
        elif field:
            added, removed, name = field.split(b"\t", 2)
            if not name:
                next(fields)
                name = next(fields)
            counts[name_of(name)] = (_number(added), _number(removed))
    return tuple(
        FileChange(path, kind, *counts.get(path, (0, 0)), before=origin)
        for path, (kind, origin) in sorted(kinds.items())
    )


_WORDS = {"A": "added", "D": "deleted", "R": "renamed"}


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() else 0


def diffs(repository: GitRepository, before: str, after: str, paths: Iterator[str] | tuple[str, ...]) -> dict[str, str]:
    """A unified diff of each of some files between two trees, as far as they differ."""
    found: dict[str, str] = {}
    for path in paths:
        printed = repository.run_bytes(
            "--literal-pathspecs", "diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
            before, after, "--", path,
        )  # fmt: skip
        found[path] = printed.decode("utf-8", "replace")
    return found
