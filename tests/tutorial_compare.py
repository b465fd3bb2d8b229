"""Whether a command printed what a tutorial shows. The rule is small, so that a page can be believed.

- ``...`` alone in a line stands for any lines, none as well; within a line for anything.
- Seconds (``0.4 s``), times of day, versions, and ids of commits and of plans may be others: what differs from run to
  run, and with the next release.
- Blanks at the end of lines do not count, nor do empty lines at the beginning and the end.

Everything else is compared letter by letter.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

_VARYING = (
    # Seconds and ages.
    (re.compile(r"\b\d+(\.\d+)? (s|seconds|min)\b"), "<time>"),
    (re.compile(r"\b\d\d:\d\d(:\d\d)?\b"), "<clock>"),
    (re.compile(r"\b20\d\d-\d\d-\d\d\b"), "<date>"),
    (re.compile(r"\bv\d+\.\d+\.\d+\b"), "<version>"),
    # Commits, digests of what a plan wants: hexadecimal, with a digit and of a length that they have.
    (re.compile(r"\b(?=[0-9a-f]*\d)([0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{12,16}|[0-9a-f]{7,10})\b"), "<id>"),
)


def settled(text: str, places: Mapping[str, str] = {}) -> list[str]:
    """The lines of a text as they are compared.

    Args:
        text: What was printed, or what the page shows.
        places: What stands for what: addresses and folders of the tests, and how the page calls them.
    """
    for here, there in places.items():
        text = text.replace(here, there)
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def difference(expected: str, printed: str, places: Mapping[str, str] = {}) -> str:
    """What a page shows and was not printed, for a person to read; empty when all is as it says."""
    wanted, found = settled(expected), settled(printed, places)
    if re.fullmatch(_pattern(wanted), "".join(f"{line}\n" for line in found)):
        return ""
    return "\n".join(difflib.unified_diff(wanted, found, "the page", "the terminal", lineterm="", n=30))


def _pattern(lines: list[str]) -> str:
    parts = []
    for line in lines:
        if line == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append("[^\n]*?".join(re.escape(each) for each in line.split("...")) + "\n")
    return "".join(parts)
