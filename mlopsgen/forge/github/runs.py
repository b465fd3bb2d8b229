"""The last run of each branch's workflow on GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.github.client import Client, quoted

_WORDS = {
    "success": "ended well",
    "failure": "failed",
    "cancelled": "was cancelled",
    "timed_out": "ran out of time",
    "action_required": "waits for a person",
    "waiting": "waits for an approval",
    "queued": "waits for a runner",
    "pending": "waits for the run before it",
    "in_progress": "is running",
}


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """A run of a branch's workflow.

    Attributes:
        number: Counts the workflow's runs.
        event: What started it: ``push``, ``workflow_dispatch``.
        state: GitHub's word for its outcome, or for how it stands.
        commit: What it ran on.
        page: Its address in a browser.
        started: When it began.
    """

    number: int
    event: str
    state: str
    commit: str
    page: str
    started: datetime

    @property
    def words(self) -> str:
        """How it stands or ended, for people."""
        return _WORDS.get(self.state, self.state.replace("_", " "))


def last_runs(client: Client, repository: str, branches: Sequence[str]) -> dict[str, WorkflowRun | None]:
    """The newest run of each branch's workflow on that branch; ``None`` where there is none, or it is not shown.

    Args:
        client: Asks GitHub.
        repository: ``owner/name``.
        branches: The branches; each one's workflow is named after it.
    """

    def last(branch: str) -> WorkflowRun | None:
        path = f"/repos{quoted(*repository.split('/', 1))}/actions/workflows{quoted(f'{branch}.yml')}/runs"
        query = {"branch": branch, "per_page": 1}
        try:
            answer = client.request(
                "GET", path, query=query, doing=f"Reading the runs of {branch}", where=repository, accept={403, 404}
            )
        except MlopsgenError:
            return None
        found = answer.data.get("workflow_runs") if answer.status == 200 and isinstance(answer.data, dict) else None
        if not found:
            return None
        data = found[0]
        return WorkflowRun(
            number=int(data["run_number"]),
            event=str(data["event"]),
            state=str(data.get("conclusion") or data.get("status") or ""),
            commit=str(data["head_sha"]),
            page=str(data["html_url"]),
            started=datetime.fromisoformat(str(data.get("run_started_at") or data["created_at"])),
        )

    with ThreadPoolExecutor(max_workers=max(1, len(branches))) as pool:
        return dict(zip(branches, pool.map(last, branches), strict=True))
