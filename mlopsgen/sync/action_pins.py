"""Actions of workflows that both the template and the owner raised: no conflict, the newer one stays.

Dependabot raises them in the repository, the template does so too, and three different commits in one line would be a
conflict in each file at each update. So both sides of the template are adjusted to what the owner has: then git sees a
change of one side only, or none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_USES = re.compile(
    r"(?m)^(?P<before>[ \t]*(?:-[ \t]+)?uses:[ \t]*[\"']?(?P<action>[\w.-]+/[\w./-]+))@"
    r"(?P<pin>(?P<ref>[\w./-]+)[\"']?(?:[ \t]*\#[ \t]*(?P<said>[^\s]+)[^\n\r]*?)?)(?P<end>[ \t]*\r?)$"
)
_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)")


class _Pin(NamedTuple):
    text: str
    version: tuple[int, ...] | None


def settle(base: bytes, ours: bytes, theirs: bytes) -> tuple[bytes, bytes]:
    """The two sides of the template, where an action that all three pin differently is the newer one of the later two.

    Args:
        base: A workflow as the recorded version has it.
        ours: As the owner has it.
        theirs: As the new version has it.
    """
    was, mine, new = (_pins(text) for text in (base, ours, theirs))
    of_base: dict[str, str] = {}
    of_theirs: dict[str, str] = {}
    for action in was.keys() & mine.keys() & new.keys():
        before, own, brought = was[action], mine[action], new[action]
        if len({before.text, own.text, brought.text}) < 3 or own.version is None or brought.version is None:
            continue
        of_base[action] = own.text
        if own.version >= brought.version:
            of_theirs[action] = own.text
    return _with(base, of_base), _with(theirs, of_theirs)


def _pins(content: bytes) -> dict[str, _Pin]:
    """The actions that a workflow pins in one way alone."""
    found: dict[str, set[_Pin]] = {}
    for match in _USES.finditer(content.decode("latin-1")):
        version = _VERSION.fullmatch(match["said"] or match["ref"])
        numbers = tuple(int(part) for part in version[1].split(".")) if version else None
        found.setdefault(match["action"], set()).add(_Pin(match["pin"], numbers))
    return {action: next(iter(pins)) for action, pins in found.items() if len(pins) == 1}


def _with(content: bytes, pins: dict[str, str]) -> bytes:
    def pinned(match: re.Match[str]) -> str:
        return f"{match['before']}@{pins.get(match['action'], match['pin'])}{match['end']}"

    return _USES.sub(pinned, content.decode("latin-1")).encode("latin-1")
