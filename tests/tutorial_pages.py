"""What a tutorial asks its reader to do, read from its Markdown.

A page is a list of steps in the order of the text:

- A block of ``console``: commands after ``$ ``, each with what it prints. A backslash at the end of a line goes on.
- ``<!-- file: PATH -->`` before a block: the reader writes this file; before a block of ``diff``: they change it so.
- ``<!-- types: TEXT | KEYS -->`` before a block: as soon as the screen shows TEXT, the reader presses KEYS.
- ``<!-- ends: N -->`` before a block: its last command ends with this exit code.
- ``<!-- stage: NAME WORDS -->``: what happens elsewhere meanwhile (somebody merges on github.com); the tests do it.

Every other block is for reading. The comments are for nobody's eyes, GitHub and the site leave them out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

PAGES = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
_NOTE = re.compile(r"<!-- (\w+): (.*?) -->")
_NOTES = {"file", "types", "ends", "stage"}


@dataclass(frozen=True)
class Command:
    """A command that the reader types.

    Attributes:
        line: Its line on the page.
        text: What is typed.
        shown: What the page shows after it.
        answers: What the reader presses when: pairs of a text on the screen and keys.
        ends: Its exit code.
    """

    line: int
    text: str
    shown: str
    answers: tuple[tuple[str, str], ...] = ()
    ends: int = 0


@dataclass(frozen=True)
class Edit:
    """A file that the reader writes or changes; ``text`` is all of it, or a change as ``diff`` shows it."""

    line: int
    path: str
    text: str
    is_change: bool


@dataclass(frozen=True)
class Elsewhere:
    """Something that the tests do, because it happens on a page or a machine that they stand for."""

    line: int
    name: str
    words: tuple[str, ...]


Step = Command | Edit | Elsewhere


def steps_of(page: str) -> list[Step]:
    """The steps of ``docs/tutorials/PAGE``."""
    return parse((PAGES / page).read_text(encoding="utf-8"))


def parse(text: str) -> list[Step]:
    """The steps of a page's text.

    Raises:
        ValueError: A comment that nobody knows, or that stands before no block.
    """
    steps: list[Step] = []
    notes: list[tuple[str, str]] = []
    for token in MarkdownIt("commonmark").parse(text):
        line = token.map[0] + 1 if token.map is not None else 0
        said = _NOTE.fullmatch(token.content.strip()) if token.type == "html_block" else None
        if said and said[1] == "stage":
            name, *rest = shlex.split(said[2])
            steps.append(Elsewhere(line, name, tuple(rest)))
        elif said:
            if said[1] not in _NOTES:
                raise ValueError(f"line {line}: nobody knows what '{said[1]}:' means")
            notes.append((said[1], said[2]))
        elif token.type == "fence" and token.info.strip() == "console":
            steps += _commands(token.content, line + 1, notes)
            notes = []
        elif token.type == "fence":
            steps += _edits(token.content, token.info.strip(), line, notes)
            notes = []
    if notes:
        raise ValueError(f"'{notes[0][0]}:' stands before no block")
    return steps


def record(page: str, printed: Sequence[tuple[Command, str]]) -> None:
    """Write into ``docs/tutorials/PAGE`` what commands printed, in the place of what it shows after them."""
    path = PAGES / page
    lines = path.read_text(encoding="utf-8").splitlines()
    for command, text in sorted(printed, key=lambda each: -each[0].line):
        first = command.line + command.text.count("\n")
        lines[first : first + len(command.shown.splitlines())] = text.strip("\n").splitlines()
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _edits(text: str, kind: str, line: int, notes: list[tuple[str, str]]) -> list[Step]:
    if any(note != "file" for note, _ in notes):
        raise ValueError(f"line {line}: only 'file:' can stand before this block")
    return [Edit(line, path, text, kind == "diff") for _, path in notes]


def _commands(text: str, line: int, notes: list[tuple[str, str]]) -> list[Step]:
    found: list[tuple[int, list[str], list[str]]] = []
    goes_on = False
    for number, each in enumerate(text.splitlines(), line):
        if goes_on:
            found[-1][1].append(each)
        elif each.startswith("$ "):
            found.append((number, [each[2:]], []))
        elif found:
            found[-1][2].append(each)
        else:
            raise ValueError(f"line {number}: the block begins with no command")
        goes_on = (goes_on or each.startswith("$ ")) and each.endswith("\\")
    ends = int(dict(notes).get("ends", 0))
    answers = tuple(_answer(words) for note, words in notes if note == "types")
    commands = []
    for place, (number, typed, shown) in enumerate(found):
        last = place == len(found) - 1
        # Questions belong to the last command of a block, as its exit code does.
        commands.append(
            Command(number, "\n".join(typed), "\n".join(shown), answers if last else (), ends if last else 0)
        )
    return list(commands)


def _answer(words: str) -> tuple[str, str]:
    text, _, keys = words.rpartition(" | ")
    if not text:
        raise ValueError(f"'types: {words}' lacks ' | '")
    return text, keys


def changed(before: str, change: str) -> str:
    """A file's text after a change.

    Args:
        before: Its text.
        change: Lines as ``diff`` shows them, each after ``-``, ``+`` or a blank; ``@@`` begins another place.

    Raises:
        ValueError: The text does not hold what is changed exactly once.
    """
    for place in re.split(r"(?m)^@@.*\n", change):
        lines = place.splitlines()
        if not lines:
            continue
        old = "".join(f"{each[1:]}\n" for each in lines if not each.startswith("+"))
        new = "".join(f"{each[1:]}\n" for each in lines if not each.startswith("-"))
        if before.count(old) != 1:
            raise ValueError(f"the file holds this {before.count(old)} times:\n{old}")
        before = before.replace(old, new)
    return before
