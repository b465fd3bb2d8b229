"""The command line in this process, as a process of its own would run it.

To start a process takes longer than what most commands do. Where a process is the point (it is killed, signalled, typed
at, or two of them run at once), tests start one.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from mlopsgen.cli.main import main


def mlopsgen(
    *arguments: str, cwd: Path, environ: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run ``mlopsgen ARGUMENTS`` in a folder and an environment, with this on standard input; nobody can be asked."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with _placed(environ, stdin), redirect_stdout(out), redirect_stderr(err):
        code = main(arguments, cwd=cwd)
    said = []
    for stream in (out, err):
        stream.seek(0)
        said.append(stream.read())
    return subprocess.CompletedProcess(arguments, code, *said)


@contextmanager
def _placed(environ: Mapping[str, str], stdin: bytes) -> Iterator[None]:
    before, stream = dict(os.environ), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        sys.stdin = stream
        os.environ.clear()
        os.environ.update(before)
