"""What a forge is: a place that holds the repository, its environments and their settings, and that can be pushed to.

The values are small and the operations few, so that a folder on this machine, an in-memory twin and later a hosting
service can all be one. Whatever an operation sets is read back by ``repository`` and ``environments``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.values import Environment, Repository
from mlopsgen.secret_value import SecretValue


class OccupiedError(MlopsgenError):
    """The address holds something that is not this project's forge; nothing in it is touched."""

    code = "occupied"


class Forge(Protocol):
    """A place that a project can be pushed to."""

    @property
    def address(self) -> str:
        """What git pushes to, whether it exists yet or not."""

    @property
    def tracking_uri(self) -> str:
        """The MLflow store that the forge brings along; empty if it brings none."""

    def repository(self) -> Repository | None:
        """The project's repository, or ``None`` when there is nothing at the address.

        Raises:
            OccupiedError: There is something else.
        """

    def environments(self) -> tuple[Environment, ...]:
        """The environments that exist, by name."""

    def wanted_settings(self) -> Mapping[str, str]:
        """The settings that this version of the tool wants, in the order in which they are made."""

    def create_repository(self, project: str) -> None:
        """Make the empty repository; may be called again after it was interrupted."""

    def set_setting(self, name: str, value: str) -> None:
        """Give a setting one of the values of :meth:`wanted_settings`."""

    def create_environment(self, name: str) -> None:
        """Make an environment without variables and secrets."""

    def set_variable(self, environment: str, name: str, value: str) -> None:
        """Make or change a variable."""

    def set_secret(self, environment: str, name: str, value: SecretValue) -> None:
        """Make or replace a secret."""

    def push(self, source: GitRepository, remote: str, branch: str) -> None:
        """Bring a branch of ``source`` into the forge, as its remote ``remote``; history there is never rewritten."""
