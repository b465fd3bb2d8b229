"""Markdown as both GitHub and Sphinx read it: tables, code in sentences, and the remark that a page is generated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

GENERATED = "<!-- Generated from the code by `make generate`; do not edit. -->"

_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")
_QUOTED = re.compile(r"(?<![\w'=])'([^'\n]+)'(?![\w'])")
_FLAG = re.compile(r"(?<![\w`<-])(--?[a-zA-Z][\w-]*)")
_PLACE = re.compile(r"(?<![\w`])[\w./:]*<[a-zA-Z_ -]+>[\w./:<>-]*")


def prose(text: str) -> str:
    """A sentence of the code as Markdown: what it quotes, flags and places like ``<branch>`` become code."""
    text = _ROLE.sub(r"`\1`", text)
    out, end = [], 0
    for found in _CODE.finditer(text):
        out += [_plain(text[end : found.start()]), code(found[2])]
        end = found.end()
    return "".join([*out, _plain(text[end:])])


def _plain(text: str) -> str:
    for pattern in (_QUOTED, _PLACE, _FLAG):
        parts, end = [], 0
        for found in _CODE.finditer(text):
            parts += [pattern.sub(_as_code, text[end : found.start()]), found[0]]
            end = found.end()
        text = "".join([*parts, pattern.sub(_as_code, text[end:])])
    parts, end = [], 0
    for found in _CODE.finditer(text):
        parts += [_escaped(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, _escaped(text[end:])])


def _as_code(found: re.Match[str]) -> str:
    return code(found[1] if found.re.groups else found[0])


def _escaped(text: str) -> str:
    return re.sub(r"([*<>\[\]])", r"\\\1", text)


def code(text: str) -> str:
    """A text as code, whatever is in it."""
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table; columns that stay empty in every row are left out, and an empty table is nothing.

    Args:
        head: The columns' names.
        rows: The cells, Markdown already.
        right: The columns that stand at the right.
    """
    found = [tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    kept = [place for place in range(len(head)) if any(row[place] for row in found)]
    if not found:
        return ""
    lines = [
        [head[place] for place in kept],
        ["---:" if place in right else "---" for place in kept],
        *([row[place] for place in kept] for row in found),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each as it is indented."""
    return [part for part in re.split(r"\n[ \t]*\n", text.strip("\n")) if part.strip()]


def joined(*parts: str) -> str:
    """A page of its parts, with a blank line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"
