"""The difference between what shall be and what is, as data: shown, agreed to, then applied. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observed import Clone, Distance, Observed

PLAN_VERSION = 1


class Act(StrEnum):
    """What is done with one thing."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    CANNOT = "cannot"


class Kind(StrEnum):
    """What the thing is."""

    REPOSITORY = "repository"
    SETTING = "setting"
    ENVIRONMENT = "environment"
    VARIABLE = "variable"
    REMOTE = "remote"
    BRANCH = "branch"
    UPSTREAM = "upstream"
    TRACKING = "tracking"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of a plan.

    Attributes:
        act: What is done.
        kind: What it is done with.
        name: Which one.
        detail: The value, or the change from what to what, for people.
        reason: Why it is kept or cannot be done.
        hint: The next step where it cannot be done.
        scope: The environment of a variable.
    """

    act: Act
    kind: Kind
    name: str
    detail: str = ""
    reason: str = ""
    hint: str = ""
    scope: str = ""

    def as_dict(self) -> dict[str, str]:
        """The item as a JSON object."""
        return {
            "kind": self.act.value,
            "resource": self.kind.value,
            "name": self.name,
            "detail": self.detail,
            "reason": self.reason,
            "hint": self.hint,
            "scope": self.scope,
        }


@dataclass(frozen=True)
class Plan:
    """What has to be done, in the order in which it is done."""

    items: tuple[Item, ...]

    @property
    def changes(self) -> tuple[Item, ...]:
        """What is done when the plan is applied."""
        return tuple(item for item in self.items if item.act in (Act.CREATE, Act.CHANGE))

    @property
    def blocked(self) -> tuple[Item, ...]:
        """What cannot be done."""
        return tuple(item for item in self.items if item.act is Act.CANNOT)

    def as_dict(self) -> dict[str, object]:
        """The plan as a JSON object."""
        return {"version": PLAN_VERSION, "actions": [item.as_dict() for item in self.items]}


def make_plan(desired: Desired, observed: Observed) -> Plan:
    """Compare; nothing is read or written, and nothing is ever deleted.

    The order is the order of application: code comes after the settings and environments that receive it.
    """
    return Plan(
        (
            _repository(desired, observed),
            *_settings(desired, observed),
            *_environments(desired, observed),
            _remote(desired, observed.clone),
            *_branches(desired, observed),
            *_upstreams(desired, observed.clone),
            *_tracking(desired, observed.clone),
        )
    )


def _repository(desired: Desired, observed: Observed) -> Item:
    found = observed.repository
    if found is None:
        return Item(act=Act.CREATE, kind=Kind.REPOSITORY, name=desired.project, detail=desired.address)
    if found.project and found.project != desired.project:
        return Item(
            act=Act.CANNOT,
            kind=Kind.REPOSITORY,
            name=desired.project,
            detail=desired.address,
            reason=f"it belongs to the project '{found.project}'",
            hint="Name another folder: 'mlopsgen push --local DIR'.",
        )
    return Item(act=Act.KEEP, kind=Kind.REPOSITORY, name=desired.project, detail=desired.address)


def _settings(desired: Desired, observed: Observed) -> Iterator[Item]:
    found = observed.repository
    newer = found is not None and _version(found.tool_version) > _version(desired.tool_version)
    for name, value in desired.settings.items():
        present = "" if found is None else found.settings.get(name, "")
        if present == value:
            yield Item(act=Act.KEEP, kind=Kind.SETTING, name=name, detail=value)
        elif not present:
            yield Item(act=Act.CREATE, kind=Kind.SETTING, name=name, detail=value)
        elif newer and found is not None:
            reason = f"mlopsgen {found.tool_version}, which is newer than this one, made it"
            yield Item(act=Act.KEEP, kind=Kind.SETTING, name=name, detail=present, reason=reason)
        else:
            yield Item(act=Act.CHANGE, kind=Kind.SETTING, name=name, detail=f"{present} -> {value}")


def _environments(desired: Desired, observed: Observed) -> Iterator[Item]:
    found = {environment.name: environment for environment in observed.environments}
    for name, variables in desired.environments.items():
        exists = name in found
        yield Item(act=Act.KEEP if exists else Act.CREATE, kind=Kind.ENVIRONMENT, name=name)
        present: Mapping[str, str] = found[name].variables if exists else {}
        for variable, value in variables.items():
            act, detail = Act.CREATE, value
            if variable in present:
                act = Act.KEEP if present[variable] == value else Act.CHANGE
                detail = value if act is Act.KEEP else f"{present[variable]} -> {value}"
            yield Item(act=act, kind=Kind.VARIABLE, name=variable, detail=detail, scope=name)


def _remote(desired: Desired, clone: Clone) -> Item:
    name, wanted = desired.remote, desired.address
    if clone.address is None:
        return Item(act=Act.CREATE, kind=Kind.REMOTE, name=name, detail=wanted)
    if clone.address == wanted:
        return Item(act=Act.KEEP, kind=Kind.REMOTE, name=name, detail=wanted)
    if not clone.address_exists:
        reason = "nothing is there any more"
        return Item(act=Act.CHANGE, kind=Kind.REMOTE, name=name, detail=f"{clone.address} -> {wanted}", reason=reason)
    return Item(
        act=Act.CANNOT,
        kind=Kind.REMOTE,
        name=name,
        detail=wanted,
        reason=f"a remote of that name points to {clone.address}",
        hint=f"Keep that one under another name with 'git remote rename {name} NAME', or push to its folder.",
    )


def _branches(desired: Desired, observed: Observed) -> Iterator[Item]:
    found = {} if observed.repository is None else observed.repository.branches
    for branch, commit in desired.branches.items():
        trains = " (trains)"
        if branch not in found:
            detail = f"{commit[:7]}{trains if branch == MAIN_BRANCH else ''}"
            yield Item(act=Act.CREATE, kind=Kind.BRANCH, name=branch, detail=detail)
        elif found[branch] == commit:
            yield Item(act=Act.KEEP, kind=Kind.BRANCH, name=branch, detail=commit[:7])
        else:
            yield _moved_branch(branch, commit, found[branch], observed.clone.distances.get(branch))


def _moved_branch(branch: str, commit: str, theirs: str, distance: Distance | None) -> Item:
    if distance is not None and distance.behind == 0:
        detail = f"{theirs[:7]} -> {commit[:7]} ({distance.ahead} ahead; trains)"
        return Item(act=Act.CHANGE, kind=Kind.BRANCH, name=branch, detail=detail)
    if distance is not None and distance.ahead == 0:
        reason = f"the forge is {distance.behind} ahead; 'git pull' brings it here"
        return Item(act=Act.KEEP, kind=Kind.BRANCH, name=branch, detail=theirs[:7], reason=reason)
    return Item(
        act=Act.CANNOT,
        kind=Kind.BRANCH,
        name=branch,
        detail=f"{theirs[:7]} -> {commit[:7]}",
        reason="this repository and the forge each have commits that the other lacks",
        hint=f"Bring them together with 'git pull --rebase' on {branch}, then push again.",
    )


def _upstreams(desired: Desired, clone: Clone) -> Iterator[Item]:
    for branch in desired.branches:
        wanted, present = f"{desired.remote}/{branch}", clone.upstreams.get(branch)
        if present is None:
            yield Item(act=Act.CREATE, kind=Kind.UPSTREAM, name=branch, detail=wanted)
        elif present == wanted:
            yield Item(act=Act.KEEP, kind=Kind.UPSTREAM, name=branch, detail=wanted)
        else:
            reason = f"it is set already; 'git push {desired.remote}' pushes here"
            yield Item(act=Act.KEEP, kind=Kind.UPSTREAM, name=branch, detail=present, reason=reason)


def _tracking(desired: Desired, clone: Clone) -> Iterator[Item]:
    if not desired.tracking_uri:
        return
    present, wanted = clone.tracking_uri, desired.tracking_uri
    if present == wanted:
        yield Item(act=Act.KEEP, kind=Kind.TRACKING, name=".env", detail=wanted)
    elif present is not None and clone.tracking_exists:
        reason = "it is set already; runs by hand are kept there and not beside the forge's"
        yield Item(act=Act.KEEP, kind=Kind.TRACKING, name=".env", detail=present, reason=reason)
    elif not clone.env_ignored:
        yield Item(
            act=Act.CANNOT,
            kind=Kind.TRACKING,
            name=".env",
            detail=wanted,
            reason="git does not ignore .env, so that it could be committed with what is private in it",
            hint="Add a line '.env' to .gitignore.",
        )
    else:
        act, detail = (Act.CREATE, wanted) if present is None else (Act.CHANGE, f"{present} -> {wanted}")
        yield Item(act=act, kind=Kind.TRACKING, name=".env", detail=detail)


def _version(text: str) -> tuple[int, ...]:
    """A version's numbers, for comparing; anything that is no number ends it."""
    numbers = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
