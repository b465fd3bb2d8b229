"""A complete forge in memory: what the tests of everything above the forges run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.protocol import OccupiedError
from mlopsgen.forge.values import Environment, Repository
from mlopsgen.secret_value import SecretValue

_SETTINGS = {"default-branch": MAIN_BRANCH, "hook": "2", "program": "2"}


class MemoryForge:
    """A forge that lives as long as the object.

    Args:
        address: What it calls itself.
        tool_version: The version of mlopsgen that it says has made it.
        occupied: Whether something else is at the address.
    """

    def __init__(self, address: str = "memory://forge", *, tool_version: str = "0.1.0", occupied: bool = False) -> None:
        self._address = address
        self._tool_version = tool_version
        self._occupied = occupied
        self._repository: Repository | None = None
        self._environments: dict[str, Environment] = {}
        self._secrets: dict[tuple[str, str], SecretValue] = {}

    @property
    def address(self) -> str:
        """The address that it was given."""
        return self._address

    @property
    def tracking_uri(self) -> str:
        """An address beside the repository's."""
        return f"{self._address}/store"

    def repository(self) -> Repository | None:
        """The repository, once it was made.

        Raises:
            OccupiedError: It was told that something else is there.
        """
        if self._occupied:
            raise OccupiedError(f"{self._address} holds something else.", where=self._address, hint="Choose another.")
        return self._repository

    def environments(self) -> tuple[Environment, ...]:
        """The environments, by name."""
        return tuple(self._environments[name] for name in sorted(self._environments))

    def wanted_settings(self) -> Mapping[str, str]:
        """A few settings."""
        return dict(_SETTINGS)

    def create_repository(self, project: str) -> None:
        """Make the repository unless it is there."""
        if self._repository is None:
            self._repository = Repository(address=self._address, project=project, tool_version=self._tool_version)

    def set_setting(self, name: str, value: str) -> None:
        """Take the value of a setting."""
        found = self._required()
        self._repository = replace(found, settings={**found.settings, name: value}, tool_version=self._tool_version)

    def create_environment(self, name: str) -> None:
        """Make an environment unless it is there."""
        self._required()
        self._environments.setdefault(name, Environment(name=name))

    def set_variable(self, environment: str, name: str, value: str) -> None:
        """Take a variable."""
        found = self._environment(environment)
        self._environments[environment] = replace(found, variables={**found.variables, name: value})

    def set_secret(self, environment: str, name: str, value: SecretValue) -> None:
        """Take a secret; only its name can be read back."""
        found = self._environment(environment)
        self._secrets[environment, name] = value
        self._environments[environment] = replace(found, secrets=found.secrets | {name})

    def push(self, source: GitRepository, remote: str, branch: str) -> None:  # noqa: ARG002 - there is no way to go
        """Take the branch's commit.

        Raises:
            MlopsgenError: The branch is not there, or history would be lost.
        """
        found = self._required()
        commit = source.commit_of(f"refs/heads/{branch}")
        if commit is None:
            raise MlopsgenError(f"There is no branch '{branch}'.", where=branch)
        present = found.branches.get(branch)
        if present is not None and not source.succeeds("merge-base", "--is-ancestor", present, commit):
            raise MlopsgenError(f"'{branch}' would lose commits.", where=branch, hint="git pull --rebase")
        self._repository = replace(found, branches={**found.branches, branch: commit})

    def _required(self) -> Repository:
        if self._repository is None:
            raise MlopsgenError("There is no repository.", where=self._address)
        return self._repository

    def _environment(self, name: str) -> Environment:
        if name not in self._environments:
            raise MlopsgenError(f"There is no environment '{name}'.", where=name)
        return self._environments[name]
