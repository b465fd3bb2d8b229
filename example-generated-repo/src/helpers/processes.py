"""The only place that starts programs; there is no shell, and what a program gets is passed to it explicitly."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Answer:
    """What a program printed, and its exit code."""

    code: int
    text: str


def start(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    log: Path,
    inherit: Sequence[int] = (),
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    new_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Starts a program whose output goes to the end of a file.

    Args:
        arguments: The program and its arguments.
        cwd: Its working directory.
        environ: Its whole environment.
        log: The file.
        inherit: File descriptors that it keeps.
        stdin: Where its input comes from.
        new_session: Whether the terminal's signals pass it by. It leads a process group of its own in any case.
    """
    with log.open("ab") as stream:
        return subprocess.Popen(  # noqa: S603 - a list, never a shell
            list(arguments),
            cwd=cwd,
            env=dict(environ),
            stdin=stdin,
            stdout=stream,
            stderr=stream,
            pass_fds=tuple(inherit),
            start_new_session=new_session,
            process_group=None if new_session else 0,
        )


def capture(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    timeout: float | None = None,
    together: bool = False,
) -> Answer:
    """Runs a short program to its end; one that is not there answers with code 127, one that takes too long with 124.

    Args:
        arguments: The program and its arguments.
        cwd: Its working directory.
        environ: Its whole environment.
        timeout: Seconds after which it is ended.
        together: Whether what it says of errors belongs to the text.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - a list, never a shell
            list(arguments),
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if together else subprocess.PIPE,
            process_group=None if timeout is None else 0,
        )
    except OSError as error:
        return Answer(127, str(error))
    with process:
        try:
            text, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            kill_group(process.pid)  # also what it started, which would keep the pipe open
            process.communicate()
            return Answer(124, f"{arguments[0]} was ended after {timeout:g} s")
        except BaseException:
            kill_group(process.pid)
            raise
    return Answer(process.returncode, text.decode(errors="replace"))


def kill_group(leader: int) -> None:
    """Ends a process and all that it started in its group; one that is gone already is no error."""
    for kill in (os.killpg, os.kill):
        try:
            kill(leader, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
        return


def git_commit(root: Path, environ: Mapping[str, str]) -> str:
    """The commit of the working tree, with ``-dirty`` appended when it has changes; empty when there is none.

    A repository around the folder does not count: its commit says nothing of these files.
    """
    clean = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    clean |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_CEILING_DIRECTORIES": str(root.parent)}
    answer = capture(["git", "-C", str(root), "status", "--porcelain=v2", "--branch"], cwd=root, environ=clean)
    if answer.code != 0:
        return ""
    lines = answer.text.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "")
    if not commit or commit == "(initial)":
        return ""
    dirty = any(line and not line.startswith("#") for line in lines)
    return f"{commit}-dirty" if dirty else commit
