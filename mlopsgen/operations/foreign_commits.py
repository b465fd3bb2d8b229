"""Which commits of a repository on a forge are nowhere else: what would be lost with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlopsgen.adapters.git import GitRepository
from mlopsgen.forge.protocol import Forge
from mlopsgen.operations.init import NEUTRAL_IDENTITY

_REFERENCES = "refs/mlopsgen/taking-back"


@dataclass(frozen=True, kw_only=True)
class Lacking:
    """How the commits of a forge stand to those of the repository on this machine.

    Attributes:
        commits: How many the branches and tags of this machine do not hold.
        names: The branches and tags of the forge that hold them.
        related: Whether the two have any history in common.
        others: How many of all commits of the forge who else made; whoever commits here is left out.
    """

    commits: int
    names: tuple[str, ...]
    related: bool
    others: Mapping[str, int] = field(default_factory=dict)


def lacking_commits(forge: Forge, source: GitRepository) -> Lacking:
    """Compare all branches and tags of the forge with those of ``source``.

    Remote-tracking branches do not count: they go together with the remote. Nothing that a person sees is changed.

    Raises:
        MlopsgenError: The forge's commits cannot be fetched.
    """
    try:
        forge.fetch(source, [f"+refs/{kind}/*:{_REFERENCES}/{kind}/*" for kind in ("heads", "tags")])
        found = source.read("for-each-ref", "--format=%(refname)", _REFERENCES).splitlines()
        if not found:
            return Lacking(commits=0, names=(), related=True)
        ours = ("--not", "--branches", "--tags")
        holding = [name for name in found if source.read("rev-list", "--max-count=1", name, *ours)]
        commits = int(source.read("rev-list", "--count", *found, *ours))
        every = int(source.read("rev-list", "--count", *found))
        names = tuple(name.removeprefix(f"{_REFERENCES}/").removeprefix("heads/") for name in holding)
        return Lacking(commits=commits, names=names, related=commits < every, others=_others(source, found))
    finally:
        _forget(source)


def _others(source: GitRepository, references: list[str]) -> dict[str, int]:
    nobody = {identity[1] for identity in (source.identity(), NEUTRAL_IDENTITY) if identity is not None}
    authors = source.read("log", "--format=%ae%x09%an", *references).splitlines()
    pairs = (author.partition("\t") for author in authors)
    return dict(Counter(name for email, _, name in pairs if email not in nobody))


def _forget(source: GitRepository) -> None:
    for name in source.run("for-each-ref", "--format=%(refname)", _REFERENCES, check=False).stdout.splitlines():
        source.run("update-ref", "-d", name, check=False)
