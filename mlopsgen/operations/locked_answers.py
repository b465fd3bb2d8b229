"""Whether a repository has the answers that its organisation locked, by what is known of the template here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlopsgen.adapters.templates import open_template
from mlopsgen.answer_values import accept, as_text
from mlopsgen.answers import is_ours
from mlopsgen.constants import ANSWERS_FILE, CANONICAL_TEMPLATE
from mlopsgen.errors import InvalidAnswer, MlopsgenError
from mlopsgen.events import Note, Warn
from mlopsgen.ports import EventSink
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question
from mlopsgen.sync.record import Record, read_record

SET_BACK = "mlopsgen sync   (sets it back)"


@dataclass(frozen=True)
class Differing:
    """An answer of the record that is not the locked one.

    Attributes:
        key: The question.
        value: The answer in the record, in words.
        decided: The locked one.
        why: The organisation's reason; may be empty.
    """

    key: str
    value: str
    decided: str
    why: str = ""

    def words(self, name: str) -> str:
        """What is wrong, in a sentence without a full stop."""
        reason = f" ({self.why.rstrip('.')})" if self.why else ""
        return f"{self.key} is '{self.value}' in {ANSWERS_FILE}; {name} decided '{self.decided}'{reason}"


@dataclass(frozen=True)
class Decisions:
    """What an organisation locked, and how a repository stands to it.

    Attributes:
        by: The organisation; empty where the template belongs to none, or cannot be looked at.
        differing: The answers that are others.
        note: Why it cannot be told; empty where it can.
    """

    by: str = ""
    differing: tuple[Differing, ...] = ()
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The same as a JSON object."""
        return {"by": self.by or None, "differing": [vars(each) for each in self.differing], "note": self.note or None}


def decisions_about(root: Path, environ: Mapping[str, str]) -> Decisions:
    """What the organisation behind a repository's template locked in the version that the repository has.

    The network is asked only where the version was never fetched; nothing here fails.

    Args:
        root: The repository.
        environ: The environment that git is started with.
    """
    try:
        record = read_record((root / ANSWERS_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, MlopsgenError):
        return Decisions()
    if record.template.removesuffix(".git") in ("", CANONICAL_TEMPLATE) or not is_ours(record.answers):
        return Decisions()
    try:
        asked = _questions(record, environ)
    except MlopsgenError as error:
        return Decisions(note=f"Whether locked answers are kept cannot be told. {error.message}")
    if asked.organisation is None:
        return Decisions()
    return Decisions(by=asked.organisation.name, differing=tuple(differing(asked, record.answers)))


def _questions(record: Record, environ: Mapping[str, str]) -> QuestionSet:
    with suppress(MlopsgenError):
        return open_template(record.template, environ, fetch=False).questions(record.version)
    return open_template(record.template, environ).questions(record.version)


def differing(asked: QuestionSet, answers: Mapping[str, Any]) -> list[Differing]:
    """The recorded answers that are not the locked ones; an answer that is not there does not count."""
    found = []
    for key, locked in asked.organisation.locked.items() if asked.organisation is not None else ():
        question = asked.by_key[key]
        decided = as_text(question, locked.value)
        if key in answers and (value := _as_text(question, answers[key])) != decided:
            found.append(Differing(key, value, decided, locked.why))
    return found


def _as_text(question: Question, recorded: Any) -> str:
    try:
        return as_text(question, accept(question, recorded))
    except InvalidAnswer:
        return str(recorded)


def tell_decisions(root: Path, environ: Mapping[str, str], events: EventSink) -> None:
    """Say where a repository has other answers than its organisation locked; a note where it cannot be told."""
    found = decisions_about(root, environ)
    if found.note:
        events(Note(message=found.note))
    for each in found.differing:
        events(Warn(message=f"{each.words(found.by)}.", hint=SET_BACK))
