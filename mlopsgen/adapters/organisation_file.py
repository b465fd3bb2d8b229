"""Reads ``organisation.yaml``: what an organisation decides about the answers of all of its repositories."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from mlopsgen.answer_values import accept
from mlopsgen.errors import InvalidAnswer, InvalidDocument
from mlopsgen.near_words import nearest
from mlopsgen.organisation import LONGEST_NAME, PERSONAL, Locked, Organisation
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Value

DOCUMENT = "organisation.yaml"
"""The file at the top of an organisation's template repository, beside ``copier.yml``; it is not rendered."""

VERSION = 1
_KEYS = ("version", "name", "release", "preset", "locked")
_LOCKED = ("value", "why")
_HINT = "docs/reference/template-files.md of mlopsgen describes the file."


def read_organisation(text: str, questions: QuestionSet, name: str = DOCUMENT) -> Organisation:
    """What the file says, checked against the questions of its version.

    Args:
        text: The file.
        questions: What the template asks.
        name: The file as errors name it.

    Raises:
        InvalidDocument: A key or a value in it is not valid; the error names the line.
    """
    from mlopsgen.adapters.yaml_lines import read  # noqa: PLC0415 - yaml is paid for by what reads it

    found = read(text, name, _HINT)
    document = found.value
    _only(document, _KEYS, (), found.where)
    if document.get("version") != VERSION or isinstance(document.get("version"), bool):
        raise _invalid(
            f"version {document.get('version')!r} is not known; this mlopsgen reads {VERSION}", found.where(["version"])
        )
    called = document.get("name")
    if not isinstance(called, str) or not called.strip() or len(called) > LONGEST_NAME or not called.isprintable():
        raise _invalid(f"'name' has to be a line of 1 to {LONGEST_NAME} characters", found.where(["name"]))
    preset = _mapping(document, "preset", found.where(["preset"]))
    locked = _mapping(document, "locked", found.where(["locked"]))
    twice = next((key for key in locked if key in preset), None)
    if twice is not None:
        raise _invalid(f"'{twice}' is both preset and locked; keep one of them", found.where(["locked", twice]))
    return Organisation(
        name=called.strip(),
        preset={key: _accepted(questions, key, value, found.where(["preset", key])) for key, value in preset.items()},
        locked={key: _locked(questions, key, value, found.where(["locked", key])) for key, value in locked.items()},
    )


def read_name(text: str, name: str = DOCUMENT) -> str:
    """What the organisation is called; empty if the file does not say.

    Raises:
        InvalidDocument: It cannot be read.
    """
    from mlopsgen.adapters.yaml_lines import read  # noqa: PLC0415

    called = read(text, name, _HINT).value.get("name", "")
    return called.strip() if isinstance(called, str) else ""


def read_release(text: str, name: str = DOCUMENT) -> str:
    """The version that the organisation gives its template next, for example ``1.2.0``; empty if it names none.

    Raises:
        InvalidDocument: It cannot be read, or is no version.
    """
    from mlopsgen.adapters.yaml_lines import read  # noqa: PLC0415

    found = read(text, name, _HINT)
    release = found.value.get("release", "")
    if release != "" and not (isinstance(release, str) and re.fullmatch(r"\d+(\.\d+)*", release)):
        raise _invalid(
            f"'release' is {release!r}; write three numbers with points, in quotes where YAML takes them for a number",
            found.where(["release"]),
        )
    return str(release)


def _locked(questions: QuestionSet, key: str, value: object, where: str) -> Locked:
    question = questions.by_key.get(key)
    takes_mappings = question is not None and question.kind == "data"
    if not isinstance(value, dict) or (takes_mappings and not {"value"} <= set(value) <= set(_LOCKED)):
        return Locked(value=_accepted(questions, key, value, where))
    _only(value, _LOCKED, ("locked", key), lambda _: where)
    if "value" not in value:
        raise _invalid(f"'{key}' is locked without a 'value'", where)
    why = value.get("why") or ""
    sentence = " ".join(why.split()) if isinstance(why, str) else "\0"
    if not sentence.isprintable():
        raise _invalid(f"'why' of '{key}' has to be a sentence", where)
    return Locked(value=_accepted(questions, key, value["value"], where), why=sentence)


def _accepted(questions: QuestionSet, key: str, value: object, where: str) -> Value:
    if key in PERSONAL:
        raise _invalid(f"'{key}' is each project's own and can be neither preset nor locked", where)
    if key not in questions.by_key:
        unknown = questions.unknown_key(key, where)
        raise _invalid(unknown.message.rstrip("."), where, f"{unknown.hint} {_HINT}".strip())
    try:
        return accept(questions.by_key[key], value, where)
    except InvalidAnswer as error:
        raise _invalid(error.message.rstrip("."), where, error.hint) from None


def _mapping(document: Mapping[str, Any], key: str, where: str) -> dict[str, object]:
    value = document.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value):
        raise _invalid(f"'{key}' has to hold 'answer: value' lines", where)
    return value


def _only(
    value: Mapping[object, object], known: tuple[str, ...], above: tuple[str, ...], where: Callable[[list[str]], str]
) -> None:
    for key in value:
        if key not in known:
            near = nearest(str(key), known)
            meant = f"; did you mean '{near}'?" if near else f"; it knows {', '.join(known)}"
            raise _invalid(f"there is no key '{key}'{meant}", where([*above, str(key)]))


def _invalid(reason: str, where: str, hint: str = _HINT) -> InvalidDocument:
    return InvalidDocument(f"{DOCUMENT} cannot be used: {reason.rstrip('.?')}.", where=where, hint=hint)
