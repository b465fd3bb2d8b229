"""Settings of a repository: where each one is on GitHub, and what is sent for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mlopsgen.forge.values import Value

_MERGING = {
    "merge_commit": "allow_merge_commit",
    "squash": "allow_squash_merge",
    "rebase": "allow_rebase_merge",
    "delete_branch": "delete_branch_on_merge",
}
_ACTIONS = {"enabled": "enabled", "allowed": "allowed_actions", "pinned": "sha_pinning_required"}
_ALLOWED = {"github_owned": "github_owned_allowed", "verified": "verified_allowed", "patterns": "patterns_allowed"}
_TOKEN = {"permissions": "default_workflow_permissions", "pull_requests": "can_approve_pull_request_reviews"}
_ABOUT = {"description": "description", "homepage": "homepage"}

Body = Mapping[str, Any] | None


class Setting(NamedTuple):
    """A setting that has an address of its own.

    Attributes:
        parts: The address below the repository.
        body: What is sent for a value.
        patient: Refusals that go away when another setting, which may be under way, has arrived.
    """

    parts: tuple[str, ...]
    body: Callable[[Value], Body]
    patient: frozenset[int] = frozenset()


def _named(names: Mapping[str, str]) -> Callable[[Value], dict[str, Any]]:
    """A body of the fields that the value has, under GitHub's names."""

    def body(value: Value) -> dict[str, Any]:
        fields = value if isinstance(value, Mapping) else {}
        return {theirs: _plain(fields[ours]) for ours, theirs in names.items() if ours in fields}

    return body


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _nothing(value: Value) -> None:  # noqa: ARG001 - there is only one value: on
    return None


TEAM_ACCESS = "access of team "
"""The beginning of the setting that lets a team read the repository; ``organisation/team`` follows."""

OF_REPOSITORY: Mapping[str, Callable[[Value], dict[str, Any]]] = {
    "about": _named(_ABOUT),
    "merging": _named(_MERGING),
    "visibility": lambda value: {"visibility": value},
    "default-branch": lambda value: {"default_branch": value},
}
"""Settings that are fields of the repository."""

BY_THEMSELVES: Mapping[str, Setting] = {
    "actions": Setting(("actions", "permissions"), _named(_ACTIONS)),
    # Refused until 'actions' is set to selected ones.
    "allowed-actions": Setting(("actions", "permissions", "selected-actions"), _named(_ALLOWED), frozenset({409})),
    "workflow-token": Setting(("actions", "permissions", "workflow"), _named(_TOKEN)),
    "fork-approval": Setting(
        ("actions", "permissions", "fork-pr-contributor-approval"), lambda value: {"approval_policy": value}
    ),
    "vulnerability-alerts": Setting(("vulnerability-alerts",), _nothing),
    # Refused until the alerts are on.
    "security-updates": Setting(("automated-security-fixes",), _nothing, frozenset({422})),
}
"""Settings that have an address of their own."""


def words(name: str) -> str:
    """What is being done, as the beginning of a sentence."""
    told = {
        "about": "the description",
        "topics": "the topics",
        "visibility": "the visibility",
        "default-branch": "the default branch",
        "merging": "how pull requests are merged",
        "actions": "which actions may run",
        "allowed-actions": "the list of allowed actions",
        "workflow-token": "the rights of the workflows' token",
        "fork-approval": "who approves workflows of forks",
        "vulnerability-alerts": "Dependabot's alerts",
        "security-updates": "Dependabot's security updates",
    }
    if name.startswith(TEAM_ACCESS):
        return f"Giving the team {name.removeprefix(TEAM_ACCESS)} read access"
    return f"Setting {told.get(name, name)}"
