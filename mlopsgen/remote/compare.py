"""The difference between what shall be and what is, as a plan. Pure: nothing is read or written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.remote import branches, clone, resources
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.fallback import fall_back, fall_back_version, limit_of
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.plan import Act, Item, Plan
from mlopsgen.remote.waiting import with_waiting
from mlopsgen.remote.words import words

_NO_LIMITS: Mapping[Key, Limit] = {}


def make_plan(
    desired: Desired,
    observed: Observed,
    *,
    asked: Sequence[Sequence[Resource]] = (),
    limits: Mapping[Key, Limit] = _NO_LIMITS,
    take_over: bool = False,
) -> Plan:
    """Compare; nothing is ever deleted, and what a person changed stays unless ``take_over`` says otherwise.

    The order is the order of application: code comes after the settings and environments that receive it.

    Args:
        desired: What shall be.
        observed: What is.
        asked: What the remote's own commits ask for, newest first; empty where that is not known. Where the remote has
            what one of them asked for, nobody changed it by hand: it is as it was asked for, or only behind.
        limits: What the forge will refuse.
        take_over: Change what people changed, too.
    """
    wanted = fall_back(desired, limits)
    versions = [fall_back_version(version, limits) for version in asked]
    items = [_repository(wanted, observed, limits, take_over=take_over)]
    if items[0].act is Act.CANNOT:
        return Plan(tuple(items))
    items += resources.compare(wanted, observed, versions, limits, take_over=take_over)
    items += [
        Item(
            act=Act.CANNOT,
            kind=lost.key.kind,
            name=lost.key.name,
            scope=lost.key.scope,
            detail=lost.detail,
            reason=lost.limit.reason,
            instead=lost.limit.instead,
            hint=lost.limit.hint,
        )
        for lost in wanted.lost
    ]
    items.append(clone.remote(wanted, observed.clone))
    items += branches.compare(wanted, observed, items, limits)
    items += clone.upstreams(wanted, observed.clone)
    items += clone.tracking(wanted, observed.clone)
    first = first_branch(wanted)
    items = with_waiting(items, observed, first)
    return Plan(tuple(sorted(items, key=lambda item: stage_of(item, first))))


def first_branch(desired: Desired) -> str:
    """The branch that is pushed before the others and so becomes the default one; empty if there is none."""
    return MAIN_BRANCH if MAIN_BRANCH in desired.branches else next(iter(desired.branches), "")


ACCESS_OF = "access of team "
"""What the names of settings begin with that let a team see the repository: a reviewer has to."""


class Stage:
    """What comes after what; everything of one stage may be done at once."""

    REPOSITORY = 0
    ACCESS = 1
    SETTINGS = 2
    CONTENTS = 3
    REMOTE = 4
    FIRST_BRANCH = 5
    BRANCHES = 6
    RULESETS = 7
    CLONE = 8


def stage_of(item: Item, first: str) -> int:
    """The stage that an item belongs to.

    Args:
        item: The item.
        first: The branch that is pushed first.
    """
    if item.kind is Kind.SETTING:
        usual = Stage.ACCESS if item.name.startswith(ACCESS_OF) else Stage.SETTINGS
        return _SETTING_STAGES.get(item.name, usual)
    if item.kind is Kind.RULESET:
        # One that is there holds for what is pushed now; a new one would refuse the first push.
        return Stage.CONTENTS if item.act is Act.CHANGE else Stage.RULESETS
    if item.kind is Kind.BRANCH:
        return Stage.FIRST_BRANCH if item.name == first else Stage.BRANCHES
    return _STAGES.get(item.kind, Stage.CONTENTS)


_STAGES = {
    Kind.REPOSITORY: Stage.REPOSITORY,
    Kind.ENVIRONMENT: Stage.SETTINGS,
    Kind.REMOTE: Stage.REMOTE,
    Kind.UPSTREAM: Stage.CLONE,
    Kind.TRACKING: Stage.CLONE,
}
_SETTING_STAGES = {
    "default-branch": Stage.BRANCHES,
    # Each of them is refused until the setting that it refines is there.
    "allowed-actions": Stage.CONTENTS,
    "security-updates": Stage.CONTENTS,
}


def has_drift(plan: Plan) -> bool:
    """Whether something stays as it is because it seems to be a person's decision."""
    return any(item.act is Act.KEEP and item.reason and item.resource is not None for item in plan.items)


def differing(plan: Plan) -> tuple[Resource, ...]:
    """What the plan is not content with: what it changes, pushes, and would change if nobody else had."""
    items = [item for item in plan.items if item.act is not Act.KEEP or item.reason]
    found = [item.resource for item in items if item.resource is not None]
    pushed = [Resource(key=item.key) for item in plan.changes if item.kind is Kind.BRANCH]
    return (*found, *pushed)


def _repository(desired: Desired, observed: Observed, limits: Mapping[Key, Limit], *, take_over: bool) -> Item:
    wanted = next((one for one in desired.resources if one.key.kind is Kind.REPOSITORY), None)
    if wanted is None:
        wanted = Resource(key=Key(Kind.REPOSITORY, desired.project), value={"project": desired.project})
    name, found = wanted.key.name, observed.repository
    visibility = wanted.value.get("visibility") if isinstance(wanted.value, Mapping) else None
    detail = f"{desired.address} ({words(visibility)})" if visibility and found is None else desired.address
    reason = _why_not_ours(desired, observed)
    if reason:
        return _unusable(desired, name, Limit(reason=reason, hint=desired.elsewhere))
    shown = None if take_over else _shown_to_more(desired, observed)
    if shown is not None:
        return _unusable(desired, name, shown)
    if found is not None:
        return Item(act=Act.KEEP, kind=Kind.REPOSITORY, name=name, detail=detail)
    limit = limit_of(limits, wanted.key)
    if limit is not None:
        return _unusable(desired, name, limit)
    return Item(act=Act.CREATE, kind=Kind.REPOSITORY, name=name, detail=detail, resource=wanted)


def _unusable(desired: Desired, name: str, limit: Limit) -> Item:
    return Item(
        act=Act.CANNOT,
        kind=Kind.REPOSITORY,
        name=name,
        detail=desired.address,
        reason=limit.reason,
        hint=limit.hint,
    )


def _why_not_ours(desired: Desired, observed: Observed) -> str:
    found = observed.repository
    if found is None:
        return ""
    if found.project and found.project != desired.project:
        return f"it belongs to the project '{found.project}'"
    if observed.clone.unrelated:
        names = " and ".join(f"'{name}'" for name in observed.clone.unrelated)
        return f"its history of {names} has nothing in common with this repository's"
    return ""


def _shown_to_more(desired: Desired, observed: Observed) -> Limit | None:
    """Why the first code may not go into an empty repository: more people would see it than wanted."""
    wanted = next((one.value for one in desired.resources if one.key == resources.VISIBILITY), None)
    present = observed.snapshot.resources.get(resources.VISIBILITY)
    if observed.repository is None or observed.repository.branches or not resources.widens(wanted, present):
        return None
    return Limit(
        reason=f"it is {words(present)} and shall be {words(wanted)}: whatever is pushed would be seen at once",
        hint=f"Let mlopsgen make it {words(wanted)} with --take-over, or agree with --visibility {words(present)}.",
    )
