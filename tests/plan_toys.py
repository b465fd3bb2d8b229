"""Words to say what a remote holds and what is asked for, for tests of single plans."""

from __future__ import annotations

from typing import Any

from mlopsgen.constants import BRANCHES
from mlopsgen.forge.values import Key, Kind, Repository, Resource, Snapshot, Value
from mlopsgen.remote.desired import Desired
from mlopsgen.remote.observed import Clone, Observed
from mlopsgen.remote.plan import Item, Plan
from tests.remote_states import wanted

A, B = "a" * 40, "b" * 40
PRODUCTION = Key(Kind.ENVIRONMENT, "production")
STRICT = {"reviewers": ("ada",), "wait_minutes": 30, "self_review": False, "branches": "custom"}
LOOSE = {"reviewers": (), "wait_minutes": 0, "self_review": True, "branches": "all"}
RULE = {"branches": ("production",), "enforcement": "active", "pull_request": True, "reviews": 1}


def there(*of: tuple[Key, Value], branches: dict[str, str] | None = None, **more: Any) -> Observed:
    """A repository of ours that holds this; it was pushed to unless ``branches`` says otherwise."""
    repository = Repository(
        address="memory://forge",
        project="toy",
        branches={"development": A} if branches is None else branches,
        tool_version="0.2.0",
    )
    clone = Clone(address="memory://forge", address_exists=True, upstreams={b: f"local/{b}" for b in BRANCHES}, **more)
    return Observed(snapshot=Snapshot(repository=repository, resources=dict(of)), clone=clone)


def asked(*of: tuple[Key, Value], branches: dict[str, str] | None = None, **more: Any) -> Desired:
    """What a version of ours asks for."""
    return wanted([Resource(key=key, value=value) for key, value in of], branches or {"development": A}, **more)


def base_of(*of: tuple[Key, Value]) -> list[tuple[Resource, ...]]:
    """What the remote's commit asks for, as the only version."""
    return [tuple(Resource(key=key, value=value) for key, value in of)]


def only(plan: Plan, key: Key) -> Item:
    """The one item of a key."""
    [item] = [item for item in plan.items if item.key == key]
    return item
