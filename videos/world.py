"""The world of the videos: Ada with an empty home, and a GitHub that is a stand-in on this machine."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.github import FakeGitHub

from .places import DEMO

MARK = ".made-for-the-videos"
CREDENTIALS = '!f() { echo username=ada; echo "password=$GH_TOKEN"; }; f'


@dataclass
class World:
    """What the scenes act in.

    Attributes:
        github: The stand-in.
        home: Ada's home.
        environ: Her environment.
    """

    github: FakeGitHub
    home: Path
    environ: dict[str, str]


class Occupied(Exception):
    """The folder of the videos is somebody else's."""


@contextmanager
def opened(home: Path = DEMO) -> Iterator[World]:
    """Ada's machine, with an organisation on the stand-in of GitHub."""
    _fresh(home)
    try:
        with _github() as (github, token):
            yield World(github, home, _environ(home, github, token))
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _github() -> Iterator[tuple[FakeGitHub, str]]:
    """The stand-in with its people, and Ada's token."""
    with FakeGitHub() as github:
        for login in ("ada", "grace"):
            github.add_user(login)
        github.add_org("acme", plan="enterprise", members=["ada", "grace"])
        github.add_team("acme", "ml", members=["grace"])
        token = github.add_token("ada", scopes=["repo", "workflow", "read:org", "user"])
        yield github, token


def _fresh(home: Path) -> None:
    mark = home / MARK
    if home.exists() and not mark.exists():
        raise Occupied(f"{home} is there and was not made for the videos: move it away.")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    mark.touch()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        "[advice]\n\tdetachedHead = false\n[color]\n\tui = always\n[core]\n\tpager = cat\n"
        f"[credential]\n\thelper = \"{CREDENTIALS.replace(chr(34), chr(92) + chr(34))}\"\n",
        encoding="utf-8",
    )  # fmt: skip


def _environ(home: Path, github: FakeGitHub, token: str) -> dict[str, str]:
    programs = home / ".local" / "bin"
    programs.mkdir(parents=True)
    (programs / "mlopsgen").symlink_to(Path(sys.executable).with_name("mlopsgen"))
    return {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "GITHUB_SERVER_URL": github.url,
        "GITHUB_API_URL": github.api,
        "GH_TOKEN": token,
    }
