"""``mlopsgen sync`` in a real terminal: the question of the newer template, the update, conflicts, the pull request."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from mlopsgen.errors import ExitCode
from tests.fleet_stage import OLD, environment, make_site, make_template
from tests.github import FakeGitHub

SIZE = (70, 100)
SYNC = "mlopsgen/sync-development"
STYLED = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ERASED = re.compile(r"[^\n]*\r\x1b\[K")


@dataclass
class Ada:
    """Ada with a repository that an older version of the built-in template made.

    Attributes:
        folder: Her repository.
        environ: Her environment.
    """

    folder: Path
    environ: dict[str, str]

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=self.environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def terminal(self, *arguments: str, size: tuple[int, int] = SIZE) -> pexpect.spawn[str]:
        argv = ["-m", "mlopsgen", *arguments]
        environ = {**self.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        return pexpect.spawn(
            sys.executable, argv, cwd=str(self.folder), env=environ, encoding="utf-8", timeout=120, dimensions=size
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Ada:
    """The model: the tool as a package with two versions of its template, and a repository of the older one."""
    folder = tmp_path_factory.mktemp("world")
    plain = environment(folder / "home")
    site = make_site(folder, make_template(folder, plain), plain)
    ada = Ada(folder / "wine", environment(folder / "home", site))
    argv = [sys.executable, "-m", "mlopsgen", "init", "--defaults", "--template-version", OLD, str(ada.folder)]
    subprocess.run(argv, cwd=folder, env=ada.environ, check=True, capture_output=True)
    return ada


@pytest.fixture
def ada(world: Ada, tmp_path: Path) -> Ada:
    world.git("clone", "--quiet", "--no-hardlinks", str(world.folder), str(tmp_path / "wine"))
    mine = Ada(tmp_path / "wine", dict(world.environ))
    mine.git("remote", "remove", "origin")
    return mine


def end(child: pexpect.spawn[str]) -> str:
    """What stays on the screen up to the program's end."""
    child.expect(pexpect.EOF)
    child.close()
    return seen(str(child.before))


def seen(sent: str) -> str:
    return STYLED.sub("", ERASED.sub("", sent.replace("\r\r\n", "\n").replace("\r\n", "\n")))


def test_an_update_from_the_first_line_to_the_last(ada: Ada) -> None:
    child = ada.terminal("sync", "--set", "data_watch=weekly")
    text = end(child)
    assert child.exitstatus == ExitCode.OK, text
    lines = text.splitlines()
    assert max(map(len, text.partition("Next:")[0].splitlines())) <= SIZE[1]
    assert "wine, development: template v0.1.0 -> v0.2.0" in lines
    assert any("data_watch: weekly" in line or "-> weekly (given)" in line for line in lines)
    assert f"  git merge {SYNC}" in lines
    assert not re.search(r"\.\.\.$", "\n".join(line for line in lines if line.startswith("  Working")))
    assert ada.git("branch", "--show-current") == "development"
    assert "data_watch: weekly" in ada.git("show", f"{SYNC}:.copier-answers.yml")


def test_conflicts_from_the_guide_to_the_end(ada: Ada) -> None:
    makefile = ada.folder / "Makefile"
    makefile.write_text(makefile.read_text().replace("older version", "mine"), encoding="utf-8")
    ada.git("commit", "--quiet", "--all", "--message", "Mine")
    child = ada.terminal("sync")
    text = end(child)
    assert child.exitstatus == ExitCode.PARTIAL, text
    assert "3. mlopsgen sync --continue" in text
    assert "  ! Makefile" in text
    narrow = end(ada.terminal("sync", size=(40, 44)))
    assert "1. Open each one." in narrow
    assert max(map(len, narrow.partition("Next:")[0].splitlines())) < 44, "the terminal would break words"
    child = ada.terminal("sync", "--continue")
    assert "Not resolved yet: Makefile" in end(child)
    assert child.exitstatus == ExitCode.FAILURE
    ada.git("checkout", "--quiet", "--theirs", "Makefile")
    ada.git("add", "Makefile")
    child = ada.terminal("sync", "--continue")
    text = end(child)
    assert child.exitstatus == ExitCode.OK, text
    assert ada.git("branch", "--show-current") == "development"
    assert "mine" not in ada.git("show", f"{SYNC}:Makefile").splitlines()[1]


def test_given_up_nothing_is_left(ada: Ada) -> None:
    makefile = ada.folder / "Makefile"
    makefile.write_text(makefile.read_text().replace("older version", "mine"), encoding="utf-8")
    ada.git("commit", "--quiet", "--all", "--message", "Mine")
    before = ada.git("for-each-ref"), ada.git("status", "--porcelain")
    end(ada.terminal("sync"))
    child = ada.terminal("sync", "--abort")
    assert "your files are as before" in " ".join(end(child).split())
    assert child.exitstatus == ExitCode.OK
    assert (ada.git("for-each-ref"), ada.git("status", "--porcelain")) == before


@pytest.fixture
def github(ada: Ada) -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_org("acme", plan="team", members=["ada"])
        fake.add_repository("acme/wine").default_branch = "development"
        token = fake.add_token("ada")
        login = b64encode(f"x-access-token:{token}".encode()).decode()
        ada.environ |= {"GITHUB_SERVER_URL": fake.url, "GITHUB_API_URL": fake.api, "GH_TOKEN": token}
        ada.git("remote", "add", "origin", f"{fake.url}/acme/wine.git")
        header = f"http.{fake.url}/.extraHeader=Authorization: Basic {login}"
        ada.git("-c", header, "push", "--quiet", "origin", "development")
        yield fake


def test_the_pull_request_is_asked_for(ada: Ada, github: FakeGitHub) -> None:
    child = ada.terminal("sync")
    child.expect(r"open a pull request in acme/wine\? \[Y/n\]: ")
    asked = seen(str(child.before))
    assert "wine, development: template v0.1.0 -> v0.2.0" in asked
    assert not github.repository("acme/wine").pulls
    child.sendline("")
    text = " ".join(end(child).split())
    assert child.exitstatus == ExitCode.OK, text
    assert "Pull request #1 is open" in text
    assert f"{github.url}/acme/wine/pull/1" in text
    assert len(github.repository("acme/wine").pulls) == 1


def test_stopped_at_the_question_the_next_command_goes_on(ada: Ada, github: FakeGitHub) -> None:
    child = ada.terminal("sync")
    child.expect(r"\[Y/n\]: ")
    child.sendcontrol("c")
    text = end(child)
    assert child.exitstatus == ExitCode.INTERRUPTED, text
    assert ada.git("branch", "--show-current") == "development"
    assert not github.repository("acme/wine").pulls
    child = ada.terminal("sync", "--yes")
    end(child)
    assert child.exitstatus == ExitCode.OK
    assert len(github.repository("acme/wine").pulls) == 1


def test_settings_are_brought_to_github_on_request_alone(ada: Ada, github: FakeGitHub) -> None:
    there = github.repository("acme/wine")
    child = ada.terminal("sync", "--set", "data_watch=weekly", "--yes")
    text = end(child)
    assert child.exitstatus == ExitCode.OK, text
    assert not there.environments
    child = ada.terminal("sync", "--set", "data_watch=weekly", "--settings")
    child.expect(r"open a pull request in acme/wine\? \[Y/n\]: ")
    child.sendline("")
    child.expect(r"Make \d+ changes to the settings of acme/wine now, before the merge\? \[Y/n\]: ")
    assert re.search(r"\+ environment +production", seen(str(child.before)))
    child.sendline("")
    text = end(child)
    assert child.exitstatus == ExitCode.OK, text
    assert "development" in there.environments
    assert len(there.pulls) == 1
