"""What a run leaves behind: its beginning and end in MLflow, and its report. Called in worker processes.

Arguments and results are JSON values. The store is the one that ``MLFLOW_TRACKING_URI`` names.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from helpers import tracking
from helpers.context import RunContext
from helpers.errors import RepositoryError
from helpers.records import Baseline, Decision, Failure, Report, StepRecord
from helpers.report import terminal_lines, write_report
from helpers.results import last_run
from helpers.store import client, read_text_artifact

NO_GATE = Decision(
    outcome="unchanged",
    passed=True,
    reasons=["The pipeline has no gate: every run that ends well passes."],
    metrics=[],
    baseline=Baseline(kind="none"),
)


def begin(*, context: str, engine: str, parameters: Mapping[str, Any]) -> str:
    """Starts the MLflow run and gives its id."""
    ask_briefly()
    _open_store()
    return tracking.start_run(RunContext.from_json(context), engine=engine, parameters=parameters)


def finish(
    *,
    context: str,
    status: Literal["succeeded", "failed", "killed"],
    steps: Sequence[Mapping[str, Any]],
    failure: Mapping[str, str] | None,
    folder: str,
) -> dict[str, Any]:
    """Ends the MLflow run, and writes its report into a folder."""
    _open_store()
    run = RunContext.from_json(context)
    if status == "succeeded" and tracking.read_decision(run.run_id) is None:
        tracking.log_document(run, tracking.DECISION, NO_GATE)
    known = [StepRecord.model_validate(dict(step)) for step in steps]
    tracking.finish_run(run, status, steps=known, failure=Failure(**failure) if failure else None)
    return _report(run.run_id, Path(folder))


def report(*, context: str, run_id: str, folder: str, default: str) -> dict[str, Any]:
    """Writes the report of a run, the branch's last one when none is named."""
    ask_briefly()
    _open_store()
    run = RunContext.from_json(context)
    chosen = run_id or last_run(run)
    if not chosen:
        raise RepositoryError(
            f"The pipeline '{run.pipeline}' has not run on {run.branch} yet.",
            hint=f"Train: python -m pipelines.{run.branch}.main run",
        )
    place = Path(folder) if folder else Path(default) / f"report-{chosen}"
    told = _report(chosen, place)
    sent = read_text_artifact(client(), chosen, "report/actions.json")
    if sent is not None:  # what the run on the cluster has sent itself, for the verb `act`
        (place / "actions.json").write_text(sent, encoding="utf-8")
    return told


def rollback(*, context: str, to: str | None) -> dict[str, Any]:
    """Makes an earlier champion the champion again."""
    ask_briefly()
    _open_store()
    run = RunContext.from_json(context)
    model = tracking.rollback(run, to or "")
    return {
        "summary": f"Version {model.version} of {model.name} is the champion of {run.branch}.",
        "model": model.name,
        "version": model.version,
        "alias": model.alias,
    }


def summarize(found: Report, written: Mapping[str, Path]) -> dict[str, Any]:
    """What the command line tells of a run."""
    lines = terminal_lines(found)
    return {
        "run_id": found.run.id,
        "outcome": found.decision.outcome,
        "passed": found.decision.passed,
        "promoted": found.promoted,
        "metrics": {
            metric.name: metric.value
            for metric in found.decision.metrics
            if metric.value is not None and math.isfinite(metric.value)
        },
        "report": {kind: str(path) for kind, path in written.items()},
        "seconds": found.run.seconds,
        "summary": lines[0],
        "lines": lines[1:],
    }


def _report(run_id: str, folder: Path) -> dict[str, Any]:
    found = tracking.read_report(run_id)
    try:
        written = write_report(found, tracking.read_evaluation(run_id), folder)
    except OSError as error:
        raise RepositoryError(f"The report cannot be written: {error.strerror}.", where=str(folder)) from error
    return summarize(found, written)


def ask_briefly() -> None:
    """Lets MLflow give up on a server after ten seconds instead of four minutes; for what a person waits for.

    The process is that of one job. What the person set counts; steps, which have more to lose, keep MLflow's patience.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")


def _open_store() -> None:
    tracking.ensure_store(os.environ["MLFLOW_TRACKING_URI"])
