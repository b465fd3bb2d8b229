"""What applying a plan is tested with: a repository, a forge whose line may break, and things that are wanted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import Event
from mlopsgen.forge.memory import MemoryForge
from mlopsgen.forge.values import Key, Kind, Resource, Value
from mlopsgen.remote.apply import apply
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observe import local_branches
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.planning import Planned, plan_remote
from mlopsgen.secret_value import SecretValue
from tests.canaries import canary
from tests.forge_toys import Toy, make_toy
from tests.remote_states import field_values, wanted

Fault = Callable[[Resource], None]
REPOSITORY = Resource(key=Key(Kind.REPOSITORY, "toy"), value={"project": "toy"})
PRODUCTION = Resource(key=Key(Kind.ENVIRONMENT, "production"), value={"branches": "custom", "wait_minutes": 0})
STAGING = Resource(key=Key(Kind.ENVIRONMENT, "staging"), value={"branches": "custom", "wait_minutes": 0})
RULE = Resource(key=Key(Kind.RULESET, "production"), value={"branches": ("production",), "pull_request": True})
EVERYTHING = (
    Resource(key=Key(Kind.SETTING, "about"), value={"description": "Rents"}),
    PRODUCTION,
    STAGING,
    Resource(key=Key(Kind.VARIABLE, "REGION", "production"), value="north"),
    Resource(key=Key(Kind.SECRET, "TOKEN", "production")),
    Resource(key=Key(Kind.VARIABLE, "REGION", "staging"), value="south"),
    RULE,
)


class FaultyForge(MemoryForge):
    """The twin behind a line that may break: ``fault`` sees every call before it gets through."""

    fault: Fault = staticmethod(lambda resource: None)

    def put(self, resource: Resource, secret: SecretValue | None = None) -> None:
        self.fault(resource)
        super().put(resource, secret)

    def push(self, source: GitRepository, remote: str, branch: str) -> None:
        self.fault(Resource(key=Key(Kind.BRANCH, branch)))
        super().push(source, remote, branch)


@contextmanager
def toy_to_push() -> Iterator[Toy]:
    """A repository with the three branches at one commit."""
    with tempfile.TemporaryDirectory() as folder:
        toy = make_toy(Path(folder))
        for branch in BRANCHES:
            toy.git("checkout", "--quiet", branch)
            toy.git("merge", "--quiet", "--ff-only", "development")
        toy.git("checkout", "--quiet", "development")
        yield toy


def fresh(toy: Toy) -> GitRepository:
    """The toy's repository as it was before any push."""
    for section in ("remote.local", *(f"branch.{branch}" for branch in BRANCHES)):
        toy.git("config", "--remove-section", section, check=False)
    for name in toy.git("for-each-ref", "--format=%(refname)", "refs/remotes").stdout.split():
        toy.git("update-ref", "-d", name)
    return GitRepository(toy.folder, toy.environ)


def desired_of(source: GitRepository, of: Sequence[Resource]) -> Desired:
    """These resources, and the branches of a clone."""
    return wanted(of, local_branches(source))


def filled(forge: MemoryForge, there: Sequence[Resource], source: GitRepository, *, pushed: bool) -> None:
    """Make the forge hold what somebody made there before."""
    forge.put(REPOSITORY)
    for one in there:
        forge.put(one, SecretValue(canary("theirs")) if one.key.kind is Kind.SECRET else None)
    if pushed:
        free = {branch for one in there if one.key.kind is Kind.RULESET for branch in _guarded(one.value)}
        for branch in (branch for branch in BRANCHES if branch not in free):
            forge.push(source, "theirs", branch)


def _guarded(rule: Value) -> Sequence[str]:
    branches = field_values(rule).get("branches")
    return branches if isinstance(branches, tuple) else ()


def plan(
    desired: Desired, forge: MemoryForge, source: GitRepository, base: Sequence[Resource] | None, *, take_over: bool
) -> Planned:
    """The plan, where what was asked for before is known once the remote has a branch."""

    def asked(observed: Observed) -> list[Sequence[Resource]]:
        found = observed.repository
        return [base] if base is not None and found is not None and "development" in found.branches else []

    return plan_remote(desired, forge, source, asked=asked, take_over=take_over)


def do(planned: Planned, forge: MemoryForge, source: GitRepository, events: Callable[[Event], None]) -> None:
    """Apply a plan, with a value for each secret."""
    secrets = {one.key: SecretValue(canary("ours")) for one in planned.desired.resources if one.key.kind is Kind.SECRET}
    apply(planned.plan, planned.desired, forge=forge, source=source, events=events, secrets=secrets)


def state(forge: MemoryForge) -> dict[Key, object]:
    """What a forge holds, without the moments at which secrets were written."""
    found = {key: "" if key.kind is Kind.SECRET else field_values(value) for key, value in forge.resources.items()}
    repository = forge.observe([]).repository
    return found | {Key(Kind.BRANCH, ""): repository and dict(repository.branches)}


def quiet(event: Event) -> None:
    """Nobody watches."""


def failing(*keys: Key, error: MlopsgenError | None = None) -> Fault:
    """What breaks the line at these keys."""

    def fault(resource: Resource) -> None:
        if resource.key in keys:
            raise error or MlopsgenError("The line broke.", hint="Mend it.")

    return fault
