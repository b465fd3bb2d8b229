"""Applying a plan: it reaches what is wanted, alone or at once, and wherever it is interrupted."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.adapters.git import GitRepository
from mlopsgen.events import Event, StepDone
from mlopsgen.forge.memory import MemoryForge
from mlopsgen.forge.protocol import PlanRefused
from mlopsgen.forge.values import Key, Kind, Limit, Resource
from mlopsgen.remote.apply import Unfinished
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.planning import plan_remote
from mlopsgen.secret_value import SecretValue
from tests.apply_toys import (
    EVERYTHING,
    PRODUCTION,
    RULE,
    STAGING,
    FaultyForge,
    desired_of,
    do,
    failing,
    filled,
    fresh,
    plan,
    quiet,
    state,
    toy_to_push,
)
from tests.canaries import canary
from tests.forge_toys import Toy
from tests.remote_states import field_values, resources


class Stopped(Exception):
    """The stand-in for a kill between two steps."""


@pytest.fixture(scope="module")
def toy() -> Iterator[Toy]:
    with toy_to_push() as toy:
        yield toy


@pytest.fixture
def source(toy: Toy) -> GitRepository:
    return fresh(toy)


@settings(max_examples=25)
@given(
    of=resources(),
    there=st.none() | resources(),
    base=st.none() | resources(),
    pushed=st.booleans(),
    stop=st.integers(0, 25),
    workers=st.sampled_from([1, 4]),
    take_over=st.booleans(),
)
def test_it_reaches_what_is_wanted_wherever_it_is_interrupted(
    toy: Toy,
    of: Sequence[Resource],
    there: Sequence[Resource] | None,
    base: Sequence[Resource] | None,
    pushed: bool,
    stop: int,
    workers: int,
    take_over: bool,
) -> None:
    ends = []
    for limit in (1000, stop):
        source, forge = fresh(toy), MemoryForge(tool_version="0.2.0", workers=workers)
        if there is not None:
            filled(forge, there, source, pushed=pushed)
        desired, before, seen = desired_of(source, of), forge.resources, 0

        def stop_after_some(event: Event, limit: int = limit) -> None:
            nonlocal seen
            seen += 1
            if seen > limit:
                raise Stopped

        # Once something new was pushed, the remote asks for what we want now.
        known = base if there is not None and pushed else of
        first = plan(desired, forge, source, known, take_over=take_over)
        if first.plan.refused is not None:
            return
        try:
            do(first, forge, source, stop_after_some)
        except Stopped:
            do(plan(desired, forge, source, known, take_over=take_over), forge, source, quiet)
        last = plan(desired, forge, source, known, take_over=take_over)
        assert last.plan.changes == ()
        ends.append(state(forge))
        # Nothing that was there is gone, and no secret was written again.
        assert before.keys() <= forge.resources.keys()
        assert all(before[key] == forge.resources[key] for key in before if key.kind is Kind.SECRET)
        # Everything wanted is there, but what the plan says cannot be had or belongs to somebody else.
        told = {item.key for item in last.plan.items if item.reason}
        for one in of:
            if one.key not in told:
                now = field_values(forge.resources[one.key])
                if one.key.kind is not Kind.SECRET and one.key.name != "topics":
                    assert {name: now[name] for name in field_values(one.value)} == field_values(one.value)
    assert ends[0] == ends[1]


def test_what_a_forge_turns_out_not_to_hold_is_learnt(source: GitRepository) -> None:
    limit = Limit(reason="the plan has no reviewers", instead="without them", fields=("wait_minutes",))
    refused = PlanRefused("422", key=PRODUCTION.key, limit=limit)
    forge = FaultyForge(tool_version="0.2.0")
    forge.fault = failing(PRODUCTION.key, error=refused)
    desired = desired_of(source, EVERYTHING)
    with pytest.raises(Unfinished) as caught:
        do(plan(desired, forge, source, None, take_over=False), forge, source, quiet)
    assert caught.value.learnt == {PRODUCTION.key: limit}
    forge.fault = failing()
    again = plan_remote(desired, forge, source, learnt=caught.value.learnt)
    do(again, forge, source, quiet)
    assert forge.resources[PRODUCTION.key] == {"branches": "custom"}


def test_earlier_versions_are_asked_for_only_where_something_seems_to_be_a_persons(source: GitRepository) -> None:
    forge, seen = MemoryForge(tool_version="0.2.0"), list[str]()
    do(plan(desired_of(source, (STAGING,)), forge, source, None, take_over=False), forge, source, quiet)

    def asked(_: Observed) -> Iterator[Sequence[Resource]]:
        for name, version in (("newest", wish), ("older", (STAGING,))):
            seen.append(name)
            yield version

    wish = (STAGING,)
    assert plan_remote(desired_of(source, wish), forge, source, asked=asked).plan.changes == ()
    assert seen == ["newest"]
    wish = (Resource(key=STAGING.key, value={"branches": "custom", "wait_minutes": 30}),)
    [change] = plan_remote(desired_of(source, wish), forge, source, asked=asked).plan.changes
    assert (change.key, seen) == (STAGING.key, ["newest", "newest", "older"])


def test_progress_tells_how_much_is_done(source: GitRepository) -> None:
    forge, events = MemoryForge(workers=3), list[Event]()
    planned = plan(desired_of(source, EVERYTHING), forge, source, None, take_over=False)
    do(planned, forge, source, events.append)
    steps = [(event.done, event.total) for event in events if isinstance(event, StepDone)]
    total = len(planned.plan.changes)
    assert steps == [(number, total) for number in range(1, total + 1)]


def test_independent_calls_are_under_way_at_once_and_stages_wait(source: GitRepository) -> None:
    forge, order = FaultyForge(workers=3), list[Key]()
    at_once = threading.Barrier(3)

    def fault(resource: Resource) -> None:
        if resource.key.kind in (Kind.ENVIRONMENT, Kind.SETTING):
            at_once.wait(timeout=60)
        order.append(resource.key)

    forge.fault = fault
    do(plan(desired_of(source, EVERYTHING), forge, source, None, take_over=False), forge, source, quiet)
    assert {key.kind for key in order[1:4]} == {Kind.ENVIRONMENT, Kind.SETTING}
    assert {key.kind for key in order[4:7]} == {Kind.VARIABLE, Kind.SECRET}
    assert [key.name for key in (order[7], order[-1])] == ["development", "production"]
    assert {key.name for key in order[8:-1]} == {"staging", "production"}


def test_where_environments_cannot_be_had_it_ends_with_nothing_left_to_do(source: GitRepository) -> None:
    limit = Limit(reason="there are none", instead="its variables and secrets become the repository's")
    forge = MemoryForge(limits={Key(Kind.ENVIRONMENT, ""): limit}, tool_version="0.2.0")
    desired = desired_of(source, EVERYTHING)
    do(plan(desired, forge, source, None, take_over=False), forge, source, quiet)
    assert forge.secrets[Key(Kind.SECRET, "PRODUCTION_TOKEN")] == SecretValue(canary("ours"))
    assert forge.resources[Key(Kind.VARIABLE, "STAGING_REGION")] == "south"
    last = plan(desired, forge, source, EVERYTHING, take_over=False).plan
    assert (last.changes, last.unsolved) == ((), ())
    assert [item.name for item in last.blocked] == ["production", "staging"]


def test_what_a_forge_refuses_is_never_tried(source: GitRepository) -> None:
    reviewed = Resource(key=PRODUCTION.key, value={"branches": "custom", "wait_minutes": 30})
    limits = {
        PRODUCTION.key: Limit(reason="no wait timers", instead="without", fields=("wait_minutes",)),
        Key(Kind.RULESET, ""): Limit(reason="no rulesets", instead="nothing"),
    }
    forge = MemoryForge(limits=limits, workers=2, tool_version="0.2.0")
    desired = desired_of(source, (reviewed, RULE))
    planned = plan(desired, forge, source, None, take_over=False)
    do(planned, forge, source, quiet)
    assert forge.resources[PRODUCTION.key] == {"branches": "custom"}
    assert plan(desired, forge, source, (reviewed, RULE), take_over=False).plan.changes == ()
