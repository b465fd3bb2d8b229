"""``sync --all`` and ``status --all`` on an organisation of the fake GitHub: every repository in its own state."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pexpect
import pytest

from mlopsgen.operations.fleet_rows import fleet_schema
from tests.fleet_stage import (
    CHANGED,
    LAUNCHER,
    NEW,
    OLD,
    Files,
    Fleet,
    Model,
    conflicting,
    environment,
    make_site,
    make_template,
)
from tests.github import FakeGitHub
from tests.github.faults import Record

ALL = ("--org", "acme", "--output", "json")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    """What repositories begin with, and the tool with both versions of the template."""
    folder = tmp_path_factory.mktemp("parts")
    environ = environment(folder / "home")
    site = make_site(folder, make_template(folder, environ), environ)
    return Model.make(folder, environment(folder / "home", site)), site


@pytest.fixture
def fleet(parts: tuple[Model, Path], tmp_path: Path) -> Iterator[Fleet]:
    with FakeGitHub() as github:
        yield Fleet.set_up(github, tmp_path, *parts)


def data_of(done: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    jsonschema.validate(data, fleet_schema())
    return data


def states(data: dict[str, Any]) -> dict[str, str]:
    return {row["repository"].removeprefix("acme/"): row["state"] for row in data["repositories"]}


def broken_record(number: int, files: Files) -> None:
    files[".copier-answers.yml"] = b"_commit: [\n"


def no_record(number: int, files: Files) -> None:
    del files[".copier-answers.yml"]


def test_each_repository_gets_its_pull_request_and_the_rest_is_listed(fleet: Fleet) -> None:
    fleet.add([1, 2])
    fleet.add([3], conflicting)
    fleet.add([4], broken_record)
    fleet.add([5], no_record)
    fleet.add([6])[0].archived = True
    fleet.github.add_repository("acme/empty").topics = ["mlopsgen"]
    fleet.github.add_repository("acme/something-else")
    before = fleet.state()

    seen = data_of(fleet.run("status", "--all", *ALL), 5)
    assert fleet.state() == before, "looking changes nothing"
    assert not [call for call in fleet.github.calls if call.writes]
    assert states(seen) == {
        "empty": "empty", "heart-rate-0001": "behind", "heart-rate-0002": "behind", "heart-rate-0003": "conflicts",
        "heart-rate-0004": "failed", "heart-rate-0005": "not-generated", "heart-rate-0006": "archived",
    }  # fmt: skip
    row = seen["repositories"][1]
    assert (row["start"], row["end"], row["behind"], row["changes"]) == (OLD, NEW, 1, len(CHANGED) + 1)
    assert seen["repositories"][3]["conflicts"] == ["Makefile"]

    done = data_of(fleet.run("sync", "--all", "--yes", *ALL), 5)
    assert done["counts"] == {
        "failed": 1, "conflicts": 1, "opened": 2, "archived": 1, "empty": 1, "not-generated": 1,
    }  # fmt: skip
    after = fleet.state()
    for name in ("acme/heart-rate-0001", "acme/heart-rate-0002"):
        assert before[name]["branches"].items() <= after[name]["branches"].items(), "no branch of theirs was touched"
        (pull,) = after[name]["pulls"]
        assert (pull["title"], pull["draft"], pull["labels"]) == (
            f"Update from template {OLD} to {NEW}", False, ["template-update"],
        )  # fmt: skip
    (draft,) = after["acme/heart-rate-0003"]["pulls"]
    assert draft["draft"]
    assert draft["title"].startswith("Conflicts: ")
    assert "Mend" not in draft["body"], "that marks stand in files with conflicts is said already"
    made = fleet.github.repository("acme/heart-rate-0001")
    changed = made.git("diff", "--name-only", "development", "mlopsgen/sync-development").splitlines()
    assert sorted(changed) == sorted([*CHANGED, ".copier-answers.yml"])

    fleet.github.calls.clear()
    again = data_of(fleet.run("sync", "--all", "--yes", *ALL), 5)
    assert again["counts"]["open"] == 2
    assert fleet.state() == after
    assert not [call for call in fleet.github.calls if call.writes], "what is done is found done"


def test_one_that_cannot_be_reached_stops_no_other_and_is_tried_again_the_next_time(fleet: Fleet) -> None:
    fleet.add([1, 2, 3])
    fleet.github.faults.add("403", times=0, path="heart-rate-0002")
    fleet.github.faults.before(
        1, lambda _: fleet.github.rename("acme/heart-rate-0003", "pulse"), path="heart-rate-0003"
    )
    done = data_of(fleet.run("sync", "--all", "--yes", *ALL), 5)
    assert states(done) == {"heart-rate-0001": "opened", "heart-rate-0002": "failed", "heart-rate-0003": "failed"}
    fleet.github.faults.clear()
    done = data_of(fleet.run("sync", "--all", "--yes", *ALL))
    assert states(done) == {"heart-rate-0001": "open", "heart-rate-0002": "opened", "pulse": "opened"}


def test_a_token_that_is_revoked_stops_all_and_the_next_run_goes_on(fleet: Fleet) -> None:
    fleet.add([1, 2, 3])
    fleet.github.faults.add("401", path="heart-rate-0002")
    done = data_of(fleet.run("sync", "--all", "--yes", "--jobs", "1", *ALL), 5)
    assert states(done) == {"heart-rate-0001": "opened", "heart-rate-0002": "left", "heart-rate-0003": "left"}
    assert "token" in done["repositories"][2]["reason"]
    assert fleet.run("sync", "--all", "--yes", *ALL).returncode == 4
    fleet.renew_token()
    done = data_of(fleet.run("sync", "--all", "--yes", *ALL))
    assert states(done) == {"heart-rate-0001": "open", "heart-rate-0002": "opened", "heart-rate-0003": "opened"}


def test_a_github_that_goes_away_is_not_asked_a_thousand_times(fleet: Fleet) -> None:
    fleet.add(range(1, 10))
    fleet.github.faults.add("503", times=0, kind="git")
    done = data_of(fleet.run("sync", "--all", "--yes", "--jobs", "1", *ALL), 5)
    assert done["counts"] == {"failed": 4, "left": 5}


def test_a_limit_takes_so_many_and_the_next_run_the_next_ones(fleet: Fleet) -> None:
    fleet.add(range(1, 5))
    done = data_of(fleet.run("sync", "--all", "--yes", "--limit", "2", "--jobs", "4", *ALL))
    assert done["counts"].pop("opened") == 2, "however many are on their way at once"
    assert set(done["counts"]) <= {"left", "behind"}
    assert sum(len(fleet.github.repository(row["repository"]).pulls) for row in done["repositories"]) == 2
    done = data_of(fleet.run("sync", "--all", "--yes", "--limit", "1", "--jobs", "1", *ALL))
    assert done["counts"].pop("opened") == 1
    assert sum(len(fleet.github.repository(row["repository"]).pulls) for row in done["repositories"]) == 3
    seen = data_of(fleet.run("sync", "--all", "--check", *ALL), 8)
    assert seen["counts"] == {"open": 3, "behind": 1}


def test_a_filter_chooses_by_name_and_an_answer_is_given_to_all(fleet: Fleet) -> None:
    fleet.add([8, 10, 11])
    arguments = ("--filter", "Heart-Rate-001?", "--set", "description=Beats a minute")
    seen = fleet.run("sync", "--all", "--dry-run", "--limit", "2", *arguments, "--org", "acme")
    assert (
        "mlopsgen sync --all --org acme --filter 'Heart-Rate-001?' --limit 2 --set 'description=Beats a minute' --host "
    ) in seen.stdout
    done = data_of(fleet.run("sync", "--all", "--yes", *arguments, *ALL))
    assert list(states(done)) == ["heart-rate-0010", "heart-rate-0011"]
    record = fleet.github.repository("acme/heart-rate-0010").git(
        "show", "mlopsgen/sync-development:.copier-answers.yml"
    )
    assert "description: Beats a minute" in record
    none = fleet.run("status", "--all", "--filter", "nothing-*", "--org", "acme")
    assert none.returncode == 0
    assert "no repository with the topic 'mlopsgen' whose name fits 'nothing-*'" in none.stdout


def test_the_repositories_of_ones_own_account_are_a_fleet_too(fleet: Fleet) -> None:
    world = fleet.github.world
    (there,) = fleet.add([1])
    del world.repositories[there.full_name.lower()]
    there.owner = world.account("ada")
    world.repositories[there.full_name.lower()] = there
    data = data_of(fleet.run("sync", "--all", "--yes", "--user", "--output", "json"))
    assert (data["owner"], data["counts"]) == ("ada", {"opened": 1})
    assert data["repositories"][0]["pull_request"]["page"] == f"{fleet.github.url}/ada/heart-rate-0001/pull/1"


def test_nothing_is_opened_that_nobody_agreed_to(fleet: Fleet) -> None:
    fleet.add([1])
    done = fleet.run("sync", "--all", "--org", "acme")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert not len(fleet.github.calls)
    for words, flag in (
        (["sync", "--all", "--yes"], "--org"),
        (["sync", "--all", "--yes", "--settings", "--org", "acme"], "--settings"),
        (["status", "--org", "acme"], "--org"),
        (["status", "--all", "--org", "acme", "--branch", "trunk"], "--branch"),
    ):
        done = fleet.run(*words)
        assert (done.returncode, flag in done.stderr) == (2, True), done.stderr


def test_at_a_terminal_a_person_is_asked_sees_how_far_it_is_and_can_stop_it(fleet: Fleet) -> None:
    fleet.add([1, 2])
    fleet.add([3], conflicting)

    def terminal(*arguments: str) -> pexpect.spawn[str]:
        words = ["-P", str(LAUNCHER), *arguments, "--org", "acme", "--host", fleet.github.url]
        environ = {**fleet.environ, "TERM": "xterm", "NO_COLOR": "1"}
        folder = str(fleet.pool.parent)
        return pexpect.spawn(
            sys.executable, words, cwd=folder, env=environ, encoding="utf-8", timeout=120, dimensions=(40, 100)
        )

    refused = terminal("sync", "--all")
    refused.expect("Look at 3 repositories of acme and open a pull request wherever there is an update")
    refused.sendline("n")
    refused.expect("Nothing was changed")
    refused.expect(pexpect.EOF)
    assert not [call for call in fleet.github.calls if call.kind == "git"]

    # Ctrl-C in the middle: what is done stays done, and the next run goes on.
    fleet.github.faults.add("stalled", path="heart-rate-0002")
    stopped = terminal("sync", "--all", "--yes", "--jobs", "1")
    stopped.expect(r"Updating: 1 of 3")
    stopped.sendintr()
    stopped.expect("1 of 3 repositories are done")
    stopped.expect("it goes on from there")
    stopped.expect(pexpect.EOF)
    stopped.close()
    assert stopped.exitstatus == 130
    fleet.github.faults.clear()

    agreed = terminal("sync", "--all")
    agreed.expect("wherever there is an update")
    agreed.sendline("y")
    agreed.expect(pexpect.EOF)
    seen = str(agreed.before)
    agreed.close()
    assert agreed.exitstatus == 5, "conflicts are left"
    assert "done: acme/heart-rate-0002: pull request #1 opened" in seen
    assert f"heart-rate-0003   {OLD} -> {NEW}   1 conflict, draft pull request #1" in seen
    words = "3 repositories of acme: 1 with conflicts, 1 with a new pull request, 1 with an open pull request."
    assert words in seen


def test_a_pause_of_an_hour_is_waited_for_and_told(fleet: Fleet) -> None:
    """One repository would say "later"; the clock of the launcher makes the pause cost nothing."""
    fleet.add(range(1, 5))
    fleet.github.faults.add("429", retry_after=3600, method="POST", path="/pulls")
    done = fleet.run("sync", "--all", "--yes", "--jobs", "1", *ALL)
    assert data_of(done)["counts"] == {"opened": 4}
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(re.search(r"Waiting \d{4} s", event["message"]) for event in events)
    progress = [event for event in events if event["event"] == "Progress"]
    assert [event["done"] for event in progress] == [0, 1, 2, 3, 4]
    assert progress[-2]["seconds_left"] > 60
    assert progress[-1]["seconds_left"] == 0


def test_two_runs_at_once_open_no_pull_request_twice(fleet: Fleet) -> None:
    fleet.add([1, 2])
    both = [fleet.start("sync", "--all", "--yes", *ALL) for _ in range(2)]
    counts = [json.loads(each.communicate(timeout=300)[0])["data"]["counts"] for each in both]
    fleet.running.clear()
    assert sum(count.get("opened", 0) for count in counts) == 2
    assert sum(count.get("open", 0) for count in counts) == 2
    assert [len(fleet.github.repository(f"acme/heart-rate-000{number}").pulls) for number in (1, 2)] == [1, 1]


def test_somebodys_work_on_the_branch_of_the_update_is_left_alone(fleet: Fleet) -> None:
    (there,) = fleet.add([1])
    data_of(fleet.run("sync", "--all", "--yes", *ALL))
    branch = "mlopsgen/sync-development"
    identity = ["-c", "user.name=Bob", "-c", "user.email=bob@example.org"]
    theirs = there.git(*identity, "commit-tree", f"{branch}^{{tree}}", "-p", branch, "-m", "Bob's work")
    there.git("update-ref", f"refs/heads/{branch}", theirs)
    there.git("update-ref", "refs/heads/development", _grown(there))
    done = data_of(fleet.run("sync", "--all", "--yes", *ALL))
    assert done["counts"] == {"worked-on": 1}
    assert there.branches[branch] == theirs


def _grown(there: Any) -> str:
    """A commit more on the branch that is updated."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    made: str = there.git(*identity, "commit-tree", "development^{tree}", "-p", "development", "-m", "More work")
    return made


def test_a_branch_that_went_on_brings_its_pull_request_up_to_date(fleet: Fleet) -> None:
    (there,) = fleet.add([1])
    data_of(fleet.run("sync", "--all", "--yes", *ALL))
    there.git("update-ref", "refs/heads/development", _grown(there))
    done = data_of(fleet.run("sync", "--all", "--yes", *ALL))
    assert done["counts"] == {"updated": 1}
    seen = fleet.run("sync", "--all", "--check", "--org", "acme")
    assert (seen.returncode, "Next:" in seen.stdout) == (0, False), "what is proposed is not pending any more"
    assert there.git("rev-parse", "mlopsgen/sync-development^") == there.branches["development"]
    assert len(there.pulls) == 1


def test_repositories_are_worked_on_at_once_but_not_more_than_was_said(fleet: Fleet) -> None:
    fleet.add(range(1, 5))
    fleet.github.latency = lambda record: 0.05 if record.kind == "git" else 0.0

    def most(*jobs: str) -> int:
        fleet.github.calls.clear()
        data_of(fleet.run("status", "--all", *jobs, *ALL))
        calls: list[Record] = list(fleet.github.calls)
        return max(len({other.path.split("/")[2] for other in calls if other.started <= call.started < other.ended})
                   for call in calls if call.kind == "git")  # fmt: skip

    assert most("--jobs", "1") == 1
    assert 1 < most("--jobs", "3") <= 3
