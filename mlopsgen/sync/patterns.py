"""Patterns for paths, as ``.gitignore`` has them: lists of files that a template or an owner speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARTS = re.compile(
    r"(?P<above>^\*\*/)|(?P<between>/\*\*/)|(?P<below>/\*\*$)|\*+|\?|\[[!^]?\]?[^\]]*\]|\\.|.", re.DOTALL
)

_REPEATED = re.compile(r"(^|/)\*\*(?:/\*\*)+(?=/|$)")


class Patterns:
    """A list of patterns; a folder means everything under it, ``!`` takes out again, the last one that fits counts.

    A pattern with a slash before its end counts from the top; one without fits at any depth.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.lines = tuple(lines)
        self._rules = tuple(_rule(line) for line in self.lines if line.strip() and not line.startswith("#"))

    def __contains__(self, path: str) -> bool:
        return next((wanted for wanted, rule in reversed(self._rules) if rule.fullmatch(path)), False)

    def __bool__(self) -> bool:
        return bool(self._rules)


def _rule(line: str) -> tuple[bool, re.Pattern[str]]:
    """Whether what fits is meant or taken out, and what fits."""
    line = re.sub(r"(?<!\\) +$", "", line)
    wanted = not line.startswith("!")
    pattern = line if wanted else line[1:]
    only_folder = pattern.endswith("/")
    pattern = _REPEATED.sub(r"\1**", pattern.removesuffix("/"))
    from_top = "/" in pattern or pattern == "**"
    body = "".join(map(_translated, _PARTS.finditer(pattern.removeprefix("/"))))
    above = "" if from_top else "(?:.*/)?"
    below = "/.+" if only_folder else "(?:/.+)?"
    try:
        return wanted, re.compile(f"{above}{body}{below}", re.DOTALL)
    except re.error:  # a range that is none, as [z-a]: git finds nothing with it either
        return wanted, re.compile(r"(?!)")


_FIXED = {"above": "(?:.*/)?", "between": "/(?:.*/)?", "below": "/.+"}


def _translated(part: re.Match[str]) -> str:
    text = part[0]
    if part.lastgroup is not None:
        return _FIXED[part.lastgroup]
    if text.startswith("*"):
        return "[^/]*"
    if text == "?":
        return "[^/]"
    if text.startswith("[") and len(text) > 1:
        inner = text[1:-1]
        negated = inner[0] in "!^"
        inner = (inner[1:] if negated else inner).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
        return f"(?!/)[{'^' if negated else ''}{inner}]"
    return re.escape(text[-1])
