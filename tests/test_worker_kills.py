"""Whatever is killed, and whenever: no push is lost, nothing runs twice at once, and the queue goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.forge.worker import locks, queue
from tests.forge_toys import Toy, make_toy, until

RESTART = "the worker was killed during"


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path)
    toy.found_forge()
    yield toy
    toy.go()
    toy.wait_for_rest()


def kill_worker(toy: Toy, number: int = 1) -> int:
    run = toy.run(number)
    assert run is not None
    assert run.worker > 1
    os.kill(run.worker, signal.SIGKILL)
    until(lambda: not locks.is_held(toy.layout.worker_lock("development")))
    return run.worker


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("verb", ["check", "compile", "run"])
def test_a_killed_worker_is_replaced_and_its_training_ended_first(toy: Toy, verb: str) -> None:
    toy.commit("Stop", stop_at=verb)
    toy.push("-o", "detach", "development")
    orphan = toy.wait_for_call(verb)
    kill_worker(toy)
    assert is_alive(orphan)
    toy.commit("Next", stop_at=None)
    toy.push("-o", "detach", "development")
    second = toy.wait_for_call(verb, 2)
    assert not is_alive(orphan)
    assert second != orphan
    toy.go()
    first = toy.wait_for_end(1)
    assert (first.state, first.attempt) == ("succeeded", 2)
    assert RESTART in toy.text("progress.txt")
    assert toy.wait_for_end(2).state == "succeeded"
    assert list(toy.layout.work("development").glob("*")) == []


def test_a_training_whose_worker_is_killed_twice_is_given_up_and_the_queue_goes_on(toy: Toy) -> None:
    toy.commit("Stop", stop_at="run")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run")
    kill_worker(toy)
    toy.commit("Next", stop_at=None)
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run", 2)
    kill_worker(toy)
    toy.commit("And another")
    assert "#3" in toy.push()
    assert toy.wait_for_end(1).state == "killed"
    assert toy.wait_for_end(1).exit_code == 1
    assert "killed 2 times" in toy.text("progress.txt")
    assert [toy.wait_for_end(number).state for number in (2, 3)] == ["succeeded", "succeeded"]


def test_who_follows_starts_the_worker_again(toy: Toy) -> None:
    toy.commit("Stop", stop_at="run")
    push = toy.push_behind()
    toy.wait_for_call("run")
    kill_worker(toy)
    toy.wait_for_call("run", 2)
    toy.go()
    said = push.communicate()[1]
    assert RESTART in said
    assert "accepted" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_leaving_a_push_leaves_the_training_alone(toy: Toy, number: signal.Signals) -> None:
    toy.commit("Stop", stop_at="run")
    push = toy.push_behind()
    process = toy.wait_for_call("run")
    assert push.stderr is not None
    seen = ""
    while "waiting at run" not in seen:
        seen += push.stderr.readline()
    os.killpg(push.pid, number)
    push.stderr.close()
    assert push.wait() != 0
    assert is_alive(process)
    toy.go()
    run = toy.wait_for_end()
    assert (run.state, run.attempt) == ("succeeded", 1)
    assert toy.git("ls-remote", "local", "development").stdout.startswith(toy.git("rev-parse", "HEAD").stdout.strip())


def test_leaving_stops_the_one_who_follows(toy: Toy) -> None:
    toy.commit("Stop", stop_at="run")
    push = toy.push_behind()
    toy.wait_for_call("run")
    processes = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    members = [pid for pid in processes if group_of(pid) == push.pid]
    assert len(members) >= 3
    os.killpg(push.pid, signal.SIGINT)
    push.communicate()
    until(lambda: not any(is_alive(pid) for pid in members))


def group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def test_a_push_whose_hook_was_killed_before_it_queued_is_found(toy: Toy) -> None:
    toy.push()
    hook = toy.layout.hook
    content = hook.read_text()
    hook.write_text("#!/bin/sh\nkill -9 $$\n")
    commit = toy.commit("Unlucky")
    toy.push(check=False)
    assert toy.run(2) is None
    hook.write_text(content)
    # A push of another branch is enough.
    toy.push("staging")
    run = toy.wait_for_end(2)
    assert (run.commit, run.trigger, run.state) == (commit, "push", "succeeded")


def test_hooks_that_queue_in_the_wrong_order_end_with_the_newest(toy: Toy) -> None:
    toy.push()
    older = toy.commit("Older", stop_at="run")
    newer = toy.commit("Newer")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run", 2)
    # The hook of the push before comes late.
    queue.add_pushed(toy.layout, "development", older, actor="ada")
    toy.go()
    assert [toy.wait_for_end(number).commit for number in (2, 3, 4)] == [newer, older, newer]


def test_a_worker_killed_between_the_verdict_and_the_queue_does_not_train_again(toy: Toy) -> None:
    toy.push()
    toy.wait_for_rest()
    run = toy.run()
    assert run is not None
    job = queue.add(toy.layout, "development", run.commit, actor="ada", trigger="push")
    (toy.layout.queue("development") / f"{job.number}.json").rename(toy.layout.queue("development") / "1.json")
    toy.commit("Next")
    toy.push()
    assert toy.run() == run
    assert [call[1] for call in toy.calls()].count("run") == 2


def test_work_areas_of_the_killed_are_cleared(toy: Toy) -> None:
    leftover = toy.layout.work("development") / "99-1" / "src"
    leftover.mkdir(parents=True)
    (leftover / "file").touch()
    leftover.chmod(0o500)
    toy.push()
    assert list(toy.layout.work("development").iterdir()) == []


def test_an_installer_that_outlives_its_worker_does_not_spoil_the_environment(toy: Toy) -> None:
    toy.push()
    toy.wait_for_rest()
    [marker] = toy.layout.virtual_environments.glob("*/.complete")
    marker.unlink()
    lock = marker.parent.with_name(f"{marker.parent.name}.lock")
    with locks.hold(lock):
        toy.commit("Next")
        push = toy.push_behind()
        assert push.stderr is not None
        seen = ""
        while "another training is preparing it; waiting" not in seen:
            seen += push.stderr.readline()
        run = toy.run(2)
        assert run is not None
        assert run.stage == "environment"
    assert "accepted" in push.communicate()[1]
    assert marker.exists()
