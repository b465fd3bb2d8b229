"""``mlopsgen push --local``: make the forge and the repository's way to it what they shall be, then train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlopsgen import __version__
from mlopsgen.constants import LOCAL_REMOTE
from mlopsgen.errors import ExitCode, Interrupted, MissingAnswer, MlopsgenError, PartialResult, UsageError
from mlopsgen.events import LogLine, Note, Warn
from mlopsgen.forge.local import LocalForge
from mlopsgen.forge.values import Key, Kind, Resource
from mlopsgen.forge.worker.records import Run
from mlopsgen.forge.worker.verdict import short, verdict
from mlopsgen.operations.locked_answers import tell_decisions
from mlopsgen.operations.project import (
    WITHOUT_PIPELINES,
    Project,
    Surroundings,
    find_project,
    forge_folder,
    open_forge,
    open_trainings,
    refuse_windows,
)
from mlopsgen.operations.training import exit_code_of, follow_training, run_data, steps_after
from mlopsgen.operations.wording import counted
from mlopsgen.ports import EventSink
from mlopsgen.remote.apply import apply, describe
from mlopsgen.remote.desired import Desired, environments_for
from mlopsgen.remote.observe import local_branches
from mlopsgen.remote.plan import Plan
from mlopsgen.remote.planning import plan_remote
from mlopsgen.result import OperationResult


@dataclass(frozen=True, kw_only=True)
class PushRequest:
    """What to push where.

    Attributes:
        surroundings: Where the command runs.
        directory: The forge's folder; ``None`` takes the one that is known, or one beside the project.
        dry_run: Show the plan and stop.
        agreed: Apply without asking.
        detach: Do not wait for the training.
        show: Takes the plan before anything is done.
        agree: Asks the person whether to apply the plan; ``None`` where there is nobody to ask.
    """

    surroundings: Surroundings
    directory: Path | None = None
    dry_run: bool = False
    agreed: bool = False
    detach: bool = False
    show: Callable[[Plan], None] = lambda _: None
    agree: Callable[[], bool] | None = None


def push(request: PushRequest, events: EventSink) -> OperationResult:
    """Plan, show, agree, apply, verify, follow.

    Raises:
        OccupiedError: The folder holds something else.
        MissingAnswer: There is nobody to ask and ``--yes`` was not given.
        PartialResult: Something changed meanwhile; running it again continues.
        Interrupted: The person left, or did not agree.
    """
    project = find_project(request.surroundings)
    refuse_windows()
    folder = forge_folder(project, request.directory)
    _refuse_unfit(project, folder)
    forge = open_forge(folder, request.surroundings)
    tell_decisions(project.root, request.surroundings.environ, events)
    planned = plan_remote(desired_remote(project, forge), forge, project.source)
    plan, desired = planned.plan, planned.desired
    _refuse_blocked_ground(plan)
    request.show(plan)
    data: dict[str, Any] = {"forge": str(folder), "remote": desired.remote, "plan": plan.as_dict()}
    if not desired.trains:
        events(Note(message=f"Nothing trains there: {WITHOUT_PIPELINES}."))
    push_step = "git push  (trains the branch)" if desired.trains else "git push  (after a commit)"
    if request.dry_run:
        return OperationResult(summary=_summary_of(plan), data=data, next_steps=_hints(plan))
    if not plan.changes:
        return OperationResult(
            summary="Everything is in place; nothing was changed.",
            data={**data, "training": None},
            next_steps=_hints(plan) or _steps(request, folder, forge, desired, push_step),
            exit_code=ExitCode.PARTIAL if plan.unsolved else ExitCode.OK,
        )
    _agree(request, plan)
    trainings = open_trainings(folder, request.surroundings)
    before = {branch: trainings.latest_number(branch) for branch in desired.branches}
    apply(plan, desired, forge=forge, source=project.source, events=events)
    _verify(plan, desired, forge, project)
    for item in plan.blocked:
        events(Warn(message=f"not done: {describe(item)}: {item.reason}", hint=item.hint))
    started = [run for branch in desired.branches if (run := trainings.newer_than(branch, before[branch])) is not None]
    ended = None
    if started and request.detach:
        for run in started:
            events(Note(message=f"{run.branch} #{run.number} is queued; 'mlopsgen status --follow' follows it"))
    elif started:
        events(LogLine(message=f"Training {started[0].branch} (Ctrl-C detaches; the training goes on)"))
        ended = follow_training(trainings, started[0], events)
    steps = (push_step,) if started else _steps(request, folder, forge, desired, push_step)
    return _result(plan, data, ended, forge, steps)


def desired_remote(project: Project, forge: LocalForge) -> Desired:
    """What the project's remote shall be in this forge.

    Raises:
        MlopsgenError: The repository has none of the fixed branches.
    """
    branches = local_branches(project.source)
    if not branches:
        hint = "Commit on 'development', then run it again."
        raise MlopsgenError("The repository has no branch to push.", where=str(project.root), hint=hint)
    settings = forge.settings()
    trains = project.trains
    return Desired(
        project=project.slug,
        address=forge.address,
        branches=branches,
        resources=(
            Resource(key=Key(Kind.REPOSITORY, project.slug), value={"project": project.slug}),
            *settings,
            *environments_for(branches),
        ),
        owned=frozenset(setting.key for setting in settings),
        remote=LOCAL_REMOTE,
        tracking_uri=forge.tracking_uri if trains else "",
        tool_version=__version__,
        trains=trains,
    )


def _refuse_unfit(project: Project, folder: Path) -> None:
    strange = sorted({character for character in str(folder) if character in "?%" or not character.isprintable()})
    if strange:
        raise UsageError(
            f"The forge's folder may not have {' or '.join(map(repr, strange))} in its path: MLflow's address of the "
            "store there would mean another file.",
            where=str(folder),
            hint="Name another folder: 'mlopsgen push --local DIR'.",
        )
    if folder.is_relative_to(project.root.resolve()):
        raise MlopsgenError(
            "The forge may not lie inside the repository that it trains.",
            where=str(folder),
            hint=f"Name a folder beside it, for example 'mlopsgen push --local ../{project.slug}-forge'.",
        )


def _refuse_blocked_ground(plan: Plan) -> None:
    """Without the repository and the remote nothing else makes sense: stop before anything is touched."""
    item = plan.refused
    if item is not None:
        raise MlopsgenError(
            f"Nothing was changed: {item.kind} '{item.name}' cannot be used: {item.reason}.",
            where=item.detail,
            hint=item.hint,
        )


def _agree(request: PushRequest, plan: Plan) -> None:
    if request.agreed:
        return
    if request.agree is None:
        raise MissingAnswer(
            f"The plan ({counted(len(plan.changes), 'change')}) needs a yes, and there is no terminal to ask on.",
            where="--yes",
            hint="Look at them with --dry-run, then give --yes.",
        )
    if not request.agree():
        raise Interrupted("Nothing was changed.")


def _verify(plan: Plan, desired: Desired, forge: LocalForge, project: Project) -> None:
    """Read everything back: what was done has to be there."""
    undone = {item.key for item in plan_remote(desired, forge, project.source).plan.changes}
    missing = [item for item in plan.changes if item.key in undone]
    if missing:
        raise PartialResult(
            f"Not everything is as it was set: {', '.join(describe(item) for item in missing)}.",
            where=desired.address,
            hint="Run the same command again; if it stays so, 'mlopsgen doctor' looks for the cause.",
        )


def _steps(request: PushRequest, folder: Path, forge: LocalForge, desired: Desired, push_step: str) -> tuple[str, ...]:
    """How to go on where nothing new trains: a training that failed earlier is to be mended before another push."""
    last = open_trainings(folder, request.surroundings).latest(next(iter(desired.branches)))
    return (steps_after(forge.layout, last) if last is not None and last.is_final else ()) or (push_step,)


def _result(
    plan: Plan, data: dict[str, Any], ended: Run | None, forge: LocalForge, following: tuple[str, ...]
) -> OperationResult:
    done = f"{counted(len(plan.changes), 'change')} made."
    steps = (*_hints(plan), *following, "mlopsgen status")
    if ended is None:
        code = ExitCode.PARTIAL if plan.unsolved else ExitCode.OK
        return OperationResult(summary=done, data={**data, "training": None}, next_steps=steps, exit_code=code)
    return OperationResult(
        summary=f"{done} {ended.branch} {short(ended.commit)} (#{ended.number}): {verdict(ended)}.",
        data={**data, "training": run_data(forge.layout, ended)},
        next_steps=(*_hints(plan), *(steps_after(forge.layout, ended) or following), "mlopsgen status"),
        exit_code=exit_code_of(ended),
    )


def _summary_of(plan: Plan) -> str:
    if not plan.changes:
        return "Everything is in place; there is nothing to do."
    return f"{counted(len(plan.changes), 'change')} would be made; nothing was done."


def _hints(plan: Plan) -> tuple[str, ...]:
    return tuple(item.hint for item in plan.blocked if item.hint)
