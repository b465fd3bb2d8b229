"""What a `git push` to a local forge does: real git, the real hook, real workers; only the training is a toy."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlopsgen.forge.worker import locks, queue
from tests.canaries import MARK
from tests.forge_toys import Toy, make_toy, until


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path / "Ada's wörk")
    toy.found_forge()
    yield toy
    toy.go()
    toy.wait_for_rest()


def test_a_push_trains_and_tells_the_verdict(toy: Toy) -> None:
    said = toy.push()
    commit = toy.git("rev-parse", "HEAD").stdout.strip()
    lines = [line.removeprefix("remote: ").rstrip() for line in said.splitlines() if line.startswith("remote: ")]
    assert lines[0] == f"development {commit[:7]}: queued as #1  Begin"
    assert "step train-model: succeeded (0.0 s)" in lines
    assert lines[-4:] == [
        f"development {commit[:7]} (#1): accepted, the first champion",
        "  rmse 54.25",
        f"  report: {toy.layout.run('development', 1) / 'report.html'}",
        f"  log: {toy.layout.run('development', 1) / 'log.txt'}",
    ]
    run = toy.run()
    assert run is not None
    assert (run.state, run.exit_code, run.commit, run.actor, run.promoted) == ("succeeded", 0, commit, "ada", True)
    assert [call[1] for call in toy.calls()] == ["check", "compile", "run"]
    assert {form: Path(path).read_text() for form, path in run.report.items()} == dict.fromkeys(
        ("html", "md", "json"), f"report of {commit}"
    )
    assert list(toy.layout.work("development").iterdir()) == []
    assert queue.waiting(toy.layout, "development") == ()


def test_the_environment_is_made_once(toy: Toy) -> None:
    assert "environment: preparing" in toy.push()
    toy.commit("More")
    assert "environment: preparing" not in toy.push()
    [marker] = toy.layout.virtual_environments.glob("*/.complete")
    # Half-built: what a killed worker leaves has no marker.
    marker.unlink()
    toy.commit("Even more")
    assert "environment: preparing" in toy.push()
    assert marker.exists()


def test_a_gate_that_refuses_is_told_and_kept(toy: Toy) -> None:
    toy.commit("Worse", exit=6)
    assert "the gate refused the model" in toy.push()
    run = toy.run()
    assert run is not None
    assert (run.state, run.exit_code, run.passed) == ("rejected", 6, False)
    assert "report.html" in run.report["html"]


def test_the_comparison_and_its_reasons_are_told(toy: Toy) -> None:
    metrics = [{"name": "rmse", "value": 54.25, "baseline": 50.0, "gain": -4.25}]
    toy.commit("Worse", exit=6, decision={"metrics": metrics, "reasons": ["rmse got worse: 54.25 instead of 50."]})
    said = toy.push()
    assert "rmse 54.25 (was 50)" in said
    assert "rmse got worse: 54.25 instead of 50." in said


@pytest.mark.parametrize("verb", ["check", "compile", "run"])
def test_a_failure_names_its_place_and_the_next_step(toy: Toy, verb: str) -> None:
    toy.commit("Broken", fail_at=verb)
    said = toy.push()
    assert f"failed in '{verb}'" in said
    assert "data/sources.yaml:7: the column 'price' is missing" in said
    assert "next: Name the target." in said
    assert "then: mend it, commit, git push" in said
    run = toy.run()
    assert run is not None
    assert (run.state, run.exit_code, run.error["code"]) == ("failed", 1, "data")
    toy.commit("Mended", fail_at=None)
    assert "#2" in toy.push()
    assert toy.wait_for_end(2).state == "succeeded"


def test_a_commit_that_is_broken_altogether_fails_and_the_queue_goes_on(toy: Toy) -> None:
    main = toy.folder / "src/pipelines/development/main.py"
    content = main.read_text()
    main.write_text("raise SystemError('out of cheese')\n")
    toy.commit("Nonsense")
    said = toy.push()
    assert "'check' failed (1): SystemError: out of cheese" in said
    assert "next: mend it, commit, git push" in said
    main.unlink()
    toy.commit("Gone")
    said = toy.push()
    assert "The commit has no src/pipelines/development/main.py." in said
    assert "next: Bring it back ('git log -- src/pipelines/development/main.py' names the commit" in said
    main.write_text(content)
    (toy.folder / "requirements.txt").unlink()
    toy.commit("No lock")
    assert "The commit has no requirements.txt" in toy.push()
    (toy.folder / "requirements.txt").write_text("surely-not-there==1.0 --hash=sha256:" + "0" * 64 + "\n")
    toy.commit("No such package")
    said = toy.push(PIP_NO_INDEX="1", PIP_RETRIES="0")
    assert "The packages of requirements.txt could not be installed" in said
    assert "Is the package index reachable" in said
    assert "mend it" not in said  # the hint says all there is to say
    (toy.folder / "requirements.txt").write_text("# nothing\n")
    toy.commit("Mended")
    toy.push()
    assert [toy.wait_for_end(number).state for number in range(1, 6)] == [*["failed"] * 4, "succeeded"]


def test_what_does_not_train_is_stored_and_said(toy: Toy) -> None:
    toy.push()
    toy.git("tag", "v1")
    toy.git("branch", "feature/x")
    said = toy.push("v1", "feature/x", "staging", "HEAD:refs/notes/x")
    assert "tag v1: stored; only branches train" in said
    assert "feature/x: stored; only development, staging, production train" in said
    assert "staging" in said
    assert "a branch trains from its next push on" in said
    assert "reference refs/notes/x: stored" in said
    assert "staging: deleted; its runs, its environment and its champion stay" in toy.push("--delete", "staging")
    assert "feature/x: deleted" in toy.push("--delete", "feature/x")
    shutil.rmtree(toy.folder / "src/pipelines/development")
    toy.commit("Gone")
    assert (
        "there is no src/pipelines/development/config.yaml in this commit; nothing is trained ('git log -- "
        in toy.push()
    )
    assert [toy.run(2), toy.run(1, "staging")] == [None, None]


def test_a_branch_trains_from_its_second_push_on(toy: Toy) -> None:
    toy.push("development", "staging")
    toy.git("checkout", "--quiet", "staging")
    toy.commit("For staging")
    said = toy.push("staging")
    assert "staging" in said
    assert toy.wait_for_end(1, "staging").state == "succeeded"


def test_a_rewritten_history_trains_and_is_said(toy: Toy) -> None:
    toy.push()
    toy.git("commit", "--quiet", "--amend", "-m", "Begin again")
    assert "history was rewritten" in toy.push("--force", "development")
    assert toy.wait_for_end(2).state == "succeeded"


def test_two_pushes_at_once_are_trained_in_order_one_at_a_time(toy: Toy) -> None:
    toy.commit("First", stop_at="run", name="first")
    one = toy.push_behind()
    toy.wait_for_call("run")
    commits = [toy.git("rev-parse", "HEAD").stdout.strip()]
    for name in ("second", "third"):
        commits.append(toy.commit(name, name=name, stop_at=None))
        assert "queued as" in toy.push("-o", "detach", "development")
    assert [call[2] for call in toy.calls()] == ["first"] * 3
    toy.go()
    assert one.communicate()[1].count("accepted") == 1
    assert one.returncode == 0
    assert [toy.wait_for_end(number).commit for number in (1, 2, 3)] == commits
    assert [call[2] for call in toy.calls()] == ["first"] * 3 + ["second"] * 3 + ["third"] * 3


def test_branches_train_beside_each_other(toy: Toy) -> None:
    toy.push("development", "staging")
    toy.commit("Stop", stop_at="run")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("run", 2)
    toy.git("checkout", "--quiet", "staging")
    toy.commit("Go on", stop_at=None)
    assert "accepted" in toy.push("staging")
    run = toy.run(2)
    assert run is not None
    assert run.state == "running"


def test_secrets_reach_the_training_and_no_log(toy: Toy) -> None:
    toy.layout.secrets("development").write_text(f'TOKEN="{MARK}\\nsecond line"\n')
    toy.layout.variables("development").write_text("REGION=north west\n")
    toy.layout.variables("staging").write_text("ONLY_STAGING=1\n")
    toy.commit("Talkative", print="TOKEN", stop_at="compile")
    push = toy.push_behind()
    toy.wait_for_call("compile")
    # While it runs as well: the logs are not merely cleaned afterwards.
    assert "value: ***" in toy.text("progress.txt")
    assert MARK not in toy.text("progress.txt") + toy.text("log.txt")
    toy.go()
    said = push.communicate()[1]
    assert "value: ***" in said
    assert MARK not in said
    environ = toy.text("engine/environment.json")
    assert json.loads(environ)["REGION"] == "north west"
    assert "ONLY_STAGING" not in environ
    everything = b"".join(
        path.read_bytes() for path in toy.root.rglob("*") if path.is_file() and path.name != "secrets.env"
    )
    assert MARK.encode() not in everything
    assert b"second line" not in everything


def test_a_secrets_file_that_cannot_be_read_is_said_without_a_secret(toy: Toy) -> None:
    toy.layout.secrets("development").write_text(f"TOKEN='{MARK}\n")
    said = toy.push()
    assert "secrets.env:1: the quote is never closed" in said
    assert MARK not in said


def test_the_pushers_environment_does_not_leak(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "json.py").write_text("raise SystemExit('leaked')\n")
    dirty = {
        "PYTHONPATH": str(tmp_path / "evil"),
        "PYTHONSTARTUP": "/nowhere",
        "VIRTUAL_ENV": str(tmp_path / "venv"),
        "PATH": f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{toy.environ['PATH']}",
        "AWS_SECRET_ACCESS_KEY": MARK,
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
        "MLFLOW_TRACKING_URI": "https://elsewhere.example.org",
    }
    assert "accepted" in toy.push(**dirty)
    environ = json.loads(toy.text("engine/environment.json"))
    assert not [name for name in environ if name.startswith("GIT_") and name != "GIT_CEILING_DIRECTORIES"]
    assert not {"PYTHONSTARTUP", "VIRTUAL_ENV", "AWS_SECRET_ACCESS_KEY", "GIT_PUSH_OPTION_COUNT"} & set(environ)
    assert str(tmp_path / "venv" / "bin") not in environ["PATH"]
    assert environ["PYTHONPATH"].endswith("/src")
    assert environ["MLFLOW_TRACKING_URI"] == toy.layout.tracking_uri


@pytest.mark.parametrize("locale", ["C", "POSIX", "nowhere.ISO-8859-1"])
def test_any_locale_is_enough(toy: Toy, locale: str) -> None:
    toy.commit("Ünïcode: ✓")
    said = toy.push(LC_ALL=locale, LANG=locale)
    assert "queued as #1  Ünïcode: ✓" in said
    assert f"report: {toy.layout.run('development', 1)}" in said


def test_an_empty_home_and_no_identity_are_enough(toy: Toy) -> None:
    bare = {"PATH": toy.environ["PATH"], "HOME": str(toy.folder.parent / "empty")}
    (toy.folder.parent / "empty").mkdir()
    toy.environ = bare
    assert "accepted" in toy.push()
    toy.git("push", "local", "staging", HOME="")


def test_the_hook_survives_a_tool_that_is_gone(toy: Toy) -> None:
    toy.layout.recorded_python.write_text("/opt/gone/bin/python\n")
    assert "accepted" in toy.push()


def test_without_a_python_the_push_is_stored_and_trained_later(toy: Toy, tmp_path: Path) -> None:
    toy.layout.recorded_python.write_text("/opt/gone/bin/python\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "git-receive-pack", "git-upload-pack", "sh", "dirname"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    said = toy.push(PATH=str(tools))
    assert "there is no Python 3.11 or newer to train with" in said
    assert toy.git("ls-remote", "local", "development").stdout
    toy.commit("Next")
    assert "#1" in toy.push()
    assert toy.wait_for_end(1).state == "succeeded"


def test_a_moved_forge_goes_on(toy: Toy) -> None:
    toy.push()
    toy.wait_for_rest()
    moved = toy.root.with_name("moved forge")
    toy.root.rename(moved)
    toy.root = moved
    toy.git("remote", "set-url", "local", str(toy.layout.repository))
    toy.commit("Still here")
    assert "accepted" in toy.push()


def test_a_checkout_is_exactly_the_commit(toy: Toy) -> None:
    script = toy.folder / "tool.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    (toy.folder / "link").symlink_to("tool.sh")
    (toy.folder / ".gitattributes").write_text("tool.sh export-ignore\n")
    toy.commit("Files", stop_at="check")
    (toy.folder / "untracked").write_text("x")
    toy.push("-o", "detach", "development")
    toy.wait_for_call("check")
    [checkout] = [path for path in toy.layout.work("development").iterdir() if path.is_dir()]
    assert stat.S_IMODE((checkout / "tool.sh").stat().st_mode) & 0o111
    assert (checkout / "link").is_symlink()
    assert not (checkout / ".git").exists()
    assert not (checkout / "untracked").exists()


def test_the_lock_is_free_when_all_is_done(toy: Toy) -> None:
    toy.push()
    until(lambda: not locks.is_held(toy.layout.worker_lock("development")))
