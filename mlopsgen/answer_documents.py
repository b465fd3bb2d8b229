"""What is made from the questions: the JSON Schema of an answers file, and the questions of ``copier.yml``."""

from __future__ import annotations

import json
from typing import Any

from mlopsgen import naming
from mlopsgen.answers import ANSWERS_VERSION, BUILT_IN, BY_KEY, QUESTIONS
from mlopsgen.organisation import LONGEST_NAME, PERSONAL
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Cases, Derived, Question, SlugOf, Value

_METRIC_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": naming.METRIC_PATTERN, "maxLength": naming.LONGEST_SLUG},
        "higher_is_better": {"type": "boolean"},
        "threshold": {"type": ["number", "null"], "description": "The worst value that is acceptable."},
        "tolerance": {"type": "number", "minimum": 0, "description": "How much worse than the baseline may pass."},
        "minimum_gain": {"type": "number", "minimum": 0, "description": "How much better it has to be."},
    },
    # It may get worse, or it has to get better: not both.
    "anyOf": [{"properties": {key: {"const": 0}}} for key in ("tolerance", "minimum_gain")],
}


def answers_schema(questions: QuestionSet = BUILT_IN, called: str = "") -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an answers file.

    Args:
        questions: What is answered.
        called: The template and its version, if it is not the built-in one.
    """
    asked = questions.questions
    conditions = [_condition(question, *question.when) for question in asked if isinstance(question.when, tuple)]
    title = f"answers for {called}" if called else "mlopsgen answers"
    command = "mlopsgen init --template ADDRESS --answers FILE" if called else "mlopsgen init --answers FILE"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": f"Answers for '{command}'; a key that is left out keeps its default.",
        "type": "object",
        "additionalProperties": False,
        "properties": {"version": {"const": ANSWERS_VERSION}, **{q.key: _property(questions, q) for q in asked}},
        **({"allOf": conditions} if conditions else {}),
    }


def organisation_schema(questions: QuestionSet = BUILT_IN, called: str = "") -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an organisation's ``organisation.yaml``.

    Args:
        questions: What can be preset or locked; each project's own names cannot.
        called: The template and its version, if it is not the built-in one.
    """
    decided = [each for each in questions.questions if each.key not in PERSONAL]
    told = {each.key: {"title": each.title, "description": each.help} for each in decided}
    preset = {each.key: told[each.key] | _rules(each) for each in decided}
    locked = {each.key: told[each.key] | {"anyOf": [_rules(each), _with_reason(each)]} for each in decided}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"organisation.yaml for {called}" if called else "mlopsgen organisation",
        "description": "What an organisation decides about the repositories that are made from its template.",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "name"],
        "properties": {
            "version": {"const": ANSWERS_VERSION},
            "name": {
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_NAME,
                "pattern": r"^[^\r\n]*\S[^\r\n]*$",
                "description": "The organisation, as people call it.",
            },
            "release": {
                "type": "string",
                "pattern": r"^\d+(\.\d+)*$",
                "description": "The next version; its tag is v1.2.0.",
            },
            "preset": _answers_of(preset, "Defaults in place of the template's; a person may answer otherwise."),
            "locked": _answers_of(locked, "Asked nobody, and the same in every repository."),
        },
    }


def _answers_of(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": properties,
    }


def _with_reason(question: Question) -> dict[str, Any]:
    properties = {"value": _rules(question), "why": {"type": "string"}}
    return {"type": "object", "additionalProperties": False, "required": ["value"], "properties": properties}


def _condition(question: Question, key: str, wanted: str) -> dict[str, Any]:
    """The rules of a question that is asked only after a certain answer; otherwise its value may be empty."""
    needed = question.required and question.default_for({}) in ("", [])
    return {
        "if": {"properties": {key: {"const": wanted}}, "required": [key]},
        "then": {"properties": {question.key: _rules(question)}, **({"required": [question.key]} if needed else {})},
    }


def _property(questions: QuestionSet, question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {"title": question.title, "description": question.help}
    organisation = questions.organisation
    if organisation is not None and question.key in organisation.locked:
        locked = organisation.locked[question.key]
        found["description"] = f"{question.help} Decided by {organisation.name}. {locked.why}".strip()
        return found | {"const": questions.default_for(question, {})}
    if organisation is not None and question.key in organisation.preset:
        found["default"] = questions.default_for(question, {})
    elif not isinstance(question.default, Derived):
        found["default"] = question.default
    return found | (_type(question) if isinstance(question.when, tuple) else _rules(question))


def _type(question: Question) -> dict[str, Any]:
    kinds = {"integer": "integer", "words": "array", "metrics": "array", "switch": "boolean", "data": ""}
    kind = kinds.get(question.kind, "string")
    return {"type": kind} if kind else {}


def _rules(question: Question) -> dict[str, Any]:
    word: dict[str, Any] = {"type": "string"}
    if question.choices:
        word["enum"] = list(question.choices)
    if question.pattern:
        word["pattern"] = question.pattern
    if question.required and not question.choices:
        word["minLength"] = 1
    match question.kind:
        case "integer":
            bounds = dict(zip(("minimum", "maximum"), question.bounds or (), strict=False))
            return {"type": "integer", **bounds}
        case "words":
            most = {"maxItems": question.bounds[1]} if question.bounds else {}
            least = {"minItems": 1} if question.required else {}
            return {"type": "array", "uniqueItems": True, "items": word, **least, **most}
        case "metrics":
            return {"type": "array", "minItems": 1, "items": _METRIC_SCHEMA}
        case "switch" | "data":
            return _type(question)
        case "choice" if question.key not in BY_KEY:
            # The choices of other people's templates may be numbers, or yes and no.
            values = [value for value in map(_scalar, question.choices) if value is not None]
            word = {"enum": [*question.choices, *values]}
    return word


def _scalar(choice: str) -> object:
    try:
        found = json.loads(choice)
    except ValueError:
        return None
    return found if isinstance(found, bool | int | float) else None


def copier_questions() -> str:
    """The question block of ``copier.yml``, for people who use plain copier."""
    import yaml  # noqa: PLC0415 - not needed by a run of the tool

    blocks = [
        yaml.safe_dump({q.key: _copier_question(q)}, sort_keys=False, allow_unicode=True, width=1000) for q in QUESTIONS
    ]
    return "\n".join(blocks)


def _copier_question(question: Question) -> dict[str, Any]:
    kinds = {"integer": "int", "words": "yaml", "metrics": "yaml"}
    found: dict[str, Any] = {
        "type": kinds.get(question.kind, "str"),
        "help": f"{question.title}: {question.help}",
        "default": _copier_default(question),
    }
    if question.choices and question.kind == "choice":
        found["choices"] = list(question.choices)
    asked = f"{question.when[0]} == {question.when[1]!r}" if isinstance(question.when, tuple) else "true"
    if question.pattern:
        refused = f"This does not fit: {question.help}"
        test = f"{asked} and not ({question.key} | regex_search({question.pattern!r}))"
        found["validator"] = f"[% if {test} %]{refused}[% endif %]"
    if question.when:
        found["when"] = f"[[ {asked} ]]"
    return found


def _copier_default(question: Question) -> object:
    """The default; a dependent one as an expression that copier evaluates with the same outcome."""
    default = question.default
    if isinstance(default, SlugOf):
        lower = f"{default.key} | lower | regex_replace('[^a-z0-9]+', '-') | regex_replace('^[-0-9]+|-+$', '')"
        return f"[[ ({lower})[:{naming.LONGEST_SLUG}] | regex_replace('-+$', '') ]]"
    if isinstance(question.when, tuple):
        default = Cases((({question.when[0]: question.when[1]}, question.default_for({})),), question.empty)
    if not isinstance(default, Cases):
        return default if isinstance(default, str | int | Derived) else _literal(default)
    text = ""
    for number, (conditions, value) in enumerate(default.cases):
        test = " and ".join(f"{key} == {wanted!r}" for key, wanted in conditions.items())
        text += f"[% {'elif' if number else 'if'} {test} %]{_literal(value)}"
    return f"{text}[% else %]{_literal(default.otherwise)}[% endif %]"


def _literal(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)
