"""How a run on Kubeflow ended, told: the report out of MLflow, or the step that failed with its last lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from helpers.branch import Branch
from helpers.config import tracking_uri
from helpers.context import RunContext
from helpers.envelope import VerbResult
from helpers.errors import ExitCode, RepositoryError, StepFailed
from helpers.kubeflow_answers import KubeflowError
from helpers.kubeflow_client import Kubeflow
from helpers.kubeflow_wait import Outcome, Seen, Waiting
from helpers.local_engine import write_state
from helpers.verbs import Request, run_state, shown, tools

LINES = 20
"""How many lines of a failed step's log are shown."""

LONGEST_END = 60.0
"""Seconds that a run which was told to end may take to do so, before that is recorded all the same."""

TERMINATED = {
    "step": "",
    "message": "The run was ended with submit --terminate before it was done.",
    "hint": "Nothing is broken: submit again when it shall train.",
}

RECORDED = {"SUCCEEDED": "succeeded", "SKIPPED": "skipped"}


def conclude(
    request: Request,
    branch: Branch,
    kubeflow: Kubeflow,
    folder: Path,
    context: RunContext,
    about: dict[str, Any],
    outcome: Outcome,
) -> VerbResult:
    """What the person and the workflow are told of a run that has ended.

    Args:
        request: What was asked for.
        branch: The branch's texts.
        kubeflow: Where it ran.
        folder: The run's directory.
        context: Its context.
        about: What is known of the run on Kubeflow, as JSON values.
        outcome: How the waiting ended.
    """
    about["steps"] = [{"name": s.name, "state": s.state, "seconds": s.seconds} for s in outcome.steps]
    broke = outcome.state not in ("SUCCEEDED", "SKIPPED")
    failed = _failed_step(outcome) if broke else None
    failure = _described(failed, outcome) if broke else None
    log = _log(kubeflow, about["run_id"], failed, folder) if failed is not None else []
    data: dict[str, Any] = {"pipeline": context.pipeline, "kubeflow": about, "directory": str(folder)}
    try:
        data |= _collect(request, branch, folder, context, outcome, failure)
    except RepositoryError as error:
        if not broke:
            return _unreported(data, about, error)
        return _failure(request, data, about, failure, log, note=_no_report(error))
    if broke:
        return _failure(request, data, about, _recorded(folder) or failure, log, note="")
    return _judged(request, branch, data, about)


def record_end(
    request: Request, branch: Branch, kubeflow: Kubeflow, context: RunContext, run_id: str
) -> tuple[str, list[str]]:
    """Ends the MLflow run of a run that was told to end: its own last step may never come to it.

    Returns:
        The MLflow run, empty where it could not be ended; and what a person is told.
    """
    if not tracking_uri(request.root, branch.config, request.environ).startswith(("http://", "https://", "databricks")):
        return "", ["  No MLflow server is named here, so its MLflow run was left as it is."]
    poll = min(2.0, branch.config.kubeflow.poll_seconds)
    waiting = Waiting(kubeflow, run_id, request.progress, poll=poll, patience=LONGEST_END, deadline=LONGEST_END)
    try:
        outcome = waiting.until_end()
    except KubeflowError:  # it was told to end, and what it did since is on its page
        outcome = Outcome(None, waiting.steps, "")
    if outcome.state != "SUCCEEDED":  # it may have been done at the same moment
        outcome.state = "CANCELED"
    latest = run_state(request.latest)
    here = latest.get("kubeflow", {}).get("run_id") == run_id
    folder = request.latest.resolve() if here else request.runs / f"ended-{run_id}"
    try:
        found = _collect(request, branch, folder, context, outcome, TERMINATED, remember=here)
    except RepositoryError as error:
        return "", [f"  Its MLflow run was left as it is: {_shortened(error)}"]
    ended = "succeeded all the same" if outcome.state == "SUCCEEDED" else "is recorded as killed"
    page = shown(Path(found["report"]["html"]), request.root)
    return str(found["run_id"]), [f"  MLflow: the run {found['run_id']} {ended}", f"  report: {page}"]


def _recorded(folder: Path) -> dict[str, str] | None:
    """The failure as the steps on the cluster recorded it: they know more than Kubeflow does."""
    try:
        found = json.loads((folder / "report" / "report.json").read_text(encoding="utf-8")).get("failure")
    except (OSError, ValueError):
        return None
    return found if found and found.get("step") else None


def _judged(request: Request, branch: Branch, data: dict[str, Any], about: Mapping[str, Any]) -> VerbResult:
    lines, summary = data.pop("lines"), data.pop("summary")
    page = shown(Path(data["report"].get("html", "")), request.root)
    below = (*lines, f"  run: {about['link']}", f"  report: {page}")
    if data["outcome"] == "failed":
        error = StepFailed(summary, hint=f"The run on Kubeflow says that it succeeded: {about['link']}")
        return VerbResult(summary=summary, data=data, lines=below, exit_code=ExitCode.FAILURE, error=error)
    refused = not data["passed"] and branch.config.gate.on_reject == "fail"
    return VerbResult(summary=summary, data=data, lines=below, exit_code=ExitCode.REJECTED if refused else ExitCode.OK)


def _unreported(data: dict[str, Any], about: Mapping[str, Any], error: RepositoryError) -> VerbResult:
    """A training whose result nobody can see is no success."""
    message = f"The run on Kubeflow succeeded, and its result cannot be read from MLflow: {error.message}"
    hint = error.hint or "This machine has to reach the MLflow server of the cluster; else use kubeflow.wait: callback."
    told = RepositoryError(message, hint=hint, where=error.where)
    return VerbResult(
        summary=message,
        data=data,
        lines=(f"  {hint}", f"  run: {about['link']}"),
        exit_code=ExitCode.FAILURE,
        error=told,
    )


def _no_report(error: RepositoryError) -> str:
    """Why there is none, in a line: what failed has been told already."""
    place = f" from {error.where}" if error.where else ""
    return f"There is no report{place}: {_shortened(error)}"


def _shortened(error: RepositoryError) -> str:
    return error.message if len(error.message) <= 120 else f"{error.message[:120]} ..."


def _failure(
    request: Request,
    data: dict[str, Any],
    about: Mapping[str, Any],
    failure: dict[str, str] | None,
    log: list[str],
    *,
    note: str,
) -> VerbResult:
    found = failure or {"step": "", "message": "The run failed.", "hint": ""}
    message = f"step {found['step']} failed: {found['message']}" if found["step"] else found["message"]
    data.pop("lines", None)
    data.pop("summary", None)
    below = [f"    {line}" for line in log]
    if note:
        below.append(f"  {note}")
    below.append(f"  run: {about['link']}")
    if "report" in data:
        below.append(f"  report: {shown(Path(data['report'].get('html', '')), request.root)}")
    error = StepFailed(message, hint=found["hint"] or f"Look at the run: {about['link']}", where=found["step"])
    return VerbResult(summary=message, data=data, lines=tuple(below), exit_code=ExitCode.FAILURE, error=error)


def _failed_step(outcome: Outcome) -> Seen | None:
    """The step that failed first; conditions and loops around it fail after it."""
    failed = [step for step in outcome.steps if step.state in ("FAILED", "ERROR")]
    return next((step for step in failed if step.name != "finish-run"), next(iter(failed), None))


def _described(step: Seen | None, outcome: Outcome) -> dict[str, str]:
    if outcome.state == "CANCELED":
        return {"step": "", "message": "The run was ended on Kubeflow before it was done.", "hint": ""}
    error = getattr(outcome.run, "error", None)
    said = str(getattr(error, "message", "") or "").partition("\n")[0].strip()
    if step is None:
        message = said or "The run failed on Kubeflow, which names no step."
        return {"step": "", "message": message, "hint": ""}
    return {"step": step.name, "message": step.message or said or "it ended with an error", "hint": ""}


def _log(kubeflow: Kubeflow, run_id: str, step: Seen, folder: Path) -> list[str]:
    """The end of a step's log, where the server gives it: many have it only on their pages."""
    if not step.pod:
        return []
    path = f"/apis/v1alpha1/runs/{quote(run_id, safe='')}/nodes/{quote(step.pod, safe='')}/log"
    try:
        text = kubeflow.text(path, "show the log")
    except KubeflowError:
        return []
    (folder / f"log-{step.name}.txt").write_text(text, encoding="utf-8")
    return [line.rstrip() for line in text.splitlines() if line.strip()][-LINES:]


def _collect(
    request: Request,
    branch: Branch,
    folder: Path,
    context: RunContext,
    outcome: Outcome,
    failure: dict[str, str] | None,
    *,
    remember: bool = True,
) -> dict[str, Any]:
    """The report of the run's training, written into the folder; its directory remembers the MLflow run."""
    steps = [
        {"name": step.name, "state": RECORDED.get(step.state, "failed"), "seconds": step.seconds}
        for step in outcome.steps
        if step.state not in ("PENDING", "RUNNING", "")
    ]
    with tools(request, branch) as workers:
        found: dict[str, Any] = workers.call(
            "helpers.collected:collect",
            context=context.to_json(),
            folder=str(folder / "report"),
            status=_status(outcome),
            steps=steps,
            failure=failure,
        )
    if remember:
        write_state(folder / "run.json", {**run_state(folder), "run_id": found["run_id"]})
    return found


def _status(outcome: Outcome) -> str:
    if outcome.state in ("SUCCEEDED", "SKIPPED"):
        return "succeeded"
    return "killed" if outcome.state == "CANCELED" else "failed"
