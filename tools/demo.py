"""The main job, shown: from nothing to a trained model, a change, and a model that is compared with the champion.

Every line that begins with ``$`` is a command as a person would type it. Each call makes a folder of its own
(``demo/1``, ``demo/2``, ...), so nothing that somebody changed in an earlier one is touched.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "my-model"
# The change that the demo makes, as a data scientist would try one: a linear model with more regularisation.
FILE = "src/pipelines/pipeline.yaml"
CHANGES = {"algorithm: auto": "algorithm: linear", "hyperparameters: {}": "hyperparameters: {alpha: 30}"}


class Failed(Exception):
    """The command that the demo cannot go on without."""


class Terminal:
    """Types commands into a folder and shows what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = str(Path(sys.executable).parent)
        self.environ = os.environ | {"PATH": os.pathsep.join([programs, os.environ["PATH"]])}

    def type(self, *command: str) -> None:
        """Show a command, run it, and let it speak for itself.

        Raises:
            Failed: It ended with an error.
        """
        print(f"\n$ {shlex.join(command)}", flush=True)
        if subprocess.run(command, cwd=self.folder, env=self.environ, check=False).returncode != 0:
            raise Failed(shlex.join(command))

    def ask(self, *command: str) -> str:
        """What a command prints, without showing it; empty when it fails."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, check=False, capture_output=True, text=True, encoding="utf-8"
        )
        return done.stdout.strip() if done.returncode == 0 else ""


def main() -> int:
    """Run the demo; 1 when one of its commands fails."""
    started = time.monotonic()
    folder = _next_folder()
    terminal = Terminal(folder)
    try:
        _make(terminal)
        _change(terminal)
    except Failed as failure:
        print(
            f"\nThe demo stopped: '{failure}' failed. What is there so far lies in {_short(folder)}.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. What is there so far lies in {_short(folder)}.", file=sys.stderr)
        return 130
    _farewell(terminal, time.monotonic() - started)
    return 0


def _make(terminal: Terminal) -> None:
    _say("1 of 4: a machine-learning repository with three branches, all answers at their defaults")
    terminal.type("mlopsgen", "init", "--defaults", NAME)
    terminal.folder /= NAME
    print(f"\n$ cd {NAME}")
    if not terminal.ask("git", "config", "user.email"):
        print("\nGit does not know you yet; this repository gets a name for its commits:", flush=True)
        terminal.type("git", "config", "user.name", "Demo")
        terminal.type("git", "config", "user.email", "demo@example.com")

    _say("2 of 4: a git server in a folder beside it, and the first training (the first one installs kfp and MLflow)")
    terminal.type("mlopsgen", "push", "--local", "--yes")


def _change(terminal: Terminal) -> None:
    _say(f"3 of 4: a change in {FILE}: a linear model with more regularisation")
    path = terminal.folder / FILE
    text = path.read_text(encoding="utf-8")
    for before, after in CHANGES.items():
        if before not in text:
            raise Failed(f"looking for '{before}' in {FILE}")
        text = text.replace(before, after, 1)
    path.write_text(text, encoding="utf-8")
    terminal.type("git", "--no-pager", "diff", "--unified=1")
    terminal.type("git", "commit", "--quiet", "--all", "--message", "Regularise more")

    _say("4 of 4: the push that trains it and compares it with the champion")
    terminal.type("git", "push")


def _farewell(terminal: Terminal, seconds: float) -> None:
    _say(f"Done in {seconds:.0f} s")
    status = json.loads(terminal.ask("mlopsgen", "status", "--output", "json") or "{}")
    for branch in status.get("data", {}).get("branches", []):
        report = ((branch.get("last_run") or {}).get("report") or {}).get("html")
        if report:
            print(f"The report of {branch['name']}: {report}")
    # `make demo` cannot change the folder of the shell that called it, so the way there is the first line.
    print(
        f"""
The repository is yours to go on with:

  cd {shlex.quote(_short(terminal.folder))}
  export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"   # for the command mlopsgen in this shell

Three things to try next:

  1. Your own data: set 'address', 'target' and 'task' in data/sources.yaml, commit, and 'git push'.
  2. 'mlopsgen status' for the last runs of each branch; 'make setup ui' for every run in MLflow's pages.
  3. Promote: 'git switch staging', 'git merge development', 'git push' trains staging, with its own champion."""
    )


def _next_folder() -> Path:
    """The first folder ``demo/<number>`` that is not there yet, made."""
    number = 1
    while True:
        folder = ROOT / "demo" / str(number)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return folder


def _say(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    raise SystemExit(main())
