"""What operations need from outside, as protocols: the command line, the tests and the web app bring their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlopsgen.events import Event
from mlopsgen.secret_value import SecretValue

if TYPE_CHECKING:  # starting the tool does not need the questions
    from mlopsgen.question_set import QuestionSet


class EventSink(Protocol):
    """Receives progress."""

    def __call__(self, event: Event) -> None:
        """Take one event; must not raise and must not block for long."""


class TemplateEngine(Protocol):
    """Renders a version of a template with answers; sync needs nothing else."""

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        """Write the rendered files of ``version`` into the empty folder ``destination``.

        Raises:
            mlopsgen.errors.MlopsgenError: There is no such version, or the template cannot be rendered.
        """

    def versions(self) -> tuple[str, ...]:
        """The versions that can be rendered, oldest first."""


class Template(TemplateEngine, Protocol):
    """A template with its versions, wherever it lies, and the engine that renders it."""

    @property
    def address(self) -> str:
        """Its public address, as repositories record it: without credentials, never a path inside the package."""

    @property
    def newest(self) -> str:
        """The newest version."""

    @property
    def warning(self) -> str:
        """A sentence if the versions are those of the last time, because the network is away; else empty."""

    def find(self, name: str) -> str | None:
        """The version that a name means, as repositories record it; ``None`` if there is none.

        Args:
            name: A version with or without its ``v``; of a template somewhere else also a commit of its repository.
        """

    def folder_name(self, version: str, answers: Mapping[str, object]) -> str:
        """What the template calls the repository's folder; empty where it says nothing.

        Raises:
            mlopsgen.errors.MlopsgenError: There is no such version, or the answers do not fit.
        """

    def permit(self, version: str) -> bool:
        """Whether a version runs code of its own, which its template was trusted with.

        Raises:
            mlopsgen.errors.PermissionDenied: It would, and nobody said that it may.
        """

    def read(self, version: str, name: str) -> str | None:
        """The text of a file at the top of a version's repository (not of what is rendered), ``None`` if there is none.

        Raises:
            mlopsgen.errors.MlopsgenError: There is no such version.
        """

    def questions(self, version: str) -> QuestionSet:
        """What a version asks, with what the organisation that it belongs to has decided.

        Raises:
            mlopsgen.errors.MlopsgenError: There is no such version, or its documents cannot be read.
        """

    def changelog(self, start: str, end: str) -> tuple[tuple[str, str], ...]:
        """What changed after ``start`` up to ``end``, newest first: pairs of a version and Markdown; may be empty."""


class Back(Exception):
    """The person goes back to the question before."""


class Prompter(Protocol):
    """Asks a person. Each method raises :class:`Back`, ``KeyboardInterrupt`` (Ctrl-C) or ``EOFError`` (Ctrl-D)."""

    def tell(self, text: str) -> None:
        """Show a text."""

    def text(self, title: str, help_line: str, default: str, refuse: Callable[[str], str | None]) -> str:
        """A line of text; ``refuse`` says why one is not possible, while it is typed in."""

    def choose(self, title: str, help_line: str, choices: Sequence[tuple[str, str]], default: str) -> str:
        """One of ``choices``, each a value and the words that describe it; an empty value is going back."""

    def choose_some(self, title: str, choices: Sequence[tuple[str, str]], chosen: Sequence[str]) -> list[str]:
        """Any number of ``choices``; ``chosen`` are marked at the start."""

    def secret(self, title: str, help_line: str) -> SecretValue:
        """A text that is not shown while it is typed; it may be empty."""
