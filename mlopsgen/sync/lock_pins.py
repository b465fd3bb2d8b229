"""The versions that a lock names, merged three ways: what each side raised is what the new lock begins with.

A lock itself is never merged. uv keeps to the versions that it finds in the old lock as long as they fit, so these
decide what a lock made again brings: the owner's packages stay as they were, the template's security fixes arrive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PIN = re.compile(
    r"(?m)^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)[ \t]*(?:;[ \t]*([^\\\n\r]*?))?[ \t]*\\?\r?$"
)

Pin = tuple[str, str]
"""A version and the marker that it is for; one package may have several."""


def pins(text: str) -> dict[str, frozenset[Pin]]:
    """The versions by package."""
    found: dict[str, set[Pin]] = {}
    for match in _PIN.finditer(text):
        name = re.sub(r"[-_.]+", "-", match[1]).lower()
        found.setdefault(name, set()).add((match[2], (match[3] or "").strip()))
    return {name: frozenset(versions) for name, versions in found.items()}


def preferred(base: str, ours: str, theirs: str) -> str:
    """What the new lock shall keep to where it can: lines of ``name==version``.

    Args:
        base: The lock that the template gave.
        ours: What the owner has made of it.
        theirs: The lock that the template gives now.
    """
    sides = pins(base), pins(ours), pins(theirs)
    lines = []
    for name in sorted({*sides[1], *sides[2]}):
        was, mine, new = (side.get(name, frozenset()) for side in sides)
        chosen = (mine if new == was else new if mine == was else _newer(mine, new)) or mine or new
        lines += [f"{name}=={version}{f' ; {marker}' if marker else ''}" for version, marker in sorted(chosen)]
    return "\n".join([*lines, ""])


def _newer(one: frozenset[Pin], other: frozenset[Pin]) -> frozenset[Pin]:
    """The side with the newer version, where both have changed it."""
    return max((one, other), key=lambda pinned: max((_order(version) for version, _ in pinned), default=_order("0")))


def _order(version: str) -> tuple[object, ...]:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - copier's, and seldom needed

    try:
        return (1, Version(version))
    except InvalidVersion:
        return (0, version)


def differing(before: str, after: str) -> Mapping[str, tuple[str, str]]:
    """The packages whose versions differ, with both; an empty text where one is missing."""
    was, now = pins(before), pins(after)
    return {
        name: (_versions(was.get(name, frozenset())), _versions(now.get(name, frozenset())))
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    }


def _versions(pinned: frozenset[Pin]) -> str:
    return ", ".join(sorted({version for version, _ in pinned}))
