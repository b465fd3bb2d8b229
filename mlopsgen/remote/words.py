"""Settings in words, the same in the table, in the JSON document and in messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlopsgen.forge.values import Kind, Scalar, Value

Field = Scalar | tuple[str, ...]
WHOLE = ""
"""The name of the only field of a value that has no fields."""


def called(kind: Kind, name: str) -> str:
    """A thing's name for people: settings have names of ours that tell little."""
    whole, colon, part = name.partition(": ")
    return f"{_CALLED.get(whole, whole)}{colon}{part}" if kind is Kind.SETTING else name


_CALLED = {
    "about": "page",
    "merging": "pull requests",
    "allowed-actions": "allowed actions",
    "workflow-token": "workflows' token",
    "fork-approval": "runs from forks",
    "vulnerability-alerts": "vulnerability alerts",
    "security-updates": "security updates",
    "default-branch": "default branch",
}


def fields_of(value: Value) -> Mapping[str, Field]:
    """A value as fields; one that is not made of fields has a single one without a name."""
    return value if isinstance(value, Mapping) else {WHOLE: value}


def words(value: Value) -> str:
    """A value for people."""
    if isinstance(value, Mapping):
        return "; ".join(phrase(name, field) for name, field in value.items())
    return _plain(value)


def telling(value: Value) -> Value:
    """The fields that tell something: not the empty ones, and not those that mean nothing without another one."""
    if not isinstance(value, Mapping):
        return value
    silent = {name for name, field in value.items() if field in (None, "", ()) and name not in _TELL_WHEN_EMPTY}
    silent |= {name for name, field in value.items() if (name, field) in _USUAL}
    for name, dependents in _MEANINGLESS_WITHOUT.items():
        if not value.get(name):
            silent |= set(dependents)
    return {name: field for name, field in value.items() if name not in silent}


def phrase(name: str, value: Field) -> str:
    """A field and its value for people."""
    if name == WHOLE:
        return _plain(value)
    if name in _SWITCHES and isinstance(value, bool):
        return _SWITCHES[name][0 if value else 1]
    said = _SPOKEN[name](value) if name in _SPOKEN else ""
    return said or f"{_label(name)}: {_plain(value) or 'nothing'}"


def change(name: str, before: Field, after: Field) -> str:
    """A field's change for people."""
    if name == WHOLE:
        return f"{_plain(before) or 'nothing'} -> {_plain(after)}"
    if name in _SWITCHES or (name in _SPOKEN and _SPOKEN[name](after)):
        return f"{phrase(name, before)} -> {phrase(name, after)}"
    return f"{_label(name)}: {_plain(before) or 'nothing'} -> {_plain(after) or 'nothing'}"


def _plain(value: Field) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return str(value)


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " "))


def _reviewers(value: Field) -> str:
    return f"approved by {' or '.join(value)}" if isinstance(value, tuple) and value else "no approval needed"


def _tags(value: Field) -> str:
    """What a ruleset for tags is for; empty for one for branches."""
    if not isinstance(value, tuple) or not value or not all(name.startswith(_TAGS) for name in value):
        return ""
    return f"tags: {', '.join(name.removeprefix(_TAGS) for name in value)}"


_TAGS = "refs/tags/"
_LABELS = {
    "merge_methods": "merged by",
    "checks": "needs checks",
    "allowed": "allowed actions",
    "patterns": "and",
    "color": "colour",
    "bypass": "may be bypassed by",
}
_ADMITTED = {"custom": "named branches only", "protected": "protected branches", "all": "any branch"}
_SPOKEN: Mapping[str, Callable[[Field], str]] = {
    "reviewers": _reviewers,
    "wait_minutes": lambda value: f"waits {value} minutes" if value else "no wait",
    "reviews": lambda value: f"{value} approving review{'s' * (value != 1)}" if value else "no review",
    "permissions": lambda value: f"the workflows' token {'only reads' if value == 'read' else 'reads and writes'}",
    "branches": lambda value: _ADMITTED.get(value, value) if isinstance(value, str) else _tags(value),
}
_USUAL = (("wait_minutes", 0), ("enforcement", "active"), ("pull_request", False))
_TELL_WHEN_EMPTY = ("reviewers",)
_MEANINGLESS_WITHOUT = {
    "reviewers": ("self_review",),
    "pull_request": ("reviews", "merge_methods"),
}
_SWITCHES = {
    "self_review": ("also by whoever started it", "not by whoever started it"),
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
