"""The answers after an update: migrated, with those of new questions, and what is different in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlopsgen.ports import Template
from mlopsgen.questions import Question, Value
from mlopsgen.sync.record import read_record, renewed_text
from mlopsgen.sync.start import Given, Start
from mlopsgen.sync.values import NewAnswer

Ask = Callable[[Sequence[Question], Mapping[str, Value]], Mapping[str, object]]
"""Asks a person new questions: the questions and every answer so far, to the answers that are not the default."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """The answers that the new version is rendered with.

    Attributes:
        version: The version.
        answers: What to render with; questions of other templates that are not answered are left to the engine.
        origins: Where an answer that was not recorded came from, by key.
    """

    version: str
    answers: Mapping[str, Any]
    origins: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """The new record.

    Attributes:
        text: What the file holds.
        answers: Every answer from now on.
        new: What is different in the answers.
    """

    text: str
    answers: Mapping[str, Value]
    new: tuple[NewAnswer, ...]


def look_ahead(start: Start, version: str, template: Template, given: Given, ask: Ask | None = None) -> Ahead:
    """The answers for a version.

    Raises:
        InvalidAnswer: A given answer is not valid, or a recorded one is not valid any more.
    """
    return Ahead(version=version, answers={**start.today, **given.answers}, origins={})


def renew(start: Start, ahead: Ahead, template: Template, rendered: str | None) -> Renewed:
    """The new record, from the one that the new version rendered."""
    text = renewed_text(start.record, rendered, template.address, ahead.version)
    return Renewed(text=text, answers=dict(read_record(text).answers), new=())
