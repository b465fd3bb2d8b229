"""A real terminal with a real shell, typed into and recorded.

What is typed takes as long as a person would need; what programs print comes when it really came, unless a scene says
how long it may take at most: then it is shown faster, and the film says so.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pexpect

from .film import Film
from .places import COLUMNS, ROWS

READY = r"\x1b\]133;A\x07"
"""The shell marks its prompt so; terminals do not show it."""

UP, DOWN, LEFT, RIGHT = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C"
ENTER, SPACE = "\r", " "
SHELL = r"""
PS1='\[\e]133;A\a\]\[\e[1;36m\]\w\[\e[0m\] \[\e[1;32m\]$\[\e[0m\] '
"""


class Terminal:
    """A shell of a person, on film.

    Args:
        film: Where it is seen.
        folder: Where the shell begins.
        environ: Its environment.
        where: What stands above the terminal.
        hurried: Nobody watches: what is typed is there at once.
    """

    def __init__(
        self, film: Film, folder: Path, environ: Mapping[str, str], where: str = "Terminal", *, hurried: bool = False
    ) -> None:
        self._film, self._where, self._hurried = film, where, hurried
        rc = Path(environ["HOME"]) / ".videorc"
        rc.write_text(SHELL.lstrip(), encoding="utf-8")
        self._child = pexpect.spawn(
            "bash", ["--noprofile", "--rcfile", str(rc), "-i"], cwd=str(folder),
            env={**environ, "TERM": "xterm-256color"}, encoding="utf-8", dimensions=(ROWS, COLUMNS), timeout=600,
        )  # fmt: skip
        self._child.delaybeforesend = None
        self._hand = random.Random(7)
        self._rest = ""

    def __enter__(self) -> Self:
        self._film.terminal(self._where)
        self.wait(READY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.close(force=True)

    def seen(self) -> None:
        """The film shows the terminal again."""
        self._film.terminal(self._where)

    def clear(self) -> None:
        """Clear the screen, as ctrl-l does."""
        self._film.clears()
        self._child.send("\x0c")
        self._film.show([(0.0, self._quiet(0.2))], 0.3)

    def write(self, text: str, *, pace: float = 0.045) -> None:
        """Type a text, letter by letter."""
        self._film.types()
        for letter in [text] if self._hurried else text:
            self._child.send(letter)
            self._film.show([(0.0, self._quiet())], pace * self._hand.uniform(0.6, 1.4))

    def press(self, *keys: str, pace: float = 0.4) -> None:
        """Press keys, one after the other, as one looks at what each does."""
        for key in keys:
            self._child.send(key)
            self._film.show([(0.0, self._quiet(0.02 if self._hurried else 0.25))], pace)

    def run(
        self, command: str, *, hold: float = 1.0, most: float | None = None, least: float = 0.0, what: str = ""
    ) -> str:
        """Type a command, let it end, and look at what it said."""
        self.write(command)
        self._film.hold(0.5)
        self._child.send(ENTER)
        said = self.wait(READY, most=most, least=least, what=what or command)
        self._film.hold(hold)
        return said

    def enter(
        self, until: str, *, hold: float = 0.0, most: float | None = None, least: float = 0.0, what: str = ""
    ) -> str:
        """Press enter, wait for a text, and look at it."""
        self._child.send(ENTER)
        said = self.wait(until, most=most, least=least, what=what)
        self._film.hold(hold)
        return said

    def wait(self, until: str, *, most: float | None = None, least: float = 0.0, what: str = "") -> str:
        """Wait until a text that matches a pattern has been shown, and all that comes with it.

        Args:
            until: The pattern.
            most: How many seconds of the film it may take.
            least: How many seconds of the film it takes: lines come one by one, so that they can be read.
            what: What is waited for, for the list of what was shown faster.
        """
        began = time.monotonic()
        chunks: list[tuple[float, str]] = [(0.0, self._rest)] if self._rest else []
        text, self._rest = self._rest, ""
        while not re.search(until, text):
            more = self._read(1.0)
            if more:
                chunks.append((time.monotonic() - began, more))
                text += more
            if time.monotonic() - began > 900:
                raise TimeoutError(f"{until} was not seen in: {text[-2000:]}")
        after = self._quiet()
        if after:
            chunks.append((time.monotonic() - began, after))
            text += after
        took = max(chunks[-1][0], 0.05)
        if took < least:
            lines = text.splitlines(keepends=True)
            self._film.show([(number / len(lines), line) for number, line in enumerate(lines)], least)
            return text
        shown = took if most is None or took <= most else most
        faster = shown < took * 0.7
        if faster:
            self._film.speeds.append((what, took, shown))
            self._film.badge(f"{took:.0f} s shown in {shown:.0f} s")
        self._film.show([(at / took, said) for at, said in chunks], shown)
        if faster:
            self._film.badge("")
        return text

    def _quiet(self, seconds: float = 0.08) -> str:
        """What is shown until nothing more comes."""
        found = ""
        while more := self._read(seconds):
            found += more
        return found

    def _read(self, seconds: float) -> str:
        try:
            return str(self._child.read_nonblocking(65536, timeout=seconds))
        except pexpect.TIMEOUT:
            return ""
