"""Applying a plan where something fails: what is done, what is left and why, and what a second run does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from mlopsgen.adapters.git import GitRepository
from mlopsgen.errors import AuthenticationFailed, Interrupted, MlopsgenError, PermissionDenied
from mlopsgen.events import Event, Warn
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.remote import concurrently
from mlopsgen.remote.apply import Unfinished
from tests.apply_toys import (
    EVERYTHING,
    PRODUCTION,
    REPOSITORY,
    STAGING,
    FaultyForge,
    desired_of,
    do,
    failing,
    fresh,
    plan,
    quiet,
    toy_to_push,
)
from tests.forge_toys import Toy

LABEL = Resource(key=Key(Kind.LABEL, "data"), value={"color": "ffffff"})
TEAM = Resource(key=Key(Kind.SETTING, "access of team acme/leads"), value="read")


class Passing(MlopsgenError):
    is_passing = True


@pytest.fixture(scope="module")
def toy() -> Iterator[Toy]:
    with toy_to_push() as toy:
        yield toy


@pytest.fixture
def source(toy: Toy) -> GitRepository:
    return fresh(toy)


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
