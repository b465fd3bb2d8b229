"""A fleet's run that is killed, or whose calls fail: run again, it ends where an undisturbed one does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fleet_stage import Fleet, Model, conflicting, environment, make_site, make_template
from tests.github import FakeGitHub
from tests.push_faults import INTERRUPTS, KILLS, LASTING, PARTIAL, PASSING, REVOKED, Disturbed, Point, Watch
from tests.push_stage import remove

VERB = ("sync", "--all", "--yes", "--org", "acme", "--output", "json")
SHARES = 4
"""Into so many tests all the calls are divided, for workers that share them."""


@dataclass
class Theatre:
    """Plays the same run again and again.

    Attributes:
        points: The calls of an undisturbed run, in a fixed order.
        state: What it leaves behind.
    """

    folder: Path
    model: Model
    site: Path
    points: Sequence[Point] = ()
    state: Any = None
    count: int = 0

    def rehearse(self) -> None:
        """Play it once, undisturbed."""
        watch = Watch()
        code, self.state = self.play(watch)
        assert code == PARTIAL, "a repository has conflicts"
        self.points = sorted(watch.seen)

    def play(self, watch: Watch) -> tuple[int, Any]:
        """Two repositories, one with conflicts; run until it says that nothing is left; how it went first, the end."""
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        with FakeGitHub() as github:
            fleet = Fleet.set_up(github, folder, self.model, self.site)
            fleet.add([1])
            fleet.add([2], conflicting)
            watch.put_on(fleet)
            first = fleet.run(*VERB).returncode
            watch.take_off()
            for _ in range(3):
                done = fleet.run(*VERB)
                data = json.loads(done.stdout)["data"]
                if data["counts"] == {"conflicts": 1, "open": 1}:
                    break
            else:
                raise AssertionError(f"run again, it still says {data}")
            for each in github.world.repositories.values():
                assert not each.git("for-each-ref", "refs/mlopsgen"), "nothing of ours but the branch"
            state = fleet.state()
        remove(folder)
        return first, state

    def disturb(self, disturbed: Disturbed) -> None:
        """Play it with something in the way, and compare the end."""
        watch = Watch(disturbed)
        code, state = self.play(watch)
        assert watch.met, f"it never came to {disturbed}"
        # One that was not reached, or conflicts that are left: both are "partial".
        assert code in disturbed.codes | {PARTIAL}, f"{disturbed}: it ended with {code}"
        assert state == self.state, f"{disturbed}: another end"


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    folder = tmp_path_factory.mktemp("theatre")
    environ = environment(folder / "home")
    site = make_site(folder, make_template(folder, environ), environ)
    made = Theatre(folder, Model.make(folder, environment(folder / "home", site)), site)
    made.rehearse()
    return made


def of_first(points: Sequence[Point]) -> list[Point]:
    """The calls about the first repository, and those about none: those about the others are the same."""
    return [point for point in points if "heart-rate-0002" not in point.path]


def test_killed_in_the_middle_of_a_push_or_a_pull_request_it_goes_on(theatre: Theatre) -> None:
    """The calls that change something; `make test-kills` does it at all of them."""
    points = [each for each in of_first(theatre.points) if each.method == "POST" and "upload-pack" not in each.path]
    assert len(points) == 3, "a push, a pull request, its label"
    for point in points:
        theatre.disturb(Disturbed(point, "kill after"))


def test_an_answer_that_is_lost_opens_no_second_pull_request(theatre: Theatre) -> None:
    (point,) = [each for each in of_first(theatre.points) if each.method == "POST" and each.path.endswith("/pulls")]
    theatre.disturb(Disturbed(point, "reset-after"))


@pytest.mark.kills
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("kind", [*KILLS, *INTERRUPTS, *PASSING, *LASTING, *REVOKED])
def test_disturbed_at_any_call_it_ends_where_it_would_have_ended(theatre: Theatre, kind: str, share: int) -> None:
    for point in of_first(theatre.points)[share::SHARES]:
        theatre.disturb(Disturbed(point, kind))
