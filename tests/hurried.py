"""The command line in a world where waiting costs nothing: ``python hurried.py VERB ...``.

Pauses that GitHub asks for take minutes. Here they end at once, and the clock says that they have passed.
"""

from __future__ import annotations

import subprocess  # noqa: F401 - before the clock changes: programs that are started take the time that they take
import threading
import time

_still = time.sleep
_clock = time.monotonic
_lock = threading.Lock()
_skipped = 0.0


def _sleep(seconds: float) -> None:
    global _skipped  # noqa: PLW0603 - a clock is one for all
    with _lock:
        _skipped += max(0.0, seconds)
    _still(0)


def _monotonic() -> float:
    return _clock() + _skipped


if __name__ == "__main__":
    # Before anything is imported that takes a hold of them.
    time.sleep = _sleep
    time.monotonic = _monotonic
    from mlopsgen.cli.main import main

    raise SystemExit(main())
