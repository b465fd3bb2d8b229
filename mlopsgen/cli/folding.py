"""Lines that are too long for a terminal, folded between words and below what they belong to."""

from __future__ import annotations

import re

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_HEAD = re.compile(
    r"\s*(?:\S+(?: \S+){0,2}\s{2,}(?:\x1b\[0m\s*)?"
    r"|(?:\x1b\[[0-9;]*m)?(?:error|stopped|next|at|report|warning|!)\S*\s)?"
)
"""What the rest of a line stands below: a first column, or a word that says what it is."""
_COMMAND = re.compile(r"\s*(?:cd|chmod|docker|export|gh|git|kubectl|make|mlopsgen|pip|pipx|python3?|rm|uv)\s\S")
"""What begins so is copied from a terminal: it stays one line, and a remark stands below it."""
_PLACE = re.compile(
    r"(?P<head>\s*(?:(?!error|next|stopped|then|warning)[\w-]+: )?)(?P<path>/[^()]*?)(?P<remark>   \(.*|  \(.*)?"
)
"""A line that is a path, with a word before it or a remark behind it; a path may have spaces."""
_GAP = re.compile(r"\s{2,}")


def seen(text: str) -> int:
    """How many columns a text takes: its styles take none."""
    return len(_STYLE.sub("", text))


def folded(text: str, width: int) -> str:
    """A text whose lines fit, but for commands and for words that are longer than a line.

    Args:
        text: What is shown.
        width: Columns of the terminal.
    """
    return "\n".join(part for line in text.split("\n") for part in _fold(line, width))


def _fold(line: str, width: int) -> list[str]:
    if seen(line) <= width:
        return [line]
    if _COMMAND.match(line):
        command, gap, remark = line.partition("   (")
        return [command, *_fold(f"      ({remark}", width)] if gap else [line]
    place = _PLACE.fullmatch(line)
    if place is not None and " " in place["path"]:
        return _path_lines(place["head"], place["path"], place["remark"] or "", width)
    found = _HEAD.match(line)
    head = found[0] if found is not None else ""
    hang = seen(head) if seen(head) <= width // 2 else len(line) - len(line.lstrip()) + 2
    low = min(hang, len(line) - len(line.lstrip()) + 2)
    lines, current = [], head
    for number, column in enumerate(_GAP.split(line[len(head) :])):
        if number:
            # Columns that do not fit beside each other stand below each other.
            beside = seen(current.rstrip()) + 2 + seen(column) <= width
            lines += [] if beside else [current.rstrip()]
            current = f"{current.rstrip()}  " if beside else " " * hang
        for word in column.split(" "):
            if seen(current.rstrip()) > hang and seen(current) + seen(word) > width:
                lines.append(current.rstrip())
                current = " " * hang
            if hang > low and seen(current) + seen(word) > width:
                # An address that does not fit beside what it belongs to stands below it, and is whole if it can be.
                lines += [current.rstrip()] if current.strip() else []
                current = " " * low
            current += f"{word} "
    return [*lines, current.rstrip()]


def _path_lines(head: str, path: str, remark: str, width: int) -> list[str]:
    """A path whole, below its word where it does not fit beside it."""
    beside = seen(head) + seen(path) <= width or not head.strip()
    indent = " " * (len(head) - len(head.lstrip()) + 2)
    lines = [f"{head}{path}"] if beside else [head.rstrip(), f"{indent}{path}"]
    return [*lines, *_fold(f"{indent}{remark.strip()}", width)] if remark else lines
