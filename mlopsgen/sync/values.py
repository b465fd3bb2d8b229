"""What a template update consists of, as values: operations, pull requests and tables are made from these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from mlopsgen.forge.values import Resource
from mlopsgen.questions import Value


class Entry(NamedTuple):
    """A file of a git tree.

    Attributes:
        mode: git's mode: ``100644``, ``100755``, ``120000`` (a symbolic link) or ``160000`` (a submodule).
        blob: The id of its content.
    """

    mode: str
    blob: str


Listing = Mapping[str, Entry]
"""All files of a tree by path, with forward slashes."""


class FileClass(StrEnum):
    """How an update treats a file."""

    SEEDED = "seeded"
    """Written once, then the owner's: updates leave it alone; one that is new is added."""
    MERGED = "merged"
    """The template's changes are merged into the owner's."""
    MANAGED = "managed"
    """The template's: replaced whole; what the owner changed in it is shown."""
    LOCK = "lock"
    """Never merged: made again from the requirements that belong to it."""
    RECORD = "record"
    """The answers file: written anew, with the version and the answers that the update brings."""


class Why(StrEnum):
    """Why a file is not simply as the template has it, or needs a look."""

    SEEDED = "seeded"
    """The template changed a file that belongs to the owner: left alone."""
    OWNED = "owned"
    """The template changed a file that the owner took over: left alone."""
    EDITED = "edited"
    """The owner had changed a managed file: it is the template's again; ``diff`` holds what was changed."""
    KEPT_EDIT = "kept-edit"
    """The same, and it was asked to keep such edits: merged like any other file."""
    DELETED = "deleted"
    """The owner deleted a file that the template changed: it stays deleted."""
    LOCK_TAKEN = "lock-taken"
    """The owner added nothing: the template's lock is taken."""
    LOCK_MADE = "lock-made"
    """Made again from the merged requirements."""
    LOCK_KEPT = "lock-kept"
    """It could not be made again: the owner's lock is kept; ``detail`` says why and what to run."""


@dataclass(frozen=True, kw_only=True)
class FileNote:
    """Something that a person should know of a file.

    Attributes:
        path: The file.
        why: What about it.
        detail: More, in words; may be empty.
        diff: A unified diff, where one helps.
    """

    path: str
    why: Why
    detail: str = ""
    diff: str = ""


class Conflict(NamedTuple):
    """A file that git cannot merge alone.

    Attributes:
        path: The file.
        kind: What git calls it: ``content``, ``add/add``, ``modify/delete``, ``rename/rename``, ``file/directory``...
        message: git's sentence about it.
    """

    path: str
    kind: str
    message: str


class FileChange(NamedTuple):
    """What an update does to a file of the owner's branch.

    Attributes:
        path: The file, after the update.
        kind: ``added``, ``changed``, ``deleted``, ``renamed`` or ``mode``.
        added: Lines that come; 0 for binary files.
        removed: Lines that go.
        before: The path before, for ``renamed``; else empty.
    """

    path: str
    kind: str
    added: int = 0
    removed: int = 0
    before: str = ""


@dataclass(frozen=True, kw_only=True)
class NewAnswer:
    """An answer that the update adds, changes or drops.

    Attributes:
        key: The question's key.
        title: The question in a few words.
        value: The answer from now on; ``None`` where the question is gone.
        before: The answer so far; ``None`` for a new question.
        origin: ``default``, ``given`` (by flag or file), ``asked``, ``edited`` (by hand in the answers file),
            ``migrated``, ``dropped``, ``organisation`` (locked) or ``preset`` (the organisation's default).
        help: The question's line of help.
        decided_by: The organisation that locked or preset it; else empty.
        why: Its reason for locking it; may be empty.
    """

    key: str
    title: str
    value: Value | None
    before: Value | None = None
    origin: str = "default"
    help: str = ""
    decided_by: str = ""
    why: str = ""


class VersionChanges(NamedTuple):
    """What a version of the template changed, for people.

    Attributes:
        version: The version, as ``v0.2.0``.
        text: Markdown without a heading of its own; may be empty.
    """

    version: str
    text: str


@dataclass(frozen=True, kw_only=True)
class SettingsChanges:
    """What the update changes in what the repository shall be on GitHub; found without asking GitHub.

    Attributes:
        added: What is new: environments, variables, secrets (names only), rulesets, labels, settings.
        changed: What gets another value.
        removed: What is not wanted any more; nothing is deleted by an update.
    """

    added: tuple[Resource, ...] = ()
    changed: tuple[Resource, ...] = ()
    removed: tuple[Resource, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, kw_only=True)
class Update:
    """An update of one branch, worked out and not yet applied anywhere but in git's objects.

    Attributes:
        template: The template's address, as it is recorded.
        start: The version that the repository has.
        end: The version that it gets.
        ours: The commit that is updated.
        base: A commit without parents: the start as it was rendered, where each class of files makes it meet ``ours``.
        theirs: A commit on ``base``: what the update brings; ``git cherry-pick`` of it onto ``ours`` is the update.
        tree: The merged tree; with conflicts it holds git's markers.
        conflicts: What git could not merge; empty if the update is clean.
        resolved: The files whose conflicts a person has resolved since.
        changes: What is different from ``ours``.
        notes: What else a person should know, by file.
        answers: Every answer from now on.
        new_answers: What is different in the answers.
        changelog: What the versions between changed, newest first.
        settings: What changes on GitHub with it.
        warnings: Sentences about the record or the template; may be empty.
    """

    template: str
    start: str
    end: str
    ours: str
    base: str
    theirs: str
    tree: str
    conflicts: tuple[Conflict, ...] = ()
    resolved: tuple[str, ...] = ()
    changes: tuple[FileChange, ...] = ()
    notes: tuple[FileNote, ...] = ()
    answers: Mapping[str, Value] = field(default_factory=dict)
    new_answers: tuple[NewAnswer, ...] = ()
    changelog: tuple[VersionChanges, ...] = ()
    settings: SettingsChanges = field(default_factory=SettingsChanges)
    warnings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change; then there is nothing to commit, to push or to review."""
        return not self.changes and not self.conflicts
