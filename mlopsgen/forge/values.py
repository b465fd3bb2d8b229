"""What a forge holds, as plain values that know no forge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a thing is that a plan speaks of."""

    REPOSITORY = "repository"
    SETTING = "setting"
    ENVIRONMENT = "environment"
    POLICY = "policy"
    VARIABLE = "variable"
    SECRET = "secret"  # noqa: S105 - the word, not one of them
    RULESET = "ruleset"
    LABEL = "label"
    RUNNER = "runner"
    REMOTE = "remote"
    BRANCH = "branch"
    UPSTREAM = "upstream"
    TRACKING = "tracking"


Scalar = str | int | bool | None
Value = Scalar | tuple[str, ...] | Mapping[str, Scalar | tuple[str, ...]]
"""What a thing is set to: a text, or named fields; lists are sorted tuples, so that equal settings are equal values."""


class Key(NamedTuple):
    """Which thing.

    Attributes:
        kind: What it is.
        name: Its name.
        scope: The environment that it belongs to; empty where it belongs to the repository.
    """

    kind: Kind
    name: str
    scope: str = ""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A thing as it shall be.

    Attributes:
        key: Which one.
        value: What it is set to; ``None`` for a secret, whose value goes another way.
        purpose: What it is for, for people.
        optional: Whether everything works without it (a secret that only some set-ups need).
    """

    key: Key
    value: Value = None
    purpose: str = ""
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository as it is in a forge.

    Attributes:
        address: What git pushes to.
        project: The project that it was made for; empty where the forge does not know.
        branches: The branches with their commits.
        default_branch: The branch that a clone checks out; empty while there is none.
        tool_version: The version of mlopsgen that settled it last; empty where the forge does not know.
        page: Where people look at it; empty where there is no page.
    """

    address: str
    project: str
    branches: Mapping[str, str] = field(default_factory=dict)
    default_branch: str = ""
    tool_version: str = ""
    page: str = ""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Why something cannot be had.

    Attributes:
        reason: Because of what; a clause without a full stop.
        instead: What takes its place, or what works without it; where it is given, the rest is still worth doing.
        hint: The next step of a person who wants it nevertheless.
        fields: Only these fields of the thing's value cannot be had; empty where the whole thing cannot.
        rights: Whether the cause is the token, or what its owner may do.
    """

    reason: str
    instead: str = ""
    hint: str = ""
    fields: tuple[str, ...] = ()
    rights: bool = False


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A forge as it was found.

    Attributes:
        repository: The repository; ``None`` when there is nothing at the address.
        resources: Everything else that is there. A secret's value is when it was written last (ISO 8601), or empty.
        unreadable: What the forge would not show, with the reason; a key without a name stands for its whole kind.
        by: The login of the person whose token it was read with; empty where the forge knows none.
    """

    repository: Repository | None = None
    resources: Mapping[Key, Value] = field(default_factory=dict)
    unreadable: Mapping[Key, Limit] = field(default_factory=dict)
    by: str = ""
