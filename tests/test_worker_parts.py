"""The worker's parts, each alone: files of settings, the queue, masks, and what passes on of an environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsgen.constants import BRANCHES, MAIN_BRANCH
from mlopsgen.forge import program
from mlopsgen.forge.worker import (
    envfile,
    environments,
    locks,
    process,
    pythons,
    queue,
    repository,
    service,
    surroundings,
)
from mlopsgen.forge.worker.journal import Journal
from mlopsgen.forge.worker.layout import Layout
from mlopsgen.forge.worker.records import Run, read_run, write_run
from mlopsgen.forge.worker.verdict import ending
from tests.canaries import MARK, canary

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.dictionaries(NAMES, VALUES))
def test_settings_survive_being_written(settings: dict[str, str]) -> None:
    assert envfile.parse(envfile.replace("", settings)) == settings


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_changing_settings_keeps_the_others(first: dict[str, str], second: dict[str, str]) -> None:
    text = envfile.replace(envfile.replace("# mine\n", first), second)
    assert envfile.parse(text) == {**first, **second}
    assert text.startswith("# mine\n")
    assert envfile.replace(text, second) == text


def test_settings_as_people_write_them() -> None:
    text = '# comment\n\nexport A = one two  \nB=\'single $x \\n\'\nC="a \\"q\\"\nsecond" # why\nD=\n'
    assert envfile.parse(text) == {"A": "one two", "B": "single $x \\n", "C": 'a "q"\nsecond', "D": ""}


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nnonsense\n", "2"), (f"A='{MARK}", "1"), ("A='x' y", "1"), ("1A=x", "1"), ("\n\n=x", "3")],
)
def test_a_line_that_cannot_be_read_is_named_without_its_value(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "given.env"
    path.write_text(text)
    with pytest.raises(envfile.EnvironmentFileError, match=f"given.env:{line}:") as caught:
        envfile.read(path)
    assert MARK not in str(caught.value)


def test_the_queue_numbers_what_it_takes_and_keeps_the_order(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    jobs = [queue.add(layout, "development", f"{n}" * 40, actor="ada", trigger="push") for n in range(11)]
    assert [job.number for job in jobs] == list(range(1, 12))
    assert queue.waiting(layout, "development") == tuple(jobs)
    queue.remove(layout, jobs[0])
    assert queue.waiting(layout, "development")[0].number == 2
    assert queue.waiting(layout, "staging") == ()


def test_a_push_that_was_found_twice_is_queued_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = queue.add_pushed(layout, "development", "a" * 40, actor="")
    assert queue.add_pushed(layout, "development", "a" * 40, actor="ada") is None
    assert queue.waiting(layout, "development") == (first,)
    assert queue.add_pushed(layout, "development", "b" * 40, actor="ada") is not None
    assert queue.add_pushed(layout, "development", "a" * 40, actor="ada") is not None


def test_a_push_whose_queueing_was_killed_in_the_middle_is_not_queued_twice(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    job = queue.add(layout, "development", "a" * 40, actor="ada", trigger="push")  # and the head was never written
    assert queue.add_pushed(layout, "development", "a" * 40, actor="ada") == job
    assert queue.waiting(layout, "development") == (job,)


def test_many_processes_queue_at_once_and_none_is_lost(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from mlopsgen.forge.worker import queue, layout\n"
        "for n in range(10): queue.add(layout.Layout(pathlib.Path(sys.argv[1])), 'staging', sys.argv[2] * 40,"
        " actor='', trigger='push')"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)], cwd=Path(__file__).parents[1])
        for n in range(4)
    ]
    assert [one.wait() for one in started] == [0] * 4
    jobs = queue.waiting(Layout(tmp_path), "staging")
    assert [job.number for job in jobs] == list(range(1, 41))
    assert sorted(job.commit[0] for job in jobs) == sorted("0123" * 10)


def test_a_state_written_by_a_newer_worker_is_read(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    run = write_run(layout, Run(branch="staging", number=3, commit="c", metrics={"auc": 0.5, "f1": None}))
    path = layout.run("staging", 3) / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "energy": 5}))
    assert read_run(layout, "staging", 3) == run


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "some.lock"
    code = (
        "import sys, time, pathlib; from mlopsgen.forge.worker import locks\n"
        "with locks.hold(pathlib.Path(sys.argv[1])): print('mine', flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"mine\n"
        assert locks.is_held(path)
        with locks.hold(path, wait=0) as mine:
            assert mine is None
        other.kill()
    assert not locks.is_held(path)


SECRET = 'hun"ter22\nsecond-line\n-'


@pytest.mark.parametrize("line", ['a hun"ter22 b', r"{'k': 'hun\"ter22'}", "x=second-line", "u=hun%22ter22&b"])
def test_no_form_of_a_secret_gets_into_a_log(tmp_path: Path, line: str) -> None:
    journal = Journal(tmp_path, [SECRET, "", "ab"])
    journal.say(line)
    journal.note(line)
    written = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "***" in written
    assert "ter22" not in written
    assert "second-line" not in written
    journal.say("ab - stays readable")
    assert "ab - stays readable" in (tmp_path / "progress.txt").read_text()


def test_files_that_a_training_left_are_scrubbed(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "log.txt").write_bytes(b"\xff token=" + MARK.encode())
    Journal(tmp_path, [MARK]).scrub()
    assert (tmp_path / "engine" / "log.txt").read_bytes() == b"\xff token=***"


DIRTY = {
    "PATH": "/home/ada/env/bin:/usr/bin",
    "VIRTUAL_ENV": "/home/ada/env",
    "PYTHONPATH": "/home/ada/code",
    "PYTHONHOME": "/x",
    "AWS_SECRET_ACCESS_KEY": MARK,
    "GIT_DIR": ".",
    "GIT_CONFIG_COUNT": "1",
    "PIP_TARGET": "/elsewhere",
    "PIP_INDEX_URL": f"https://user:{MARK}@packages.example.org/simple",
    "UV_PUBLISH_TOKEN": canary("publish"),
    "HTTPS_PROXY": f"http://ada:{MARK}@proxy.example.org:3128",
    "no_proxy": "localhost",
    "LANG": "C.UTF-8",
    "MLFLOW_TRACKING_URI": "https://elsewhere",
}


def test_nothing_of_the_pusher_reaches_the_worker(tmp_path: Path) -> None:
    kept = surroundings.for_worker(DIRTY, tmp_path)
    assert set(kept) == {"HOME", "PATH", "LANG", "PIP_INDEX_URL", "HTTPS_PROXY", "no_proxy"}
    assert kept["PATH"] == "/usr/bin"
    assert kept["HOME"] == str(tmp_path)


def test_no_password_of_the_machine_reaches_a_training(tmp_path: Path) -> None:
    kept = surroundings.for_training(DIRTY, tmp_path)
    assert set(kept) == {"HOME", "PATH", "LANG", "no_proxy"}


def test_the_archive_is_the_package_and_the_same_each_time(tmp_path: Path) -> None:
    path = tmp_path / "worker.pyz"
    path.write_bytes(program.archive())
    assert program.archive() == path.read_bytes()
    with zipfile.ZipFile(path) as bundle:
        names = {name.rpartition("/")[2] for name in bundle.namelist()}
    modules = {item.name for item in Path(envfile.__file__).parent.glob("*.py")}
    assert names == modules | {"__main__.py"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(path), "--help"], cwd=tmp_path, capture_output=True, check=True
    )
    assert b"receive" in done.stdout


def test_the_hook_is_posix_shell() -> None:
    shells = [shell for shell in ("/bin/dash", "/bin/sh", "/bin/bash") if Path(shell).exists()]
    assert shells
    for shell in shells:
        subprocess.run([shell, "-n"], input=program.HOOK, text=True, check=True)


def test_the_worker_knows_the_same_branches_as_the_tool() -> None:
    assert repository.TRAINED == BRANCHES
    assert repository.MAIN == MAIN_BRANCH


def test_uv_is_found_in_a_lock_with_its_hashes(tmp_path: Path) -> None:
    lock = Path(__file__).parents[1] / "template" / "requirements-dev.txt"
    pinned = environments.uv_requirement(lock)
    assert pinned.startswith("uv==")
    assert "--hash=sha256:" in pinned
    assert not [line for line in pinned.splitlines()[1:] if "==" in line]
    assert environments.uv_requirement(tmp_path / "none.txt") == ""


def test_a_shim_that_leads_nowhere_is_not_a_python(tmp_path: Path) -> None:
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\necho 'version not installed' >&2\nexit 127\n")
    shim.chmod(0o755)
    environ = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    found = pythons.find("3.12", environ, tmp_path)
    assert found is not None
    assert found.minor == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert pythons.find("3.12", environ, tmp_path, first=shim) is None


@pytest.mark.parametrize(("text", "wanted"), [("python_version: '3.12'\n", "3.12"), ("slug: x\n", ""), (None, "")])
def test_the_wanted_python_is_the_answers(tmp_path: Path, text: str | None, wanted: str) -> None:
    if text is not None:
        (tmp_path / ".copier-answers.yml").write_text(text)
    assert pythons.wanted_version(tmp_path) == wanted


def test_a_daemon_that_a_program_leaves_behind_does_not_hold_us_up(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import subprocess; subprocess.Popen(['sleep', '30']); print('done', flush=True)"
    ended = process.stream(
        [sys.executable, "-c", code], cwd=tmp_path, env=dict(os.environ), on_line=lines.append, apart=False
    )
    assert (ended.status, lines) == (0, ["done"])


def test_a_line_cannot_move_the_cursor_of_who_follows() -> None:
    assert process.printable("\x1b[2Jred\x07 \x1b]0;title\x07ü\tx\r") == "red ]0;titleü\tx"


def test_why_a_step_failed_is_told_once(tmp_path: Path) -> None:
    said = {"code": "step-failed", "message": "step split failed: KeyError: 'weather'", "where": "src/steps/split.py:2"}
    failed = Run(branch="development", number=1, commit="c" * 40, state="failed", stage="run", outcome="failed")
    failed = failed.with_(passed=False, error=said)
    told = ending(Layout(tmp_path), failed.with_(reasons=["src/steps/split.py:2: KeyError: 'weather'"]))
    assert [line for line in told if "KeyError" in line] == [
        "  src/steps/split.py:2: step split failed: KeyError: 'weather'"
    ]
    lost = failed.with_(stage="report", outcome="rejected", reasons=["rmse got worse."])
    assert "  rmse got worse." in ending(Layout(tmp_path), lost)


def test_a_worker_that_dies_on_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(tmp_path)
    run = Run(branch="development", number=1, commit="c" * 40, state="running", stage="environment", attempt=2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2_600_000))
    assert surroundings.full_disk(tmp_path) == f"Only 3 MB are free in {tmp_path}: free some space. "
    assert queue.add(layout, "development", run.commit, actor="ada", trigger="push").number == 1
    write_run(layout, run)
    service.work(layout, "development", {"PATH": os.environ["PATH"]})
    ended = read_run(layout, "development", 1)
    assert ended is not None
    assert ended.error["hint"].startswith("Only 3 MB are free in")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**12))
    assert surroundings.full_disk(tmp_path) == ""
