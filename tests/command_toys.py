"""Running the command line on a toy project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests import in_process
from tests.forge_toys import Toy

TOP = Path(__file__).parents[1]


def argv(*arguments: str) -> list[str]:
    """The command line of `mlopsgen ARGUMENTS`."""
    return [sys.executable, "-m", "mlopsgen", *arguments]


def surroundings(toy: Toy) -> dict[str, str]:
    """The person's environment, in which the package is found."""
    return {**toy.environ, "PYTHONPATH": str(TOP)}


def mlopsgen(toy: Toy, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `mlopsgen ARGUMENTS` in the repository, in this process."""
    return in_process.mlopsgen(*arguments, cwd=cwd or toy.folder, environ=surroundings(toy))


def start(toy: Toy, *arguments: str) -> subprocess.Popen[str]:
    """Start `mlopsgen ARGUMENTS`; what it says, in one stream, can be read while it works."""
    return subprocess.Popen(
        argv(*arguments),
        cwd=toy.folder,
        env=surroundings(toy),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def data(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The envelope that a command printed, with its data on the same level."""
    envelope = json.loads(done.stdout)
    assert envelope["version"] == 1
    assert envelope["exit_code"] == done.returncode
    return {**envelope, **envelope["data"]}
