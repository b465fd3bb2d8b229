"""An update that was made in a clone becomes a pull request, or the description of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import HOSTED_REMOTE
from mlopsgen.operations import sync_state
from mlopsgen.operations.sync_ground import head_of
from mlopsgen.operations.sync_request import SyncRequest
from mlopsgen.operations.sync_tip import Fetch, Tip
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult
from mlopsgen.sync.pull_text import Setting, pull_text
from mlopsgen.sync.values import Update
from mlopsgen.sync.wording import overview, title

_TEXT = "pull-request.md"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What is proposed.

    Attributes:
        update: The update, without conflicts.
        commit: Its commit on the sync branch.
        tip: Where it began.
    """

    update: Update
    commit: str
    tip: Tip


def fetching(source: GitRepository, request: SyncRequest, events: EventSink) -> Fetch | None:  # noqa: ARG001
    """How the branch on GitHub is fetched with a token; ``None`` where git's own configuration has to do."""
    return None


def propose(
    source: GitRepository,
    request: SyncRequest,
    proposal: Proposal,
    data: dict[str, Any],
    events: EventSink,  # noqa: ARG001
) -> OperationResult:
    """Open the pull request, or describe it; what to do next.

    Raises:
        MlopsgenError: GitHub refuses; the branch is made, and running it again continues.
    """
    return _described(source, request, proposal, data)


def _described(
    source: GitRepository, request: SyncRequest, proposal: Proposal, data: dict[str, Any]
) -> OperationResult:
    update = proposal.update
    setting = Setting(branch=request.branch, sync_branch=request.sync_branch, travelling=proposal.tip.ahead)
    path = sync_state.folder_of(source) / _TEXT
    text = pull_text(update, setting)
    sync_state.write_file(path, f"# {title(update)}\n\n{text}\n")
    pull_request = {"state": "described", "title": title(update), "text": text, "file": str(path)}
    switch = "" if head_of(source).branch == request.branch else f"git switch {request.branch} && "
    remote = proposal.tip.remote
    return OperationResult(
        summary=f"The update of {request.branch} from {update.start} to {update.end} is on {request.sync_branch}: "
        f"{overview(update)}. {request.branch} itself was left alone.",
        data={**data, "commit": proposal.commit, "pull_request": pull_request},
        next_steps=(
            f"git diff {request.branch}...{request.sync_branch}   (look at it; {path} describes it)",
            f"{switch}git merge {request.sync_branch}",
            *((f"git push {remote} {request.branch}",) if remote and remote != HOSTED_REMOTE else ()),
        ),
    )
