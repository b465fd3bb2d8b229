"""Keeps every test away from the person who runs it: their home, git configuration, tokens and settings."""

from __future__ import annotations

import gc
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.canaries import hunt, may_hold
from tests.longest_first import arranged

# A shared machine stops for longer than any deadline that would tell something. The same examples each time, so that
# one commit gives one answer; `make explore` looks for new ones.
settings.register_profile("project", deadline=None, derandomize=not os.environ.get("EXPLORE"))
settings.load_profile("project")

# Started in the background by a plain shell, tests ignore Ctrl-C, and so would the programs that they press it in.
signal.signal(signal.SIGINT, signal.default_int_handler)

Run = Callable[..., subprocess.CompletedProcess[str]]

_PERSONAL = re.compile(
    r"^(GIT_|GH_|GITHUB_|GITLAB_|XDG_|AWS_|MLFLOW_|KUBE|KFP_|MLOPSGEN_(?!TEMPLATE_VENV)|COPIER_|SSH_|EMAIL$|NO_COLOR$|FORCE_COLOR$)"
)
# Found where nobody listens: a program that ignores the rules fails at once instead of reaching the network.
_DEAD_END = "http://127.0.0.1:9"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where workers share the tests, each begins with long ones."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    if workers:
        items[:] = arranged(items, [item.nodeid for item in items], workers)


def pytest_collection_finish() -> None:
    """What is there before the first test stays: Python need not look through it for garbage, nor often for more."""
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.fixture(scope="session", autouse=True)
def _no_secret_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After the last test: no secret of any test lies in what the tests left, but where it belongs."""
    reports = Path(tempfile.gettempdir()) / "mlopsgen"  # where bug reports go when there is no home folder
    yield
    hits = [hit for folder in (tmp_path_factory.getbasetemp(), reports) for hit in hunt(folder, may_hold)]
    assert not hits, "\n".join(hits)


@pytest.fixture(autouse=True)
def _far_from_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, no identity, no tokens, for this process and for every process that it starts."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if _PERSONAL.match(name):
            monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "COLUMNS": "100",
    }.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def home(_far_from_home: Path) -> Path:
    """The empty home folder of this test."""
    return _far_from_home


@pytest.fixture
def environ(_far_from_home: Path) -> dict[str, str]:
    """The environment for processes that must not reach any network."""
    dead = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), _DEAD_END)
    return {**os.environ, **dead, "PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"}


@pytest.fixture
def mlopsgen(environ: dict[str, str], tmp_path: Path) -> Run:
    """Runs the command line in a process of its own, in ``tmp_path``."""

    def run(*arguments: str, cwd: Path = tmp_path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mlopsgen", *arguments],
            cwd=cwd,
            env={**environ, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def git(environ: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Runs git and returns what it prints, without the last line's end."""

    def run(*arguments: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd, env=environ, capture_output=True, text=True, encoding="utf-8", check=True
        )
        return done.stdout.rstrip("\n")

    return run
