"""What a version of a cookiecutter template asks: the variables in its ``cookiecutter.json``; nothing of it runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mlopsgen.adapters.cookiecutter_jinja import environment
from mlopsgen.adapters.rendered_questions import RenderedDefault, line
from mlopsgen.errors import MlopsgenError
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Answers, Kind, Question

DOCUMENT = "cookiecutter.json"
SECTION = "template"
_MARKS = {"variable_start_string": "{{", "block_start_string": "{%", "comment_start_string": "{#"}
_NESTED = ("template", "templates")


def cookiecutter_questions(text: str) -> QuestionSet:
    """The questions in a ``cookiecutter.json``; names that begin with an underscore are no questions.

    Raises:
        MlopsgenError: It is no JSON document of variables.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MlopsgenError(
            f"The template's {DOCUMENT} cannot be read: {error}.",
            where=DOCUMENT,
            hint="Whoever makes the template has to mend it.",
        ) from error
    if not isinstance(found, dict):
        raise MlopsgenError(
            f"The template's {DOCUMENT} holds no variables.",
            where=DOCUMENT,
            hint="Whoever makes the template has to mend it.",
        )
    reading = _Reading(found)
    asked = {key: value for key, value in found.items() if key.isprintable() and not key.startswith("_")}
    left = {key: "it chooses among templates" for key in _NESTED if isinstance(asked.get(key), dict)}
    questions = tuple(reading.question(key, value) for key, value in asked.items() if key not in left)
    sections = {SECTION: "The template's questions"} if questions else {}
    return QuestionSet(questions=questions, sections=sections, left=left)


class _Reading:
    """Makes questions of variables.

    Args:
        variables: All of them, the private ones too.
    """

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        prompts = variables.get("__prompts__")
        self._prompts: Mapping[str, Any] = prompts if isinstance(prompts, dict) else {}
        options = variables.get("_jinja2_env_vars")
        self._options: Mapping[str, Any] = options if isinstance(options, dict) else {}
        self._made: Any = None

    def question(self, key: str, value: object) -> Question:
        """The question of a variable."""
        bare = Question(
            key=key, section=SECTION, kind=_kind(value), title=key, help=self._help(key), keeps_default=True
        )
        if isinstance(value, list):
            if any(self._is_rendered(item) for item in value):  # which there are depends on answers
                first = value[0]
                bare = replace(bare, kind="text")
                return replace(bare, default=RenderedDefault(lambda answers: self._rendered(first, answers), bare))
            choices = tuple(str(item) for item in value)
            return replace(bare, choices=choices, default=choices[0] if choices else "")
        if self._is_rendered(value):
            return replace(bare, default=RenderedDefault(lambda answers: self._rendered(value, answers), bare))
        if isinstance(value, bool | dict):
            return replace(bare, default=value)
        return replace(bare, default="" if value is None else str(value))

    def _is_rendered(self, value: object) -> bool:
        return _has_marks(value, [str(self._options.get(name, mark)) for name, mark in _MARKS.items()])

    def _help(self, key: str) -> str:
        said = self._prompts.get(key, "")
        words = said.get("__prompt__", "") if isinstance(said, dict) else said
        return line(words)

    def _rendered(self, value: object, answers: Answers) -> Any:
        """A default with the answers so far; whatever it raises is the engine's to say."""
        if isinstance(value, dict):
            return {self._rendered(key, answers): self._rendered(inner, answers) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._rendered(inner, answers) for inner in value]
        if not isinstance(value, str):
            return value if value is None or isinstance(value, bool) else str(value)
        return self._render(value, self._context(answers))

    def _render(self, text: str, context: Mapping[str, object]) -> str:
        if self._made is None:
            self._made = environment(self._options)
        return str(self._made.from_string(text).render(cookiecutter=context))

    def _context(self, answers: Answers) -> dict[str, object]:
        """The variables so far; those with two underscores are rendered and never asked."""
        found: dict[str, object] = {}
        for key, value in self._variables.items():
            if key in answers:
                found[key] = answers[key]
            elif key.startswith("__") and isinstance(value, str) and key != "__prompts__":
                try:
                    found[key] = self._render(value, found)
                except Exception:  # noqa: BLE001, S112 - a template's text can raise anything; what needs it will, too
                    continue
            elif key.startswith("_"):
                found[key] = value
        return found


def _kind(value: object) -> Kind:
    if isinstance(value, bool):
        return "switch"
    if isinstance(value, list):
        return "choice"
    return "data" if isinstance(value, dict) else "text"


def _has_marks(value: object, marks: Collection[str]) -> bool:
    """Whether rendering may change a value."""
    if isinstance(value, dict):
        return any(_has_marks(part, marks) for part in (*value, *value.values()))
    if isinstance(value, list):
        return any(_has_marks(part, marks) for part in value)
    return isinstance(value, str) and any(mark in value for mark in marks)
