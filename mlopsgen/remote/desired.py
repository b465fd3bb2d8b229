"""What a project's remote shall be, as data; made from the answers and the repository alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlopsgen.constants import BRANCHES, LOCAL_REMOTE
from mlopsgen.forge.values import Key, Kind, Limit, Resource


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Something that was wanted and cannot be had, so that the rest was made without it.

    Attributes:
        key: What it is.
        detail: What it would have been set to, for people.
        limit: Why it cannot be had, and what takes its place.
    """

    key: Key
    detail: str
    limit: Limit


@dataclass(frozen=True, kw_only=True)
class Desired:
    """The remote and what the repository knows of it, as they shall be.

    Attributes:
        project: The project's name in slug form.
        address: What git pushes to.
        branches: The repository's branches with their commits, in the order in which they are pushed.
        resources: Everything else, the repository itself included.
        owned: What belongs to the tool alone: set without asking who changed it, unless a newer version did.
        given: The secrets whose values are at hand.
        rotated: The secrets that are written again although they are there.
        lost: What cannot be had, once that is known.
        remote: The name of the git remote.
        tracking_uri: The MLflow store that runs by hand shall use; empty if the forge brings none.
        tool_version: The version of mlopsgen that makes all this.
        trains: Whether something trains what is pushed.
        expected: The branches that there should be; one that is neither here nor there is missed.
        elsewhere: The next step of a person whose place is taken by something else.
    """

    project: str
    address: str
    branches: Mapping[str, str]
    resources: tuple[Resource, ...]
    owned: frozenset[Key] = frozenset()
    given: frozenset[Key] = frozenset()
    rotated: frozenset[Key] = frozenset()
    lost: tuple[Lost, ...] = ()
    remote: str = LOCAL_REMOTE
    tracking_uri: str = ""
    tool_version: str = ""
    trains: bool = True
    expected: tuple[str, ...] = ()
    elsewhere: str = "Name another folder: 'mlopsgen push --local DIR'."


def environments_for(branches: Mapping[str, str]) -> tuple[Resource, ...]:
    """An environment for each branch that the repository has; its variables are the owner's to add."""
    return tuple(Resource(key=Key(Kind.ENVIRONMENT, branch), value={}) for branch in BRANCHES if branch in branches)
