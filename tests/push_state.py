"""What a push leaves behind, on the fake GitHub and in the repository, as values that are compared."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.github.repositories import Environment, Repository

# What differs between two equal repositories that were made one after the other.
_OWN = {"id", "node_id", "created_at", "updated_at", "url", "_links", "source", "default"}


def state_there(found: Repository | None) -> dict[str, Any]:
    """Everything of a repository on GitHub that somebody can set; secrets opened."""
    if found is None:
        return {}
    return {
        "about": [found.full_name, found.visibility, found.description or "", found.homepage or "", found.archived],
        "topics": sorted(found.topics),
        "settings": asdict(found.settings),
        "actions": [found.actions_enabled, found.allowed_actions, found.sha_pinning, found.selected],
        "workflow token": [found.workflow_permissions, found.approve_pull_requests, found.fork_approval],
        "security": [found.vulnerability_alerts, found.security_fixes],
        "environments": {name: _environment(found, each) for name, each in sorted(found.environments.items())},
        "secrets": found.secrets,
        "variables": found.variables,
        "rulesets": sorted((_plain(each) for each in found.rulesets.values()), key=lambda each: str(each["name"])),
        "access": [found.teams, found.collaborators],
        "labels": sorted((_plain(each) for each in found.labels.values()), key=lambda each: str(each["name"])),
        "branches": found.branches,
        "default branch": found.default_branch,
    }


def state_here(repository: Path, server: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Everything of a repository on this machine that a push may touch; ``server`` is left out of addresses."""

    def git(*arguments: str) -> list[str]:
        done = subprocess.run(
            ["git", *arguments], cwd=repository, env=dict(environ), capture_output=True, text=True, check=True
        )
        return done.stdout.replace(server, "SERVER").splitlines()

    return {
        "configuration": sorted(git("config", "--local", "--list")),
        "references": git("for-each-ref", "--format=%(refname) %(objectname)"),
        "head": git("symbolic-ref", "HEAD"),
        "files": git("status", "--porcelain"),
        "locks": sorted(str(path.relative_to(repository)) for path in (repository / ".git").rglob("*.lock")),
    }


def differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two states differ, for people; empty if they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return [line for key in keys for line in differences(one.get(key), other.get(key), f"{place}/{key}")]
    return [] if one == other else [f"{place}: {one!r} is not {other!r}"]


def _environment(repository: Repository, found: Environment) -> dict[str, Any]:
    return {
        "wait": found.wait_timer,
        "self-review": not found.prevent_self_review,
        "reviewers": sorted(found.reviewers),
        "policy": found.policy,
        # A list: two of the same would be one too many.
        "branches": sorted(branch["name"] for branch in found.branches.values()),
        "secrets": repository.secrets_of(found.name),
        "variables": repository.variables_of(found.name),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in sorted(value.items()) if key not in _OWN}
    if isinstance(value, list):
        return sorted((_plain(each) for each in value), key=repr)
    return value
