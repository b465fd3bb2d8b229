"""Locks in an update: never merged, but taken from the template, kept, or made again from the merged requirements."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import NamedTuple

from mlopsgen.adapters import uv
from mlopsgen.sync.lock_pins import differing, pins, preferred
from mlopsgen.sync.locking import Kept, Locker, Work
from mlopsgen.sync.values import Entry, FileNote, Listing, Why

EXTRACT = "requirements-linux.txt"
EXTRACT_OF = "requirements.txt"
EXTRACTOR = "src/helpers/linux_lock.py"
"""The lock for steps in containers, the lock that it is taken from, and the template's program that does it."""

_INCLUDED = re.compile(r"(?m)^[ \t]*(?:-r|--requirements?|-c|--constraints?)[ \t=]+(\S+)")
_SETTINGS = ("uv.toml", "pyproject.toml")
_RULES = re.compile(rb"(?m)^COMPILE[ \t]*:?=(?:.*\\\r?\n)*.*$")
_LONGEST = 6

_PROJECT = ("pyproject.toml",)
WELL_KNOWN: Mapping[str, tuple[tuple[str, ...], str]] = {
    "uv.lock": (_PROJECT, "uv lock"),
    "poetry.lock": (_PROJECT, "poetry lock"),
    "pdm.lock": (_PROJECT, "pdm lock"),
    "Pipfile.lock": (("Pipfile",), "pipenv lock"),
    "package-lock.json": (("package.json",), "npm install --package-lock-only"),
    "pnpm-lock.yaml": (("package.json",), "pnpm install --lockfile-only"),
    "yarn.lock": (("package.json",), "yarn install"),
    "Cargo.lock": (("Cargo.toml",), "cargo update --workspace"),
    "go.sum": (("go.mod",), "go mod tidy"),
    "Gemfile.lock": (("Gemfile",), "bundle lock"),
    "composer.lock": (("composer.json",), "composer update --lock"),
}
"""Locks that are known by their names: what they are made from, and by which command."""

Reader = Callable[[Iterable[str]], Mapping[str, bytes]]
"""Gives the contents of blobs, by id; asked for all that is needed at once."""


class Group(NamedTuple):
    """Locks that are made together.

    Attributes:
        locks: Their paths. ``NAME.txt`` is made from ``NAME.in`` of the sources.
        sources: What they are made from; a lock of a group before may be among them.
    """

    locks: tuple[str, ...]
    sources: tuple[str, ...]


class Standing(StrEnum):
    """What an update does with a group."""

    TAKEN = "taken"
    """The owner changed nothing of it: the template's is taken."""
    KEPT = "kept"
    """The template changed nothing of it, or the owner has done away with it."""
    AGAIN = "again"
    """Both changed something: it is made again after the merge."""


class Sides(NamedTuple):
    """What there is: as the template rendered it, as the owner has it, and as the merge made it."""

    base: Listing
    ours: Listing
    theirs: Listing
    merged: Listing


@dataclass(frozen=True)
class Locked:
    """What came of making locks.

    Attributes:
        files: The new contents of those that changed, by path.
        notes: What a person should know.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[FileNote, ...] = ()


def well_known(listing: Listing) -> tuple[Group, ...]:
    """The locks of a tree that are known by their names, for templates that declare none."""
    found = []
    for path in sorted(listing):
        folder, _, name = path.rpartition("/")
        if name in WELL_KNOWN:
            sources = tuple(f"{folder}/{source}" if folder else source for source in WELL_KNOWN[name][0])
            found.append(Group((path,), sources))
    return tuple(found)


def standing(group: Group, base: Listing, ours: Listing, theirs: Listing) -> Standing:
    """What an update does with a group."""

    def side(listing: Listing) -> tuple[Entry | None, ...]:
        return tuple(listing.get(path) for path in (*group.locks, *group.sources))

    if side(theirs) == side(base) or not _present(group, base, ours, theirs):
        return Standing.KEPT
    return Standing.TAKEN if side(ours) in {side(base), side(theirs)} else Standing.AGAIN


def make_locks(
    groups: Sequence[Group],
    sides: Sides,
    read: Reader,
    locker: Locker | None,
    *,
    conflicts: Collection[str] = (),
    run_code: bool = False,
) -> Locked:
    """Make the locks again that have to be, in the order of the groups.

    Args:
        groups: Those whose standing is :attr:`Standing.AGAIN`.
        sides: The trees; ``base`` and ``theirs`` as they were rendered.
        read: Gives contents.
        locker: Makes locks; without one all are kept.
        conflicts: Files that the merge left with conflicts.
        run_code: Whether the template's own program may be run (it is ours).
    """
    making = _Making(sides, read, locker, frozenset(conflicts), run_code)
    for group in groups:
        making.make(group)
    return Locked(making.files, tuple(making.notes))


def _present(group: Group, base: Listing, ours: Listing, theirs: Listing) -> list[str]:
    """The locks that the update has to do with: those that the owner has, and those that the template newly brings."""
    return [path for path in group.locks if path in theirs and (path in ours or path not in base)]


class _Making:
    """Goes through groups; what one of them made, the next one reads."""

    def __init__(
        self, sides: Sides, read: Reader, locker: Locker | None, conflicts: frozenset[str], run_code: bool
    ) -> None:
        self.files: dict[str, bytes] = {}
        self.notes: list[FileNote] = []
        self._sides = sides
        self._read = read
        self._locker = locker
        self._conflicts = conflicts
        self._run_code = run_code
        self._kept: dict[str, str] = {}

    def make(self, group: Group) -> None:
        locks = _present(group, self._sides.base, self._sides.ours, self._sides.theirs)
        for path in sorted({*group.locks} & {*self._sides.base} & {*self._sides.ours} - {*self._sides.theirs}):
            detail = f"the template has it no longer; when nothing of yours needs it: git rm {path}"
            self.notes.append(FileNote(path=path, why=Why.LOCK_KEPT, detail=detail))
        try:
            made = self._made(self._work(group, locks))
        except Kept as kept:
            for path in locks:
                self._kept[path] = kept.reason
                detail = f"{kept.reason}. Run: {self._command(group, path)}"
                self.notes.append(FileNote(path=path, why=Why.LOCK_KEPT, detail=detail))
            return
        self._take(made)

    def _made(self, work: Work) -> Mapping[str, bytes]:
        if self._locker is None:
            raise Kept("it was not asked to make locks")
        return self._locker.make(work)

    def _take(self, made: Mapping[str, bytes]) -> None:
        ours = self._contents(self._sides.ours, made)
        for path, content in made.items():
            before = ours.get(path, b"")
            new = content.replace(b"\n", b"\r\n") if b"\r\n" in before else content
            if new != before:
                self.files[path] = new
                changed = differing(_text(before), _text(new))
                self.notes.append(FileNote(path=path, why=Why.LOCK_MADE, detail=_in_words(changed)))

    def _work(self, group: Group, locks: list[str]) -> Work:
        """What has to be done, as values that say all of it.

        Raises:
            Kept: It cannot be done.
        """
        first = next((path for path in group.sources if path in self._kept), None)
        if first is not None:
            raise Kept(self._kept[first])
        self._look_at_rules()
        files = self._requirements(group)
        helper = self._extractor() if EXTRACT in locks else {}
        sources: dict[str, str] = {}
        for path in locks:
            source = str(PurePosixPath(path).with_suffix(".in"))
            if path.endswith(".txt") and source in group.sources and source in files:
                sources[path] = source
            elif not (helper and path == EXTRACT):
                raise Kept(f"only its own tool can make {path} again")
        if EXTRACT in locks and EXTRACT_OF not in sources:
            raise Kept(f"{EXTRACT_OF}, which it is taken from, is not there")
        base, ours, theirs = (self._contents(side, sources) for side in self._sides[:3])
        return Work(
            files=files,
            sources=sources,
            preferences={
                path: preferred(*(_text(side.get(path, b"")) for side in (base, ours, theirs))) for path in sources
            },
            hashes=frozenset(
                path for path in sources if b"--hash=" in ours.get(path, theirs.get(path, b"")) or path not in ours
            ),
            extract=EXTRACT if EXTRACT in locks else "",
            helper=helper,
            trusted=frozenset(name for content in theirs.values() for name in pins(_text(content))),
        )

    def _look_at_rules(self) -> None:
        """The Makefile says how locks are made; whoever says it in another way makes them."""
        rules = [self._contents(side, ["Makefile"]).get("Makefile", b"") for side in self._sides[2:]]
        brought, merged = (
            " ".join(_text(found[0]).split()) if (found := _RULES.search(text)) else "" for text in rules
        )
        if merged != brought:
            raise Kept("the Makefile has rules of its own for locks")
        if merged and not all(word in merged for word in uv.COMPILE):
            raise Kept("the template makes locks by rules that this mlopsgen does not know")

    def _requirements(self, group: Group) -> dict[str, bytes]:
        """The requirements with everything that they include, and uv's settings."""
        wanted = {path for path in group.sources if path in self._sides.merged or path in self.files}
        files: dict[str, bytes] = {}
        while wanted:
            stuck = sorted(wanted & self._conflicts)
            if stuck:
                raise Kept(f"{stuck[0]} has conflicts; resolve them first")
            new = self._contents(self._sides.merged, wanted) | {
                path: self.files[path] for path in wanted if path in self.files
            }
            files |= new
            missing = sorted(wanted - new.keys())
            if missing:
                raise Kept(f"{missing[0]} cannot be read here")
            wanted = {path for one, content in new.items() for path in _included(one, _text(content))} - set(files)
            wanted = {path for path in wanted if path in self._sides.merged or path in self.files}
        settings = self._contents(self._sides.merged, _SETTINGS)
        return {**settings, **files}

    def _extractor(self) -> dict[str, bytes]:
        """The template's program that takes the extract, with what lies beside it."""
        theirs = self._sides.theirs
        if EXTRACTOR not in theirs or not self._run_code:
            raise Kept(f"{EXTRACT} is made by a program of the template, which is not run here")
        folder = EXTRACTOR.rpartition("/")[0] + "/"
        beside = [path for path in theirs if path.startswith(folder) and path.count("/") == 2 and path.endswith(".py")]
        return self._contents(theirs, beside)

    def _contents(self, listing: Listing, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of those that are plain files there."""
        entries = {path: listing[path].blob for path in paths if path in listing and listing[path].mode[:3] == "100"}
        found = self._read(set(entries.values())) if entries else {}
        return {path: found[blob] for path, blob in entries.items() if blob in found}

    def _command(self, group: Group, path: str) -> str:
        """What a person types to make it."""
        makefile = self._contents(self._sides.merged, ["Makefile"]).get("Makefile", b"")
        if re.search(rb"(?m)^lock:", makefile) and "/" not in path:
            return "make lock"
        name = PurePosixPath(path).name
        if name in WELL_KNOWN:
            return WELL_KNOWN[name][1]
        source = str(PurePosixPath(path).with_suffix(".in"))
        known = source in group.sources
        return uv.words(source, path, ["--generate-hashes", *uv.COMPILE]) if known else "what made it before"


def _included(path: str, text: str) -> set[str]:
    """The files that requirements include, as paths from the top; those outside are left out."""
    folder = PurePosixPath(path).parent
    found = set()
    for name in _INCLUDED.findall(text):
        parts: list[str] = []
        for part in (folder / name.strip("'\"")).parts:
            if part == ".." and parts:
                parts.pop()
            elif part != ".":
                parts.append(part)
        if parts and ".." not in parts and not parts[0].startswith("/"):
            found.add("/".join(parts))
    return found


def _in_words(changed: Mapping[str, tuple[str, str]]) -> str:
    said = [
        f"{name} {after}" if not before else f"without {name}" if not after else f"{name} {before} to {after}"
        for name, (before, after) in list(changed.items())[:_LONGEST]
    ]
    more = len(changed) - len(said)
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
