"""A project's remote as it was found, as values; :mod:`mlopsgen.remote.observe` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsgen.forge.values import Repository, Snapshot


@dataclass(frozen=True, kw_only=True)
class Distance:
    """How far a branch of the repository and the forge's are apart, in commits."""

    ahead: int
    behind: int


@dataclass(frozen=True, kw_only=True)
class Clone:
    """What the repository on this machine knows of the remote.

    Attributes:
        address: Where the remote points, without credentials; ``None`` if there is no remote of that name.
        has_credentials: Whether credentials stand in that address.
        address_exists: Whether there is something at that address (known for folders only).
        leads_here: Whether that address, other than the wanted one, leads to the same repository nevertheless.
        upstreams: Each branch's upstream, ``remote/branch``; branches without one are left out.
        distances: How far each branch that both sides have is apart.
        unrelated: Branches of the forge that share no history with the repository.
        tracking_uri: What ``.env`` says; ``None`` if it says nothing.
        tracking_exists: Whether the store that ``.env`` names can be there (known for files only).
        env_ignored: Whether git ignores ``.env``.
    """

    address: str | None = None
    has_credentials: bool = False
    address_exists: bool = False
    leads_here: bool = False
    upstreams: Mapping[str, str] = field(default_factory=dict)
    distances: Mapping[str, Distance] = field(default_factory=dict)
    unrelated: tuple[str, ...] = ()
    tracking_uri: str | None = None
    tracking_exists: bool = True
    env_ignored: bool = True


@dataclass(frozen=True, kw_only=True)
class Observed:
    """The remote as it is, and the repository's knowledge of it."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    clone: Clone = field(default_factory=Clone)

    @property
    def repository(self) -> Repository | None:
        """The repository in the forge; ``None`` when there is none."""
        return self.snapshot.repository
