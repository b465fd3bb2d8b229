"""The one place of the worker that starts other programs."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LINE_END = re.compile(rb"[\r\n]+")
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\S \t]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Ended:
    """What a program returned and printed on its standard output."""

    status: int
    stdout: str


def capture(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: str = "") -> Ended:
    """Run a short program to its end; errors come with its output."""
    try:
        done = subprocess.run(  # noqa: S603
            list(argv),
            cwd=cwd,
            env=dict(env),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        return Ended(127, str(error))
    return Ended(done.returncode, done.stdout)


def stream(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], None],
    keep_open: Sequence[int] = (),
    apart: bool = False,
) -> Ended:
    """Run a program and hand over its lines as they come.

    Args:
        argv: The program and its arguments; never a secret.
        cwd: The folder that it runs in.
        env: Its whole environment.
        on_line: Takes each line, without control characters.
        keep_open: Descriptors of locks that last as long as the program or a child of it lives.
        apart: Keep the standard output out of the lines and return it.
    """
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(  # noqa: S603
                list(argv),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output if apart else subprocess.PIPE,
                stderr=subprocess.PIPE if apart else subprocess.STDOUT,
                pass_fds=tuple(keep_open),
            )
        except OSError as error:
            on_line(str(error))
            return Ended(127, "")
        with process:
            pipe = process.stderr if apart else process.stdout
            if pipe is not None:
                _read_lines(process, pipe.fileno(), on_line)
        output.seek(0)
        return Ended(process.returncode, output.read().decode("utf-8", "replace"))


def start_detached(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> None:
    """Start a program in a session of its own: no terminal, no pipe and no signal of ours reaches it."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        subprocess.Popen(  # noqa: S603
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def printable(line: str) -> str:
    """The line without control characters, which could move another terminal's cursor."""
    return _UNPRINTABLE.sub("", line).rstrip()


def _read_lines(process: subprocess.Popen[bytes], descriptor: int, on_line: Callable[[str], None]) -> None:
    """Read until the program has ended: a daemon that it left behind may keep the pipe open for ever."""
    os.set_blocking(descriptor, False)
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if not selector.select(timeout=0.5):
                if process.poll() is not None:
                    break
                continue
            chunk = os.read(descriptor, 65536)
            if not chunk:
                break
            *lines, rest = _LINE_END.split(rest + chunk)
            for line in lines:
                on_line(printable(line.decode("utf-8", "replace")))
    if rest:
        on_line(printable(rest.decode("utf-8", "replace")))
