"""Patterns for paths, as ``.gitignore`` has them: lists of files that a template or an owner speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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
    body = _body([*_PARTS.finditer(pattern.removeprefix("/"))])
    above = "" if from_top else "(?:.*/)?"
    below = "/.+" if only_folder else "(?:/.+)?"
    try:
        return wanted, re.compile(f"{above}{body}{below}", re.DOTALL)
    except re.error:  # a range that is none, as [z-a]: git finds nothing with it either
        return wanted, re.compile(r"(?!)")


def _body(parts: Sequence[re.Match[str]]) -> str:
    """What the parts fit, without trying anything twice: a stranger's pattern shall not take for ever.

    A ``**/`` or ``*`` takes as little as it can where another one follows: that one takes whatever is more.
    """
    chains: list[tuple[bool, list[re.Match[str]]]] = [(False, [])]
    for part in parts:
        if part.lastgroup == "above":
            chains = [(True, [])]
        elif part.lastgroup == "between":
            chains.append((True, []))
        else:
            chains[-1][1].append(part)
    *early, (is_open, last) = chains
    text = "".join(f"(?>(?:.*?/)??{_chain(one)}/)" if opened else f"{_chain(one)}/" for opened, one in early)
    return f"{text}(?:.*/)?{_chain(last)}" if is_open else text + _chain(last)


def _chain(parts: Sequence[re.Match[str]]) -> str:
    """Parts without ``**/`` between them."""
    texts: list[str] = []
    star: int | None = None
    for part in parts:
        if part.lastgroup is not None or part[0].endswith("/"):
            star = None
        elif part[0].startswith("*"):
            if star is not None:
                texts[star] = "(?>[^/]*?"
                texts.append(")")
            star = len(texts)
        texts.append(_translated(part))
    return "".join(texts)


def _translated(part: re.Match[str]) -> str:
    text = part[0]
    if part.lastgroup == "below":
        return "/.+"
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
