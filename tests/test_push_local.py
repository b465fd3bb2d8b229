"""`mlopsgen push --local` and `mlopsgen run`, as commands in their own processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from mlopsgen.forge.worker import envfile
from tests.command_toys import argv, data, mlopsgen, surroundings
from tests.forge_toys import Toy, make_toy, until


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path / "Ada's wörk")
    yield toy
    toy.go()
    if toy.root.exists():
        toy.wait_for_rest()


def kinds(done: subprocess.CompletedProcess[str]) -> set[str]:
    return {action["kind"] for action in data(done)["plan"]["actions"]}


def everything(toy: Toy) -> dict[str, bytes]:
    """Every file of the forge and of the repository's own git settings."""
    files = [path for path in toy.root.rglob("*") if path.is_file()]
    files += [toy.folder / ".git" / "config", toy.folder / ".env"]
    return {str(path): path.read_bytes() for path in files}


def test_the_first_push_makes_everything_and_trains_development_only(toy: Toy) -> None:
    done = mlopsgen(toy, "push", "--local", "--yes", "--output", "json")
    told = data(done)
    assert done.returncode == 0, done.stderr
    assert kinds(done) == {"create"}
    assert told["training"]["branch"] == "development"
    assert told["training"]["outcome"] == "first"
    assert told["remote"] == "local"
    assert [toy.run(1, branch) for branch in ("staging", "production")] == [None, None]
    assert toy.git("remote", "get-url", "local").stdout.strip() == str(toy.layout.repository)
    for branch in ("development", "staging", "production"):
        upstream = toy.git("rev-parse", "--abbrev-ref", f"{branch}@{{upstream}}").stdout.strip()
        assert upstream == f"local/{branch}"
    assert envfile.read(toy.folder / ".env") == {"MLFLOW_TRACKING_URI": toy.layout.tracking_uri}
    assert toy.git("status", "--porcelain").stdout == ""
    manifest = json.loads(toy.layout.manifest.read_text())
    assert (manifest["version"], manifest["project"]) == (1, "toy")
    assert manifest["tool"]
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert "step train-model: succeeded (0.0 s)" in [event["message"] for event in events]


def test_plain_git_push_trains_afterwards(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.commit("Next")
    assert "accepted" in toy.git("push").stderr


def test_after_a_first_training_that_failed_the_mending_comes_before_the_push(toy: Toy) -> None:
    toy.commit("Broken", fail_at="check")
    done = mlopsgen(toy, "push", "--local", "--yes")
    log = str(toy.layout.run("development", 1) / "log.txt")
    again = mlopsgen(toy, "push", "--local")
    toy.layout.secrets("staging").unlink()
    for said in (done.stdout, again.stdout, mlopsgen(toy, "push", "--local", "--yes").stdout):
        steps = said.partition("Next:")[2]
        assert "what failed in 'check'" in steps
        assert steps.index(log) < steps.index("Name the target.") < steps.index("git push")
        assert "after you have mended it and committed" in steps
        assert "mlopsgen run --branch development" in steps
    assert "then: mend it, commit, git push; 'mlopsgen run --branch development'" in done.stderr
    toy.commit("Worse", fail_at=None, exit=6)
    toy.push()
    steps = mlopsgen(toy, "run").stdout.partition("Next:")[2]
    assert steps.index("report.html") < steps.index("after a change and a commit")


def test_doing_it_twice_changes_nothing(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.wait_for_rest()
    before = everything(toy)
    done = mlopsgen(toy, "push", "--local", "--output", "json")
    assert done.returncode == 0
    assert kinds(done) == {"keep"}
    assert everything(toy) == before


def test_a_dry_run_shows_the_plan_and_does_nothing(toy: Toy) -> None:
    done = mlopsgen(toy, "push", "--local", "--dry-run")
    assert done.returncode == 0
    assert "+ branch      development" in done.stdout
    assert not toy.root.exists()
    assert toy.git("remote").stdout == ""
    assert not (toy.folder / ".env").exists()


def test_without_a_terminal_it_wants_yes(toy: Toy) -> None:
    done = mlopsgen(toy, "push", "--local")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert not toy.root.exists()


@pytest.mark.parametrize(
    ("answer", "told", "made"),
    [("n\n", "Nothing was changed", False), ("\x03", "this was not done", False), ("y\n", "accepted", True)],
    ids=["no", "Ctrl-C", "yes"],
)
def test_on_a_terminal_it_asks_once(toy: Toy, answer: str, told: str, made: bool) -> None:
    environ = {**surroundings(toy), "TERM": "dumb"}
    child = pexpect.spawn(
        sys.executable, argv("push", "--local")[1:], cwd=str(toy.folder), env=environ, encoding="utf-8", timeout=60
    )
    child.expect("environment development")
    child.expect(r"Do this\?")
    child.send(answer)
    child.expect(told)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == (0 if made else 130)
    assert toy.root.exists() is made


def test_a_folder_that_holds_something_else_is_refused(toy: Toy) -> None:
    other = toy.folder.parent / "photos"
    other.mkdir()
    (other / "cat.jpg").write_bytes(b"cat")
    done = mlopsgen(toy, "push", "--local", "../photos", "--yes", "--output", "json")
    assert done.returncode == 1
    assert data(done)["error"]["code"] == "occupied"
    assert [path.name for path in other.iterdir()] == ["cat.jpg"]
    assert toy.git("remote").stdout == ""


def test_a_folder_inside_the_repository_is_refused(toy: Toy) -> None:
    done = mlopsgen(toy, "push", "--local", "forge", "--yes")
    assert done.returncode == 1
    assert "inside the repository" in done.stderr
    assert not (toy.folder / "forge").exists()


@pytest.mark.parametrize("name", ["what?", "100%25", "two\nlines"])
def test_a_folder_that_no_address_can_name_is_refused(toy: Toy, name: str) -> None:
    done = mlopsgen(toy, "push", "--local", f"../{name}", "--yes")
    assert done.returncode == 2
    assert "Name another folder" in done.stderr
    assert not (toy.folder.parent / name).exists()


def test_the_forge_of_another_project_is_refused(toy: Toy, tmp_path: Path) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    other = make_toy(tmp_path / "other", marks=toy.marks)
    (other.folder / ".copier-answers.yml").write_text("slug: other\n")
    done = mlopsgen(other, "push", "--local", str(toy.root), "--yes")
    assert done.returncode == 1
    assert "belongs to the project 'toy'" in done.stderr
    assert other.git("remote").stdout == ""


@pytest.mark.parametrize("address", ["https://example.org/x.git", "git@example.org:x.git", "host:x/y"])
def test_a_remote_of_that_name_on_another_machine_is_left_alone(toy: Toy, address: str) -> None:
    toy.git("remote", "add", "local", address)
    done = mlopsgen(toy, "push", "--local", "--yes", "--detach")
    assert done.returncode == 1
    assert "git remote rename local" in done.stderr
    assert toy.git("remote", "get-url", "local").stdout.strip() == address


def test_a_remote_of_that_name_that_leads_elsewhere_is_left_alone(toy: Toy) -> None:
    (toy.folder.parent / "elsewhere").mkdir()
    toy.git("remote", "add", "local", "../elsewhere")
    done = mlopsgen(toy, "push", "--local", "--yes")
    assert done.returncode == 1
    assert "git remote rename local" in done.stderr
    assert toy.git("remote", "get-url", "local").stdout.strip() == "../elsewhere"
    assert not toy.root.exists()


def test_a_forge_that_was_moved_is_found_again(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.wait_for_rest()
    moved = toy.root.with_name("moved")
    toy.root.rename(moved)
    toy.root = moved
    done = mlopsgen(toy, "push", "--local", str(moved), "--yes", "--output", "json")
    changed = [action["resource"] for action in data(done)["plan"]["actions"] if action["kind"] == "change"]
    assert changed == ["remote", "tracking"]
    assert toy.git("remote", "get-url", "local").stdout.strip() == str(toy.layout.repository)
    assert mlopsgen(toy, "push", "--local", "--output", "json").returncode == 0


def test_another_way_to_the_same_folder_is_the_same_forge(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    (toy.folder.parent / "short").symlink_to(toy.root)
    address = str(toy.folder.parent / "short" / "repository.git")
    toy.git("remote", "set-url", "local", address)
    done = mlopsgen(toy, "push", "--local", "--output", "json")
    assert kinds(done) == {"keep"}
    assert toy.git("remote", "get-url", "local").stdout.strip() == address


def test_what_an_older_version_installed_is_changed_by_plan(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.wait_for_rest()
    current = toy.layout.program.read_bytes()
    toy.layout.program.write_bytes(b"old")
    toy.layout.hook.chmod(0o644)
    manifest = json.loads(toy.layout.manifest.read_text())
    toy.layout.manifest.write_text(json.dumps({**manifest, "tool": "99.0.0"}))
    newer = mlopsgen(toy, "push", "--local", "--dry-run")
    assert "mlopsgen 99.0.0, which is newer than this one" in newer.stdout
    assert "+ setting     hook" in newer.stdout
    toy.layout.manifest.write_text(json.dumps({**manifest, "tool": "0.0.1"}))
    done = mlopsgen(toy, "push", "--local", "--yes", "--output", "json")
    assert kinds(done) == {"keep", "create", "change"}
    assert toy.layout.program.read_bytes() == current
    assert os.access(toy.layout.hook, os.X_OK)


def test_commits_that_are_not_pushed_are_part_of_the_plan(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    commit = toy.commit("Ahead")
    done = mlopsgen(toy, "push", "--local", "--yes", "--output", "json")
    assert data(done)["training"]["commit"] == commit
    toy.git("commit", "--quiet", "--allow-empty", "--amend", "-m", "Rewritten")
    done = mlopsgen(toy, "push", "--local", "--yes", "--output", "json")
    assert done.returncode == 5
    assert "git pull --rebase" in data(done)["next_steps"][0]
    assert toy.git("ls-remote", "local", "development").stdout.startswith(commit)


def test_a_tracking_server_of_ones_own_stays(toy: Toy) -> None:
    (toy.folder / ".env").write_text("# mine\nMLFLOW_TRACKING_URI=https://mlflow.example.org\nOTHER='x y'\n")
    before = (toy.folder / ".env").read_text()
    done = mlopsgen(toy, "push", "--local", "--yes")
    assert done.returncode == 0
    assert "https://mlflow.example.org" in done.stderr
    assert (toy.folder / ".env").read_text() == before


def test_killed_anywhere_and_run_again_it_ends_in_the_same_state(toy: Toy) -> None:
    """The process is killed after each of its first progress lines, then left to finish."""
    for line in range(1, 18, 2):
        with subprocess.Popen(
            argv("push", "--local", "--yes", "--output", "json"),
            cwd=toy.folder,
            env=surroundings(toy),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        ) as push:
            assert push.stderr is not None
            for _ in range(line):
                push.stderr.readline()
            push.kill()
    done = mlopsgen(toy, "push", "--local", "--yes", "--output", "json")
    assert done.returncode == 0, done.stdout
    last = mlopsgen(toy, "push", "--local", "--output", "json")
    assert kinds(last) == {"keep"}
    until(lambda: toy.run() is not None)
    assert toy.wait_for_end(1).state == "succeeded"
    assert toy.run(2) is None


def test_a_git_that_fails_in_the_middle_says_how_to_go_on(toy: Toy) -> None:
    lock = toy.folder / ".git" / "config.lock"
    lock.touch()
    done = mlopsgen(toy, "push", "--local", "--yes", "--output", "json")
    assert done.returncode == 5
    assert "could not lock config file" in data(done)["summary"]
    assert "Run the same command again" in data(done)["error"]["hint"]
    lock.unlink()
    assert mlopsgen(toy, "push", "--local", "--yes").returncode == 0


def test_run_trains_the_pushed_commit_again_and_returns_its_code(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    done = mlopsgen(toy, "run", "--branch", "staging", "--output", "json")
    told = data(done)["training"]
    assert (done.returncode, told["branch"], told["trigger"], told["actor"]) == (0, "staging", "dispatch", "ada")
    toy.commit("Worse", exit=6)
    toy.push()
    assert mlopsgen(toy, "run").returncode == 6
    toy.commit("Broken", fail_at="check")
    toy.push()
    done = mlopsgen(toy, "run")
    assert done.returncode == 1
    assert "the column 'price' is missing" in done.stderr
    assert "after you have mended it and committed" in done.stdout


@pytest.mark.parametrize("leave", [signal.SIGINT, signal.SIGTERM])
def test_leaving_a_run_leaves_the_training_alone(toy: Toy, leave: signal.Signals) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    toy.commit("Stop", stop_at="run")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run", 2)
    with subprocess.Popen(
        argv("status", "--follow"), cwd=toy.folder, env=surroundings(toy), stderr=subprocess.PIPE, text=True
    ) as follow:
        assert follow.stderr is not None
        seen = ""
        while "waiting at run" not in seen:
            seen += follow.stderr.readline()
        follow.send_signal(leave)
        rest = follow.stderr.read()
    assert follow.returncode == 130
    assert "goes on" in rest
    assert "mlopsgen status --follow" in rest
    toy.go()
    assert toy.wait_for_end(2).state == "succeeded"


def test_run_without_following_only_queues(toy: Toy) -> None:
    mlopsgen(toy, "push", "--local", "--yes")
    done = mlopsgen(toy, "run", "--detach", "--output", "json")
    assert done.returncode == 0
    assert data(done)["training"]["number"] == 2
    assert toy.wait_for_end(2).state == "succeeded"


@pytest.mark.parametrize("verb", [("run",), ("status",), ("push", "--local")])
def test_outside_of_a_project_the_next_step_is_named(toy: Toy, verb: tuple[str, ...]) -> None:
    done = mlopsgen(toy, *verb, cwd=toy.folder.parent)
    assert done.returncode == 1
    assert "mlopsgen init" in done.stderr
    (toy.folder / ".copier-answers.yml").unlink()
    done = mlopsgen(toy, *verb)
    assert done.returncode == 1
    assert "mlopsgen init" in done.stderr


def test_a_run_needs_a_branch_that_trains(toy: Toy) -> None:
    assert "mlopsgen push --local" in mlopsgen(toy, "run").stderr
    assert "There is no branch 'nonsense'" in mlopsgen(toy, "run", "--branch", "nonsense").stderr
    toy.git("checkout", "--quiet", "-b", "feature")
    assert "mlopsgen run --branch development" in mlopsgen(toy, "run").stderr


def test_a_branch_without_configuration_cannot_be_run(toy: Toy) -> None:
    (toy.folder / "src/pipelines/development/config.yaml").unlink()
    toy.commit("Gone")
    done = mlopsgen(toy, "push", "--local", "--yes")
    assert done.returncode == 0, done.stderr
    assert toy.run() is None
    done = mlopsgen(toy, "run")
    assert done.returncode == 1
    assert "has no src/pipelines/development/config.yaml" in done.stderr


def test_push_without_a_place_says_which_there_are(toy: Toy) -> None:
    done = mlopsgen(toy, "push")
    assert done.returncode == 2
    assert "--local" in done.stderr
