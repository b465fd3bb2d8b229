"""`mlopsgen status` tells how everything stands, and changes nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.forge.worker import locks
from tests.command_toys import TOP, data, mlopsgen, start
from tests.forge_toys import Toy, make_toy, until


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path)
    yield toy
    toy.go()
    if toy.root.exists():
        toy.wait_for_rest()


def test_without_a_forge_it_says_how_to_make_one(toy: Toy) -> None:
    done = mlopsgen(toy, "status")
    assert done.returncode == 0
    assert "mlopsgen push --local" in done.stdout
    told = data(mlopsgen(toy, "status", "--output", "json"))
    assert [branch["last_run"] for branch in told["branches"]] == [None, None, None]
    assert told["drift"] is None


def test_without_github_nothing_of_it_is_imported(toy: Toy) -> None:
    code = "import sys; from mlopsgen.cli.main import main\ntry: main(['status'])\nfinally: print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=toy.folder, env=toy.environ, capture_output=True, text=True, check=True
    )
    assert "mlopsgen push --local" in done.stdout
    assert not {"github", "nacl", "requests", "pydantic"} & set(done.stdout.split())


def test_a_forge_that_went_away_is_told_by_every_command(toy: Toy) -> None:
    address = toy.folder.parent / "gone" / "repository.git"
    toy.git("remote", "add", "local", str(address))
    for command in ("status", "doctor", "run"):
        done = mlopsgen(toy, command)
        told = done.stdout + done.stderr
        assert f"had its forge in {address.parent}, and it is not there any more" in told, command
        assert "push --local ITS-FOLDER" in told, command


def test_the_last_training_of_each_branch(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.commit("Worse", exit=6, metrics={"rmse": 80.5, "mae": None})
    toy.push()
    told = data(mlopsgen(toy, "status", "--output", "json"))
    development, staging, _ = told["branches"]
    assert development["last_run"]["number"] == 2
    assert development["last_run"]["verdict"] == "the gate refused the model"
    assert development["last_run"]["metrics"] == {"rmse": 80.5, "mae": None}
    assert Path(development["last_run"]["report"]["html"]).is_file()
    assert development["last_run"]["age_seconds"] >= 0
    assert (development["ahead"], development["behind"]) == (0, 0)
    assert staging["last_run"] is None
    assert told["problems"] == []
    text = mlopsgen(toy, "status").stdout
    assert "rmse 80.5  mae -" in text
    assert "never trained" in text


def test_every_key_that_programs_read_is_documented(toy: Toy) -> None:
    page = (TOP / "docs" / "reference" / "json-data.md").read_text(encoding="utf-8")
    pushed = data(mlopsgen(toy, "push", "--local", "--yes", "--output", "json"))["data"]
    status = data(mlopsgen(toy, "status", "--output", "json"))["data"]
    finding = data(mlopsgen(toy, "doctor", "--output", "json"))["data"]["findings"][0]
    for document in (pushed, pushed["plan"], pushed["plan"]["actions"][0], status, status["branches"][0], finding):
        for key in document:
            assert f"`{key}`" in page, key


def test_what_runs_and_waits_is_shown_and_followed(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.commit("Stop", stop_at="run")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run", 2)
    toy.commit("Next", stop_at=None)
    toy.push("-o", "detach", "development")
    told = data(mlopsgen(toy, "status", "--output", "json"))
    development = told["branches"][0]
    assert development["at_work"] is True
    assert [(run["number"], run["state"]) for run in development["queue"]] == [(2, "running"), (3, "queued")]
    assert development["last_run"]["number"] == 3
    assert development["last_ended"]["number"] == 1
    text = mlopsgen(toy, "status").stdout
    assert re.search(r"^development +\w{7} +#2 ", text, re.MULTILINE), "the one that trains, not the one that waits"
    assert "1 in the queue" in text
    with start(toy, "status", "--follow", "--branch", "development") as following:
        assert following.stdout is not None
        first = following.stdout.readline()  # it follows: only now may what it waits for end
        toy.go()
        said = first + following.communicate(timeout=60)[0]
    assert following.returncode == 0
    assert "accepted" in said
    toy.wait_for_rest()
    assert "Nothing is training" in mlopsgen(toy, "status", "--follow").stdout


def test_a_dead_worker_is_told_and_following_starts_it_again(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.commit("Stop", stop_at="run")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run", 2)
    run = toy.run(2)
    assert run is not None
    os.kill(run.worker, signal.SIGKILL)
    until(lambda: not locks.is_held(toy.layout.worker_lock("development")))
    done = mlopsgen(toy, "status")
    assert "no worker is alive" in done.stdout
    assert "mlopsgen status --follow --branch development" in done.stdout
    toy.go()
    assert "accepted" in mlopsgen(toy, "status", "--follow").stdout


def test_distance_and_drift_are_shown_with_their_next_step(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.commit("Ahead")
    toy.git("config", "--unset", "branch.staging.remote")
    toy.wait_for_rest()
    toy.layout.secrets("staging").unlink()
    told = data(mlopsgen(toy, "status", "--output", "json"))
    assert told["branches"][0]["ahead"] == 1
    drift = {(a["kind"], a["resource"], a["name"]) for a in told["drift"]["actions"] if a["kind"] != "keep"}
    assert drift == {
        ("create", "environment", "staging"),
        ("change", "branch", "development"),
        ("create", "upstream", "staging"),
    }
    assert told["next_steps"] == ["git push local development", "mlopsgen push --local --dry-run"]


def test_a_colleagues_push_is_seen(toy: Toy, tmp_path: Path) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    colleague = make_toy(tmp_path / "colleague", environ=toy.environ, marks=toy.marks)
    colleague.git("fetch", "--quiet", str(toy.layout.repository), "development")
    colleague.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    colleague.commit("Theirs")
    colleague.git("push", "--quiet", "-o", "detach", str(toy.layout.repository), "development")
    told = data(mlopsgen(toy, "status", "--output", "json"))
    assert told["branches"][0]["behind"] == 1
    assert "git pull local development" in told["next_steps"]
    assert mlopsgen(toy, "push", "--local").returncode == 0
