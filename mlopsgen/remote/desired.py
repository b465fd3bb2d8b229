"""What a project's remote shall be, as data; made from the answers and the repository alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsgen.constants import BRANCHES, LOCAL_REMOTE


@dataclass(frozen=True, kw_only=True)
class Desired:
    """The remote and what the repository knows of it, as they shall be.

    Attributes:
        project: The project's name in slug form.
        address: What git pushes to.
        branches: The repository's branches with their commits, in the order in which they are pushed.
        settings: The forge's settings, in the order in which they are made.
        environments: Each environment's variables.
        remote: The name of the git remote.
        tracking_uri: The MLflow store that runs by hand shall use; empty if the forge brings none.
        tool_version: The version of mlopsgen that makes all this.
    """

    project: str
    address: str
    branches: Mapping[str, str]
    settings: Mapping[str, str]
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    remote: str = LOCAL_REMOTE
    tracking_uri: str = ""
    tool_version: str = ""


def environments_for(branches: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """An environment for each branch that the repository has; its variables are the owner's to add."""
    return {branch: {} for branch in BRANCHES if branch in branches}
