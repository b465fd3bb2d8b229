"""What GitHub hands over with an event: the parts of ``github.event`` that workflows and helpers read."""

from __future__ import annotations

from typing import Any

from tests.github import FakeGitHub
from tests.github.repositories import Repository

NOWHERE = "0" * 40


def common(github: FakeGitHub, of: Repository, actor: str) -> dict[str, Any]:
    """What every event tells: the repository and who did it."""
    owner = {"login": of.owner.login, "id": of.owner.id, "type": of.owner.kind}
    repository = {
        "id": of.id, "name": of.name, "full_name": of.full_name, "private": of.private, "owner": owner,
        "html_url": f"{github.url}/{of.full_name}", "default_branch": of.default_branch, "fork": False,
        "visibility": of.visibility,
    }  # fmt: skip
    return {"repository": repository, "sender": {"login": actor, "type": "User"}}


def push(of: Repository, branch: str, before: str, after: str, actor: str) -> dict[str, Any]:
    """A push to a branch; ``before`` is :data:`NOWHERE` when it created the branch."""
    created = before == NOWHERE
    listed = of.git("rev-list", "--reverse", *([after, "-1"] if created else [f"{before}..{after}"])).split()
    commits = [_commit(of, commit) for commit in listed]
    return {
        "ref": f"refs/heads/{branch}", "before": before, "after": after, "created": created, "deleted": False,
        "forced": False, "commits": [] if created else commits, "head_commit": _commit(of, after),
        "pusher": {"name": actor},
    }  # fmt: skip


def _commit(of: Repository, commit: str) -> dict[str, Any]:
    message = of.git("log", "-1", "--format=%B", commit)
    changed = of.git("show", "--format=", "--name-status", "--no-renames", commit).splitlines()
    by = {"A": "added", "D": "removed", "M": "modified"}
    files: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    for line in changed:
        letter, _, path = line.partition("\t")
        files[by.get(letter[0], "modified")].append(path)
    return {"id": commit, "message": message, **files}


def pull_request(pull: dict[str, Any], action: str) -> dict[str, Any]:
    """Something happened to a pull request."""
    return {"action": action, "number": pull["number"], "pull_request": pull}
