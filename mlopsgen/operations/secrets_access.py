"""The forge whose secrets are looked at or written, and which of them the project needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mlopsgen.adapters.credentials import Credential
from mlopsgen.constants import BRANCHES, LOCAL_REMOTE
from mlopsgen.errors import MissingAnswer, MlopsgenError, PermissionDenied, UsageError
from mlopsgen.events import Waiting
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.protocol import Forge
from mlopsgen.forge.values import Key, Kind, Limit, Resource, Snapshot
from mlopsgen.operations.hosting import Hosted, Target, Wanted, find_hosted, open_github
from mlopsgen.operations.making import read_making
from mlopsgen.operations.project import Project, Surroundings, forge_folder, open_forge, require_forge
from mlopsgen.ports import EventSink
from mlopsgen.remote.github_desired import Making, environments_of, github_resources, repository_secrets
from mlopsgen.remote.needs import REPOSITORY, Need, repository_name


class NotPushed(MissingAnswer):
    """There is no forge that could hold a secret yet."""

    code = "not-pushed"


@dataclass(frozen=True, kw_only=True)
class Access:
    """Which forge, and how to get in.

    Attributes:
        surroundings: Where the command runs.
        local: Whether the forge on this machine is meant.
        wanted: What the flags say about the repository on GitHub.
        credential: Finds the token for a repository on GitHub.
    """

    surroundings: Surroundings
    credential: Callable[[Target], Credential]
    local: bool = False
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A secret that is needed, and how it stands.

    Attributes:
        need: Which one and what for.
        key: Where the forge keeps it.
        present: Whether it is there.
        updated: When it was written last (ISO 8601); empty where the forge does not say.
        possible: Whether it can be written: its environment is there.
    """

    need: Need
    key: Key
    present: bool
    updated: str
    possible: bool


@dataclass(frozen=True, kw_only=True)
class Vault:
    """A forge with the secrets of a project as they are.

    Attributes:
        project: The project.
        forge: Keeps the secrets.
        secrets: Those that are needed.
        others: Those that are there and that nothing of ours needs, each with when it was written last.
        environments: The environments that are there.
        lost: Why there are no environments, if the repository cannot have them.
    """

    project: Project
    forge: Forge
    secrets: tuple[Stored, ...]
    others: Mapping[Key, str]
    environments: frozenset[str]
    lost: Limit | None = None

    @property
    def missing(self) -> tuple[Stored, ...]:
        """What is required and not there."""
        return tuple(stored for stored in self.secrets if stored.need.required and not stored.present)

    def place(self, environment: str, name: str) -> Key:
        """Where the forge keeps a secret of an environment."""
        return place_of(environment, name, in_repository=self.lost is not None)


def place_of(environment: str, name: str, *, in_repository: bool) -> Key:
    """Where a secret is kept: in its environment, or under a longer name in the repository."""
    if in_repository:
        return Key(Kind.SECRET, repository_name(environment, name))
    return Key(Kind.SECRET, name, environment)


def open_vault(access: Access, events: EventSink) -> Vault:
    """Find the forge and read which secrets it has.

    Raises:
        NotPushed: The project has no forge yet, or it has not been said which one is meant.
        NoCredential: There is no token.
        PermissionDenied: The forge does not show which secrets there are, or not even the repository.
    """
    events(Waiting(message="Looking at which secrets are there"))
    hosted = find_hosted(access.surroundings, access.wanted)
    making = read_making(hosted.project.root, hosted.recorded)
    forge = _open(access, hosted, making, events)
    local = isinstance(forge, LocalForge)
    needs = read_needs(making, local=local)
    environments = _environments(making, local=local)
    wanted = [_resource(place_of(need.environment, need.name, in_repository=False), need) for need in needs]
    snapshot = forge.observe([*environments, *wanted])
    if snapshot.repository is None:
        raise _nothing_there(forge, pushed=bool(hosted.target.origin) and not local, local=local)
    _refuse_unreadable(forge, snapshot, [*environments, *wanted])
    if any(environment.key in snapshot.resources for environment in environments):
        return _vault(hosted.project, forge, needs, snapshot, None)
    in_repository = [_resource(place_of(need.environment, need.name, in_repository=True), need) for need in needs]
    lost = _lost(forge, snapshot, environments)
    instead = forge.observe(in_repository) if not local else Snapshot()
    if lost is None and any(resource.key in instead.resources for resource in in_repository):
        # Nobody tells the plan, and yet an earlier set-up ended without environments.
        lost = Limit(reason="there are none, and an earlier push has put its secrets into the repository")
    if lost is None:
        return _vault(hosted.project, forge, needs, snapshot, None)
    _refuse_unreadable(forge, instead, in_repository)
    return _vault(hosted.project, forge, needs, instead, lost)


def read_needs(making: Making, *, local: bool = False) -> tuple[Need, ...]:
    """The secrets that a repository needs: what follows from its answers and data, and what its owner added.

    Args:
        making: What the repository is made from.
        local: Whether the forge on this machine is meant, which has no environments beside the branches' own.
    """
    of_environments = (
        Need(environment=environment.name, name=name, purpose=purpose or "named in remote.yaml", required=not optional)
        for environment in environments_of(making)
        if not local or environment.name in BRANCHES
        for name, (purpose, optional) in environment.secrets.items()
    )
    # A forge on this machine builds no images.
    return (*of_environments, *(() if local else repository_secrets(making)))


def _open(access: Access, hosted: Hosted, making: Making, events: EventSink) -> Forge:
    on_github = access.wanted != Wanted() or bool(hosted.target.origin)
    if access.local and access.wanted != Wanted():
        raise UsageError(
            "--local means the forge on this machine; the other flags mean one on GitHub.",
            where="--local",
            hint="Give one or the other.",
        )
    if access.local or (not on_github and _has_local_forge(hosted.project, access.surroundings)):
        return require_forge(hosted.project, access.surroundings)
    if not on_github:
        raise NotPushed(
            f"{hosted.project.slug} is neither on GitHub nor on a forge of this machine yet.",
            where="--local",
            hint="Push it first: 'mlopsgen push --org ORGANISATION' or 'mlopsgen push --local'.",
        )
    target = hosted.required()
    plan = making.document.github.plan or "auto"
    return open_github(target, access.credential(target).token, access.surroundings, events, plan=plan)


def _has_local_forge(project: Project, surroundings: Surroundings) -> bool:
    return (
        LOCAL_REMOTE in project.source.remotes()
        or open_forge(forge_folder(project), surroundings).layout.manifest.exists()
    )


def _nothing_there(forge: Forge, *, pushed: bool, local: bool) -> MlopsgenError:
    where = forge.address
    if pushed:
        # The remote 'origin' leads there: GitHub answers the same for what is gone and for what is hidden.
        hint = "'mlopsgen doctor' says what the token may do; if the repository is gone, 'mlopsgen push' makes it."
        return PermissionDenied(
            f"There is no repository at {where}, or the token may not see it.", where=where, hint=hint
        )
    hint = "mlopsgen push --local" if local else "mlopsgen push   (makes it, with its environments)"
    return NotPushed(f"There is no repository at {where} yet.", where=where, hint=hint)


def _refuse_unreadable(forge: Forge, snapshot: Snapshot, wanted: Sequence[Resource]) -> None:
    """What cannot be seen is neither missing nor there; nothing is said of it, and nothing is written."""
    for resource in wanted:
        key = resource.key
        limit = snapshot.unreadable.get(key) or snapshot.unreadable.get(Key(key.kind, ""))
        if limit is not None:
            what = f"the {key.kind}s of {key.scope}" if key.scope else f"the {key.kind} {key.name}"
            raise PermissionDenied(
                f"Nothing can be said of {what}: {limit.reason}.", where=forge.address, hint=limit.hint
            )


def _environments(making: Making, *, local: bool) -> list[Resource]:
    found = (resource for resource in github_resources(making, "") if resource.key.kind is Kind.ENVIRONMENT)
    return [resource for resource in found if not local or resource.key.name in BRANCHES]


def _resource(key: Key, need: Need) -> Resource:
    return Resource(key=key, purpose=need.purpose, optional=not need.required)


def _lost(forge: Forge, snapshot: Snapshot, environments: Sequence[Resource]) -> Limit | None:
    """Why the repository cannot have environments, if that is known."""
    limits = forge.limits(environments, snapshot)
    found = [limits.get(resource.key) or limits.get(Key(Kind.ENVIRONMENT, "")) for resource in environments]
    # One without "instead" is about this environment (an unknown reviewer), not about what the account may have.
    return next((limit for limit in found if limit is not None and not limit.fields and limit.instead), None)


def _vault(project: Project, forge: Forge, needs: Sequence[Need], snapshot: Snapshot, lost: Limit | None) -> Vault:
    environments = frozenset(key.name for key in snapshot.resources if key.kind is Kind.ENVIRONMENT)
    found = {key: str(value or "") for key, value in snapshot.resources.items() if key.kind is Kind.SECRET}
    secrets = []
    for need in needs:
        key = place_of(need.environment, need.name, in_repository=lost is not None)
        possible = lost is not None or need.environment in (REPOSITORY, *environments)
        updated = found.pop(key, None)
        secrets.append(
            Stored(need=need, key=key, present=updated is not None, updated=updated or "", possible=possible)
        )
    return Vault(
        project=project, forge=forge, secrets=tuple(secrets), others=found, environments=environments, lost=lost
    )
