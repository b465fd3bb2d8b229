"""What a forge is: a place that holds the repository, its environments and their settings, and that can be pushed to.

The values are small and the operations few, so that a folder on this machine, an in-memory twin and a hosting service
can all be one. Whatever ``put`` sets is read back by ``observe``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.values import Key, Limit, Resource, Snapshot
from mlopsgen.secret_value import SecretValue


class OccupiedError(MlopsgenError):
    """The address holds something that is not this project's forge; nothing in it is touched."""

    code = "occupied"


class PlanRefused(MlopsgenError):
    """The owner's plan does not hold something, or the organisation settles it, which showed only when it was made.

    Attributes:
        key: What it is.
        limit: The limit as it would have been known before.
    """

    code = "plan-refused"

    def __init__(self, message: str, *, key: Key, limit: Limit, where: str = "") -> None:
        super().__init__(message, hint=limit.hint, where=where)
        self.key = key
        self.limit = limit


class Forge(Protocol):
    """A place that a project can be pushed to.

    Every method may be called from several threads at once.
    """

    @property
    def address(self) -> str:
        """What git pushes to, whether it exists yet or not; never with credentials."""

    @property
    def tracking_uri(self) -> str:
        """The MLflow store that the forge brings along; empty if it brings none."""

    @property
    def workers(self) -> int:
        """How many calls may be under way at once."""

    def settings(self) -> tuple[Resource, ...]:
        """Settings that the forge itself wants, whatever the project is (its hook, its program); in order."""

    def observe(self, wanted: Sequence[Resource]) -> Snapshot:
        """Read the repository and whatever has to be compared with ``wanted``; no more calls than that needs.

        Raises:
            OccupiedError: There is something else at the address.
            PermissionDenied: The forge does not let this person in.
        """

    def limits(self, changes: Sequence[Resource], found: Snapshot) -> Mapping[Key, Limit]:
        """What of ``changes`` the forge will refuse, before anything is done (plan, scopes, unknown reviewers)."""

    def put(self, resource: Resource, secret: SecretValue | None = None) -> None:
        """Make a thing, or give it another value. Doing it again changes nothing.

        A repository's value has the fields ``project`` and whatever else the forge needs to make it.

        Args:
            resource: What it shall be.
            secret: The value, if it is a secret.
        """

    def leads_here(self, address: str) -> bool:
        """Whether the address of a git remote leads to this forge's repository, whatever it is called there."""

    def fetch(self, source: GitRepository, refspecs: Sequence[str]) -> None:
        """Bring branches of the forge into ``source``, as ``git fetch`` with these refspecs does; no tags."""

    def push(self, source: GitRepository, remote: str, branch: str) -> None:
        """Bring a branch of ``source`` into the forge, as its remote ``remote``; history there is never rewritten."""
