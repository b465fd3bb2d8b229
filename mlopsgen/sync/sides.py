"""The two sides of an update, changed by the class of each file so that git's merge with the owner's is right.

Where a file is not to be touched, both sides say what the owner has; where it is to be replaced, the base says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from mlopsgen.sync.classes import Classes
from mlopsgen.sync.locks import Group, Standing, standing, well_known
from mlopsgen.sync.patterns import Patterns
from mlopsgen.sync.values import Entry, FileClass, FileNote, Listing, Why

_GONE = "the template has it no longer"
_NEW = "new in the template"


@dataclass(frozen=True, kw_only=True)
class Trees:
    """What an update is made of, as it was rendered and as the owner has it."""

    base: Listing
    ours: Listing
    theirs: Listing


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How each file is treated.

    Attributes:
        before: The classes of the version that the repository has.
        after: The classes of the version that it gets.
        owned: What the owner took over.
        keep_edits: Merge managed files as well.
        groups: The locks that the update has to do with, each with what is done with it.
    """

    before: Classes
    after: Classes
    owned: Patterns = field(default_factory=Patterns)
    keep_edits: bool = False
    groups: tuple[tuple[Group, Standing], ...] = ()

    def of(self, path: str, theirs: Listing) -> FileClass:
        """The class of a path: the new version's word, and the old one's for files that the new one has no more."""
        if any(path in group.locks for group, _ in self.groups):
            return FileClass.LOCK
        found = self.after.declared(path)
        if found is None and path not in theirs:
            found = self.before.declared(path)
        return FileClass.MERGED if found in {None, FileClass.LOCK} else found or FileClass.MERGED


@dataclass(kw_only=True)
class Sides:
    """The two sides for git.

    Attributes:
        base: The common ancestor.
        theirs: What the update brings.
        notes: What a person should know; those about edits get their diffs later.
    """

    base: dict[str, Entry] = field(default_factory=dict)
    theirs: dict[str, Entry] = field(default_factory=dict)
    notes: list[FileNote] = field(default_factory=list)

    def put(self, path: str, base: Entry | None, theirs: Entry | None) -> None:
        """Say what each side has of a file."""
        for side, entry in ((self.base, base), (self.theirs, theirs)):
            if entry is not None:
                side[path] = entry

    def note(self, path: str, why: Why, detail: str = "") -> None:
        """Say something about a file."""
        self.notes.append(FileNote(path=path, why=why, detail=detail))


def lock_groups(trees: Trees, rules: Rules) -> tuple[tuple[Group, Standing], ...]:
    """The locks that the template brings, without those that the owner took over, and what is done with each group."""
    declared: list[Group] = [
        Group(tuple(lock for lock in rule.locks if lock not in rules.owned), rule.sources) for rule in rules.after.locks
    ]
    if not rules.after.is_declared:
        known = well_known({**trees.base, **trees.theirs})
        declared = [group for group in known if not any(lock in rules.owned for lock in group.locks)]
    return tuple(
        (group, standing(group, trees.base, trees.ours, trees.theirs)) for group in declared if any(group.locks)
    )


def adjust(trees: Trees, rules: Rules, deleted: Collection[str] = ()) -> Sides:
    """The sides for git's merge.

    Args:
        trees: What there is; ``theirs`` holds the new record already.
        rules: How each file is treated.
        deleted: Merged files that the owner has deleted for good (and not renamed), as an earlier merge showed.
    """
    sides = Sides()
    for path in sorted({*trees.base, *trees.theirs}):
        base, ours, theirs = (side.get(path) for side in (trees.base, trees.ours, trees.theirs))
        kind = rules.of(path, trees.theirs)
        if kind is FileClass.RECORD:
            sides.put(path, ours, theirs)
        elif path in rules.owned:
            _keep(sides, path, (base, ours, theirs), Why.OWNED)
        elif path in deleted:
            _keep(sides, path, (base, None, theirs), Why.DELETED)
        elif kind is FileClass.LOCK:
            _lock(sides, path, (ours, theirs), rules)
        elif kind is FileClass.SEEDED and (base, ours) != (None, None):
            _keep(sides, path, (base, ours, theirs), Why.SEEDED if ours else Why.DELETED)
        elif kind is FileClass.MANAGED and base is not None:
            _managed(sides, path, (base, ours, theirs), keep_edits=rules.keep_edits)
        else:
            sides.put(path, base, theirs)
    _untangle(sides, trees)
    return sides


def _keep(sides: Sides, path: str, entries: tuple[Entry | None, ...], why: Why) -> None:
    """Leave a file as the owner has it, or as it is not there."""
    base, ours, theirs = entries
    sides.put(path, ours, ours)
    if base != theirs != ours and not (why is Why.DELETED and theirs is None):
        sides.note(path, why, _GONE if theirs is None else _NEW if base is None else "")


def _lock(sides: Sides, path: str, entries: tuple[Entry | None, ...], rules: Rules) -> None:
    ours, theirs = entries
    taken = any(path in group.locks and word is Standing.TAKEN for group, word in rules.groups)
    sides.put(path, ours, theirs if taken else ours)
    if taken and ours != theirs:
        sides.note(path, Why.LOCK_TAKEN)


def _managed(sides: Sides, path: str, entries: tuple[Entry | None, ...], *, keep_edits: bool) -> None:
    base, ours, theirs = entries
    is_edited = ours not in {None, base, theirs}
    if ours is None:
        _keep(sides, path, (base, None, theirs), Why.DELETED)
    elif keep_edits and is_edited:
        sides.put(path, base, theirs)
        sides.note(path, Why.KEPT_EDIT)
    else:
        sides.put(path, ours, theirs)
        if is_edited:
            sides.note(path, Why.EDITED, _GONE if theirs is None else "")


def _untangle(sides: Sides, trees: Trees) -> None:
    """Where a side would have a file and a folder of one name, what is not of the render goes: git sees it in ours."""
    rendered: tuple[tuple[dict[str, Entry], Listing], ...] = ((sides.base, trees.base), (sides.theirs, trees.theirs))
    for side, render in rendered:
        for above, path in list(_clashes(side)):
            foreign = path if path not in render else above
            for one in (sides.base, sides.theirs):
                one.pop(foreign, None)


def _clashes(side: Mapping[str, Entry]) -> Iterator[tuple[str, str]]:
    """Pairs of a file and a path that has it for a folder."""
    for path in side:
        parts = path.split("/")
        for count in range(1, len(parts)):
            above = "/".join(parts[:count])
            if above in side:
                yield above, path
