"""Systems that nobody has here: what Windows' Python lacks is not asked for, what its shells and disks want is done."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import pytest

from mlopsgen.adapters.shell_words import quoted
from mlopsgen.errors import from_os_error
from mlopsgen.forge.worker import locks
from tests.github import FakeGitHub
from tests.push_toys import Person, arrive, make_model

ROOT = Path(__file__).parents[1]


def windows(*arguments: str, cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command line where nothing is that Windows has not."""
    program = [sys.executable, str(ROOT / "tests" / "without_posix.py")]
    return subprocess.run([*program, *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        yield fake


@pytest.fixture
def ada(github: FakeGitHub, tmp_path: Path) -> Person:
    (tmp_path / "model").mkdir()
    return arrive(github, make_model(tmp_path / "model"), tmp_path)


def test_every_module_of_the_tool_can_be_imported(environ: dict[str, str], tmp_path: Path) -> None:
    paths = sorted(path.relative_to(ROOT) for path in (ROOT / "mlopsgen").rglob("*.py"))
    # The worker's main runs in the forge, which is not for Windows; the others may be needed anywhere.
    names = [".".join(path.with_suffix("").parts) for path in paths if path.name not in ("__init__.py", "__main__.py")]
    lines = "from tests.without_posix import take_away; take_away(); import importlib, sys\n"
    lines += "for name in sys.argv[1:]: importlib.import_module(name)\n"
    done = subprocess.run(
        [sys.executable, "-c", lines, *names], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_repository_is_made_and_pushed_and_looked_at(ada: Person, github: FakeGitHub, tmp_path: Path) -> None:
    made = windows("init", "wine", "--defaults", "--output", "json", cwd=tmp_path, environ=ada.environ)
    assert made.returncode == 0, made.stderr
    steps = json.loads(made.stdout)["next_steps"]
    assert not any("--local" in step for step in steps), "a step that cannot be gone is offered"
    there = ("--host", github.url)
    for words in (
        ("push", "--yes", "--org", "acme", *there),
        ("status",),
        ("secrets", "list", *there),
        ("sync", "--dry-run"),
        ("destroy", "--dry-run", *there),
    ):
        done = windows(*words, cwd=tmp_path / "wine", environ=ada.environ)
        assert done.returncode == 0, (words, done.stderr)
    assert set(github.repository("acme/wine").branches) == {"development", "staging", "production"}
    assert windows("doctor", cwd=tmp_path / "wine", environ=ada.environ).returncode in (0, 1)


def test_a_forge_is_refused_with_what_works_instead(environ: dict[str, str], tmp_path: Path) -> None:
    assert windows("init", "wine", "--defaults", cwd=tmp_path, environ=environ).returncode == 0
    for words in (("push", "--local"), ("run",), ("watch", "--once"), ("secrets", "list", "--local")):
        done = windows(*words, cwd=tmp_path / "wine", environ=environ)
        assert done.returncode == 1, words
        assert "needs Linux or macOS" in done.stderr
        assert "WSL" in done.stderr


@pytest.mark.parametrize(
    ("word", "on_windows"),
    [("C:\\Users\\ada", "C:\\Users\\ada"), ("my folder", '"my folder"'), ("a&b", '"a&b"'), ("it's", '"it\'s"')],
)
def test_a_path_can_be_pasted_into_the_shells_of_windows(word: str, on_windows: str) -> None:
    assert quoted(word, windows=True) == on_windows
    assert quoted("my folder", windows=False) == "'my folder'"


@pytest.mark.parametrize(
    ("number", "on_windows", "said"),
    [(errno.EACCES, 32, "another program uses the file"), (errno.ENOENT, 206, "the path is too long")],
)
def test_what_only_windows_says_is_told_in_words(number: int, on_windows: int, said: str) -> None:
    error = OSError(number, "said by Windows", "C:\\x")
    error.winerror = on_windows  # type: ignore[attr-defined]
    found = from_os_error(error)
    assert found is not None
    assert said in found.message


class _Bytes:
    """What Windows has to lock bytes, for one process: the second that asks is refused."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.held = False

    def locking(self, handle: int, mode: int, length: int) -> None:
        if self.held:
            raise PermissionError(errno.EACCES, "locked")
        self.held = True


def test_a_lock_is_one_where_files_are_locked_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", _Bytes())
    with locks.hold(tmp_path / "lock", wait=0) as first, locks.hold(tmp_path / "lock", wait=0) as second:
        assert first is not None
        assert second is None


def test_json_is_utf_8_where_the_system_writes_another_encoding(environ: dict[str, str], tmp_path: Path) -> None:
    words = ["init", "wein", "--defaults", "--name", "Weingüte", "--description", "gût \N{GLOBE WITH MERIDIANS}"]
    done = subprocess.run(
        [sys.executable, "-m", "mlopsgen", *words, "--output", "json"],
        cwd=tmp_path, env={**environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}, capture_output=True, check=True,
    )  # fmt: skip
    answers = json.load(io.TextIOWrapper(io.BytesIO(done.stdout), encoding="utf-8"))["data"]["answers"]
    assert answers["description"] == "gût \N{GLOBE WITH MERIDIANS}"


def test_a_rendering_can_be_cloned_where_letters_of_either_case_are_the_same(
    environ: dict[str, str], tmp_path: Path
) -> None:
    done = windows("init", "wine", "--defaults", cwd=tmp_path, environ=environ)
    assert done.returncode == 0, done.stderr
    names = [path.relative_to(tmp_path / "wine").as_posix() for path in (tmp_path / "wine").rglob("*")]
    names = [name for name in names if not name.startswith(".git/")]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not set(name) & set('<>:"\\|?*'), name
        assert not any(PureWindowsPath(part).is_reserved() or part[-1] in " ." for part in name.split("/")), name
    # 260 characters are what Windows allows, of which the folder of a person takes its part.
    assert max(map(len, names)) < 100
