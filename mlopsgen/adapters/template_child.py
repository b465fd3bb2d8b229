"""Renders that happen in a process of their own: those of cookiecutter and copier themselves.

The process gets a folder of its own as its home, and none of this one's environment but where programs lie, the
language and the time zone: no token, no password, no path to them. It ends with the command that started it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlopsgen.adapters import process
from mlopsgen.adapters.trust import UnsafeTemplate
from mlopsgen.errors import CommandFailed, InvalidAnswer, MlopsgenError
from mlopsgen.secret_value import redact

SECONDS = 60.0
"""So long may a render take that runs nobody's code."""
TRUSTED_SECONDS = 900.0
"""So long may one take that runs a template's own code: it may install something."""

_PASSED = ("PATH", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT")
_PASSED_GROUP = "LC_"
_KINDS: Mapping[str, type[MlopsgenError]] = {"answer": InvalidAnswer, "code": UnsafeTemplate}


def run_child(
    module: str,
    request: Mapping[str, Any],
    *,
    scratch: Path,
    environ: Mapping[str, str],
    seconds: float,
    address: str,
) -> dict[str, Any]:
    """Run a module of this package as a program; what it answers.

    Args:
        module: Its name.
        request: What it is asked; nothing secret.
        scratch: A folder for it alone, which the caller removes.
        environ: The environment of this command, of which it gets little.
        seconds: So long it may take.
        address: The template, for errors.

    Raises:
        InvalidAnswer: An answer does not fit the template.
        UnsafeTemplate: It would run code, and nobody said that it may.
        MlopsgenError: The template cannot be rendered, or it took too long.
    """
    home, answer = scratch / "home", scratch / "answer.json"
    home.mkdir()
    argv = [sys.executable, "-P", "-m", f"mlopsgen.adapters.{module}"]
    line = json.dumps({**request, "answer": str(answer), "scratch": str(scratch)})
    try:
        done = process.run_to_the_end(argv, cwd=home, env=_environment(environ, home), line=line, timeout=seconds)
    except CommandFailed as error:
        raise MlopsgenError(
            f"Rendering the template {address} took longer than {seconds:g} seconds and was ended.",
            where=address,
            hint="Ask its authors; a template that runs nothing of its own is rendered in less than a second.",
        ) from error
    try:
        told: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        told = {"error": f"the program that renders it ended with {done.exit_status}{_last(done)}"}
    if "error" in told:
        kind = _KINDS.get(told.get("kind", ""), MlopsgenError)
        said = _last(done).removeprefix(": ") if request.get("trusted") else ""
        message = str(told["error"]) + (f" It said: {said}" if said else "")
        raise kind(redact(message), where=str(told.get("where") or address), hint=str(told.get("hint", "")))
    return told


def _environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    passed = {
        name: value for name, value in environ.items() if name in _PASSED or name.startswith(_PASSED_GROUP)
    }  # fmt: skip
    return passed | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TMPDIR": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        # Many hooks begin a history, which is thrown away; the home has no name for its commits.
        **{f"GIT_{role}_{part}": "mlopsgen" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")},
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # The same modules, wherever this program found them; the child takes it out of its environment.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }


def _last(done: process.Completed) -> str:
    lines = redact(done.stdout or done.stderr).strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""


def take_over(made: Path, destination: Path) -> None:
    """Move what was made to where it belongs."""
    for path in sorted(made.iterdir()):
        shutil.move(path, destination / path.name)


def drop_history(made: Path) -> None:
    """Remove what git keeps of what was made: a hook may have begun a history."""
    for folder in sorted(made.rglob(".git"), reverse=True):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)
