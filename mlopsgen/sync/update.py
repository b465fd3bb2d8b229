"""Works an update out: from a commit, a template and a person's wishes to a merged tree and what to say of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.errors import MlopsgenError
from mlopsgen.ports import Template
from mlopsgen.sync import trees
from mlopsgen.sync.ahead import Ask, look_ahead, renew
from mlopsgen.sync.classes import classes_of
from mlopsgen.sync.contents import adapt, append
from mlopsgen.sync.fits import Fits
from mlopsgen.sync.labels import named
from mlopsgen.sync.locking import Locker
from mlopsgen.sync.locks import Sides as LockSides
from mlopsgen.sync.locks import Standing, make_locks
from mlopsgen.sync.merging import Merged, changes, diffs, merge
from mlopsgen.sync.migrations import version_key
from mlopsgen.sync.patterns import Patterns
from mlopsgen.sync.reading import Fetch, Reading, merged_by_lines, needed
from mlopsgen.sync.record import read_record
from mlopsgen.sync.renders import Renders
from mlopsgen.sync.settings_changes import settings_changes
from mlopsgen.sync.sides import Rules, Sides, Trees, adjust, lock_groups
from mlopsgen.sync.start import Given, find_start, known_version
from mlopsgen.sync.values import Entry, FileClass, FileNote, Listing, Update, VersionChanges, Why

NEUTRAL_IDENTITY = ("mlopsgen", "mlopsgen@users.noreply.github.com")
"""Whoever commits where git knows nobody."""

_TOLD = frozenset({"given", "asked", "edited"})


@dataclass(frozen=True, kw_only=True)
class UpdateRequest:
    """What a person wants of an update.

    Attributes:
        to: The version; ``None`` for the newest.
        given: Answers that come with it.
        rebase_from: The version that the repository was rendered from, whatever its record says.
        keep_edits: Merge managed files that the owner edited, instead of replacing them.
        ask: Asks new questions; without it they get their defaults.
        locker: Makes locks again; without it they are kept.
        fetch: Brings contents that a clone without blobs lacks, by their ids; called at most a few times.
        identity: Whose name the commits bear; ``None`` for the tool's own.
        moved: The template has another address from now on, which is worth an update alone.
    """

    to: str | None = None
    given: Given = field(default_factory=Given)
    rebase_from: str | None = None
    keep_edits: bool = False
    ask: Ask | None = None
    locker: Locker | None = None
    fetch: Fetch | None = None
    identity: tuple[str, str] | None = None
    moved: bool = False


def prepare(
    repository: GitRepository, ours: str, request: UpdateRequest, template: Template, renders: Renders
) -> Update:
    """Work out the update of a commit. Only objects are made: no reference, index or working tree changes.

    Args:
        repository: Where ``ours`` lies and the objects are made; it sees the objects of ``renders`` as well.
        ours: The commit.
        request: What is wanted.
        template: The template that the repository was made from.
        renders: Its renders.

    Raises:
        InvalidDocument: The record of the repository cannot be used; the hint names the way back.
        UsageError: There is no such version.
        InvalidAnswer: An answer is not valid.
    """
    end = template.newest if request.to is None else known_version(template, request.to, "--to")
    mine = trees.listing(repository, ours)
    if request.fetch is not None and ANSWERS_FILE in mine:
        request.fetch([mine[ANSWERS_FILE].blob])
    after = classes_of(template, end)
    owned = _owned(repository, mine)
    rendered = _Rendered(repository, renders)
    start = find_start(
        repository,
        ours,
        template,
        rebase_from=request.rebase_from,
        given=request.given,
        fits=Fits(
            ours=mine,
            listing=rendered.listing,
            is_managed=lambda path: path not in owned and after.declared(path) is FileClass.MANAGED,
        ),
    )
    if request.to is None and _is_beyond(start.version, template):
        end = start.version
        after = classes_of(template, end)
    ahead = look_ahead(start, end, template, request.given, request.ask)
    base = rendered.listing(start.version, start.answers)
    theirs = dict(rendered.listing(ahead.version, ahead.answers))
    renewed = renew(start, ahead, template, _text(repository, theirs))
    update = Update(
        template=template.address,
        start=start.version,
        end=end,
        ours=ours,
        base=ours,
        theirs=ours,
        tree=repository.read("rev-parse", f"{ours}^{{tree}}"),
        answers=renewed.answers,
        new_answers=renewed.new,
        changelog=tuple(VersionChanges(*pair) for pair in template.changelog(start.version, end)),
        warnings=(*start.warnings, *ahead.said),
    )
    is_told = any(answer.origin in _TOLD for answer in renewed.new) or bool(ahead.set_back)
    is_told = is_told or request.rebase_from is not None or request.moved
    if _without_record(base) == _without_record(theirs) and not is_told:
        return update
    theirs[ANSWERS_FILE] = Entry("100644", trees.store_blobs(repository, [renewed.text.encode()])[0])
    before = classes_of(template, start.version)
    rules = Rules(before=before, after=after, owned=owned, keep_edits=request.keep_edits)
    there = Trees(base=base, ours=mine, theirs=theirs)
    done = _Work(repository, request, there, rules, update).done()
    settings, said = settings_changes(repository, done.ours, done.tree, dict(start.answers), renewed.answers)
    return replace(done, settings=settings, warnings=(*done.warnings, *said))


def _is_beyond(version: str, template: Template) -> bool:
    """Whether a repository was made from a commit after the newest version: nobody asked to go back from there."""
    if version in template.versions():
        return False
    return version_key(template.find(version) or version) > version_key(template.newest)


class _Rendered:
    """Listings of renders, each read once."""

    def __init__(self, repository: GitRepository, renders: Renders) -> None:
        self._repository = repository
        self._renders = renders
        self._known: dict[str, Listing] = {}

    def listing(self, version: str, answers: Mapping[str, Any]) -> Listing:
        """The files of a version with answers."""
        tree = self._renders.tree(version, answers)
        if tree not in self._known:
            self._known[tree] = trees.listing(self._repository, tree)
        return self._known[tree]


def _text(repository: GitRepository, files: Listing) -> str | None:
    """The record in a tree, if it is there and can be read."""
    entry = files.get(ANSWERS_FILE)
    if entry is None or entry.mode == trees.SUBMODULE:
        return None
    return repository.run_bytes("cat-file", "blob", entry.blob).decode("utf-8", "replace")


def _owned(repository: GitRepository, files: Listing) -> Patterns:
    """What the owner took over; a record that cannot be read is somebody else's to complain about."""
    text = _text(repository, files)
    try:
        return Patterns(read_record(text).owned if text is not None else ())
    except MlopsgenError:
        return Patterns()


def _without_record(files: Mapping[str, Entry]) -> dict[str, Entry]:
    return {path: entry for path, entry in files.items() if path != ANSWERS_FILE}


class _Work:
    """The merge of one update."""

    def __init__(
        self, repository: GitRepository, request: UpdateRequest, there: Trees, rules: Rules, update: Update
    ) -> None:
        self._repository = repository
        self._request = request
        self._update = update
        self._identity = request.identity or NEUTRAL_IDENTITY
        self._reading = Reading(repository, there, request.fetch)
        grouped = replace(rules, groups=lock_groups(there, rules))
        self._reading.bring(needed(there, grouped))
        store = functools.partial(trees.store_blobs, repository)
        edited = merged_by_lines(there, grouped)
        moves = functools.cache(self._moves(there))
        self._trees = adapt(there, edited, grouped, read=self._reading.read, store=store, moves=moves)
        self._rules = replace(rules, groups=lock_groups(self._trees, rules))
        self._merged = append(self._trees, edited, self._rules, read=self._reading.read, store=store)

    def _moves(self, there: Trees) -> Callable[[], Mapping[str, str]]:
        def moves() -> Mapping[str, str]:
            base, theirs = (trees.tree_of(self._repository, side) for side in (there.base, there.theirs))
            return {move.before: move.path for move in changes(self._repository, base, theirs) if move.before}

        return moves

    def done(self) -> Update:
        """Merge, make the locks, and say what came of it."""
        sides, merged, base, theirs = self._merge()
        locked, notes = self._make_locks(merged)
        if locked:
            tree = trees.replaced(trees.listing(self._repository, merged.tree), locked)
            merged = replace(merged, tree=trees.tree_of(self._repository, tree))
            sides.theirs.update(locked)
            base, theirs = self._commits(sides)
        return replace(
            self._update,
            base=base,
            theirs=theirs,
            tree=merged.tree,
            conflicts=merged.conflicts,
            changes=changes(self._repository, self._update.tree, merged.tree),
            notes=self._with_diffs((*sides.notes, *notes)),
        )

    def _merge(self) -> tuple[Sides, Merged, str, str]:
        """Merge; what the owner deleted is found by git, which knows it from what was renamed."""
        deleted: frozenset[str] = frozenset()
        while True:
            sides = adjust(self._merged, self._rules, deleted)
            base, theirs = self._commits(sides)
            ours = trees.commit(self._repository, self._update.tree, [base], "ours", self._identity)
            merged = merge(self._repository, ours, theirs)
            more = (merged.deleted_by_owner() | self._moved_out(base, merged)) - deleted
            if not more:
                words = {ours: "yours", theirs: f"template {self._update.end}"}
                return sides, named(self._repository, merged, words), base, theirs
            deleted |= more

    def _moved_out(self, base: str, merged: Merged) -> frozenset[str]:
        """Files that the owner moved to where updates change nothing: there they are as good as deleted."""
        outcome, ours = trees.listing(self._repository, merged.tree), self._trees.ours
        changed = {path for path in ours if outcome.get(path) != ours[path] and self._is_owners(path)}
        if not changed:
            return frozenset()
        moves = changes(self._repository, base, self._update.ours)
        return frozenset(move.before for move in moves if move.path in changed and move.before)

    def _is_owners(self, path: str) -> bool:
        is_seeded = self._rules.of(path, self._trees.theirs) is FileClass.SEEDED
        return path != ANSWERS_FILE and (is_seeded or path in self._rules.owned)

    def _commits(self, sides: Sides) -> tuple[str, str]:
        start, end = self._update.start, self._update.end
        tree = trees.tree_of(self._repository, sides.base)
        base = trees.commit(self._repository, tree, [], f"Template {start}", self._identity)
        tree = trees.tree_of(self._repository, sides.theirs)
        message = f"Update from the mlopsgen template {start} to {end}\n\nMlopsgen-Sync: {start}..{end}\n"
        return base, trees.commit(self._repository, tree, [base], message, self._identity)

    def _make_locks(self, merged: Merged) -> tuple[dict[str, Entry], tuple[FileNote, ...]]:
        """Locks that were made again, and what to say of all."""
        again = [group for group, word in self._rules.groups if word is Standing.AGAIN]
        if not again:
            return {}, ()
        listing = trees.listing(self._repository, merged.tree)
        made = make_locks(
            again,
            LockSides(self._trees.base, self._trees.ours, self._trees.theirs, listing),
            self._reading.read,
            self._request.locker,
            conflicts=[conflict.path for conflict in merged.conflicts],
            run_code=self._update.template == CANONICAL_TEMPLATE,
        )
        ids = trees.store_blobs(self._repository, list(made.files.values()))
        files = {
            path: Entry(self._trees.ours[path].mode if path in self._trees.ours else "100644", blob)
            for path, blob in zip(made.files, ids, strict=True)
        }
        return files, made.notes

    def _with_diffs(self, notes: tuple[FileNote, ...]) -> tuple[FileNote, ...]:
        edited = tuple(note.path for note in notes if note.why in {Why.EDITED, Why.KEPT_EDIT})
        if not edited:
            return notes
        base = trees.tree_of(self._repository, self._trees.base)
        found = diffs(self._repository, base, self._update.tree, edited)
        return tuple(replace(note, diff=found.get(note.path, "")) for note in notes)
