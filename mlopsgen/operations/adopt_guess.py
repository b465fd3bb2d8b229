"""What an existing repository tells about the answers: its name, owner, description, licence and Python."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.answer_values import refusal
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.operations.hosting import place_of
from mlopsgen.question_set import QuestionSet
from mlopsgen.questions import Question

_LICENCES = (
    ("apache-2.0", r"Apache License\s+Version 2\.0"),
    ("mit", r"Permission is hereby granted, free of charge"),
    ("bsd-3-clause", r"Redistributions of source code[\s\S]*Neither the name"),
)
_MINOR = re.compile(r"(3\.\d+)")
_AT_LEAST = re.compile(r"(?:>=|~=|\^|==)\s*(3\.\d+)")

Read = Callable[[str], "str | None"]
"""The text of a file at the top of the repository, ``None`` if there is none."""


def guess(source: GitRepository, read: Read, questions: QuestionSet) -> dict[str, Any]:
    """Answers that the repository tells, for questions that nobody has decided.

    Args:
        source: The repository.
        read: Reads its files.
        questions: What the template asks; what it would refuse, or an organisation says itself, is not guessed.
    """
    project = _project(read("pyproject.toml") or "")
    found: dict[str, Any] = {}
    for key, value in (*_names(source, project), *_rest(read, project, questions.by_key.get("python_version"))):
        question = questions.by_key.get(key)
        if question is None or key in found or questions.decided_by(key):
            continue
        if value and refusal(question, value) is None:
            found[key] = value
    return found


def _names(source: GitRepository, project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The name and the owner: as the repository is called where it is hosted, else as its folder is."""
    remotes = source.remotes()
    address = remotes.get(HOSTED_REMOTE) or next(iter(remotes.values()), "")
    place = place_of(address) if address else None
    if place is not None:
        yield "project_name", place.name
        yield "owner", place.owner
    yield "project_name", str(project.get("name") or "")
    yield "project_name", source.path.name


def _rest(read: Read, project: Mapping[str, Any], python: Question | None) -> Iterator[tuple[str, str]]:
    description = project.get("description")
    yield "description", " ".join(description.split()) if isinstance(description, str) else ""
    licence = next((text for name in ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING") if (text := read(name))), "")
    yield "license", next((name for name, words in _LICENCES if re.search(words, licence)), "")
    pinned = _MINOR.match((read(".python-version") or "").strip())
    yield "python_version", pinned[1] if pinned else ""
    least = _AT_LEAST.search(str(project.get("requires-python") or ""))
    yield "python_version", _at_least(least[1], python) if least and python is not None else ""


def _at_least(least: str, python: Question) -> str:
    """The template's own default where the repository takes it, else the oldest that it takes."""
    wanted = _order(least)
    if not isinstance(python.default, str) or _order(python.default) >= wanted:
        return ""
    return next((choice for choice in sorted(python.choices, key=_order) if _order(choice) >= wanted), "")


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _project(text: str) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(text).get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
