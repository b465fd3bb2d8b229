"""A changelog in Markdown, cut into what each version changed."""

from __future__ import annotations

import re

_HEADING = re.compile(
    r"##\s+\[?v?(?P<version>\d+(?:\.\d+)*(?:[-+.][0-9A-Za-z.-]+)?|unreleased)\]?(?:\(\S*\))?(?![\w.])", re.IGNORECASE
)
_FENCE = re.compile(r"\s{0,3}(```|~~~)")
_REFERENCE = re.compile(r"\[[^\]]+\]:\s+\S+\s*")
UNRELEASED = "unreleased"


def sections(text: str) -> dict[str, str]:
    """What each version changed: Markdown by version (``v1.2.3``, or ``unreleased``), without the version's heading.

    Understands the usual headings: ``## [1.2.3] - 2026-11-21``, ``## 1.2.3``, ``## v1.2.3 (2026-11-21)``.
    """
    found: dict[str, list[str]] = {}
    current: list[str] = []
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading is not None:
            name = heading["version"].lower()
            current = found.setdefault(name if name == UNRELEASED else f"v{name}", [])
        elif not fenced and re.match(r"##?\s", line):
            current = []  # a chapter of another kind
        elif fenced or not _REFERENCE.fullmatch(line):
            current.append(line.rstrip())
    return {version: "\n".join(lines).strip() for version, lines in found.items()}
