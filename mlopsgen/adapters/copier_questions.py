"""What a version of a copier template asks: its ``copier.yml`` as questions, read without running anything of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mlopsgen.adapters.jinja_sandbox import MISTAKES, sandbox
from mlopsgen.adapters.organisation_file import DOCUMENT, read_organisation
from mlopsgen.adapters.questionnaire import CASTS, kind_of, to_bool
from mlopsgen.adapters.rendered_questions import (
    Never,
    Refused,
    RenderedCondition,
    RenderedDefault,
    Typed,
    line,
    plain,
    with_values,
    written,
)
from mlopsgen.adapters.yaml_size import is_too_large
from mlopsgen.answer_values import convert
from mlopsgen.answers import BUILT_IN, BY_KEY, SECTIONS, is_ours
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Check, Condition, Derived, Kind, Question

OWN_SECTION = "organisation"
"""The section of the questions that a template derived from ours adds."""
FOREIGN_SECTION = "template"
"""The section of the questions of a template that is not derived from ours."""

Read = Callable[[str], "str | None"]
"""Gives the text of a file at the top of the version; ``None`` if there is none."""

_NAMES = ("copier.yml", "copier.yaml")
_KINDS: Mapping[str, Kind] = {
    "str": "text", "path": "text", "int": "integer", "bool": "switch", "float": "data", "yaml": "data", "json": "data",
}  # fmt: skip
_OF_COPIER = re.compile(r"\b(_copier_\w+|_folder_name|_external_data|make_secret|now\s*\(|pathjoin)")
_TITLED = re.compile(r"(?P<title>\w[^:.!?]{0,40}): (?P<help>.+)")
_NOTHING = object()


class _Left(Exception):
    """Only the engine understands a question; the text says why."""


def read_questions(read: Read) -> QuestionSet:
    """The questions of a version; none where they cannot be read, which is then the engine's to say.

    Args:
        read: Reads the version's files.

    Raises:
        mlopsgen.errors.InvalidDocument: It has an ``organisation.yaml`` that is not valid.
    """
    texts = tuple(text for text in (read(name) for name in _NAMES) if text is not None)[:1]
    included = tuple(sorted((name, read(name) or "") for text in texts for name in _included(text)))
    found = _questions(texts[0] if texts else "", included)
    text = read(DOCUMENT) if found.ours else None
    if text is None:
        return found
    organisation = read_organisation(text, found)
    sections = {**found.sections}
    if OWN_SECTION in sections:
        sections[OWN_SECTION] = f"{organisation.name}: questions of its own"
    return replace(found, organisation=organisation, sections=sections)


@lru_cache(maxsize=16)
def _questions(text: str, included: tuple[tuple[str, str], ...]) -> QuestionSet:
    config = _document(text, dict(included))
    asked = {key: value for key, value in config.items() if key.isidentifier() and not key.startswith("_")}
    ours = is_ours(asked)
    reading = _Reading(config.get("_envops"), OWN_SECTION if ours else FOREIGN_SECTION)
    known = [question for question in BUILT_IN.questions if question.key in asked] if ours else []
    questions: list[Question] = [_as_asked(question, asked[question.key]) for question in known]
    left: dict[str, str] = {}
    for key, details in asked.items():
        if ours and key in BY_KEY:
            continue
        try:
            questions.append(reading.question(key, details))
        except _Left as reason:
            left[key] = str(reason)
    used = {question.section for question in questions}
    sections = {key: line for key, line in SECTIONS.items() if key in used}
    if ours and OWN_SECTION in used:
        sections[OWN_SECTION] = "Questions that this template adds"
    elif FOREIGN_SECTION in used:
        sections[FOREIGN_SECTION] = "The template's questions"
    return QuestionSet(questions=tuple(questions), sections=sections, ours=ours, left=left)


def _as_asked(question: Question, details: object) -> Question:
    """A question of ours as this version asks it: another version may have other choices, and another default."""
    if not isinstance(details, dict) or question.kind != "choice" or isinstance(question.default, Derived):
        return question
    listed, default = details.get("choices"), details.get("default")
    if not isinstance(listed, list) or not all(isinstance(choice, str) for choice in listed):
        return question
    own = default if question.when is None and isinstance(default, str) and default in listed else question.default
    return replace(question, choices=tuple(listed), default=own)


@dataclass(frozen=True)
class _Unread:
    """A value with a tag that only copier reads."""


def _included(text: str) -> list[str]:
    """The files that a ``copier.yml`` takes questions from, those that it names without a pattern."""
    return re.findall(r"^!include\s+['\"]?([\w./-]+\.ya?ml)['\"]?\s*$", text, re.MULTILINE)


def _document(text: str, included: Mapping[str, str]) -> dict[str, Any]:
    """The settings and questions; copier takes the documents of one file together, and may include others."""
    if is_too_large(text) or any(is_too_large(other) for other in included.values()):
        return {}  # refused when it shall be rendered
    found: dict[str, Any] = {}
    for other in included.values():
        found |= _top_level(other)
    return found | _top_level(text)


def _top_level(text: str) -> dict[str, Any]:
    import yaml  # noqa: PLC0415 - only commands that read YAML pay for it

    try:
        # Nodes first: a value with a tag of copier's own does not make the others unreadable.
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    pairs = [pair for node in documents if isinstance(node, yaml.MappingNode) for pair in node.value]
    return {str(key.value): _value(node) for key, node in pairs}


def _value(node: Any) -> object:
    import yaml  # noqa: PLC0415

    try:
        return yaml.SafeLoader("").construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return _Unread()


class _Reading:
    """Makes questions of what stands in one ``copier.yml``."""

    def __init__(self, options: object, section: str) -> None:
        self._options = options if isinstance(options, dict) else {}
        self._section = section
        self._typed = Typed()
        self._made: Any = None

    @property
    def _environment(self) -> Any:
        if self._made is None:
            try:
                self._made = sandbox(self._options)
            except ValueError:
                self._made = sandbox({})
        return self._made

    def question(self, key: str, details: object) -> Question:
        """A question.

        Raises:
            _Left: It is of a kind that only copier itself can ask.
        """
        if isinstance(details, _Unread):
            raise _Left("it is written with a tag that only copier reads")
        given: Mapping[str, Any] = details if isinstance(details, dict) else {"default": details}
        if given.get("secret"):
            raise _Left("it is a secret, and a repository's answers hold none")
        name = given.get("type") or kind_of(given.get("default"))
        if not isinstance(name, str) or name not in _KINDS:
            raise _Left(f"its type is {name!r}")
        kind, choices = self._kind(given, str(name))
        title, help_line = self._words(key, line(given.get("help")))
        bare = Question(
            key=key,
            section=self._section,
            kind=kind,
            title=title,
            help=help_line,
            choices=choices,
            when=self._when(given.get("when", True)),
            keeps_default=True,
            check=_number if name == "float" and kind == "data" else self._validator(key, given.get("validator")),
        )
        if kind == "choice" and name != "str":
            self._typed.casts[key] = CASTS.get(str(name), str)
        found = self._with_default(bare, given.get("default", _NOTHING))
        if kind == "text" and bare.check is not None and bare.check("") is not None:
            return replace(found, required=True)
        return found

    def _words(self, key: str, text: str) -> tuple[str, str]:
        """Title and help; what is derived from ours writes both into one line, as ours does."""
        both = _TITLED.fullmatch(text) if self._section == OWN_SECTION else None
        return (both["title"], both["help"]) if both is not None else (key, text)

    def _validator(self, key: str, text: object) -> Check | None:
        """Why an answer is refused, where that depends on nothing else; otherwise the engine says it."""
        import jinja2  # noqa: PLC0415 - only what renders pays for it
        import jinja2.meta  # noqa: PLC0415

        if not isinstance(text, str) or not text or _OF_COPIER.search(text):
            return None
        try:
            names = jinja2.meta.find_undeclared_variables(self._environment.parse(text))
            render = with_values(self._typed, self._environment.from_string(text).render)
        except (jinja2.TemplateError, *MISTAKES):
            return None
        return Refused(key, render) if names <= {key} else None

    def _kind(self, given: Mapping[str, Any], name: str) -> tuple[Kind, tuple[str, ...]]:
        listed = given.get("choices")
        values = list(_values(listed)) if isinstance(listed, list | dict) else []
        is_fixed = all(isinstance(value, str | int | float) and not self._is_rendered(value) for value in values)
        choices = tuple(written(value) for value in values) if is_fixed else ()
        if given.get("multiselect"):
            if name != "str":
                raise _Left("several of its choices can be taken, and they are no texts")
            return "words", choices
        if choices:
            return "choice", choices
        return _KINDS[name], ()  # choices that depend on answers: the engine refuses what is none of them

    def _with_default(self, question: Question, value: object) -> Question:
        if value is _NOTHING:
            return replace(question, required=True, default="")
        render = self._render(value)
        if render is not None:
            is_unset = isinstance(value, str) and "UNSET" in value
            return replace(question, default=RenderedDefault(render, question), required=is_unset)
        try:
            return replace(question, default=convert(question, plain(question.kind, value)))
        except ValueError:
            return replace(question, default=question.empty)  # null, or no answer to it: the engine's to say

    def _when(self, value: object) -> Condition | None:
        render = self._render(value)
        if render is not None:
            return RenderedCondition(render)
        return None if to_bool(value) else Never()

    def _render(self, value: object) -> Callable[[Any], Any] | None:
        """What renders a value; ``None`` if it stands as it is."""
        if isinstance(value, list) and any(self._render(item) is not None for item in value):
            parts = [self._render(item) or _same(item) for item in value]
            return lambda answers: [part(answers) for part in parts]
        if not isinstance(value, str) or not self._is_rendered(value):
            return None
        import jinja2  # noqa: PLC0415 - only what renders pays for it

        try:
            if not _OF_COPIER.search(value):
                return with_values(self._typed, self._environment.from_string(value).render)
        except (jinja2.TemplateError, *MISTAKES):
            pass  # a filter of an extension of the template's own, or what no number and no program can be
        return _unknown

    def _is_rendered(self, value: object) -> bool:
        own = self._environment
        marks = (own.variable_start_string, own.block_start_string, own.comment_start_string)
        return isinstance(value, str) and any(mark in value for mark in marks)


def _unknown(answers: object) -> Any:
    """Stands for a text with what only copier knows, which then works it out itself.

    Raises:
        LookupError: Always.
    """
    raise LookupError(answers)


def _same(value: object) -> Callable[[Any], Any]:
    return lambda _: value


def _values(listed: list[Any] | dict[Any, Any]) -> Iterable[object]:
    """The values of choices: a list of them, pairs with the words for each, or a mapping from the words."""
    for one in listed.items() if isinstance(listed, dict) else listed:
        value = one[1] if isinstance(one, list | tuple) and len(one) == 2 else one
        yield value["value"] if isinstance(value, dict) and "validator" not in value and "value" in value else value


def _number(value: object) -> str | None:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return None if is_one else f"a number is expected, not {value!r}"
