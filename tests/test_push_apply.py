"""Applying a plan: it reaches what is wanted, alone or at once, whatever fails and wherever it is interrupted."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import AuthenticationFailed, Interrupted, MlopsgenError, PermissionDenied
from mlopsgen.events import Event, StepDone, Warn
from mlopsgen.forge.memory import MemoryForge
from mlopsgen.forge.protocol import PlanRefused
from mlopsgen.forge.values import Key, Kind, Limit, Resource, Value
from mlopsgen.remote import concurrently
from mlopsgen.remote.apply import Unfinished, apply
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observe import local_branches
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.planning import Planned, plan_remote
from mlopsgen.secret_value import SecretValue
from tests.canaries import canary
from tests.forge_toys import Toy, make_toy
from tests.remote_states import field_values, resources, wanted

Fault = Callable[[Resource], None]
REPOSITORY = Resource(key=Key(Kind.REPOSITORY, "toy"), value={"project": "toy"})


class FaultyForge(MemoryForge):
    """The twin behind a line that may break: ``fault`` sees every call before it gets through."""

    fault: Fault = staticmethod(lambda resource: None)

    def put(self, resource: Resource, secret: SecretValue | None = None) -> None:
        self.fault(resource)
        super().put(resource, secret)

    def push(self, source: GitRepository, remote: str, branch: str) -> None:
        self.fault(Resource(key=Key(Kind.BRANCH, branch)))
        super().push(source, remote, branch)


class Stopped(Exception):
    """The stand-in for a kill between two steps."""


@pytest.fixture(scope="module")
def toy() -> Iterator[Toy]:
    with tempfile.TemporaryDirectory() as folder:
        toy = make_toy(Path(folder))
        for branch in BRANCHES:
            toy.git("checkout", "--quiet", branch)
            toy.git("merge", "--quiet", "--ff-only", "development")
        toy.git("checkout", "--quiet", "development")
        yield toy


@pytest.fixture
def source(toy: Toy) -> GitRepository:
    return fresh(toy)


def fresh(toy: Toy) -> GitRepository:
    """The toy's repository as it was before any push."""
    for section in ("remote.local", *(f"branch.{branch}" for branch in BRANCHES)):
        toy.git("config", "--remove-section", section, check=False)
    for name in toy.git("for-each-ref", "--format=%(refname)", "refs/remotes").stdout.split():
        toy.git("update-ref", "-d", name)
    return GitRepository(toy.folder, toy.environ)


def desired_of(source: GitRepository, of: Sequence[Resource]) -> Desired:
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
    secrets = {one.key: SecretValue(canary("ours")) for one in planned.desired.resources if one.key.kind is Kind.SECRET}
    apply(planned.plan, planned.desired, forge=forge, source=source, events=events, secrets=secrets)


def state(forge: MemoryForge) -> dict[Key, object]:
    """What a forge holds, without the moments at which secrets were written."""
    found = {key: "" if key.kind is Kind.SECRET else field_values(value) for key, value in forge.resources.items()}
    repository = forge.observe([]).repository
    return found | {Key(Kind.BRANCH, ""): repository and dict(repository.branches)}


def quiet(event: Event) -> None:
    """Nobody watches."""


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


def failing(*keys: Key, error: MlopsgenError | None = None) -> Fault:
    def fault(resource: Resource) -> None:
        if resource.key in keys:
            raise error or MlopsgenError("The line broke.", hint="Mend it.")

    return fault


@pytest.mark.parametrize("workers", [1, 8])
def test_one_failure_stops_only_what_builds_on_it(source: GitRepository, workers: int) -> None:
    forge = FaultyForge(workers=workers, tool_version="0.2.0")
    forge.fault = failing(PRODUCTION.key)
    desired, events = desired_of(source, EVERYTHING), list[Event]()
    planned = plan(desired, forge, source, None, take_over=False)
    with pytest.raises(Unfinished) as caught:
        do(planned, forge, source, events.append)
    done = {item.key for item in caught.value.done}
    left = {one.item.key: one.reason for one in caught.value.left}
    assert {Key(Kind.SETTING, "about"), STAGING.key, Key(Kind.VARIABLE, "REGION", "staging")} <= done
    assert done | left.keys() == {item.key for item in planned.plan.changes}
    assert left[PRODUCTION.key] == "The line broke."
    assert left[Key(Kind.SECRET, "TOKEN", "production")] == "it comes after environment production"
    # No code without the environment that protects it.
    assert left[Key(Kind.BRANCH, "development")] == "it comes after environment production"
    assert "The line broke. Of " in caught.value.message
    assert caught.value.exit_code == 5
    assert [one["name"] for one in caught.value.data["left"] if one["reason"] == "The line broke."] == ["production"]
    # Running it again does what is left, and nothing twice.
    forge.fault = failing(*done)
    do(plan(desired, forge, source, None, take_over=False), forge, source, quiet)
    assert plan(desired, forge, source, EVERYTHING, take_over=False).plan.changes == ()


LABEL = Resource(key=Key(Kind.LABEL, "data"), value={"color": "ffffff"})
TEAM = Resource(key=Key(Kind.SETTING, "access of team acme/leads"), value="read")


class Passing(MlopsgenError):
    is_passing = True


@pytest.mark.parametrize(
    ("key", "error", "pushed"),
    [
        (LABEL.key, MlopsgenError("refused"), True),
        (LABEL.key, Passing("no answer"), True),
        (Key(Kind.SETTING, "about"), PermissionDenied("not allowed"), True),
        (Key(Kind.SETTING, "about"), Passing("no answer"), False),
        (Key(Kind.SETTING, "workflow-token"), PermissionDenied("not allowed"), False),
        (TEAM.key, MlopsgenError("refused"), False),
    ],
)
def test_code_waits_for_what_protects_it(source: GitRepository, key: Key, error: MlopsgenError, pushed: bool) -> None:
    forge = FaultyForge(workers=2)
    forge.fault = failing(key, error=error)
    token = Resource(key=Key(Kind.SETTING, "workflow-token"), value={"permissions": "read"})
    desired = desired_of(source, (*EVERYTHING, LABEL, TEAM, token))
    with pytest.raises(Unfinished) as caught:
        do(plan(desired, forge, source, None, take_over=False), forge, source, quiet)
    repository = forge.observe([]).repository
    assert repository is not None
    assert bool(repository.branches) is pushed
    if pushed:
        assert [one.item.key for one in caught.value.left] == [key]
    assert (PRODUCTION.key in forge.resources) is (key != TEAM.key)


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


def test_the_only_thing_that_was_tried_fails_as_what_it_is(source: GitRepository) -> None:
    forge = FaultyForge()
    forge.fault = failing(REPOSITORY.key, error=PermissionDenied("You may not make repositories here."))
    with pytest.raises(PermissionDenied, match="may not make") as caught:
        do(plan(desired_of(source, EVERYTHING), forge, source, None, take_over=False), forge, source, quiet)
    assert caught.value.data["done"] == []
    assert len(caught.value.data["left"]) > 10


@pytest.mark.parametrize("workers", [1, 3])
def test_a_token_that_is_taken_back_in_the_middle_ends_it_at_once(source: GitRepository, workers: int) -> None:
    forge, calls, events = FaultyForge(workers=workers), list[Key](), list[Event]()
    lock = threading.Lock()

    def fault(resource: Resource) -> None:
        with lock:
            calls.append(resource.key)
            if len(calls) > 3:
                raise AuthenticationFailed("The token is not valid any more.", hint="Make a new one.")

    forge.fault = fault
    with pytest.raises(Unfinished, match="not valid any more") as caught:
        do(plan(desired_of(source, EVERYTHING), forge, source, None, take_over=False), forge, source, events.append)
    assert len(calls) <= 3 + workers
    assert len(caught.value.done) == 3
    assert caught.value.hint.startswith("Make a new one. Run the same command again")
    assert "The token is not valid any more" in {one.reason for one in caught.value.left}
    assert len([event for event in events if isinstance(event, Warn)]) == 1


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


@pytest.mark.parametrize("workers", [1, 3])
def test_a_person_who_stops_it_is_told_where_it_stands(source: GitRepository, workers: int) -> None:
    forge = FaultyForge(workers=workers)
    planned = plan(desired_of(source, EVERYTHING), forge, source, None, take_over=False)
    seen = 0

    def leave(event: Event) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="Stopped in the middle") as caught:
        do(planned, forge, source, leave)
    assert len(caught.value.data["done"]) + len(caught.value.data["left"]) == len(planned.plan.changes)
    assert len(caught.value.data["done"]) >= 3
    do(plan(planned.desired, forge, source, None, take_over=False), forge, source, quiet)
    assert plan(planned.desired, forge, source, None, take_over=False).plan.changes == ()


@pytest.mark.parametrize("workers", [1, 4])
def test_nothing_more_is_begun_once_somebody_says_stop(workers: int) -> None:
    begun = list[int]()

    def do_slowly(number: int) -> None:
        begun.append(number)
        time.sleep(0.001)

    concurrently.run(range(10_000), do_slowly, lambda number, error: False, workers=workers)
    assert len(begun) < 10_000


def test_a_mistake_of_ours_is_no_partial_result(source: GitRepository) -> None:
    forge = FaultyForge(workers=3)

    def fault(resource: Resource) -> None:
        if resource.key.kind is Kind.ENVIRONMENT:
            raise ZeroDivisionError

    forge.fault = fault
    with pytest.raises(ZeroDivisionError):
        do(plan(desired_of(source, EVERYTHING), forge, source, None, take_over=False), forge, source, quiet)


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
