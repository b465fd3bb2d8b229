"""The command line in this process, as a process of its own would run it.

To start a process takes longer than what most commands do. Where a process is the point (it is killed, signalled, typed
at, or two of them run at once), tests start one.
"""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from mlopsgen.cli.main import main


def mlopsgen(*arguments: str, cwd: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``mlopsgen ARGUMENTS`` in a folder and an environment; nobody can be asked."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with _placed(cwd, environ), redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    said = []
    for stream in (out, err):
        stream.seek(0)
        said.append(stream.read())
    return subprocess.CompletedProcess(arguments, code, *said)


@contextmanager
def _placed(cwd: Path, environ: Mapping[str, str]) -> Iterator[None]:
    folder, before = Path.cwd(), dict(os.environ)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.chdir(folder)
