"""Runs a program for as long as the one who started it lives: ``python leash.py PROGRAM ARGUMENT ...``.

The standard input is a pipe whose other end its starter holds. The system closes it when they end, in whatever way;
then the program is ended. Nothing is read from it, and nothing but the standard library is imported.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

GRACE = 3.0
"""Seconds that the program has to end by itself."""


def main() -> int:
    """Runs it, and gives its exit code."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - a list, never a shell

    def end(*_: int | FrameType | None) -> None:
        program.terminate()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    threading.Thread(target=_watch, args=(program,), daemon=True).start()
    return program.wait()


def _watch(program: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    program.terminate()
    try:
        program.wait(GRACE)
    except subprocess.TimeoutExpired:
        program.kill()


if __name__ == "__main__":
    os._exit(main() & 0xFF)
