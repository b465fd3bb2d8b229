"""The only place that starts other programs: argument lists, an explicit folder and environment, typed failures."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mlopsgen.errors import CommandFailed, MlopsgenError, ProgramMissing
from mlopsgen.secret_value import redact


@dataclass(frozen=True)
class Completed:
    """What a program printed and returned."""

    exit_status: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str | None = None,
    check: bool = True,
    timeout: float | None = None,
    hint: str = "",
) -> Completed:
    """Run a program to its end and capture what it prints.

    Args:
        argv: The program and its arguments; never a shell string, never a secret (process lists show it).
        cwd: The folder that it runs in.
        env: Its whole environment.
        stdin: Text for its standard input (empty if ``None``, so that it never waits for a person).
        check: Raise when it fails; otherwise the caller looks at ``exit_status``.
        timeout: Seconds until it is ended.
        hint: The next step, for the error.

    Raises:
        ProgramMissing: The program is not installed.
        CommandFailed: It failed and ``check`` was set, or it ran out of time.
    """
    arguments = [str(argument) for argument in argv]
    with _translated(arguments, cwd, timeout, hint):
        done = subprocess.run(  # noqa: S603
            arguments,
            cwd=cwd,
            env=dict(env),
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    if check and done.returncode != 0:
        raise CommandFailed(arguments, done.returncode, redact(done.stderr or done.stdout), hint=hint)
    return Completed(done.returncode, done.stdout, done.stderr)


def run_bytes(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: bytes = b"", accepted: Sequence[int] = (0,)
) -> bytes:
    """Run a program to its end and take what it prints as it is: contents of files, and names in any encoding.

    Args:
        argv: The program and its arguments; never a shell string, never a secret.
        cwd: The folder that it runs in.
        env: Its whole environment.
        stdin: What it reads.
        accepted: The exit statuses that are no failure.

    Raises:
        ProgramMissing: The program is not installed.
        CommandFailed: It failed.
    """
    arguments = [str(argument) for argument in argv]
    with _translated(arguments, cwd, None, ""):
        done = subprocess.run(  # noqa: S603
            arguments, cwd=cwd, env=dict(env), input=stdin, capture_output=True, check=False
        )
    if done.returncode not in accepted:
        raise CommandFailed(arguments, done.returncode, redact(done.stderr.decode("utf-8", "replace")))
    return done.stdout


_SHOWN_BYTES = 20_000


def run_to_the_end(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], line: str, timeout: float) -> Completed:
    """Run a program together with everything that it starts: nothing of it goes on when this returns or fails.

    It gets ``line`` on its standard input, which then stays open: its end tells the program that this process is gone.

    Args:
        argv: The program and its arguments; never a shell string, never a secret.
        cwd: The folder that it runs in.
        env: Its whole environment.
        line: What it reads.
        timeout: Seconds until it is ended.

    Returns:
        Its exit status, and the ends of what it printed.

    Raises:
        CommandFailed: It ran out of time.
    """
    arguments = [str(argument) for argument in argv]
    # Files, not pipes: something that it started may keep a pipe open after it has ended.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _translated(arguments, cwd, timeout, ""):
        running = subprocess.Popen(  # noqa: S603
            arguments, cwd=cwd, env=dict(env), stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True
        )
        try:
            with contextlib.suppress(BrokenPipeError):
                if running.stdin is not None:
                    running.stdin.write(f"{line}\n".encode())
                    running.stdin.flush()
            running.wait(timeout)
        finally:
            _end_all(running)
            running.wait()
            with contextlib.suppress(BrokenPipeError):
                if running.stdin is not None:
                    running.stdin.close()
        return Completed(running.returncode, _end_of(out), _end_of(err))


def _end_all(running: subprocess.Popen[bytes]) -> None:
    """End a program that leads a session, and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(running.pid, signal.SIGKILL)
            return
        # Windows has no groups of processes to signal; this ends the tree below one.
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(running.pid)], capture_output=True, check=False)  # noqa: S603, S607
        running.kill()


def _end_of(printed: IO[bytes]) -> str:
    printed.seek(max(0, printed.seek(0, os.SEEK_END) - _SHOWN_BYTES))
    return printed.read().decode("utf-8", "replace")


@contextlib.contextmanager
def _translated(arguments: list[str], cwd: Path, timeout: float | None, hint: str) -> Iterator[None]:
    """What can go wrong with starting a program, as our errors."""
    try:
        yield
    except FileNotFoundError as error:
        if not cwd.is_dir():
            raise MlopsgenError(f"The folder {cwd} is not there any more.", where=str(cwd)) from error
        raise ProgramMissing(f"'{arguments[0]}' is not installed or not on the PATH.", hint=hint) from error
    except PermissionError as error:
        raise MlopsgenError(f"'{arguments[0]}' may not be run in {cwd}.", where=str(cwd), hint=hint) from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(arguments, -1, f"no answer within {timeout:.0f} s", hint=hint) from error
