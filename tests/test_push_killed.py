"""Killed or failed at each remote call in turn and run again, a push ends where an undisturbed one does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary
from tests.github import FakeGitHub
from tests.push_faults import INTERRUPTS, KILLS, LASTING, PASSING, REVOKED, Disturbed, Point, Watch
from tests.push_stage import PUSH, REMOTE_DOCUMENT, Done, Stage, make_repository, remove, set_up
from tests.push_state import differences

SHARES = 8
"""Into so many tests all the calls are divided, for workers that share them."""


@dataclass(frozen=True)
class Case:
    """What is disturbed.

    Attributes:
        prepare: Brings the stage to where it begins.
        command: What is run.
    """

    prepare: Callable[[Stage], None]
    command: Sequence[str]


@dataclass(frozen=True)
class Course:
    """What happens when nothing disturbs it: the calls that it makes, in a fixed order, and what it leaves behind."""

    points: Sequence[Point]
    state: dict[str, Any]


@dataclass
class Theatre:
    """Makes stages for the cases, and knows their undisturbed course."""

    folder: Path
    model: Path
    courses: dict[str, Course] = field(default_factory=dict)
    count: int = 0

    def course(self, name: str) -> Course:
        """The undisturbed course of a case."""
        if name not in self.courses:
            watch = Watch()
            _, state = self.play(name, watch)
            self.courses[name] = Course(sorted(watch.seen), state)
        return self.courses[name]

    def play(self, name: str, watch: Watch) -> tuple[Done, dict[str, Any]]:
        """Do what the case does, then again until it says that it is done; how it went first, and the end state."""
        self.count += 1
        folder = self.folder / str(self.count)
        case = CASES[name]
        with FakeGitHub() as github:
            stage = set_up(github, self.model, folder)
            case.prepare(stage)
            watch.put_on(stage)
            first = last = stage.run(*case.command)
            watch.take_off()
            for _ in range(3):
                if last.code == 0:
                    break
                last = stage.run_here(*case.command)
            assert last.code == 0, f"run again, it still ends with {last.code}: {last.out}{last.said}"
            state = stage.state()
        remove(folder)
        return first, state

    def faults_of(self, name: str, disturbed: Disturbed) -> list[str]:
        """What is wrong after a disturbance; empty if nothing is."""
        expected = self.course(name).state
        watch = Watch(disturbed)
        try:
            first, state = self.play(name, watch)
        except AssertionError as error:
            return [f"{disturbed}: {error}"]
        if not watch.met:
            return [f"{disturbed}: it never came to that"]
        if first.code not in disturbed.codes:
            return [f"{disturbed}: it ended with {first.code}: {first.out}{first.said}"]
        return [f"{disturbed}: {line}" for line in differences(state, expected)]


def nothing(stage: Stage) -> None:
    """A first push begins with nothing."""


def set_up_before(stage: Stage) -> None:
    done = stage.run_here(*PUSH)
    assert done.code == 0, done


def change(stage: Stage) -> None:
    """Somebody else reviews as well, staging gets a watch and a secret, and there is a new commit."""
    set_up_before(stage)
    document = stage.repository / REMOTE_DOCUMENT
    document.write_text(CHANGED, encoding="utf-8")
    stage.environ["MLOPSGEN_SECRET_STAGING_MODEL_STORE_TOKEN"] = canary("model-store")
    stage.commit("Ask Ada, too")


def new_values(stage: Stage) -> None:
    """Two secrets shall get other values, in every environment that has them."""
    set_up_before(stage)
    for name in ("DEVELOPMENT_KUBEFLOW_TOKEN", "DATA_MAIN_TOKEN"):
        stage.environ[f"MLOPSGEN_SECRET_{name}"] = canary(f"{name}-from-today-on")


ROTATE = ("secrets", "rotate", "KUBEFLOW_TOKEN", "DATA_MAIN_TOKEN", "--output", "json")


CHANGED = """\
version: 1
repository:
  topics: [heart]
environments:
  production:
    reviewers: [grace, ada, acme/ml]
    wait_minutes: 0
    variables:
      KUBEFLOW_NAMESPACE: another
  staging:
    secrets:
      MODEL_STORE_TOKEN: writes to the store of models
  staging-watch: {}
rulesets:
  production: {checks: [test, lint]}
  staging: {}
  development: {deletion: true}
  releases: {branches: ["v*"], pull_request: true}
labels:
  promotion: {color: "123456"}
  question: {color: "abcdef"}
"""
CASES = {"first push": Case(nothing, PUSH), "change": Case(change, PUSH), "rotation": Case(new_values, ROTATE)}


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    folder = tmp_path_factory.mktemp("theatre")
    yield Theatre(folder=folder, model=make_repository(folder / "model"))
    remove(folder)


def every(theatre: Theatre, name: str, kinds: Sequence[str]) -> list[Disturbed]:
    """Each kind of disturbance at each call of a case."""
    return [Disturbed(point, kind) for point in theatre.course(name).points for kind in kinds]


def spread(theatre: Theatre, name: str, kinds: Sequence[str], count: int) -> list[Disturbed]:
    """Some of them, always the same: ``count`` calls that change something, with each kind in turn."""
    writes = [point for point in theatre.course(name).points if point.writes]
    step = max(1, len(writes) // count)
    # Not all of a family of neighbours, and not always the same kind at the same sort of call.
    chosen = writes[step // 2 :: step][:count]
    return [Disturbed(point, kinds[number % len(kinds)]) for number, point in enumerate(chosen)]


def check(theatre: Theatre, name: str, disturbances: Sequence[Disturbed]) -> None:
    found = [line for disturbed in disturbances for line in theatre.faults_of(name, disturbed)]
    assert not found, "\n".join(found)


def test_undisturbed_everything_is_there(theatre: Theatre) -> None:
    course = theatre.course("first push")
    assert set(course.state["there"]["environments"]) == {"development", "staging", "production", "production-watch"}
    assert len(course.points) > 60
    assert any(point.path.endswith("git-receive-pack") for point in course.points)


def test_a_disturbance_is_noticed(theatre: Theatre) -> None:
    """What compares the ends sees a secret that is missing, and one thing too many."""
    state = theatre.course("first push").state
    other = json.loads(json.dumps(state))
    del other["there"]["environments"]["staging"]["secrets"]["DATA_MAIN_TOKEN"]
    other["there"]["rulesets"].append(other["there"]["rulesets"][0])
    assert [line.split(":")[0] for line in differences(json.loads(json.dumps(state)), other)] == [
        "/there/environments/staging/secrets/DATA_MAIN_TOKEN",
        "/there/rulesets",
    ]


@pytest.mark.parametrize(("name", "count"), [("first push", 10), ("change", 3), ("rotation", 2)])
def test_killed_at_some_calls_it_ends_the_same(theatre: Theatre, name: str, count: int) -> None:
    check(theatre, name, spread(theatre, name, KILLS, count))


@pytest.mark.parametrize(("name", "count"), [("first push", 14), ("change", 4), ("rotation", 2)])
def test_failed_at_some_calls_it_ends_the_same(theatre: Theatre, name: str, count: int) -> None:
    check(theatre, name, spread(theatre, name, (*PASSING, *LASTING, *REVOKED, *INTERRUPTS), count))


@pytest.mark.kills
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_call_it_ends_the_same(theatre: Theatre, name: str, share: int) -> None:
    check(theatre, name, every(theatre, name, KILLS)[share::SHARES])


@pytest.mark.kills
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("kind", [*PASSING, *LASTING, *REVOKED, *INTERRUPTS])
def test_failed_in_every_way_at_every_call_it_ends_the_same(theatre: Theatre, kind: str, share: int) -> None:
    for name in CASES:
        check(theatre, name, every(theatre, name, [kind])[share::SHARES])
