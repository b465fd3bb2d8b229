"""Files of ``NAME=value`` lines: variables and secrets of an environment, and the repository's ``.env``.

Any text survives: a value with a newline, a quote or spaces at its ends is written in double quotes with escapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_START = re.compile(r"[ \t]*(?:export[ \t]+)?([^\s=#]+)[ \t]*=[ \t]*")
_PLAIN = re.compile(r"[^\s'\"\\#](?:[^\r\n]*[^\s])?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class EnvironmentFileError(ValueError):
    """A line cannot be read; the message holds the line's number and never its value."""


@dataclass(frozen=True)
class Entry:
    """One setting and where its text lies in the file."""

    name: str
    value: str
    start: int
    end: int


def parse(text: str) -> dict[str, str]:
    """The settings of a file; the last one of a name counts.

    Raises:
        EnvironmentFileError: A line cannot be read.
    """
    return {entry.name: entry.value for entry in _entries(text)}


def read(path: Path) -> dict[str, str]:
    """The settings of a file that need not be there.

    Raises:
        EnvironmentFileError: It cannot be read; the message names the file and line.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except EnvironmentFileError as error:
        raise EnvironmentFileError(f"{path}:{error}") from None
    except UnicodeDecodeError:
        raise EnvironmentFileError(f"{path}: the file is not UTF-8 text") from None
    except OSError as error:
        raise EnvironmentFileError(f"{path}: {error.strerror}") from None


def format_setting(name: str, value: str) -> str:
    """One line (or, in quotes, the escaped form of several) that :func:`parse` reads back to the same value."""
    if value == "" or _PLAIN.fullmatch(value):
        return f"{name}={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'{name}="{escaped}"'


def replace(text: str, changes: Mapping[str, str]) -> str:
    """The file's text with some settings changed or added; every other line stays as it is."""
    remaining = dict(changes)
    for entry in reversed(list(_entries(text))):
        if entry.name in changes:
            line = format_setting(entry.name, changes[entry.name])
            text = text[: entry.start] + line + text[entry.end :]
            remaining.pop(entry.name, None)
    if remaining and text and not text.endswith("\n"):
        text += "\n"
    return text + "".join(f"{format_setting(name, value)}\n" for name, value in remaining.items())


def _entries(text: str) -> list[Entry]:
    entries: list[Entry] = []
    position = 0
    while position < len(text):
        end = _end_of_line(text, position)
        line = text[position:end]
        if not line.strip() or line.lstrip().startswith("#"):
            position = end + 1
            continue
        found = _START.match(text, position)
        if found is None or found.end() > end or not NAME.fullmatch(found[1]):
            raise EnvironmentFileError(f"{_line(text, position)}: expected NAME=value")
        if found.end() < end and text[found.end()] in "'\"":
            value, stop = _quoted(text, found.end())
        else:
            value, stop = text[found.end() : end].strip(), end
        entries.append(Entry(found[1], value, position, stop))
        position = _end_of_line(text, stop) + 1
    return entries


def _quoted(text: str, start: int) -> tuple[str, int]:
    parts: list[str] = []
    quote, position = text[start], start + 1
    while position < len(text):
        character = text[position]
        if character == quote:
            rest = text[position + 1 : _end_of_line(text, position)].strip()
            if rest and not rest.startswith("#"):
                raise EnvironmentFileError(f"{_line(text, position)}: there is text after the closing quote")
            return "".join(parts), position + 1
        if character == "\\" and quote == '"' and text[position + 1 : position + 2] in _ESCAPES:
            parts.append(_ESCAPES[text[position + 1]])
            position += 2
            continue
        parts.append(character)
        position += 1
    raise EnvironmentFileError(f"{_line(text, start)}: the quote is never closed")


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
