"""What stands in the guides: commands after ``$ `` in blocks of ``console``, and YAML that begins with a path."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    DOCS / "index.md",
    *sorted((DOCS / "how-to").glob("*.md")),
    *sorted((DOCS / "explanation").glob("*.md")),
]
_READER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: The page's path.
        line: Where it stands.
        kind: Its language.
        text: What is in it.
    """

    page: str
    line: int
    kind: str
    text: str

    @property
    def place(self) -> str:
        """How a test calls it."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Call:
    """One program that a guide tells its reader to start."""

    place: str
    words: tuple[str, ...]


def blocks(kind: str) -> list[Block]:
    """All blocks of a language, those in lists included."""
    found = []
    for path in PAGES:
        page = str(path.relative_to(ROOT))
        found += [
            Block(page, token.map[0] + 1, kind, token.content)
            for token in _READER.parse(path.read_text(encoding="utf-8"))
            if token.type == "fence" and token.info.strip() == kind and token.map is not None
        ]
    return found


def calls() -> list[Call]:
    """Every program of every command, and every whole ``mlopsgen ...`` that stands in a table or a sentence."""
    return [*_typed(), *_mentioned()]


def _typed() -> Iterator[Call]:
    for block in blocks("console"):
        for number, line in enumerate(block.text.splitlines(), start=block.line + 1):
            if line.startswith("$ "):
                for words in programs(line[2:]):
                    yield Call(f"{block.page}:{number}", words)


def _mentioned() -> Iterator[Call]:
    for path in PAGES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for text in re.findall(r"`(mlopsgen [a-z][^`]*|make [a-z][^`]*|python -m pipelines[^`]*)`", line):
                for words in programs(text):
                    yield Call(f"{path.relative_to(ROOT)}:{number}", words)


def programs(line: str) -> list[tuple[str, ...]]:
    """The words of each program of a command line; what is behind ``#`` is for people."""
    line = re.sub(r"<(\w+)>", lambda match: match[1].upper(), line)  # <branch> is a place to fill
    reader = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    reader.whitespace_split = True
    reader.commenters = ""
    found: list[list[str]] = [[]]
    skipping = False
    for word in reader:
        if word == "#":
            break
        if set(word) <= set("|&;"):
            found.append([])
        elif set(word) <= set("<>"):
            skipping = True
        elif skipping:
            skipping = False
        else:
            found[-1].append(word)
    return [tuple(words) for words in found if words]
