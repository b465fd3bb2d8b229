"""The line of a terminal that says what is being done: after a second it also says for how long, and moves."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TextIO

_BEAT = 0.25
_QUIET = 1.0
"""So long nothing moves: most work is done by then."""
_MARKS = "|/-\\"


class LiveLine:
    """A line that is written again and again, and gone before anything else is written.

    Args:
        stream: A terminal on which a line can be written again.
        lock: Held by whoever writes to the terminal; a thread of this class takes it to move the line.
        shown: Makes what is shown of a text: its style, cut to the terminal's width.
    """

    def __init__(self, stream: TextIO, lock: threading.Lock, shown: Callable[[str], str]) -> None:
        self._stream = stream
        self._lock = lock
        self._shown = shown
        self._text = ""
        self._since = 0.0
        self._beats = 0
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None

    def draw(self, text: str, since: float | None = None) -> None:
        """Show a text; the caller holds the lock.

        Args:
            text: What is being done.
            since: When that began (``time.monotonic()``), if not now.
        """
        self.erase()
        self._text, self._since, self._beats = text, time.monotonic() if since is None else since, 0
        self._stream.write(self._shown(text))
        self._busy.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._beat, daemon=True)
            self._thread.start()

    def erase(self) -> None:
        """Take the line away; the caller holds the lock."""
        if self._text:
            self._stream.write("\r\x1b[K")
            self._text = ""
            self._busy.clear()

    def _beat(self) -> None:
        while True:
            self._busy.wait()
            time.sleep(_BEAT)
            # Whoever ends the program closes the terminal under us.
            with self._lock, contextlib.suppress(ValueError, OSError):
                seconds = time.monotonic() - self._since
                if self._text and seconds > _QUIET:
                    self._beats += 1
                    mark = _MARKS[self._beats % len(_MARKS)]
                    self._stream.write(f"\r\x1b[K{self._shown(f'{self._text} {mark} {seconds:.0f} s')}")
                    self._stream.flush()
