"""Settings in words, the same in the table, in the JSON document and in messages."""

from __future__ import annotations

from collections.abc import Mapping

from mlopsgen.forge.values import Scalar, Value

Field = Scalar | tuple[str, ...]
WHOLE = ""
"""The name of the only field of a value that has no fields."""


def fields_of(value: Value) -> Mapping[str, Field]:
    """A value as fields; one that is not made of fields has a single one without a name."""
    return value if isinstance(value, Mapping) else {WHOLE: value}


def words(value: Value) -> str:
    """A value for people."""
    if isinstance(value, Mapping):
        return "; ".join(phrase(name, field) for name, field in value.items())
    return _plain(value)


def phrase(name: str, value: Field) -> str:
    """A field and its value for people."""
    if name in _SWITCHES and isinstance(value, bool):
        return _SWITCHES[name][0 if value else 1]
    if name == "wait_minutes":
        return f"waits {value} minutes" if value else "no wait"
    if name == "branches" and isinstance(value, str):
        return _ADMITTED.get(value, value)
    if name == "reviews" and isinstance(value, int):
        return f"{value} approving review{'s' * (value != 1)}" if value else "no review"
    if name == WHOLE:
        return _plain(value)
    return f"{_LABELS.get(name, name.replace('_', ' '))}: {_plain(value)}"


def change(name: str, before: Field, after: Field) -> str:
    """A field's change for people."""
    if name == WHOLE:
        return f"{_plain(before) or 'nothing'} -> {_plain(after)}"
    if name in _SWITCHES or name in ("wait_minutes", "reviews") or (name == "branches" and isinstance(after, str)):
        return f"{phrase(name, before)} -> {phrase(name, after)}"
    return f"{_LABELS.get(name, name.replace('_', ' '))}: {_plain(before) or 'nothing'} -> {_plain(after) or 'nothing'}"


def _plain(value: Field) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value)


_LABELS = {
    "merge_methods": "merged by",
    "checks": "needs checks",
    "reviewers": "reviewers",
    "permissions": "token may",
    "allowed": "actions allowed",
}
_ADMITTED = {"custom": "named branches only", "protected": "protected branches", "all": "any branch"}
_SWITCHES = {
    "self_review": ("whoever started it may approve it", "not approved by whoever started it"),
    "pull_request": ("by pull request only", "no pull request needed"),
    "pull_requests": ("Actions may open and approve pull requests", "Actions may not open pull requests"),
    "block_force_push": ("no force push", "force push allowed"),
    "block_deletion": ("no deletion", "deletion allowed"),
    "pinned": ("actions pinned to a commit", "actions need no pinned commit"),
    "github_owned": ("GitHub's own actions", "not GitHub's own actions"),
    "verified": ("actions of verified creators", "not of verified creators"),
    "enabled": ("Actions are on", "Actions are off"),
    "merge_commit": ("merge commits", "no merge commits"),
    "squash": ("squash merges", "no squash merges"),
    "rebase": ("rebase merges", "no rebase merges"),
    "delete_branch": ("merged branches are deleted", "merged branches stay"),
}
