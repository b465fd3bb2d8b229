"""What the cache holds goes when it is old or too much, never while somebody uses it, and all of it when asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlopsgen.adapters import cache_upkeep
from mlopsgen.adapters.bare import bare_repository
from mlopsgen.adapters.cache import cache_folder
from tests import in_process

DAY = 24 * 3600
HOLDER = """
import os, sys
from mlopsgen.adapters.cache import cache_folder
cache_folder(os.environ)
print("uses it", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(environ: dict[str, str]) -> Path:
    return cache_folder(environ)


def put(folder: Path, name: str, *, days: float = 0, size: int = 10) -> Path:
    """A thing in the cache, as if it had been used some days ago."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".git":
        path.mkdir()
        (path / "packed").write_bytes(b"x" * size)
    else:
        path.write_bytes(b"x" * size)
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def there(folder: Path) -> set[str]:
    """Everything that is kept, and what else lies there."""
    found = {str(each.path.relative_to(folder)) for each in cache_upkeep.kept(folder)}
    return found | {path.name for path in folder.glob(".*")}


@contextmanager
def another(environ: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another command that uses the cache at this moment."""
    words = [sys.executable, "-c", HOLDER]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=environ, cwd=folder.parent, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "uses it\n"
        yield process
        process.kill()


def test_what_was_not_used_for_long_goes(folder: Path) -> None:
    put(folder, "templates/old.git", days=61)
    put(folder, "templates/new.git", days=59)
    put(folder, "fleet/github.com/acme/old.git", days=61)
    put(folder, "fleet/github.com/acme/old.git.lock", days=61)
    put(folder, "fleet/github.com/acme/new.git", days=1)
    put(folder, "locks/old.json", days=61)
    put(folder, "locks/new.json")
    cache_upkeep.look_after(folder)
    assert there(folder) == {"templates/new.git", "fleet/github.com/acme/new.git", "locks/new.json"}


def test_where_it_is_too_much_the_longest_unused_goes(folder: Path) -> None:
    for days in (1, 2, 3):
        put(folder, f"templates/{days}.git", days=days, size=1000)
    cache_upkeep.look_after(folder, most_bytes=2500)
    assert there(folder) == {"templates/1.git", "templates/2.git"}


def test_with_renders_the_repositories_go_that_see_their_objects(folder: Path) -> None:
    put(folder, "renders/old.git", days=61)
    put(folder, "renders/new.git")
    put(folder, "fleet/github.com/acme/new.git")
    cache_upkeep.look_after(folder)
    assert there(folder) == {"renders/new.git"}


def test_what_kills_left_goes(folder: Path) -> None:
    made = put(folder, "templates/.made.git-x1.git")
    put(folder, ".gone-x1/0.git")
    put(folder, "templates/new.git")
    cache_upkeep.look_after(folder)
    assert there(folder) == {"templates/new.git"}
    assert not made.exists()


def test_a_kill_while_it_goes_leaves_nothing_half_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = put(folder, "templates/old.git", days=61)

    def killed(path: Path) -> None:
        assert not old.exists(), "nobody finds it any more"
        assert list(path.rglob("packed")), "nothing of it was deleted before"
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            cache_upkeep.look_after(folder)
    cache_upkeep.look_after(folder)
    assert there(folder) == set()


def test_what_is_used_is_not_old(folder: Path, environ: dict[str, str]) -> None:
    path = folder / "templates" / "mine.git"
    bare_repository(path, environ)
    os.utime(path, (0, 0))
    bare_repository(path, environ)
    cache_upkeep.look_after(folder)
    assert there(folder) == {"templates/mine.git"}


def test_it_is_looked_after_once_a_day_and_not_while_another_command_uses_it(
    folder: Path, environ: dict[str, str]
) -> None:
    stamp, old = folder / "looked-after", put(folder, "templates/old.git", days=61)
    words = [sys.executable, "-c", HOLDER]

    def command() -> None:
        subprocess.run(words, env=environ, cwd=folder.parent, input="", text=True, check=True, capture_output=True)

    with cache_upkeep.alone(folder):
        pass  # this process uses it no more
    command()
    assert old.exists(), "it was looked after a moment ago"
    os.utime(stamp, (0, 0))
    with another(environ, folder) as process:
        assert not old.exists(), "a day has passed, and that command was alone"
        old = put(folder, "templates/old.git", days=61)
        os.utime(stamp, (0, 0))
        command()
        assert old.exists(), "somebody uses it"
        process.kill()
    command()
    assert not old.exists()


def test_the_command_shows_it_and_clears_it(folder: Path, environ: dict[str, str]) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = in_process.mlopsgen(
            "cache", *words, cwd=folder.parent, environ=environ
        )
        return done

    assert f"The cache in {folder} is empty." in run().stdout
    put(folder, "templates/a.git", size=2_500_000)
    put(folder, "renders/b.git")
    put(folder, "renders/b.git.lock", size=0)
    shown = run().stdout
    assert f"The cache takes 2.5 MB in {folder}." in shown
    assert "mlopsgen cache --clear" in shown
    told = json.loads(run("--output", "json").stdout)["data"]
    assert (told["folder"], told["bytes"], told["cleared"]) == (str(folder), 2_500_010, False)
    assert {part["name"]: part["number"] for part in told["parts"] if part["number"]} == {"templates": 1, "renders": 1}
    with another(environ, folder):
        refused = run("--clear")
        assert refused.returncode == 1
        assert "Another mlopsgen uses the cache" in refused.stderr
        assert len(there(folder)) == 3
    cleared = run("--clear")
    assert cleared.returncode == 0, cleared.stderr
    assert "2.5 MB removed" in cleared.stdout
    assert f"The cache in {folder} is empty." in run("--clear").stdout
    assert there(folder) == set()
