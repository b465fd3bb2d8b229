"""Runs of workflows and their artifacts, as the fake GitHub keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import shapes

if TYPE_CHECKING:
    from .repositories import Repository
    from .world import World

RETENTION = 90
"""Days that an artifact is kept (docs "Configuring the retention period")."""


@dataclass
class Run:
    """A run of a workflow.

    Attributes:
        workflow: The file's name below ``.github/workflows/``.
        status: queued, in_progress, waiting, pending, requested, completed.
        head_repository: The full name of the repository that the commit comes from; a fork's for its pull requests.
        inputs: What a dispatch handed over.
    """

    id: int
    number: int
    workflow: str
    event: str
    branch: str
    commit: str
    actor: str
    head_repository: str
    created_at: str
    status: str = "queued"
    conclusion: str | None = None
    title: str = ""
    attempt: int = 1
    inputs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Artifact:
    """An artifact of a run; ``expired`` ones are listed, but cannot be fetched."""

    id: int
    run_id: int
    name: str
    content: bytes = field(repr=False)
    created_at: str = ""
    expired: bool = False

    @property
    def digest(self) -> str:
        """The checksum that GitHub shows."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


def make_run(world: World, it: Repository, **known: Any) -> Run:
    """A new run with the next number of its workflow."""
    number = 1 + sum(run.workflow == known["workflow"] for run in it.runs.values())
    made = Run(id=next(world.ids), number=number, created_at=world.clock(), **known)
    it.runs[made.id] = made
    return made


def make_artifact(world: World, it: Repository, run_id: int, name: str, content: bytes) -> Artifact:
    """A new artifact; an older one of the same name in the same run is replaced (``overwrite: true``)."""
    for other in [one for one in it.artifacts.values() if (one.run_id, one.name) == (run_id, name)]:
        del it.artifacts[other.id]
    made = Artifact(next(world.ids), run_id, name, content, world.clock())
    it.artifacts[made.id] = made
    return made


def shown_run(world: World, it: Repository, run: Run) -> dict[str, Any]:
    """A run in GitHub's answers."""
    url = f"{world.api}/repos/{it.full_name}/actions/runs/{run.id}"
    page = f"{world.server}/{it.full_name}/actions/runs/{run.id}"
    actor = shapes.simple_user(world, world.accounts.get(run.actor.lower(), it.owner))
    person = {"name": run.actor, "email": "somebody@example.org"}
    return {
        "id": run.id, "node_id": f"WFR_{run.id}", "name": run.workflow, "head_branch": run.branch,
        "head_sha": run.commit, "path": f".github/workflows/{run.workflow}", "display_title": run.title or "A change",
        "run_number": run.number, "run_attempt": run.attempt, "event": run.event, "status": run.status,
        "conclusion": run.conclusion, "workflow_id": workflow_id(run.workflow), "url": url, "html_url": page,
        "pull_requests": [], "created_at": run.created_at, "updated_at": run.created_at,
        "run_started_at": run.created_at, "actor": actor, "triggering_actor": actor, "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs", "check_suite_url": f"{url}/suite", "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel", "rerun_url": f"{url}/rerun",
        "workflow_url": f"{world.api}/repos/{it.full_name}/actions/workflows/{workflow_id(run.workflow)}",
        "head_commit": {"id": run.commit, "tree_id": run.commit, "message": "A change", "timestamp": run.created_at,
                        "author": person, "committer": person},
        "repository": shapes.repository(world, it, None), "head_repository": _head_repository(world, it, run),
    }  # fmt: skip


def shown_artifact(world: World, it: Repository, one: Artifact) -> dict[str, Any]:
    """An artifact in GitHub's answers."""
    url = f"{world.api}/repos/{it.full_name}/actions/artifacts/{one.id}"
    run = it.runs[one.run_id]
    made = datetime.fromisoformat(one.created_at)
    ends = (made.astimezone(UTC) + timedelta(days=RETENTION)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": one.id, "node_id": f"A_{one.id}", "name": one.name, "size_in_bytes": len(one.content), "url": url,
        "archive_download_url": f"{url}/zip", "expired": one.expired, "created_at": one.created_at,
        "expires_at": ends, "updated_at": one.created_at, "digest": one.digest,
        "workflow_run": {
            "id": run.id, "repository_id": it.id, "head_repository_id": _head_repository(world, it, run)["id"],
            "head_branch": run.branch, "head_sha": run.commit,
        },
    }  # fmt: skip


def workflow_id(name: str) -> int:
    """The number of a workflow, always the same for a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _head_repository(world: World, it: Repository, run: Run) -> dict[str, Any]:
    shown = shapes.repository(world, it, None)
    if run.head_repository.lower() == it.full_name.lower():
        return shown
    other = int.from_bytes(hashlib.sha256(run.head_repository.encode()).digest()[:4], "big")
    return {**shown, "id": other, "full_name": run.head_repository, "fork": True}
