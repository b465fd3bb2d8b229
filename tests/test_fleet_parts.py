"""The parts of a fleet's work that need no GitHub: its pace, its estimate, its table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlopsgen.cli.fleet_table import FOLDED, fleet_lines
from mlopsgen.errors import MlopsgenError
from mlopsgen.events import Event, Progress
from mlopsgen.forge.github.pace import Pace, RateLimited
from mlopsgen.operations.fleet import PATIENCE
from mlopsgen.operations.fleet_progress import FleetProgress, words_of
from mlopsgen.operations.fleet_rows import PullRequestRef, Row, State, count_states, failed_row


class Clock:
    """A clock that only goes on when somebody sleeps or works."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def make_pace(clock: Clock, **more: float) -> Pace:
    return Pace(lambda _: None, sleep=clock.sleep, clock=clock, **more)


def test_a_fleet_waits_for_the_limits_of_the_hour_that_one_repository_does_not_wait_for() -> None:
    clock = Clock()
    pace = make_pace(clock, patience=PATIENCE)
    for _ in range(2000):
        pace.turn(write=True)
    assert clock.now - 1000 >= 3 * 3600, "500 changes an hour"
    assert pace.changes == 2000
    short = make_pace(Clock())
    for _ in range(500):
        short.turn(write=True)
    with pytest.raises(RateLimited):
        short.turn(write=True)


def test_the_pace_knows_beforehand_how_long_so_many_changes_take() -> None:
    clock = Clock()
    pace = make_pace(clock, patience=PATIENCE)
    for _ in range(90):
        pace.turn(write=True)
    for count in (0, 1, 80, 1200):
        before, told = clock.now, pace.seconds_for(count)
        twin = make_pace(twins := Clock(), patience=PATIENCE)
        twins.now = 1000.0
        for _ in range(90 + count):
            twin.turn(write=True)
        assert told == pytest.approx(max(0.0, twins.now - before))
    pace.pause(300, "it says so")
    assert pace.seconds_for(1) == 300


def row(number: int, state: State, **more: Any) -> Row:
    page = f"https://github.com/acme/wine-{number}"
    return replace(Row(repository=f"acme/wine-{number}", page=page, state=state), **more)


def test_the_estimate_is_the_longer_of_the_work_and_of_what_github_lets_through() -> None:
    clock, events, changes = Clock(), list[Event](), 0

    def ended(seconds: float, made: int) -> int:
        nonlocal changes
        clock.sleep(seconds)
        changes += made
        progress.ended(row(1, State.OPENED if made else State.CURRENT))
        last = events[-1]
        assert isinstance(last, Progress)
        return last.seconds_left

    def take(event: Event) -> None:
        events.append(event)

    progress = FleetProgress(
        100, "Updating", take, seconds_for=lambda count: count * 7.2, changes=lambda: changes, clock=clock
    )
    progress.begin()
    assert [ended(2, 0), ended(2, 0)] == [0, 0], "two tell nothing yet"
    assert ended(2, 0) == 2 * 97
    assert ended(2, 4) == round(96 * 7.2), "a change for each repository"
    for _ in range(96):
        left = ended(2, 0)
    assert left == 0
    assert [event.done for event in events if isinstance(event, Progress)] == list(range(101))


WIDE = """\
  acme/wine-4   -                  failed
    Its record cannot be read.
    next: Restore it.
  acme/wine-3   v0.1.0 -> v0.2.0   2 conflicts, draft pull request #7   https://github.com/acme/wine-3/pull/7
    Makefile, config.yaml
  acme/wine-2   v0.1.0 -> v0.2.0   pull request #5 opened, 12 files     https://github.com/acme/wine-2/pull/5
  acme/wine-5   v0.1.0 -> v0.2.0   1 version behind, 3 files
  acme/wine-6   -                  archived
  acme/wine-1   v0.2.0             up to date"""
NARROW = """\
  acme/wine-4
    -  failed
    Its record cannot be read.
    next: Restore it.
  acme/wine-3
    v0.1.0 -> v0.2.0  2 conflicts, draft pull request #7
    https://github.com/acme/wine-3/pull/7
    Makefile, config.yaml
  acme/wine-2
    v0.1.0 -> v0.2.0  pull request #5 opened, 12 files
    https://github.com/acme/wine-2/pull/5
  acme/wine-5
    v0.1.0 -> v0.2.0  1 version behind, 3 files
  acme/wine-6
    -  archived
  acme/wine-1
    v0.2.0  up to date"""


def fleet() -> list[Row]:
    both: dict[str, Any] = {"start": "v0.1.0", "end": "v0.2.0", "behind": 1}
    pull = "https://github.com/acme/wine-{0}/pull/{1}".format
    return [
        row(1, State.CURRENT, start="v0.2.0", end="v0.2.0"),
        row(2, State.OPENED, **both, changes=12, pull_request=PullRequestRef(5, pull(2, 5))),
        row(
            3, State.CONFLICTS, **both, changes=9, conflicts=("Makefile", "config.yaml"),
            pull_request=PullRequestRef(7, pull(3, 7), draft=True),
        ),
        row(4, State.FAILED, reason="Its record\n cannot be read.", hint="Restore it."),
        row(5, State.BEHIND, **both, changes=3),
        row(6, State.ARCHIVED),
    ]  # fmt: skip


def test_the_table_begins_with_what_needs_a_person_and_fits_into_narrow_terminals() -> None:
    assert "\n".join(line.rstrip() for line in fleet_lines(fleet(), width=120, colour=False)) == WIDE
    assert "\n".join(line.rstrip() for line in fleet_lines(fleet(), width=60, colour=False)) == NARROW
    assert "\x1b[31mfailed\x1b[0m" in "\n".join(fleet_lines(fleet(), width=120, colour=True))
    assert fleet_lines([], width=80, colour=False) == []


def test_many_that_need_nobody_are_counted_instead_of_listed() -> None:
    rows = [*fleet(), *(row(number, State.CURRENT) for number in range(10, 10 + FOLDED))]
    lines = fleet_lines(rows, width=120, colour=False)
    assert lines[-1] == f"  {FOLDED + 1} repositories: up to date   ('--output json' lists them)"
    assert len(lines) == len(WIDE.splitlines())


def test_every_state_has_words_and_a_place_in_the_counts() -> None:
    rows = [row(number, state) for number, state in enumerate(State)]
    assert all(words_of(each) for each in rows)
    assert list(count_states(rows)) == [state.value for state in State]


def test_the_way_back_of_a_failed_one_names_its_repository() -> None:
    error = MlopsgenError("The record lies.", hint="Run 'mlopsgen sync --rebase-from v0.1.0'.")
    hint = "Run 'mlopsgen sync --repository acme/wine --rebase-from v0.1.0'."
    assert failed_row("acme/wine", "", error).hint == hint
    assert failed_row("acme/wine", "", MlopsgenError("Again.", hint=hint)).hint == hint
