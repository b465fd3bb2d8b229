"""What happened to the questions between released versions: answers of an old version become those of a newer one.

A new question needs nothing here: it has a default. A question that is renamed, split, or whose choices change, does:
append a :class:`Migration` to :data:`MIGRATIONS` in the version that brings the change. The records in
``tests/released/`` are answers of every released version; a test takes each of them to the newest.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Migration:
    """A change of the questions.

    Attributes:
        version: The released version that brought it, for example ``v0.3.0``.
        says: What it does, as a sentence for the owner of a repository.
        change: Makes new answers of old ones; it gets a copy.
    """

    version: str
    says: str
    change: Callable[[dict[str, Any]], dict[str, Any]]


MIGRATIONS: tuple[Migration, ...] = ()
"""Every migration, oldest first. Nothing was renamed so far: v0.2.0 only added ``template_update``."""


def migrate(
    answers: Mapping[str, Any], start: str, end: str, migrations: Sequence[Migration] = MIGRATIONS
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The answers of ``start`` as those of ``end``, and what was done to them, in words.

    Nothing is migrated backwards: a version that is older than ``start`` gets the answers as they are.
    """
    found, said = dict(answers), []
    for migration in migrations:
        if version_key(start) < version_key(migration.version) <= version_key(end):
            changed = migration.change(copy.deepcopy(found))
            if changed != found:
                said.append(migration.says)
            found = changed
    return found, tuple(said)


def version_key(version: str) -> tuple[int, ...]:
    """What versions are ordered by: their numbers, without the name of a commit."""
    return tuple(int(number) for number in re.findall(r"\d+", re.sub(r"-g[0-9a-f]+$", "", version))[:4])
