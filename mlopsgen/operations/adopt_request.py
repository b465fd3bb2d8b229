"""What ``mlopsgen adopt`` is asked for, and what it worked out: values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.adapters.trust import NOBODY, Trust
from mlopsgen.operations.adopt_found import MadeBy
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.template_shelf import TemplateShelf
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Value
from mlopsgen.sync.start import Given
from mlopsgen.sync.values import FileClass

ADOPT_BRANCH = "mlopsgen/adopt"
"""The branch that an adoption is made on."""

TEMPLATE_REFERENCE = "refs/mlopsgen/template"
"""The reference that keeps what the template renders, for whoever wants to look at a file of it."""

AskAll = Callable[[QuestionSet, Mapping[str, object]], dict[str, Value]]
"""Asks a person every answer, starting from some."""


@dataclass(frozen=True, kw_only=True)
class AdoptRequest:
    """Which repository is adopted, and how.

    Attributes:
        surroundings: Where the repository lies.
        branch: The branch that is adopted; empty for what is checked out.
        template: The template's address; empty for the one that the repository names, else the built-in one.
        version: The template's version; empty for the one that the repository names, else the newest.
        given: Answers that a person gives.
        record: The file that names the template, where there are several.
        anew: Merge the template as into a repository that none was used for, whatever its files say.
        conflicts: Make git's conflicts of the files that both have, for the person to resolve.
        dry_run: Show it, and change nothing.
        ask: Asks for the answers; ``None`` where nobody can answer.
        show: Takes what was worked out before anything is done.
        trust: The templates that may run code of their own.
        shelf: Opens templates; ``None`` for those that can be reached from here.
    """

    surroundings: Surroundings
    branch: str = ""
    template: str = ""
    version: str = ""
    given: Given = field(default_factory=Given)
    record: str = ""
    anew: bool = False
    conflicts: bool = False
    dry_run: bool = False
    ask: AskAll | None = None
    show: Callable[[Adoption], None] = lambda _: None
    trust: Trust = NOBODY
    shelf: TemplateShelf | None = None


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """A file that stays as the owner has it although the template has another one.

    Attributes:
        path: The template's path.
        kind: How the template wants it treated.
        at: What of the owner's is in its way: the same path, or another one.
        diff: What the template would change in it.
    """

    path: str
    kind: FileClass
    at: str
    diff: str = ""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """A repository with a template merged into it, so far only as git's objects.

    Attributes:
        made_by: What made the repository.
        template: The template's address, as it is recorded.
        version: The version that it is adopted at.
        newest: The newest version.
        ours: The commit that is adopted.
        tree: What comes of it.
        theirs: The template's side, for a merge with conflicts; empty where none can be.
        rendered: What the template renders, to look at.
        added: The files that come.
        kept: The files that stay the owner's.
        same: How many files both have alike.
        apart: For a repository that the template made: how many of its files are otherwise now, or gone.
        removed: Files that go: records of other tools.
        answers: Every answer.
        guessed: Those that the repository told.
        owned: What later updates leave alone.
        locks: What they leave alone where everything that both have was merged.
        clashes: The kept files that git merges instead, with marks for the owner to resolve.
        warnings: Sentences that a person should read.
    """

    made_by: MadeBy
    template: str
    version: str
    newest: str
    ours: str
    tree: str
    theirs: str = ""
    rendered: str = ""
    added: tuple[str, ...] = ()
    kept: tuple[KeptFile, ...] = ()
    same: int = 0
    apart: int = 0
    removed: tuple[str, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
