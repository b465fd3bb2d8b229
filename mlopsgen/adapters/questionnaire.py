"""The questions of a ``copier.yml`` answered as copier answers them without a person: given answers, else defaults.

Understands what most templates use, and says so when there is more: then copier itself has to do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

_KEYS = {"type", "help", "default", "choices", "validator", "when", "placeholder", "multiline"}
_TRUE = {"y", "yes", "t", "true", "on"}
_FALSE = {"n", "no", "f", "false", "off", "~", "null", "none", ""}
_NOTHING = object()


class Unsupported(Exception):
    """Something that only copier itself does (or refuses) right."""


Text = Callable[[Mapping[str, object]], Any]
"""A value of a template with the answers so far: text that was rendered, or a value as it stands."""


@dataclass(frozen=True)
class _Asked:
    key: str
    cast: Callable[[Any], Any]
    default: Text | None
    choices: tuple[object, ...]
    validator: Text
    when: Text


class Questionnaire:
    """The questions of a template.

    Args:
        questions: As they stand in ``copier.yml``.
        environment: What renders the texts in them.

    Raises:
        Unsupported: A question is of a kind that only copier itself can ask.
    """

    def __init__(self, questions: Mapping[str, Any], environment: jinja2.Environment) -> None:
        self._environment = environment
        self._asked = tuple(self._question(key, details) for key, details in questions.items())

    def answer(self, given: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """All values for rendering, and those that are recorded: the answers to questions that were asked.

        Raises:
            Unsupported: An answer does not fit; copier says why.
        """
        answered: dict[str, object] = {}
        hidden: set[str] = set()
        for question in self._asked:
            context = {**given, **answered}
            if not to_bool(question.when(context)):
                hidden.add(question.key)
            value = given.get(question.key, _NOTHING)
            if value is _NOTHING:
                if question.default is None:
                    if question.key in hidden:
                        continue
                    raise Unsupported(f"'{question.key}' has to be answered")
                value = question.default(context)
            answer = self._parse(question, value)
            if question.key in given or question.key not in hidden:
                refused = str(question.validator({**context, question.key: answer})).strip()
                if refused:
                    raise Unsupported(f"'{question.key}': {refused}")
            answered[question.key] = answer
        values = {**given, **answered}
        keys = {question.key for question in self._asked} - hidden
        return values, {key: value for key, value in values.items() if key in keys}

    def _parse(self, question: _Asked, value: object) -> object:
        try:
            answer = question.cast(value)
        except Exception as error:
            raise Unsupported(f"'{question.key}' is {value!r}") from error
        if question.choices and answer not in question.choices:
            raise Unsupported(f"'{question.key}' is {value!r}")
        return answer

    def _question(self, key: str, details: object) -> _Asked:
        given = details if isinstance(details, dict) else {"default": details}
        kind = given.get("type") or kind_of(given.get("default"))
        choices = given.get("choices") or []
        if not _KEYS.issuperset(given) or kind not in CASTS or not isinstance(choices, list):
            raise Unsupported(f"the question '{key}'")
        if any(not isinstance(choice, str | int | float) or self._is_rendered(choice) for choice in choices):
            raise Unsupported(f"the choices of '{key}'")
        cast = CASTS[kind]
        return _Asked(
            key=key,
            cast=cast,
            default=self._text(given["default"]) if "default" in given else None,
            choices=tuple(cast(choice) for choice in choices),
            validator=self._text(given.get("validator", "")),
            when=self._text(given.get("when", True)),
        )

    def _text(self, value: object) -> Text:
        if isinstance(value, list) and any(isinstance(item, str | list) for item in value):
            parts = [self._text(item) for item in value]
            return lambda context: [part(context) for part in parts]
        if isinstance(value, str) and self._is_rendered(value):
            return self._environment.from_string(value).render
        return lambda _: value

    def _is_rendered(self, value: object) -> bool:
        """Whether rendering may change a text."""
        own = self._environment
        marks = (own.variable_start_string, own.block_start_string, own.comment_start_string, "\n", "\r")
        return isinstance(value, str) and any(mark in value for mark in marks)


def to_bool(value: Any) -> bool:
    """What a text means as yes or no: a number that is not zero, YAML's words for it, else whether it is empty."""
    try:
        return bool(float(value))
    except (TypeError, ValueError):
        pass
    word = value.strip().lower() if isinstance(value, str) else None
    return word in _TRUE or (word not in _FALSE if word is not None else bool(value))


def _to_text(value: Any) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(value)


def _to_yaml(value: Any) -> Any:
    import yaml  # noqa: PLC0415 - only what renders pays for it

    return yaml.safe_load(value) if isinstance(value, str) else value


def kind_of(default: object) -> str:
    """The type of a question that names none."""
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "str")):
        if isinstance(default, kind):
            return name
    return "yaml"


CASTS: dict[str, Callable[[Any], Any]] = {
    "str": _to_text,
    "int": int,
    "float": float,
    "bool": to_bool,
    "yaml": _to_yaml,
}
