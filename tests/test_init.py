"""``init`` as an operation: real git, real files, every way in which it can go wrong, and nothing left behind."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mlopsgen.adapters.birthplace import PREFIX
from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.answers import resolve
from mlopsgen.constants import BRANCHES
from mlopsgen.errors import ExitCode, MlopsgenError, ProgramMissing, UsageError
from mlopsgen.events import Event, Warn
from mlopsgen.operations.init import NEUTRAL_IDENTITY, InitRequest, init
from mlopsgen.result import OperationResult


class SmallEngine:
    """A template engine with a template of three files: what init does with a rendering does not depend on its size."""

    def __init__(self, fail: Exception | None = None) -> None:
        self.fail = fail

    def versions(self) -> tuple[str, ...]:
        return ("v0.1.0",)

    def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
        (destination / "README.md").write_text(f"{answers['slug']} {version}\n")
        (destination / "data").mkdir()
        (destination / "data" / "sample.csv").write_text("a,b\r\n1,2\r\n")
        (destination / "train.sh").write_text("#!/bin/sh\n")
        (destination / "train.sh").chmod(0o755)
        if self.fail is not None:
            raise self.fail


@pytest.fixture
def request_for(environ: dict[str, str]) -> Callable[[Path], InitRequest]:
    def build(destination: Path) -> InitRequest:
        return InitRequest(
            destination=destination, answers=resolve({"slug": "wine"}), template_version="v0.1.0", environ=environ
        )

    return build


def make(request: InitRequest, engine: SmallEngine | None = None) -> tuple[OperationResult, list[Event]]:
    events: list[Event] = []
    return init(request, engine or SmallEngine(), events.append), events


def assert_whole(repository: Path, git: Callable[..., str]) -> None:
    """The repository is complete: three branches at one commit, a clean work tree, sound objects."""
    commits = {git("rev-parse", f"refs/heads/{branch}", cwd=repository) for branch in BRANCHES}
    assert len(commits) == 1
    assert git("symbolic-ref", "--short", "HEAD", cwd=repository) == "development"
    assert git("status", "--porcelain", cwd=repository) == ""
    git("fsck", "--strict", cwd=repository)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(PREFIX)]


def test_three_branches_at_one_commit_without_an_identity(tmp_path, request_for, git):
    result, events = make(request_for(tmp_path / "wine"))
    assert_whole(tmp_path / "wine", git)
    assert leftovers(tmp_path) == []
    assert git("log", "--format=%an <%ae>", cwd=tmp_path / "wine") == f"{NEUTRAL_IDENTITY[0]} <{NEUTRAL_IDENTITY[1]}>"
    warned = [event for event in events if isinstance(event, Warn)]
    assert len(warned) == 1
    assert "git config --global user.name" in warned[0].hint
    assert result.data["commit"] == git("rev-parse", "HEAD", cwd=tmp_path / "wine")
    assert git("config", "--list", "--local", cwd=tmp_path / "wine").count("user.") == 0, "the identity must not stay"


def test_the_identity_of_the_person_is_used_and_no_key_or_hook_is_asked_for(tmp_path, request_for, git, home):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    (home / ".gitconfig").write_text(
        "[user]\nname = Ada\nemail = ada@example.org\n[commit]\ngpgsign = true\n[gpg]\nprogram = /bin/false\n"
        f"[core]\nhooksPath = {hooks}\nexcludesFile = {home}/ignore\nautocrlf = true\nsafecrlf = true\n"
        "[init]\ndefaultBranch = other\n"
    )
    (home / "ignore").write_text("*.csv\n")
    _, events = make(request_for(tmp_path / "wine"))
    assert git("log", "--format=%an", cwd=tmp_path / "wine") == "Ada"
    assert not [event for event in events if isinstance(event, Warn)]
    assert "data/sample.csv" in git("ls-files", cwd=tmp_path / "wine"), "a global ignore file took a file away"
    assert git("cat-file", "-s", "HEAD:data/sample.csv", cwd=tmp_path / "wine") == "10", "line ends were converted"
    assert git("ls-files", "--stage", "train.sh", cwd=tmp_path / "wine").startswith("100755")
    assert git("for-each-ref", "--format=%(refname:short)", cwd=tmp_path / "wine").split() == sorted(BRANCHES)


def test_an_outer_git_environment_is_not_touched(tmp_path, request_for, git):
    git("init", "-q", "outer")
    outer = {"GIT_DIR": str(tmp_path / "outer" / ".git"), "GIT_WORK_TREE": str(tmp_path), "GIT_INDEX_FILE": "x"}
    request = request_for(tmp_path / "outer" / "wine")
    make(replace(request, environ={**request.environ, **outer}))
    assert_whole(tmp_path / "outer" / "wine", git)
    assert git("for-each-ref", cwd=tmp_path / "outer") == ""


def test_a_place_inside_another_repository_is_told_unless_that_one_ignores_it(tmp_path, request_for, git):
    git("init", "--quiet", cwd=tmp_path)
    (tmp_path / ".gitignore").write_text("demo/\n")
    told = [
        [event.message for event in make(request_for(tmp_path / place))[1] if isinstance(event, Warn)]
        for place in ("below/wine", "demo/wine")
    ]
    assert [any("inside another git repository" in line for line in lines) for lines in told] == [True, False]


def test_missing_folders_above_come_with_it(tmp_path, request_for, git):
    make(request_for(tmp_path / "a b" / "ü" / "wine"))
    assert_whole(tmp_path / "a b" / "ü" / "wine", git)
    assert [path.name for path in tmp_path.iterdir()] == ["a b"]


def test_an_empty_folder_is_used_and_so_is_a_link_to_one(tmp_path, request_for, git):
    (tmp_path / "wine").mkdir()
    make(request_for(tmp_path / "wine"))
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far")
    make(request_for(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert_whole(tmp_path / "far", git)
    assert stat.S_IMODE((tmp_path / "far").stat().st_mode) & 0o055 == 0o055, "others may look, as in any new folder"


def test_an_empty_folder_is_kept_so_that_a_shell_may_stand_in_it(tmp_path, request_for, git):
    place = tmp_path / "wine"
    place.mkdir(0o750)
    before = place.stat()
    (place / f"{PREFIX}killed").mkdir()
    (place / f"{PREFIX}killed" / "lock").touch()
    make(request_for(tmp_path / "wine" / ".." / "wine"))
    assert (place.stat().st_ino, place.stat().st_mode) == (before.st_ino, before.st_mode)
    assert_whole(place, git)
    assert leftovers(place) == []
    assert git("status", "--porcelain", cwd=place) == ""


def test_an_empty_folder_in_which_the_disk_refuses_is_empty_again(tmp_path, request_for, monkeypatch):
    (tmp_path / "wine").mkdir()
    rename = Path.rename

    def refuse(source: Path, target: Path) -> Path:
        if target == tmp_path / "wine" / ".git":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(MlopsgenError, match="Input/output"):
        make(request_for(tmp_path / "wine"))
    assert names(tmp_path / "wine") == []


@pytest.mark.parametrize("kind", ["file", "full", "repository", "dangling", "below-a-file"])
def test_what_is_there_is_refused_and_left_alone(tmp_path, request_for, git, kind):
    place = tmp_path / "wine"
    match kind:
        case "file":
            place.write_text("mine")
        case "full":
            place.mkdir()
            (place / ".hidden").write_text("mine")
        case "repository":
            git("init", "-q", str(place))
        case "dangling":
            place.symlink_to(tmp_path / "nowhere")
        case _:
            place.write_text("mine")
            place /= "sub"
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)
    with pytest.raises(UsageError) as caught:
        make(request_for(place))
    assert caught.value.hint
    assert str(place) in caught.value.where
    assert sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts) == before


@pytest.mark.parametrize("empty", [False, True])
def test_something_that_appears_meanwhile_is_not_overwritten(tmp_path, request_for, empty):
    if empty:
        (tmp_path / "wine").mkdir()

    class Slow(SmallEngine):
        def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
            super().render(version, answers, destination)
            (tmp_path / "wine").mkdir(exist_ok=True)
            (tmp_path / "wine" / "theirs").write_text("theirs")

    with pytest.raises(UsageError, match="not empty"):
        make(request_for(tmp_path / "wine"), Slow())
    assert [path.name for path in (tmp_path / "wine").iterdir()] == ["theirs"]
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.ENOSPC, ExitCode.FAILURE, "no space"),
        (errno.EDQUOT, ExitCode.FAILURE, "no space"),
        (errno.EACCES, ExitCode.PERMISSION, "refused"),
        (errno.EROFS, ExitCode.PERMISSION, "refused"),
        (errno.EIO, ExitCode.FAILURE, "Input/output"),
    ],
)
def test_a_failure_of_the_disk_is_said_and_nothing_stays(tmp_path, request_for, number, code, said):
    failure = OSError(number, os.strerror(number), str(tmp_path / "x"))
    with pytest.raises(MlopsgenError, match=said) as caught:
        make(request_for(tmp_path / "wine"), SmallEngine(failure))
    assert caught.value.exit_code is code
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_while_rendering_leaves_nothing(tmp_path, request_for):
    with pytest.raises(KeyboardInterrupt):
        make(request_for(tmp_path / "new" / "wine"), SmallEngine(KeyboardInterrupt()))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_no_git_and_an_old_git_are_said_before_anything_is_made(tmp_path, request_for):
    request = request_for(tmp_path / "wine")
    with pytest.raises(ProgramMissing, match="git") as caught:
        make(replace(request, environ={**request.environ, "PATH": str(tmp_path / "empty")}))
    assert "Install git" in caught.value.hint
    old = tmp_path / "bin"
    old.mkdir()
    (old / "git").write_text("#!/bin/sh\necho git version 2.25.1\n")
    (old / "git").chmod(0o755)
    with pytest.raises(ProgramMissing, match=r"2\.25\.1 is too old"):
        make(replace(request, environ={**request.environ, "PATH": str(old)}))
    assert not (tmp_path / "wine").exists()


def test_a_git_that_fails_is_reported_and_nothing_stays(tmp_path, request_for):
    real = shutil.which("git")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "git").write_text(
        '#!/bin/sh\ncase "$*" in *write-tree*) echo "fatal: No space left on device" >&2; exit 128;; esac\n'
        f'exec {real} "$@"\n'
    )
    (bin_folder / "git").chmod(0o755)
    request = request_for(tmp_path / "here" / "wine")
    with pytest.raises(MlopsgenError, match="no space left"):
        make(replace(request, environ={**request.environ, "PATH": f"{bin_folder}:{request.environ['PATH']}"}))
    assert not (tmp_path / "here").exists()


def test_a_folder_that_may_not_be_written_is_exit_code_4(tmp_path, environ):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    # Root may write everywhere unless the capability is given up.
    drop = (
        "import ctypes, os, sys; libc = ctypes.CDLL(None); [libc.prctl(24, c, 0, 0, 0) for c in (1, 2)];"
        "os.execv(sys.executable, [sys.executable, '-m', 'mlopsgen', *sys.argv[1:]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", drop, "init", "--defaults", "wine", "--output", "json"],
        cwd=closed, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.PERMISSION, done.stderr
    error = json.loads(done.stdout)["error"]
    assert (error["code"], bool(error["hint"])) == ("permission", True)
    assert list(closed.iterdir()) == []


def test_a_folder_beside_this_one_is_shown_without_dots(mlopsgen, tmp_path):
    (tmp_path / "here").mkdir()
    done = mlopsgen("init", "../wine", "--defaults", cwd=tmp_path / "here")
    assert f"cd {tmp_path / 'wine'}\n" in done.stdout
    assert "/.." not in done.stdout


@pytest.mark.parametrize(
    ("address", "steps"),
    [
        ("data/my bikes.csv", ["git add 'data/my bikes.csv' && git commit -m Data"]),
        ("data/sample.csv", []),
        ("/data/bikes.csv", []),
        ("s3://bucket/bikes.csv", []),
    ],
)
def test_a_table_that_is_still_to_be_put_in_is_a_next_step(tmp_path, request_for, address, steps):
    request = request_for(tmp_path / "wine")
    result, _ = make(replace(request, answers={**request.answers, "data_address": address}))
    assert [step.partition("   (")[0] for step in result.next_steps if step.startswith("git add")] == steps


@pytest.mark.parametrize(("how", "asked"), [("email", True), ("none", False)])
def test_the_server_that_sends_mails_is_a_next_step_where_mails_are_wanted(tmp_path, request_for, how, asked):
    request = request_for(tmp_path / "wine")
    result, _ = make(replace(request, answers={**request.answers, "notify_how": how}))
    assert any("the server that sends mails" in step for step in result.next_steps) is asked


@pytest.mark.parametrize("moment", ["temporary", "file", ".git", "objects", "index", "refs"])
def test_killed_at_any_moment_nothing_or_everything_is_there(tmp_path, environ, git, moment):
    """Kills the real process as soon as something appears, then makes sure that the next one works and tidies up."""
    patterns = {
        "temporary": f"{PREFIX}*", "file": f"{PREFIX}*/tree/*", ".git": f"{PREFIX}*/tree/.git",
        "objects": f"{PREFIX}*/tree/.git/objects/??/*", "index": f"{PREFIX}*/tree/.git/index",
        "refs": f"{PREFIX}*/tree/.git/refs/heads/*",
    }  # fmt: skip
    command = [sys.executable, "-m", "mlopsgen", "init", "--defaults", "wine"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while process.poll() is None and not any(tmp_path.glob(patterns[moment])):
        time.sleep(0.001)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if (tmp_path / "wine").exists():
        assert_whole(tmp_path / "wine", git)
    else:
        assert all(name.startswith(PREFIX) for name in names(tmp_path))
        subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=True)
        assert_whole(tmp_path / "wine", git)
    make_again = subprocess.run(
        [*command[:-1], "beer"], cwd=tmp_path, env=environ, capture_output=True, check=True, text=True
    )
    assert make_again.returncode == 0
    assert sorted(names(tmp_path)) == ["beer", "wine"]


def test_what_a_run_left_that_was_killed_before_its_lock_was_made_is_tidied_away(tmp_path, request_for):
    """Runs make their folder and its lock one after another, so a folder without one is nobody's, however young."""
    (tmp_path / f"{PREFIX}young").mkdir()
    make(request_for(tmp_path / "wine"))
    assert names(tmp_path) == ["wine"]


def test_where_a_folder_cannot_be_locked_only_old_leftovers_are_tidied_away(tmp_path, request_for, monkeypatch):
    import fcntl  # noqa: PLC0415 - not on Windows

    young, old = tmp_path / f"{PREFIX}young", tmp_path / f"{PREFIX}old"
    young.mkdir()
    old.mkdir()
    os.utime(old, (1, 1))
    known = fcntl.flock

    def flock(descriptor, operation):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, "as NFS says")
        known(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    make(request_for(tmp_path / "wine"))
    assert sorted(names(tmp_path)) == [young.name, "wine"]


def test_a_run_that_is_still_working_is_not_tidied_away(tmp_path, request_for):
    class Nested(SmallEngine):
        def render(self, version: str, answers: Mapping[str, object], destination: Path) -> None:
            super().render(version, answers, destination)
            make(request_for(tmp_path / "other"))
            assert (destination / "README.md").is_file(), "the other run removed this one's folder"

    make(request_for(tmp_path / "wine"), Nested())
    assert sorted(names(tmp_path)) == ["other", "wine"]


def test_a_template_version_that_is_not_there_is_refused(tmp_path, request_for, environ):
    engine = CopierEngine(TemplateStore(environ), environ)
    assert engine.newest in engine.versions()
    with pytest.raises(UsageError, match=r"v9\.9\.9") as caught:
        init(replace(request_for(tmp_path / "wine"), template_version="v9.9.9"), engine, lambda _event: None)
    assert engine.newest in caught.value.hint
    assert list(tmp_path.iterdir()) == []
