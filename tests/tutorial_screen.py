"""What a terminal shows in the end of what it was sent: as much of a terminal as command lines use."""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"\x1b\[(?P<words>[0-9;?]*)(?P<letter>[A-Za-z])|\x1b\][^\x07]*\x07|\x1b[=>78]|(?P<text>.)", re.DOTALL
)


def shown(sent: str) -> str:
    """The lines that stay: what was overwritten or erased is gone, colours are left out.

    The terminal is as long as it has to be and never breaks a line by itself.
    """
    screen = _Screen()
    for piece in _PIECE.finditer(sent):
        if piece["text"]:
            screen.put(piece["text"])
        elif piece["letter"]:
            screen.control(piece["letter"], piece["words"])
    return "\n".join("".join(line).rstrip() for line in screen.lines)


class _Screen:
    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0

    def put(self, letter: str) -> None:
        if letter == "\n":
            self._go(self.row + 1)
        elif letter == "\r":
            self.column = 0
        elif letter == "\t":
            self.column += 8 - self.column % 8
        elif letter == "\b":
            self.column = max(0, self.column - 1)
        elif letter >= " ":
            line = self.lines[self.row]
            line.extend(" " * (self.column + 1 - len(line)))
            line[self.column] = letter
            self.column += 1

    def control(self, letter: str, words: str) -> None:
        count = int(words) if words.isdigit() else 0
        line = self.lines[self.row]
        if letter == "A":
            self._go(max(0, self.row - max(1, count)))
        elif letter == "B":
            self._go(self.row + max(1, count))
        elif letter == "C":
            self.column += max(1, count)
        elif letter == "D":
            self.column = max(0, self.column - max(1, count))
        elif letter == "G":
            self.column = max(0, count - 1)
        elif letter == "K":
            self._erase(line, count)
        elif letter == "J" and count == 0:
            self._erase(line, 0)
            del self.lines[self.row + 1 :]

    def _erase(self, line: list[str], what: int) -> None:
        if what == 0:
            del line[self.column :]
        elif what == 2:
            line.clear()

    def _go(self, row: int) -> None:
        self.row = row
        while len(self.lines) <= row:
            self.lines.append([])
