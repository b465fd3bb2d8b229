"""What GitHub will refuse, known before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlopsgen.forge.github.place import Place
from mlopsgen.forge.values import Key, Limit, Resource, Snapshot


def find_limits(
    place: Place, changes: Sequence[Resource], found: Snapshot, *, plan: str, workers: int
) -> Mapping[Key, Limit]:
    """What of ``changes`` cannot be had, and why."""
    return {}
