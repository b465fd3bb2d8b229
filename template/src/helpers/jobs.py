"""What a worker process does: one step of a pipeline, or one function of the helpers.

``python -m helpers.jobs`` reads a job from its input and does it; the worker server calls :func:`perform` in a fork of
itself. Both do the same, so that a run gives the same results either way.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from helpers.config import repository_root
from helpers.errors import RepositoryError
from helpers.processes import kill_group

Job = Mapping[str, Any]
EXECUTOR = "kfp.dsl.executor_main"


def perform(job: Job) -> int:
    """Does a job and writes what came of it to the file ``job["result"]``; gives the exit code.

    The job's output goes to where this process's output goes. Nothing is raised: an error is part of the result.
    """
    os.environ.update(job.get("environment", {}))
    _new_randomness()
    try:
        if job["kind"] == "step":
            _run_component(job["command"])
            value = None
        else:
            module, _, function = job["function"].partition(":")
            value = getattr(importlib.import_module(module), function)(**job["arguments"])
    except SystemExit as error:
        if error.code in (None, 0):
            return 0
        return _fail(job, error, f"It ended with exit code {error.code}.")
    except BaseException as error:  # noqa: BLE001 - whatever a step raises has to reach the person
        return _fail(job, error, "")
    _write(job, {"value": value})
    return 0


def read_result(path: Path) -> dict[str, Any]:
    """What :func:`perform` left behind; empty when the process was ended before."""
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return result


def describe(error: BaseException, root: Path) -> dict[str, Any]:
    """An error as plain data; the message of an unexpected one starts with its type."""
    if isinstance(error, RepositoryError):
        return {
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
            "where": error.where,
            "exit_code": int(error.exit_code),
        }
    text = str(error).strip().splitlines()
    message = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return {
        "code": "",
        "message": message,
        "hint": _library_hint(error, root),
        "where": _place(error, root),
        "exit_code": 1,
    }


def _library_hint(error: BaseException, root: Path) -> str:
    name = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if not name or any((root / "src" / own).exists() for own in (name, f"{name}.py")):
        return ""
    return f"If it is a library, 'make add PKG={name}' adds it; commit requirements.in and the locks then."


def _fail(job: Job, error: BaseException, message: str) -> int:
    traceback.print_exception(error)
    described = describe(error, repository_root(os.environ))
    _write(job, {"error": described | ({"message": message} if message else {})})
    return 1


def _write(job: Job, result: Mapping[str, Any]) -> None:
    path = Path(job["result"])
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(result), encoding="utf-8")
    partial.replace(path)


def _place(error: BaseException, root: Path) -> str:
    """The innermost line of the owner's own code that an error came through."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        inside = path.is_relative_to(root / "src") and not path.is_relative_to(root / "src" / "helpers")
        if inside:
            place = f"{path.relative_to(root).as_posix()}:{frame.lineno}"
    return place


def _new_randomness() -> None:
    """NumPy keeps its random state over a fork, so every step would draw the same numbers."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _run_component(command: list[str]) -> None:
    """Runs the program of a kfp component as its container command would, in this process.

    The command is ``sh -ec SCRIPT PROGRAM ARGUMENTS...``, where the script stores the program and hands it to kfp's
    executor. Scripts of components that install packages do that first; here the repository's environment counts.
    """
    script = command[2] if command[:2] == ["sh", "-ec"] and len(command) > 3 else ""
    if EXECUTOR not in script:
        installing = next((part for part in command if "pip install" in part), "")
        position = next((n for n, part in enumerate(command) if EXECUTOR in part), 0)
        if not installing or position + 1 >= len(command):
            raise RepositoryError(
                "The step is not a Python function but a container.",
                hint="The local engine runs Python functions; use a branch with engine: kubeflow.",
            )
    else:
        installing, position = script, 2
    _check_packages(installing)
    program, arguments = command[position + 1], command[position + 2 :]
    with tempfile.TemporaryDirectory(prefix="step-") as folder:
        path = Path(folder, "ephemeral_component.py")
        path.write_text(program, encoding="utf-8")
        sys.argv = [EXECUTOR, "--component_module_path", str(path), *arguments]
        if EXECUTOR in sys.modules:
            sys.modules[EXECUTOR].executor_main()
        else:
            runpy.run_module(EXECUTOR, run_name="__main__", alter_sys=False)


def _check_packages(script: str) -> None:
    """Refuses a component that wants packages which are not here: a run never changes the environment."""
    for line in script.splitlines():
        if "pip install" not in line:
            continue
        for name, version in re.findall(r"'([A-Za-z0-9._-]+)(?:\[[^\]]*\])?(?:==([^';,]+))?[^']*'", line):
            try:
                found = metadata.version(name)
            except metadata.PackageNotFoundError:
                found = ""
            if not found or (version and found != version):
                wanted = f"{name}=={version}" if version else name
                raise RepositoryError(
                    f"The step wants to install {wanted}, and a run installs nothing.",
                    hint="Add it to requirements.in (make add PKG=...) and leave packages_to_install out.",
                )


def end_with(lifeline: int) -> None:
    """Ends this process and all of its group as soon as the other end of a pipe is closed.

    Its parent holds that end, so nothing goes on when the parent was killed and could not see to it.
    """

    def watch() -> None:
        while os.read(lifeline, 4096):
            pass
        kill_group(os.getpgrp())

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


def main() -> int:
    """Does the job whose JSON is the first line of the input."""
    job = json.loads(_read_line())
    end_with(0)
    return perform(job)


if __name__ == "__main__":
    raise SystemExit(main())
