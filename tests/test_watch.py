"""``mlopsgen watch`` against a real forge and worker; only the repository's own look at its data is a toy."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.errors import ExitCode, Interrupted
from mlopsgen.events import Event, Warn
from mlopsgen.forge.worker import queue
from mlopsgen.operations.project import Surroundings
from mlopsgen.operations.watch import WatchRequest, watch
from tests.canaries import canary
from tests.command_toys import argv, data, mlopsgen, surroundings
from tests.forge_toys import Toy, make_toy, until


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path / "Ada's wörk")
    toy.found_forge()
    (toy.marks / "data").write_text("one")
    yield toy
    toy.go()
    toy.wait_for_rest()


def once(toy: Toy, *arguments: str, code: int = 0) -> dict[str, object]:
    """What the only branch's look found."""
    done = mlopsgen(toy, "watch", "--once", *arguments, "--output", "json")
    assert done.returncode == code, done.stdout + done.stderr
    [look] = data(done)["looks"]
    return look


def change(toy: Toy, text: str) -> None:
    (toy.marks / "data").write_text(text)


def test_changed_data_starts_one_training_that_knows_why(toy: Toy) -> None:
    toy.push()
    assert once(toy)["changed"] is False
    change(toy, "two")
    look = once(toy)
    assert (look["changed"], look["queued"], look["compared_with"]) == (True, 2, 1)
    run = toy.wait_for_end(2)
    assert (run.state, run.trigger, run.actor) == ("succeeded", "data", "ada")
    assert run.reason.startswith("data changed: main [")
    toy.wait_for_rest()
    assert once(toy)["changed"] is False
    assert queue.latest_number(toy.layout, "development") == 2


def test_a_training_that_runs_or_waits_is_not_started_again(toy: Toy) -> None:
    toy.push()
    change(toy, "two")
    toy.commit(stop_at="run")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run", 2)
    look = once(toy)
    assert (look["changed"], look["queued"]) == (None, None)
    assert "training #2 is not over" in str(look["words"])
    assert queue.add_for_data(toy.layout, "development", "c", actor="", reason="r") is None


def test_a_change_whose_training_fails_starts_no_second_one(toy: Toy) -> None:
    """Data that breaks the check would else be trained on at each look, for ever."""
    toy.push()
    toy.commit(fail_at="check")
    toy.push()
    change(toy, "two")
    assert once(toy)["queued"] == 3
    assert toy.wait_for_end(3).state == "failed"
    toy.wait_for_rest()
    again = once(toy)
    assert (again["changed"], again["queued"]) == (True, None)
    assert "training #3 started for it, and is not started again" in str(again["words"])
    change(toy, "three")
    assert once(toy)["queued"] == 4


def test_no_earlier_training_is_said_and_starts_none(toy: Toy) -> None:
    toy.push("development:refs/heads/staging")
    look = once(toy)
    assert (look["branch"], look["changed"], look["queued"]) == ("staging", False, None)
    assert "never trained" in str(look["words"])
    assert toy.run(1, "staging") is None


def test_what_cannot_be_looked_at_is_said_with_its_reason(toy: Toy) -> None:
    toy.push()
    toy.commit(fail_at="watch")
    toy.push()
    done = mlopsgen(toy, "watch", "--once")
    assert done.returncode == ExitCode.FAILURE
    assert "warning: development: data/sources.yaml:7: the column 'price' is missing" in done.stderr
    assert "next: Name the target." in done.stderr
    assert done.stdout == "No data has changed; development could not be looked at.\n"
    assert once(toy, code=1)["error"] == {
        "code": "failure", "message": "data/sources.yaml:7: the column 'price' is missing"
    }  # fmt: skip


def test_the_look_has_the_branchs_secrets_and_shows_none(toy: Toy) -> None:
    password = canary("data")
    toy.layout.secrets("development").write_text(f"DATA_MAIN_TOKEN={password}\n")
    toy.commit(print="DATA_MAIN_TOKEN")
    toy.push()
    assert once(toy)["changed"] is False
    log = (toy.layout.watch("development") / "log.txt").read_text()
    assert "value: ***" in log
    assert password not in log
    assert not (toy.layout.watch("development") / "checkout").exists()


def test_all_pushed_branches_are_watched_and_an_unknown_one_is_refused(toy: Toy) -> None:
    toy.push("development", "staging")
    toy.wait_for_rest()
    done = mlopsgen(toy, "watch", "--once", "--output", "json")
    assert [look["branch"] for look in data(done)["looks"]] == ["development", "staging"]
    assert mlopsgen(toy, "watch", "--once", "--branch", "production").returncode == ExitCode.FAILURE
    wrong = mlopsgen(toy, "watch", "--once", "--branch", "main")
    assert wrong.returncode == ExitCode.FAILURE
    assert "The branches are development, staging, production." in wrong.stderr


@pytest.mark.parametrize("time", ["0", "soon", "5w", "-1m", "31d", "1.5h", ""])
def test_a_time_that_cannot_be_is_refused(toy: Toy, time: str) -> None:
    done = mlopsgen(toy, "watch", f"--every={time}")
    assert done.returncode == ExitCode.USAGE
    assert "30s, 10m, 1h" in done.stderr


def test_ctrl_c_ends_the_watch_cleanly_and_a_change_is_seen_before(toy: Toy) -> None:
    toy.push()
    watching = subprocess.Popen(
        argv("watch", "--every", "1s", "--output", "json"),
        cwd=toy.folder,
        env=surroundings(toy),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: any(call[1] == "watch" for call in toy.calls()))
    change(toy, "two")
    toy.wait_for_end(2)
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=60)
    assert watching.returncode == ExitCode.INTERRUPTED
    envelope = json.loads(out)
    assert envelope["error"]["code"] == "interrupted"
    assert envelope["data"]["queued"] == 1
    events = [json.loads(line) for line in err.splitlines()]
    assert any("queued as #2" in event["message"] for event in events)
    assert "Traceback" not in err


class Pauses:
    """Stands in for the wait between two looks: does something in each, and presses Ctrl-C in the last."""

    def __init__(self, *steps: object) -> None:
        self.steps = list(steps)

    def __call__(self, seconds: float) -> None:
        if not self.steps:
            raise KeyboardInterrupt
        step = self.steps.pop(0)
        if callable(step):
            step()


def test_errors_are_survived_and_said_once(toy: Toy) -> None:
    toy.push()
    told: list[Event] = []
    away = toy.root.with_name("away")
    pauses = Pauses(lambda: toy.root.rename(away), None, lambda: away.rename(toy.root))
    here = Surroundings(folder=toy.folder, environ=toy.environ, python=Path(argv()[0]).resolve())
    with pytest.raises(Interrupted) as caught:
        watch(WatchRequest(surroundings=here, every=1, pause=pauses), told.append)
    assert caught.value.data == {"looks": 4, "queued": 0}
    warnings = [event for event in told if isinstance(event, Warn)]
    assert len(warnings) == 1
    assert "it is not there any more" in warnings[0].message
    notes = [event.message for event in told if type(event).__name__ == "Note"]
    assert notes == ["development: watch is done"] * 2
