"""What a forge holds, as plain values that know no forge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository as it is in a forge.

    Attributes:
        address: What git pushes to.
        project: The project that it was made for.
        branches: The branches with their commits.
        settings: Named settings with their values; which there are, the forge knows.
        tool_version: The version of mlopsgen that settled it last.
    """

    address: str
    project: str
    branches: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    tool_version: str = ""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What belongs to one branch.

    Attributes:
        name: The branch's name.
        variables: Values that may be seen.
        secrets: Names of the secrets; their values are never read back.
    """

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
