"""``mlopsgen status``: how the branches, their trainings and the forge stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mlopsgen.adapters.credentials import Credential
from mlopsgen.adapters.git import ensure_plain_reference
from mlopsgen.constants import BRANCHES, LOCAL_REMOTE
from mlopsgen.events import Waiting
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.trainings import Trainings
from mlopsgen.forge.worker.verdict import short, verdict
from mlopsgen.operations.hosting import Target, find_hosted
from mlopsgen.operations.project import (
    WITHOUT_PIPELINES,
    Project,
    Surroundings,
    find_project,
    forge_folder,
    open_forge,
    open_trainings,
    why_no_forge,
)
from mlopsgen.operations.push import desired_remote
from mlopsgen.operations.status_template import template_problems, template_status
from mlopsgen.operations.training import exit_code_of, follow_training, run_data, steps_after
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.remote.observe import local_branches
from mlopsgen.remote.observed import Observed
from mlopsgen.remote.plan import Plan
from mlopsgen.remote.planning import plan_remote
from mlopsgen.result import OperationResult


@dataclass(frozen=True, kw_only=True)
class StatusRequest:
    """What to look at.

    Attributes:
        surroundings: Where the command runs.
        branch: The only branch of interest; ``None`` takes all.
        follow: Follow the training that runs, or waits first, until it is over.
        credential: Finds the token for GitHub without asking; ``None`` leaves GitHub out.
    """

    surroundings: Surroundings
    branch: str | None = None
    follow: bool = False
    credential: Callable[[Target], Credential] | None = None


def status(request: StatusRequest, events: EventSink) -> OperationResult:
    """Read everything and compare it with what it shall be; nothing is changed.

    Raises:
        MlopsgenError: This is no generated repository, or something at the forge's place cannot be read.
        Interrupted: The person stopped following.
    """
    if request.branch is not None:
        ensure_plain_reference(request.branch, BRANCHES)
    events(Waiting(message="Looking"))
    project = find_project(request.surroundings)
    forge = open_forge(forge_folder(project), request.surroundings)
    if forge.repository() is None:
        return _with_github(request, _with_template(request, project, _without_forge(request, project, forge)))
    trainings = open_trainings(forge.layout.root, request.surroundings)
    if request.follow:
        return _follow(request, forge, trainings, events)
    planned = plan_remote(desired_remote(project, forge), forge, project.source)
    plan, observed = planned.plan, planned.observed
    trains = planned.desired.trains
    names = BRANCHES if request.branch is None else (request.branch,)
    branches = [_branch(name, project, forge, trainings, observed) for name in names]
    problems = _problems(plan, trainings, branches)
    found = OperationResult(
        summary=_summary(branches, plan, trains=trains),
        data={
            "project": project.slug,
            "trains": trains,
            "folder": str(project.root),
            "remote": {"name": LOCAL_REMOTE, "address": observed.clone.address, "forge": str(forge.layout.root)},
            "store": forge.tracking_uri,
            "branches": branches,
            "drift": plan.as_dict(),
            "problems": problems,
        },
        next_steps=tuple(dict.fromkeys(problem["hint"] for problem in problems)),
    )
    return _with_github(request, _with_template(request, project, found))


def _with_template(request: StatusRequest, project: Project, result: OperationResult) -> OperationResult:
    """The result, with how the repository stands to its template."""
    found = template_status(project.source, request.surroundings.environ)
    problems = template_problems(found)
    steps = (*(problem["hint"] for problem in problems), *(("mlopsgen sync --dry-run",) if found["newer"] else ()))
    data = {**result.data, "template": found, "problems": [*result.data["problems"], *problems]}
    return replace(result, data=data, next_steps=(*result.next_steps, *steps))


def _with_github(request: StatusRequest, result: OperationResult) -> OperationResult:
    """The result, with how the repository on GitHub stands if the project was pushed there."""
    github = None
    if request.credential is not None and not request.follow:
        hosted = find_hosted(request.surroundings)
        if hosted.target.origin:
            from mlopsgen.operations.status_github import github_status  # noqa: PLC0415 - its libraries take a moment

            names = BRANCHES if request.branch is None else (request.branch,)
            github = github_status(hosted, request.surroundings, request.credential, names)
    data = result.data | {"github": github}
    if github is None:
        return replace(result, data=data)
    hints = [problem["hint"] for problem in github["problems"] if problem["hint"]]
    summary, steps = result.summary, result.next_steps
    if data["remote"]["forge"] is None:
        # It trains on GitHub: that there is no forge here as well lacks nothing.
        summary, steps = f"{data['project']} is on GitHub as {github['repository']}.", ()
    return replace(result, summary=summary, data=data, next_steps=tuple(dict.fromkeys((*steps, *hints))))


def _without_forge(request: StatusRequest, project: Project, forge: LocalForge) -> OperationResult:
    names = BRANCHES if request.branch is None else (request.branch,)
    commits = local_branches(project.source)
    branches: list[dict[str, Any]] = [
        {"name": name, "commit": commits.get(name), "forge_commit": None, "ahead": None, "behind": None}
        | {"last_run": None, "last_ended": None, "queue": [], "at_work": False}
        for name in names
    ]
    message, hint = why_no_forge(project, forge.layout.root)
    return OperationResult(
        summary=f"{project.slug} {message}; nothing trains.",
        data={
            "project": project.slug,
            "trains": project.trains,
            "folder": str(project.root),
            "remote": {"name": LOCAL_REMOTE, "address": None, "forge": None},
            "store": None,
            "branches": branches,
            "drift": None,
            "problems": [],
        },
        next_steps=(hint,),
    )


def _follow(request: StatusRequest, forge: LocalForge, trainings: Trainings, events: EventSink) -> OperationResult:
    names = BRANCHES if request.branch is None else (request.branch,)
    waiting = [run for name in names for run in trainings.waiting(name)]
    if not waiting:
        return OperationResult(summary="Nothing is training.", data={"training": None}, next_steps=("mlopsgen status",))
    ended = follow_training(trainings, min(waiting, key=lambda run: (run.state != "running", run.queued_at)), events)
    return OperationResult(
        summary=f"{ended.branch} {short(ended.commit)} (#{ended.number}): {verdict(ended)}.",
        data={"training": run_data(forge.layout, ended)},
        next_steps=steps_after(forge.layout, ended),
        exit_code=exit_code_of(ended),
    )


def _branch(name: str, project: Project, forge: LocalForge, trainings: Trainings, observed: Observed) -> dict[str, Any]:
    found = {} if observed.repository is None else observed.repository.branches
    distance = observed.clone.distances.get(name)
    last, ended = trainings.latest(name), trainings.last_ended(name)
    return {
        "name": name,
        "commit": project.source.commit_of(f"refs/heads/{name}"),
        "forge_commit": found.get(name),
        "ahead": None if distance is None else distance.ahead,
        "behind": None if distance is None else distance.behind,
        "last_run": None if last is None else run_data(forge.layout, last),
        "last_ended": None if ended is None else run_data(forge.layout, ended),
        "queue": [run_data(forge.layout, run) for run in trainings.waiting(name)],
        "at_work": trainings.is_at_work(name),
    }


def _problems(plan: Plan, trainings: Trainings, branches: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What needs somebody, each with the command that helps."""
    found = []
    for branch in branches:
        name = branch["name"]
        if branch["queue"] and not branch["at_work"]:
            message = f"{name}: {counted(len(branch['queue']), 'training')} in the queue and no worker is alive"
            found.append({"message": message, "hint": f"mlopsgen status --follow --branch {name}"})
        if branch["ahead"]:
            message = f"{name}: {counted(branch['ahead'], 'commit')} not pushed yet"
            found.append({"message": message, "hint": f"git push {LOCAL_REMOTE} {name}"})
        if branch["behind"]:
            message = f"{name}: the forge is {counted(branch['behind'], 'commit')} ahead"
            found.append({"message": message, "hint": f"git pull {LOCAL_REMOTE} {name}"})
    for name in trainings.unqueued():
        message = f"{name}: the newest push was stored and never queued (its hook could not run)"
        found.append({"message": message, "hint": f"mlopsgen run --branch {name}"})
    drift = [item for item in plan.changes if item.kind.value != "branch"]
    if drift:
        message = f"the forge differs from what it should be in {counted(len(drift), 'thing')}"
        found.append({"message": message, "hint": "mlopsgen push --local --dry-run"})
    return found + [{"message": f"{item.kind} {item.name}: {item.reason}", "hint": item.hint} for item in plan.blocked]


def _summary(branches: list[dict[str, Any]], plan: Plan, *, trains: bool) -> str:
    untrained = "nothing has trained yet" if trains else f"nothing trains, because {WITHOUT_PIPELINES}"
    ran = [branch for branch in branches if branch["last_run"]]
    words = ", ".join(f"{branch['name']} {branch['last_run']['verdict']}" for branch in ran) or untrained
    drift = f"; {counted(len(plan.changes), 'change')} pending" if plan.changes else ""
    return f"{words[0].upper()}{words[1:]}{drift}."
