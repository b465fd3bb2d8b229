"""What a repository's record says of it, whichever template it was made from.

The answers of our template, and of one derived from it, say what the repository shall be on GitHub. A record of another
template says only what it is called; everything else keeps our defaults, and the repository's own files count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsgen import naming
from mlopsgen.adapters.yaml_lines import read as read_yaml
from mlopsgen.answer_values import accept, refusal
from mlopsgen.answers import BY_KEY, resolve
from mlopsgen.constants import ANSWERS_FILE, BRANCHES
from mlopsgen.errors import InvalidDocument
from mlopsgen.questions import Value

_NAMES = ("slug", "project_slug", "repo_name", "repository_name", "project_name", "name")
"""Under these keys templates ask what a repository is called; the first that is there counts."""
_DESCRIPTIONS = ("description", "project_short_description", "short_description", "project_description")
_SHARED = ("owner", "visibility")
"""Questions of ours that mean the same where another template asks them, if the answer is one that we know."""
_OURS = {
    *("data_address", "notify_how", "review_wait_minutes"),
    *(key for key in BY_KEY if key.startswith(tuple(f"{branch}_" for branch in BRANCHES))),
}
"""Questions that nobody asks but a template of ours: one of them tells, whatever others an owner took out."""
_NAME = re.compile(r"(?!.*\.git$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What was recorded.

    Attributes:
        answers: An answer to every question of ours.
        ours: Whether the repository was made from our template, or from one derived from it.
    """

    answers: Mapping[str, Value]
    ours: bool


def recorded_in(root: Path) -> Recorded:
    """What the record of the repository in a folder says.

    Raises:
        InvalidDocument: It cannot be read.
        InvalidAnswer: An answer to a question of ours is not valid.
    """
    path = root / ANSWERS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDocument("The recorded answers cannot be read.", where=str(path), hint="Restore it.") from error
    return recorded_as(text, root.name)


def recorded_as(text: str, folder: str) -> Recorded:
    """What the text of a record says.

    Args:
        text: The record.
        folder: What the repository is called where the record does not say it.

    Raises:
        InvalidDocument: It cannot be read.
        InvalidAnswer: An answer to a question of ours is not valid.
    """
    found = read_yaml(text, ANSWERS_FILE, "Restore the file.")
    given = {str(key): value for key, value in found.value.items()}
    if not _OURS.isdisjoint(given):
        known = {key: value for key, value in given.items() if key in BY_KEY}
        return Recorded(answers=resolve(known, origin={key: found.where((key,)) for key in known}), ours=True)
    return Recorded(answers=_answers_of_another(given, folder), ours=False)


def name_in(given: Mapping[str, object], folder: str) -> str:
    """What a repository is called by the answers of any template; else as its folder."""
    for key in _NAMES:
        said = given.get(key)
        if isinstance(said, str) and (name := _name_of(said)):
            return name
    return _name_of(folder) or "repository"


def _name_of(text: str) -> str:
    return text if _NAME.fullmatch(text) else naming.slug_of(text)


def _answers_of_another(given: Mapping[str, object], folder: str) -> dict[str, Value]:
    answers = resolve({})
    line = next((said for key in _DESCRIPTIONS if (said := given.get(key))), "")
    answers["description"] = line if isinstance(line, str) and naming.check_line(line) is None else ""
    for key in _SHARED:
        if key in given and refusal(BY_KEY[key], given[key]) is None:
            answers[key] = accept(BY_KEY[key], given[key])
    answers["slug"] = name_in(given, folder)
    return answers
