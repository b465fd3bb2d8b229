"""A plan: what has to be done, as data that is shown, agreed to and applied."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlopsgen.forge.values import Key, Kind, Resource

PLAN_VERSION = 1


class Act(StrEnum):
    """What is done with one thing."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    CANNOT = "cannot"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of a plan.

    Attributes:
        act: What is done.
        kind: What it is done with.
        name: Which one.
        scope: The environment that it belongs to; empty where it belongs to the repository.
        detail: The value, or the change from what to what, for people.
        reason: Why it is kept, or cannot be done.
        instead: What takes its place where it cannot be done; the rest is complete without it.
        hint: The next step where it cannot be done.
        loosens: Whether the change lets somebody do more than before.
        resource: What the thing will be, where a forge makes or changes it.
    """

    act: Act
    kind: Kind
    name: str
    scope: str = ""
    detail: str = ""
    reason: str = ""
    instead: str = ""
    hint: str = ""
    loosens: bool = False
    resource: Resource | None = None

    @property
    def key(self) -> Key:
        """Which thing it is about."""
        return Key(self.kind, self.name, self.scope)

    def as_dict(self) -> dict[str, str | bool]:
        """The item as a JSON object."""
        return {
            "kind": self.act.value,
            "resource": self.kind.value,
            "name": self.name,
            "scope": self.scope,
            "detail": self.detail,
            "reason": self.reason,
            "instead": self.instead,
            "hint": self.hint,
            "loosens": self.loosens,
        }


@dataclass(frozen=True)
class Plan:
    """What has to be done, in the order in which it is done."""

    items: tuple[Item, ...]

    @property
    def changes(self) -> tuple[Item, ...]:
        """What is done when the plan is applied."""
        return tuple(item for item in self.items if item.act in (Act.CREATE, Act.CHANGE))

    @property
    def blocked(self) -> tuple[Item, ...]:
        """What cannot be done."""
        return tuple(item for item in self.items if item.act is Act.CANNOT)

    @property
    def unsolved(self) -> tuple[Item, ...]:
        """What cannot be done and has nothing that takes its place: somebody has to do something."""
        return tuple(item for item in self.blocked if not item.instead)

    @property
    def refused(self) -> Item | None:
        """What makes everything else pointless: the repository or the way to it cannot be used."""
        return next((item for item in self.blocked if item.kind in (Kind.REPOSITORY, Kind.REMOTE)), None)

    @property
    def digest(self) -> str:
        """Stands for exactly these items: another plan has another one."""
        text = json.dumps([item.as_dict() for item in self.items], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """The plan as a JSON object."""
        return {
            "version": PLAN_VERSION,
            "digest": self.digest,
            "actions": [item.as_dict() for item in self.items],
        }


def plan_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of :meth:`Plan.as_dict`."""
    text = {"type": "string"}
    properties: dict[str, Any] = {
        "kind": {"enum": [act.value for act in Act], "description": "What is done with it."},
        "resource": {"enum": [kind.value for kind in Kind], "description": "What it is."},
        "name": {**text, "minLength": 1, "description": "What it is called."},
        "scope": {**text, "description": "The environment that it belongs to; empty: the repository."},
        "detail": {**text, "description": "The value, or the change, for people; never a secret."},
        "reason": {**text, "description": "Why it is kept or cannot be done."},
        "instead": {**text, "description": "What takes the place of what cannot be done."},
        "hint": {**text, "description": "The next step where it cannot be done."},
        "loosens": {"type": "boolean", "description": "Whether the change lets somebody do more than before."},
    }
    action = {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
        # What cannot be done always says why.
        "if": {"properties": {"kind": {"const": Act.CANNOT.value}}},
        "then": {"properties": {"reason": {"minLength": 1}}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlopsgen plan",
        "description": "What 'mlopsgen push' would do, in the order in which it does it; 'data.plan' of its envelope.",
        "type": "object",
        "additionalProperties": False,
        "required": ["version", "digest", "actions"],
        "properties": {
            "version": {"const": PLAN_VERSION},
            "digest": {
                **text,
                "pattern": "^[0-9a-f]{64}$",
                "description": "Stands for exactly these actions; 'mlopsgen push --yes --plan-digest' wants it.",
            },
            "actions": {"type": "array", "items": action, "description": "In the order in which they are done."},
        },
    }
