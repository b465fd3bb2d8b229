"""What a push does with each branch: history is only ever added to, and rules on a branch are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.forge.values import Key, Kind, Limit
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.fallback import limit_of
from mlopsgen.remote.observed import Distance, Observed
from mlopsgen.remote.plan import Act, Item
from mlopsgen.remote.words import Field, fields_of


def compare(desired: Desired, observed: Observed, items: Sequence[Item], limits: Mapping[Key, Limit]) -> Iterator[Item]:
    """An item for each branch.

    Args:
        desired: The branches as they shall be.
        observed: The branches as they are.
        items: What is planned for everything else; rules that hold when the branch is pushed are among it.
        limits: What the forge will refuse.
    """
    for item in _compare(desired, observed, items):
        limit = limit_of(limits, item.key)
        if limit is None or item.act not in (Act.CREATE, Act.CHANGE):
            yield item
        else:
            yield replace(item, act=Act.CANNOT, reason=limit.reason, instead=limit.instead, hint=limit.hint)


def _compare(desired: Desired, observed: Observed, items: Sequence[Item]) -> Iterator[Item]:
    found = {} if observed.repository is None else observed.repository.branches
    rules = _rules(observed, items)
    default = "" if observed.repository is None else observed.repository.default_branch
    for branch in desired.expected:
        if branch not in desired.branches and branch not in found:
            yield _missing_branch(branch, desired)
    for branch, commit in desired.branches.items():
        theirs = found.get(branch)
        if theirs is None:
            trains = desired.trains and branch == MAIN_BRANCH
            yield _new_branch(branch, commit, guarded=_is_guarded(branch, rules, default), trains=trains)
        elif theirs == commit:
            yield Item(act=Act.KEEP, kind=Kind.BRANCH, name=branch, detail=commit[:7])
        else:
            distance = observed.clone.distances.get(branch)
            source = MAIN_BRANCH if branch != MAIN_BRANCH and MAIN_BRANCH in desired.branches else "another branch"
            by_way_of = source if _is_guarded(branch, rules, default) else ""
            item = _moved_branch(branch, commit, theirs, distance, source=by_way_of)
            trains = desired.trains and item.act is Act.CHANGE
            yield replace(item, detail=f"{item.detail} (trains)") if trains else item


def _rules(observed: Observed, items: Sequence[Item]) -> list[Mapping[str, Field]]:
    """The rulesets that ask for pull requests, as they are when what comes before the push is done."""
    rules = {key: value for key, value in observed.snapshot.resources.items() if key.kind is Kind.RULESET}
    rules |= {
        item.key: item.resource.value
        for item in items
        if item.kind is Kind.RULESET and item.act is Act.CHANGE and item.resource is not None
    }
    active = [rule for rule in map(fields_of, rules.values()) if rule.get("enforcement", "active") == "active"]
    return [rule for rule in active if rule.get("pull_request")]


def _is_guarded(branch: str, rules: Sequence[Mapping[str, Field]], default: str) -> bool:
    def matches(pattern: str) -> bool:
        if pattern == "~DEFAULT_BRANCH":
            return branch == default
        return pattern == "~ALL" or fnmatchcase(branch, pattern)

    return any(
        any(map(matches, _texts(rule.get("branches")))) and not any(map(matches, _texts(rule.get("except"))))
        for rule in rules
    )


def _texts(value: Field) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _missing_branch(branch: str, desired: Desired) -> Item:
    source = MAIN_BRANCH if MAIN_BRANCH in desired.branches else next(iter(desired.branches), MAIN_BRANCH)
    reason = "there is no such branch, neither here nor on the remote"
    return Item(act=Act.CANNOT, kind=Kind.BRANCH, name=branch, reason=reason, hint=f"git branch {branch} {source}")


def _new_branch(branch: str, commit: str, *, guarded: bool, trains: bool) -> Item:
    detail = f"{commit[:7]}{' (trains)' if trains else ''}"
    if guarded:
        return Item(
            act=Act.CANNOT,
            kind=Kind.BRANCH,
            name=branch,
            detail=detail,
            reason="a ruleset on the remote takes changes to it by pull request only, and it is not there yet",
            hint="Disable that ruleset for a moment (Settings, Rules), then run this again.",
        )
    return Item(act=Act.CREATE, kind=Kind.BRANCH, name=branch, detail=detail)


def _moved_branch(branch: str, commit: str, theirs: str, distance: Distance | None, *, source: str) -> Item:
    """``source`` is what a pull request can come from, where the branch takes nothing else."""
    if distance is not None and distance.ahead == 0:
        reason = f"it is {distance.behind} ahead there; 'git pull' brings that here"
        return Item(act=Act.KEEP, kind=Kind.BRANCH, name=branch, detail=theirs[:7], reason=reason)
    if distance is not None and distance.behind == 0:
        detail = f"{theirs[:7]} -> {commit[:7]}, {distance.ahead} ahead"
        if not source:
            return Item(act=Act.CHANGE, kind=Kind.BRANCH, name=branch, detail=detail)
        return Item(
            act=Act.CANNOT,
            kind=Kind.BRANCH,
            name=branch,
            detail=detail,
            reason="it takes changes by pull request only",
            instead=f"open a pull request from {source}",
        )
    return Item(
        act=Act.CANNOT,
        kind=Kind.BRANCH,
        name=branch,
        detail=f"{theirs[:7]} -> {commit[:7]}",
        reason="this repository and the remote each have commits that the other lacks",
        hint=f"Bring them together with 'git pull --rebase' on {branch}, then push again.",
    )
