"""How large a YAML text becomes: with aliases, a few lines may stand for more parts than a machine holds."""

from __future__ import annotations

from typing import Any

MOST_PARTS = 100_000
"""No document of a person's has more."""


def is_too_large(text: str) -> bool:
    """Whether a text holds more than :data:`MOST_PARTS` parts, those that an alias repeats counted each time.

    A text that cannot be read is not too large; whoever reads it says why.
    """
    if "&" not in text and len(text) <= MOST_PARTS:
        return False  # nothing has a name to be repeated by
    import yaml  # noqa: PLC0415 - only what reads YAML pays for it

    try:
        # Nodes, not values: what is repeated is there once, and tags of copier's own do not matter.
        return any(_parts(node, {}) > MOST_PARTS for node in yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError):
        return False
    except RecursionError:
        return True


def _parts(node: Any, known: dict[int, int]) -> int:
    if id(node) not in known:
        known[id(node)] = MOST_PARTS + 1  # while it is counted: a part that holds itself has no end
        inner = node.value if isinstance(node.value, list) else []
        parts = [part for one in inner for part in (one if isinstance(one, tuple) else (one,))]
        known[id(node)] = 1 + sum(_parts(part, known) for part in parts)
    return known[id(node)]
