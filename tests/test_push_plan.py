"""The plan is pure and safe: applied once it is empty, it never deletes, and an interrupted one is continued."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import BRANCHES
from mlopsgen.events import Event
from mlopsgen.forge.memory import MemoryForge
from mlopsgen.forge.values import Environment, Repository
from mlopsgen.remote.apply import apply
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observe import local_branches, observe
from mlopsgen.remote.observed import Clone, Distance, Observed
from mlopsgen.remote.plan import Act, Kind, make_plan
from mlopsgen.remote.plan_text import plan_lines
from tests.forge_toys import Toy, make_toy

NAMES = st.sampled_from(["REGION", "SIZE", "MODE"])
TEXTS = st.text("ab \n=", max_size=4)
VARIABLES = st.dictionaries(NAMES, TEXTS)
COMMITS = st.sampled_from(["a" * 40, "b" * 40, "c" * 40])


@st.composite
def desired_remotes(draw: st.DrawFn) -> Desired:
    return Desired(
        project="toy",
        address="memory://forge",
        branches={branch: draw(COMMITS) for branch in draw(st.lists(st.sampled_from(BRANCHES), unique=True))},
        settings=draw(st.dictionaries(st.sampled_from(["hook", "program"]), st.sampled_from(["1", "2"]))),
        environments=draw(st.dictionaries(st.sampled_from(BRANCHES), VARIABLES)),
        tracking_uri=draw(st.sampled_from(["", "sqlite:////forge/mlflow.db"])),
        tool_version="0.2.0",
    )


@st.composite
def observed_remotes(draw: st.DrawFn) -> Observed:
    repository = None
    if draw(st.booleans()):
        repository = Repository(
            address="memory://forge",
            project=draw(st.sampled_from(["toy", "other", ""])),
            branches=draw(st.dictionaries(st.sampled_from(BRANCHES), COMMITS)),
            settings=draw(st.dictionaries(st.sampled_from(["hook", "program", "extra"]), st.sampled_from(["1", "2"]))),
            tool_version=draw(st.sampled_from(["0.1.0", "0.2.0", "0.10.0", ""])),
        )
    names = draw(st.lists(st.sampled_from([*BRANCHES, "mine"]), unique=True)) if repository else []
    distance = st.builds(Distance, ahead=st.integers(0, 2), behind=st.integers(0, 2))
    return Observed(
        repository=repository,
        environments=tuple(Environment(name=name, variables=draw(VARIABLES)) for name in names),
        clone=Clone(
            address=draw(st.sampled_from([None, "memory://forge", "/elsewhere"])),
            address_exists=draw(st.booleans()),
            upstreams=draw(st.dictionaries(st.sampled_from(BRANCHES), st.sampled_from(["local/x", "origin/x"]))),
            distances=draw(st.dictionaries(st.sampled_from(BRANCHES), distance)),
            tracking_uri=draw(st.sampled_from([None, "sqlite:////forge/mlflow.db", "sqlite:////gone/mlflow.db"])),
            tracking_exists=draw(st.booleans()),
            env_ignored=draw(st.booleans()),
        ),
    )


@given(desired_remotes(), observed_remotes())
def test_whatever_is_there_the_plan_is_whole_and_reasoned(desired: Desired, observed: Observed) -> None:
    plan = make_plan(desired, observed)
    assert plan == make_plan(desired, observed)
    keys = [(item.kind, item.scope, item.name) for item in plan.items]
    assert len(keys) == len(set(keys))
    assert {item.act for item in plan.items} <= set(Act)
    for item in plan.blocked:
        assert item.reason
        assert item.hint
    # Code comes after what receives it.
    receives = (Kind.REPOSITORY, Kind.SETTING, Kind.ENVIRONMENT, Kind.VARIABLE, Kind.REMOTE)
    kinds = [item.kind for item in plan.items]
    assert not [kind for kind in itertools.dropwhile(lambda kind: kind is not Kind.BRANCH, kinds) if kind in receives]
    assert plan_lines(plan)


@given(desired_remotes(), observed_remotes())
def test_a_plan_never_takes_commits_away(desired: Desired, observed: Observed) -> None:
    for item in make_plan(desired, observed).changes:
        if item.kind is Kind.BRANCH and item.act is Act.CHANGE:
            assert observed.clone.distances[item.name].behind == 0


@pytest.fixture(scope="module")
def toy() -> Iterator[Toy]:
    with tempfile.TemporaryDirectory() as folder:
        yield make_toy(Path(folder))


class Stopped(Exception):
    """The stand-in for a kill between two steps."""


def desired_of(toy: Toy, variables: dict[str, dict[str, str]]) -> Desired:
    forge = MemoryForge()
    return Desired(
        project="toy",
        address=forge.address,
        branches=local_branches(GitRepository(toy.folder, toy.environ)),
        settings=forge.wanted_settings(),
        environments={branch: variables.get(branch, {}) for branch in BRANCHES},
        tool_version="0.1.0",
    )


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(BRANCHES), VARIABLES), st.integers(0, 20), VARIABLES)
def test_interrupted_anywhere_the_next_plan_ends_in_the_same_state(
    toy: Toy, variables: dict[str, dict[str, str]], stop: int, mine: dict[str, str]
) -> None:
    toy.git("config", "--remove-section", "remote.local", check=False)
    for branch in BRANCHES:
        toy.git("config", "--remove-section", f"branch.{branch}", check=False)
    source = GitRepository(toy.folder, toy.environ)
    desired, forge, done = desired_of(toy, variables), MemoryForge(), 0

    # What the owner has made there already stays.
    forge.create_repository("toy")
    forge.create_environment("mine")
    for name, value in mine.items():
        forge.set_variable("mine", name, value)

    def stop_after_some(event: Event) -> None:
        nonlocal done
        done += 1
        if done > stop:
            raise Stopped

    first = make_plan(desired, observe(forge, source, "local"))
    # A memory forge has no address that git could fetch from.
    local_only = [item for item in first.items if item.kind is not Kind.REMOTE]
    first = dataclasses.replace(first, items=tuple(local_only))
    try:
        apply(first, desired, forge=forge, source=source, events=stop_after_some)
    except Stopped:
        again = make_plan(desired, observe(forge, source, "local"))
        again = dataclasses.replace(again, items=tuple(i for i in again.items if i.kind is not Kind.REMOTE))
        assert len(again.changes) <= len(first.changes)
        apply(again, desired, forge=forge, source=source, events=lambda event: None)
    last = make_plan(desired, observe(forge, source, "local"))
    assert [item for item in last.changes if item.kind is not Kind.REMOTE] == []
    found = {environment.name: environment.variables for environment in forge.environments()}
    assert found == {**{branch: variables.get(branch, {}) for branch in BRANCHES}, "mine": mine}
    repository = forge.repository()
    assert repository is not None
    assert repository.branches == desired.branches
