"""Defaults and conditions that are Jinja texts: rendered in a sandbox with the answers so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.adapters.questionnaire import to_bool
from mlopsgen.answer_values import convert
from mlopsgen.questions import Answers, Condition, Derived, Kind, Question, Value

Render = Callable[[Answers], Any]
"""A value of a template with the answers so far; what it raises is a mistake in the template, or more than is known."""


@dataclass(frozen=True)
class Typed:
    """The answers as their engine has them: it may know numbers where a person chooses among words.

    Attributes:
        casts: What makes the engine's value of an answer, by key.
    """

    casts: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def context(self, answers: Answers) -> dict[str, Any]:
        """The answers for rendering."""
        return {key: self.casts[key](value) if key in self.casts else value for key, value in answers.items()}


@dataclass(frozen=True)
class RenderedDefault(Derived):
    """A default that is rendered.

    Attributes:
        render: Makes it.
        question: What it has to be the answer to.
    """

    render: Render
    question: Question

    def value(self, answers: Answers) -> Value:
        """The default; where none comes of it, nothing: the engine then makes it, or says why it cannot."""
        try:
            return convert(self.question, plain(self.question.kind, self.render(answers)))
        except Exception:  # noqa: BLE001 - a template's text can raise anything
            return self.question.empty


@dataclass(frozen=True)
class RenderedCondition(Condition):
    """A condition that is rendered.

    Attributes:
        render: Makes it.
    """

    render: Render

    def holds(self, answers: Answers) -> bool:
        """Whether it holds; what cannot be told is asked."""
        try:
            return to_bool(self.render(answers))
        except Exception:  # noqa: BLE001 - a template's text can raise anything
            return True


@dataclass(frozen=True)
class Refused:
    """The template's own words about an answer that does not fit. A :data:`mlopsgen.questions.Check`.

    Attributes:
        key: The question.
        render: Makes the words; nothing for an answer that fits.
    """

    key: str
    render: Render

    def __call__(self, value: Any) -> str | None:
        """Why it does not, or ``None``."""
        try:
            words = line(self.render({self.key: value}))
        except Exception:  # noqa: BLE001 - a template's text can raise anything; the engine says what
            return None
        return words.rstrip(".") or None


@dataclass(frozen=True)
class Never(Condition):
    """Nobody is asked: the template works it out."""

    def holds(self, answers: Answers) -> bool:  # noqa: ARG002 - the same for all of them
        """Never."""
        return False


def plain(kind: Kind, value: object) -> object:
    """A template's value as a person could have given it."""
    if kind == "switch":
        return to_bool(value)
    if kind in ("text", "choice") and isinstance(value, bool | int | float):
        return written(value)
    return value


def written(value: object) -> str:
    """A choice in words."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def line(text: object) -> str:
    """A text of a template as one line for people; what could move a terminal's cursor is left out."""
    return "".join(sign for sign in " ".join(str(text or "").split()) if sign.isprintable())


def with_values(typed: Typed, render: Callable[[Mapping[str, Any]], Any]) -> Render:
    """The same with the engine's values."""
    return lambda answers: render(typed.context(answers))
