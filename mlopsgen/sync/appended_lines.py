"""Lists of lines to which the owner and the template both added at the end: no conflict, the owner's lines stay last.

``make add`` puts a package at the end of ``requirements.in``, a newer template puts its own there, too, and git sees
two different texts at one place. Both sides of the template get the owner's lines: then git sees what the template
added, before them. Where both name the same package, somebody has to decide, and the conflict stays.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from mlopsgen.sync.patterns import Patterns

LISTS = Patterns(["requirements*.in", ".gitignore", ".dockerignore"])
"""The files whose lines stand for themselves."""

_NAME = re.compile(rb"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?")
_SEPARATORS = re.compile(rb"[-_.]+")


def settle(base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, bytes]:
    """The two sides of the template, with what the owner added at the end where the template added there, too.

    Args:
        base: A list as the recorded version has it.
        ours: As the owner has it.
        theirs: As the new version has it.
    """
    if not all(text.endswith(b"\n") for text in (base, ours, theirs)):
        return base, theirs
    mine, brought = _added_at_the_end(base, ours), _added_at_the_end(base, theirs)
    if not mine or not brought or _things(mine) & _things(brought):
        return base, theirs
    return base + mine, theirs + mine


def _added_at_the_end(base: bytes, text: bytes) -> bytes:
    """What a text has behind the last line of another one; nothing where that line is not in it."""
    before, after = base.splitlines(keepends=True), text.splitlines(keepends=True)
    kind, start, _, first, _ = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()[-1]
    return b"".join(after[first:]) if kind == "insert" and start == len(before) else b""


def _things(lines: bytes) -> set[bytes]:
    """What lines are about: packages in one spelling, or whole lines; comments are about nothing."""
    found = set()
    for line in lines.splitlines():
        words = line.strip()
        if words and not words.startswith(b"#"):
            name = _NAME.match(words)
            found.add(_SEPARATORS.sub(b"-", name[0]).lower() if name else words)
    return found
