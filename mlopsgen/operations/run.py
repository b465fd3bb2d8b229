"""``mlopsgen run``: train a branch's commit again, through the same queue as a push."""

from __future__ import annotations

from dataclasses import dataclass

from mlopsgen.adapters.git import ensure_plain_reference
from mlopsgen.constants import BRANCHES, MAIN_BRANCH
from mlopsgen.errors import MlopsgenError
from mlopsgen.forge.worker.surroundings import user_name
from mlopsgen.forge.worker.verdict import short, verdict
from mlopsgen.operations.project import Surroundings, find_project, open_trainings, require_forge, require_pipelines
from mlopsgen.operations.training import exit_code_of, follow_training, run_data, steps_after
from mlopsgen.ports import EventSink
from mlopsgen.result import OperationResult


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """Which branch to train.

    Attributes:
        surroundings: Where the command runs.
        branch: The branch; ``None`` takes the one that is checked out.
        detach: Queue it and do not wait.
    """

    surroundings: Surroundings
    branch: str | None = None
    detach: bool = False


def run(request: RunRequest, events: EventSink) -> OperationResult:
    """Queue the forge's commit of the branch and follow the training.

    Returns:
        A result whose exit code is the training's.

    Raises:
        MlopsgenError: There is no forge, or it does not have the branch.
        Interrupted: The person left; the training goes on.
    """
    project = find_project(request.surroundings)
    branch = request.branch or project.source.run("branch", "--show-current").stdout.strip()
    if request.branch is None and branch not in BRANCHES:
        raise MlopsgenError(
            f"The branch '{branch}' that is checked out does not train." if branch else "No branch is checked out.",
            where=branch,
            hint=f"Name one: 'mlopsgen run --branch {MAIN_BRANCH}'.",
        )
    ensure_plain_reference(branch, BRANCHES)
    require_pipelines(project)
    forge = require_forge(project, request.surroundings)
    trainings = open_trainings(forge.layout.root, request.surroundings)
    job = trainings.again(branch, actor=user_name(request.surroundings.environ))
    queued = trainings.get(branch, job.number)
    if queued is None:
        raise MlopsgenError("The training vanished from the queue.", where=str(forge.layout.queue(branch)))
    if request.detach:
        return OperationResult(
            summary=f"{branch} {short(job.commit)} is queued as #{job.number}.",
            data={"training": run_data(forge.layout, queued)},
            next_steps=(f"mlopsgen status --follow --branch {branch}",),
        )
    ended = follow_training(trainings, queued, events)
    return OperationResult(
        summary=f"{branch} {short(ended.commit)} (#{ended.number}): {verdict(ended)}.",
        data={"training": run_data(forge.layout, ended)},
        next_steps=steps_after(forge.layout, ended),
        exit_code=exit_code_of(ended),
    )
