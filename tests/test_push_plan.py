"""The plan is pure and safe: whole, reasoned, and nothing in it deletes or lets in whoever was not asked for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from mlopsgen.constants import BRANCHES
from mlopsgen.forge.values import Key, Kind, Limit, Repository, Resource, Snapshot
from mlopsgen.operations.schema import schema
from mlopsgen.remote.compare import make_plan
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.fallback import fall_back
from mlopsgen.remote.observed import Clone, Distance, Observed
from mlopsgen.remote.plan import Act
from mlopsgen.remote.plan_text import plan_lines
from tests.remote_states import field_values, resources, wanted

A, B, C = ("a" * 40, "b" * 40, "c" * 40)
COMMITS = st.sampled_from([A, B, C])
VISIBILITIES = ["private", "internal", "public"]
NOWHERE = Limit(reason="the plan does not have it", instead="it works without")


@st.composite
def observed_remotes(draw: st.DrawFn) -> Observed:
    repository = None
    if draw(st.integers(0, 3)):
        repository = Repository(
            address="memory://forge",
            project=draw(st.sampled_from(["toy", "toy", "other", ""])),
            branches=draw(st.dictionaries(st.sampled_from(BRANCHES), COMMITS)),
            tool_version=draw(st.sampled_from(["0.1.0", "0.2.0", "0.10.0", ""])),
        )
    there = draw(resources()) if repository else ()
    distance = st.builds(Distance, ahead=st.integers(0, 2), behind=st.integers(0, 2))
    return Observed(
        snapshot=Snapshot(
            repository=repository,
            resources={one.key: "" if one.key.kind is Kind.SECRET else one.value for one in there},
            unreadable=draw(st.dictionaries(st.just(Key(Kind.RULESET, "")), st.just(NOWHERE))),
        ),
        clone=Clone(
            address=draw(st.sampled_from([None, "memory://forge", "/elsewhere"])),
            address_exists=draw(st.booleans()),
            upstreams=draw(st.dictionaries(st.sampled_from(BRANCHES), st.sampled_from(["local/x", "origin/x"]))),
            distances=draw(st.dictionaries(st.sampled_from(BRANCHES), distance)),
            unrelated=draw(st.sampled_from([(), (), ("main",)])),
            tracking_uri=draw(st.sampled_from([None, "sqlite:////forge/mlflow.db", "sqlite:////gone/mlflow.db"])),
            tracking_exists=draw(st.booleans()),
            env_ignored=draw(st.booleans()),
        ),
    )


def asked_of(base: Sequence[Resource] | None) -> list[Sequence[Resource]]:
    return [] if base is None else [base]


DESIRED = st.builds(
    wanted,
    resources(),
    st.dictionaries(st.sampled_from(BRANCHES), COMMITS),
    given=st.booleans(),
)
BASES = st.none() | resources()
LIMITS = st.dictionaries(
    st.sampled_from(
        [
            Key(Kind.ENVIRONMENT, "production"),
            Key(Kind.ENVIRONMENT, ""),
            Key(Kind.RULESET, ""),
            Key(Kind.BRANCH, "development"),
        ]
    ),
    st.sampled_from([NOWHERE, Limit(reason="only with another plan", hint="Change the plan.")]),
)


@given(DESIRED, observed_remotes(), BASES, LIMITS, st.booleans())
def test_whatever_is_there_the_plan_is_whole_and_reasoned(
    desired: Desired, observed: Observed, base: Any, limits: Any, take_over: bool
) -> None:
    plan = make_plan(desired, observed, asked=asked_of(base), limits=limits, take_over=take_over)
    again = make_plan(desired, observed, asked=asked_of(base), limits=limits, take_over=take_over)
    assert (plan, plan.digest) == (again, again.digest)
    keys = [item.key for item in plan.items]
    assert len(keys) == len(set(keys))
    for item in plan.blocked:
        assert item.reason
        assert item.hint or item.instead
    # Code comes after what receives it.
    receives = {Kind.REPOSITORY, Kind.ENVIRONMENT, Kind.POLICY, Kind.VARIABLE, Kind.SECRET, Kind.LABEL, Kind.REMOTE}
    kinds = [item.kind for item in plan.items]
    assert not receives.intersection(itertools.dropwhile(lambda kind: kind is not Kind.BRANCH, kinds))
    jsonschema.validate(plan.as_dict(), schema("plan"))
    assert all(len(line) <= 80 for line in plan_lines(plan, width=80))


@given(DESIRED, observed_remotes(), BASES)
def test_without_take_over_a_plan_changes_only_what_nobody_changed(
    desired: Desired, observed: Observed, base: tuple[Resource, ...] | None
) -> None:
    found = observed.repository
    before = {one.key: field_values(one.value) for one in base or ()}
    for item in make_plan(desired, observed, asked=asked_of(base)).changes:
        if item.act is Act.CHANGE and item.resource is not None and item.kind is not Kind.SECRET:
            now = field_values(observed.snapshot.resources[item.key])
            for name, value in field_values(item.resource.value).items():
                untouched = item.key in before and before[item.key].get(name) == now.get(name)
                assert value == now.get(name) or untouched or (found is not None and not found.branches)


@given(DESIRED, observed_remotes(), BASES, st.booleans())
def test_a_plan_never_lets_more_people_see_the_repository(
    desired: Desired, observed: Observed, base: Any, take_over: bool
) -> None:
    key = Key(Kind.SETTING, "visibility")
    now = observed.snapshot.resources.get(key)
    for item in make_plan(desired, observed, asked=asked_of(base), take_over=take_over).changes:
        if item.key == key and isinstance(now, str) and item.resource is not None:
            assert VISIBILITIES.index(str(item.resource.value)) <= VISIBILITIES.index(now)


@given(DESIRED, observed_remotes(), BASES, st.booleans())
def test_no_change_that_takes_protection_away_is_made_in_silence(
    desired: Desired, observed: Observed, base: Any, take_over: bool
) -> None:
    for item in make_plan(desired, observed, asked=asked_of(base), take_over=take_over).changes:
        if item.act is not Act.CHANGE or item.resource is None or item.kind is Kind.SECRET:
            continue
        now, then = field_values(observed.snapshot.resources[item.key]), field_values(item.resource.value)
        loose = (
            bool(now.get("reviewers")) and not then.get("reviewers"),
            now.get("wait_minutes", 0) > then.get("wait_minutes", 0),  # type: ignore[operator]
            now.get("branches") == "custom" and then.get("branches") == "all",
            now.get("pull_request") and not then.get("pull_request"),
            now.get("enforcement") == "active" and then.get("enforcement") == "disabled",
            now.get("block_force_push") and not then.get("block_force_push"),
            now.get("permissions") == "read" and then.get("permissions") == "write",
            now.get("pinned") and not then.get("pinned"),
        )
        assert item.loosens or not any(loose)
        assert item.loosens == ("(less protection)" in item.detail)


@given(DESIRED, observed_remotes())
def test_a_plan_never_takes_commits_away(desired: Desired, observed: Observed) -> None:
    for item in make_plan(desired, observed).changes:
        if item.kind is Kind.BRANCH and item.act is Act.CHANGE:
            assert observed.clone.distances[item.name].behind == 0


@given(DESIRED, observed_remotes(), BASES)
def test_an_environment_that_admits_what_it_should_not_gets_no_secret(
    desired: Desired, observed: Observed, base: Any
) -> None:
    plan = make_plan(desired, observed, asked=asked_of(base))
    wants = {one.key: field_values(one.value) for one in desired.resources}
    then = {item.key: item.resource.value for item in plan.changes if item.resource is not None}
    for item in plan.changes:
        if item.kind is Kind.SECRET and item.scope:
            environment = Key(Kind.ENVIRONMENT, item.scope)
            value = then.get(environment, observed.snapshot.resources.get(environment))
            assert field_values(value)["branches"] == wants[environment]["branches"]


@given(DESIRED, LIMITS)
def test_falling_back_twice_is_falling_back_once(desired: Desired, limits: dict[Key, Limit]) -> None:
    once = fall_back(desired, limits)
    assert fall_back(once, limits) == once
    keys = [one.key for one in once.resources]
    assert len(keys) == len(set(keys))
