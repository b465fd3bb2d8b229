"""What is told of each repository of a fleet: one row, small enough to keep a thousand of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from mlopsgen.errors import MlopsgenError

FLEET_VERSION = 1


class State(StrEnum):
    """How a repository stands after it was looked at."""

    FAILED = "failed"
    """It could not be looked at or updated; the reason says why."""
    LEFT = "left"
    """It was not come to; running the same command again goes on with it."""
    CONFLICTS = "conflicts"
    """The update has conflicts; if there is a pull request, it is a draft with git's markers in it."""
    WORKED_ON = "worked-on"
    """Somebody else committed on the branch of the update: it is left alone."""
    DECLINED = "declined"
    """A person closed the pull request of this very update without merging it: it is not opened again."""
    OPENED = "opened"
    """A pull request was opened now."""
    UPDATED = "updated"
    """A pull request that was open brings the newest update now."""
    OPEN = "open"
    """A pull request with this very update was open already."""
    PUSHED = "pushed"
    """The branch of the update was pushed; a pull request was not wanted."""
    BEHIND = "behind"
    """There is an update, and nothing was published."""
    READ_ONLY = "read-only"
    """The token's owner may not write to it."""
    ARCHIVED = "archived"
    """Nobody can change it."""
    DISABLED = "disabled"
    """GitHub closed it."""
    EMPTY = "empty"
    """Nothing was pushed to it yet."""
    NOT_GENERATED = "not-generated"
    """It has the topic and no record of a template."""
    CURRENT = "current"
    """It is what the newest version makes."""


UNREACHABLE = (State.READ_ONLY, State.ARCHIVED, State.DISABLED, State.EMPTY, State.NOT_GENERATED)
"""States of repositories that no update can reach; that is nobody's failure."""


class PullRequestRef(NamedTuple):
    """A pull request.

    Attributes:
        number: Its number.
        page: Where people look at it.
        draft: Whether it is a draft.
    """

    number: int
    page: str
    draft: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """A repository of the fleet.

    Attributes:
        repository: ``owner/name``.
        page: Where people look at it.
        state: How it stands.
        template: The address of the template that it is made from; empty where that was not found out.
        branch: The branch that is updated; empty where that was not found out.
        start: The version that it has; empty where it is not known.
        end: The version that it gets, or has.
        behind: How many versions lie between.
        changes: How many files the update changes.
        conflicts: The files that git could not merge.
        pull_request: The pull request that brings the update, if there is one.
        reason: Why it stands as it does, in a sentence; may be empty.
        hint: What a person does next; may be empty.
    """

    repository: str
    page: str
    state: State
    template: str = ""
    branch: str = ""
    start: str = ""
    end: str = ""
    behind: int = 0
    changes: int = 0
    conflicts: tuple[str, ...] = ()
    pull_request: PullRequestRef | None = None
    reason: str = ""
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row as a JSON object."""
        pull = self.pull_request
        return asdict(self) | {
            "state": self.state.value,
            "conflicts": list(self.conflicts),
            "pull_request": pull._asdict() if pull is not None else None,
        }


def failed_row(repository: str, page: str, error: MlopsgenError) -> Row:
    """The row of a repository whose update failed."""
    # Whoever reads it stands in no clone of that repository.
    hint = re.sub(
        r"\bmlopsgen sync (?!--(?:repository|all)\b)", f"mlopsgen sync --repository {repository} ", error.hint
    )
    return Row(repository=repository, page=page, state=State.FAILED, reason=error.message, hint=hint)


def count_states(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows there are of each state that occurs, in the order of :class:`State`."""
    counts = Counter(row.state for row in rows)
    return {state.value: counts[state] for state in State if counts[state]}


def fleet_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``data`` of ``sync --all`` and ``status --all``."""
    text, number = {"type": "string"}, {"type": "integer", "minimum": 0}
    pull = _object(
        {
            "number": {"type": "integer", "minimum": 1, "description": "Its number."},
            "page": {**text, "description": "Where people look at it."},
            "draft": {"type": "boolean", "description": "Whether it is a draft: it has conflicts."},
        }
    )
    row = {
        "repository": {**text, "description": "owner/name."},
        "page": {**text, "description": "Where people look at it."},
        "state": {"enum": [state.value for state in State], "description": "How it stands."},
        "template": {**text, "description": "The address of the template that it is made from; may be empty."},
        "branch": {**text, "description": "The branch that is updated; may be empty."},
        "start": {**text, "description": "The version that it has; empty where it is not known."},
        "end": {**text, "description": "The version that it gets, or has."},
        "behind": {**number, "description": "How many versions lie between."},
        "changes": {**number, "description": "How many files the update changes."},
        "conflicts": {"type": "array", "items": text, "description": "Files that git could not merge."},
        "pull_request": {
            "anyOf": [{"type": "null"}, pull],
            "description": "The update's pull request, if there is one.",
        },
        "reason": {**text, "description": "Why it stands as it does; may be empty."},
        "hint": {**text, "description": "The next step; may be empty."},
    }
    counts = {"type": "object", "additionalProperties": number, "propertyNames": {"enum": [s.value for s in State]}}
    properties = {
        "version": {"const": FLEET_VERSION},
        "owner": {**text, "description": "The organisation or account."},
        "published": {"type": "boolean", "description": "Whether pull requests were to be opened."},
        "counts": {**counts, "description": "How many repositories there are of each state that occurs."},
        "repositories": {"type": "array", "items": _object(row), "description": "One row for each."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlopsgen fleet",
        "description": "'data' of the envelope of 'mlopsgen sync --all' and 'mlopsgen status --all'.",
        **_object(properties),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
