"""What follows a training on the local forge: the repository's `act`, which never changes the verdict."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries import canary
from tests.forge_toys import Toy, make_toy


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path / "Ada's wörk")
    toy.with_actions()
    toy.commit("Actions")
    toy.found_forge()
    yield toy
    toy.go()
    toy.wait_for_rest()


def verbs(toy: Toy) -> list[str]:
    return [call[1] for call in toy.calls()]


def test_actions_follow_a_training_with_the_branchs_secrets(toy: Toy) -> None:
    password = canary("smtp")
    toy.layout.secrets("development").write_text(f"SMTP_PASSWORD={password}\n")
    said = toy.push()
    run = toy.wait_for_end()
    assert (run.state, run.exit_code, run.stage) == ("succeeded", 0, "report")
    assert run.actions == {"exit_code": 0, "summary": "act is done"}
    assert "actions: act is done" in said
    report = toy.layout.run("development", 1) / "engine" / "report.json"
    assert toy.acted() == [[str(report), None, len(password)]]
    assert verbs(toy)[-1] == "act"
    assert password not in toy.text("log.txt")


def test_where_nobody_wants_to_hear_of_it_nothing_is_said(toy: Toy) -> None:
    toy.commit(results=[])
    assert "actions:" not in toy.push()
    assert toy.wait_for_end().actions == {}


def test_a_repository_without_actions_is_left_alone(toy: Toy) -> None:
    toy.git("rm", "-r", "--quiet", "src/helpers/actions")
    toy.commit("An older template")
    toy.push()
    assert toy.wait_for_end().state == "succeeded"
    assert "act" not in verbs(toy)


@pytest.mark.parametrize(("exit_code", "state"), [(0, "succeeded"), (6, "rejected")])
def test_a_failing_action_changes_no_verdict_and_is_told(toy: Toy, exit_code: int, state: str) -> None:
    toy.commit(fail_at="act", exit=exit_code)
    said = toy.push()
    run = toy.wait_for_end()
    assert (run.state, run.exit_code) == (state, exit_code)
    assert run.actions["exit_code"] == 1
    assert "  actions failed: the column 'price' is missing" in said.replace("remote: ", "")


def test_a_failed_check_is_told_without_a_report(toy: Toy) -> None:
    toy.commit(fail_at="check")
    toy.push()
    run = toy.wait_for_end()
    assert (run.state, run.stage) == ("failed", "check")
    assert [acted[:2] for acted in toy.acted()] == [[None, "the check before the training"]]


def test_a_worker_that_is_killed_while_acting_does_not_train_again(toy: Toy) -> None:
    toy.commit(stop_at="act", exit=6)
    toy.push("-o", "detach", "development")
    toy.wait_for_call("act")
    run = toy.run()
    assert run is not None
    assert (run.state, run.acting, run.exit_code) == ("running", True, 6)
    os.killpg(run.worker, signal.SIGKILL)
    toy.go()
    toy.commit(name="next", stop_at=None, exit=None)
    toy.push()
    ended = toy.wait_for_end(1)
    assert (ended.state, ended.exit_code, ended.attempt, ended.stage) == ("rejected", 6, 2, "report")
    assert verbs(toy) == ["check", "compile", "run", "act", "act", "check", "compile", "run", "act"]
    assert len(toy.acted()) == 2


def test_a_worker_that_is_killed_twice_while_acting_keeps_the_verdict(toy: Toy) -> None:
    toy.commit(stop_at="act")
    toy.push("-o", "detach", "development")
    for attempt in (1, 2):
        toy.wait_for_call("act", attempt)
        run = toy.run()
        assert run is not None
        os.killpg(run.worker, signal.SIGKILL)
        toy.git("push", "--quiet", "-o", "detach", "local", "HEAD:refs/heads/other", check=False)
        toy.commit(name=f"after {attempt}", stop_at="act" if attempt == 1 else None)
        toy.push("-o", "detach", "development")
    toy.go()
    ended = toy.wait_for_end(1)
    assert (ended.state, ended.exit_code) == ("succeeded", 0)
    assert "killed 2 times" in ended.actions["summary"]


def test_a_branch_that_trains_on_a_cluster_is_submitted(toy: Toy) -> None:
    toy.commit(engine="kubeflow")
    toy.push()
    assert toy.wait_for_end().state == "succeeded"
    assert verbs(toy) == ["check", "compile", "submit", "act"]
