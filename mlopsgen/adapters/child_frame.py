"""The side of a render in a process of its own that runs there: it reads one request and answers in a file."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

MEMORY = 2 * 1024**3
"""So many bytes of memory a render may take that runs nobody's code."""
FILE = 64 * 1024**2
"""So large may a file be that it writes."""

INSTALL = "Install it where mlopsgen is installed, if you trust whoever makes it; a version without it may do, too."
"""What to do about an extension that a template wants and that is not there."""

_FOR_CHILDREN = ("PYTHONPATH", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE")


class Refused(Exception):
    """What is said of a render that cannot be.

    Args:
        message: A sentence.
        where: The file or answer.
        hint: The next step.
        kind: ``answer`` if an answer is not valid, ``code`` if nobody allowed what it would run.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.told = {"error": message, "where": where, "hint": hint, "kind": kind}


def serve(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Do what the line on standard input asks for.

    Args:
        work: Answers a request.
    """
    request = json.loads(_first_line())
    # What the template starts is any program, in any version of Python.
    for name in _FOR_CHILDREN:
        os.environ.pop(name, None)
    if not request.get("trusted"):
        _limit()
    try:
        told = work(request)
    except Refused as refused:
        told = refused.told
    except MemoryError:
        hint = "Whoever makes the template has to mend it; another version may do until then."
        told = Refused("The template needs more memory than a render may take.", hint=hint).told
    Path(request["answer"]).write_text(json.dumps(told, default=str), encoding="utf-8")


_SAME_AGAIN = """\
# What is drawn at random is made from a seed, so that two renders of one command can be compared.
import hashlib, os
_state = [{seed!r}, 0]
def _same(count):
    _state[1] += 1
    text = "{{}} {{}} {{}}".format(_state[0], _state[1], count).encode()
    found = b""
    while len(found) < count:
        found += hashlib.sha256(text + str(len(found)).encode()).digest()
    return found[:count]
os.urandom = _same
import random
random.seed(_state[0])
"""


def fix_chance(folder: Path, seed: str) -> None:
    """Let programs in Python that are started from now on draw the same at random as at another time.

    Args:
        folder: A folder for it.
        seed: What is drawn is made from it.
    """
    place = folder / "same-again"
    place.mkdir()
    (place / "sitecustomize.py").write_text(_SAME_AGAIN.format(seed=seed.encode().hex()), encoding="utf-8")
    os.environ["PYTHONPATH"] = str(place)


def _first_line() -> str:
    """What is asked. When this input ends, the program that asked is gone, and with it this one and its children."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    line = b""
    while not line.endswith(b"\n") and (more := os.read(own, 1 << 16)):
        line += more

    def watch() -> None:
        os.read(own, 1)
        with suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(0, signal.SIGKILL)
        os._exit(1)  # Windows, where whoever started this ends what it started

    threading.Thread(target=watch, daemon=True).start()
    return line.decode()


def _limit() -> None:
    """Keep a template without code of its own from filling the memory or the disk."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, FILE), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
