"""Answers on the command line, and questions that a newer template asks for the first time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsgen.cli.console import TextEvents
from mlopsgen.cli.session import Session
from mlopsgen.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from mlopsgen.question_set import QuestionSet
    from mlopsgen.questions import Question, Value
    from mlopsgen.sync.ahead import Ask
    from mlopsgen.sync.start import Given


def read_given(
    session: Session, file: Path | None, assignments: Sequence[str], *, own_version: bool = True
) -> tuple[dict[str, object], dict[str, str]]:
    """The answers of ``--answers`` and ``--set`` (the later wins), and where each came from.

    Args:
        session: The command's surroundings.
        file: The answers file.
        assignments: What stands after each ``--set``.
        own_version: Whether ``version`` in the file is that of its form; else it is an answer.

    Raises:
        InvalidDocument: The file cannot be read.
        UsageError: An assignment is none.
    """
    given: dict[str, object] = {}
    origin: dict[str, str] = {}
    if file is not None:
        from mlopsgen.adapters import answers_file

        given, origin = answers_file.read(session.path(file), own_version=own_version)
    for assignment in assignments:
        key, separator, value = assignment.partition("=")
        if not separator:
            raise UsageError(
                f"'--set {assignment}' has no '='.",
                where="--set",
                hint="Write --set key=value, for example --set task=binary.",
            )
        given[key.strip()] = value
        origin[key.strip()] = f"--set {key.strip()}"
    return given, origin


def given_of(session: Session, file: Path | None, assignments: Sequence[str]) -> Given:
    """The same for an update; which keys there are depends on its template.

    Raises:
        InvalidDocument: The file cannot be read.
        UsageError: An assignment is none.
    """
    from mlopsgen.sync.start import Given

    answers, origin = read_given(session, file, assignments)
    return Given(answers=answers, origin=origin)


def ask_new(session: Session) -> Ask | None:
    """Asks a person new questions, as ``init`` asks; ``None`` where nobody can answer."""
    if not session.interactive:
        return None

    def ask(questions: Sequence[Question], answers: Mapping[str, Value], asked: QuestionSet) -> Mapping[str, object]:
        from mlopsgen.cli import prompts, wizard

        if isinstance(session.events, TextEvents):
            session.events.clear()
        prompter = prompts.TerminalPrompter(colour=session.colour)
        try:
            return wizard.ask_new(questions, answers, prompter, asked)
        except (KeyboardInterrupt, EOFError):
            raise Interrupted("Stopped; nothing was changed.") from None

    return ask
