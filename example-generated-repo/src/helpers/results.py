"""What earlier runs left in MLflow, read back: the report of a run, and the history of a branch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from pydantic import ValidationError

from helpers.context import RunContext
from helpers.errors import TrackingError
from helpers.records import (
    Baseline,
    DataRecord,
    Decision,
    Evaluation,
    Failure,
    HistoryPoint,
    ModelRecord,
    Record,
    Report,
    RunRecord,
    StepRecord,
)
from helpers.registry import champion_run
from helpers.store import client, read_text_artifact, shown_uri

RecordT = TypeVar("RecordT", bound=Record)


def history(context: RunContext, limit: int = 30, asked: Mapping[str, str] | None = None) -> list[HistoryPoint]:
    """The branch's runs that were judged, oldest first: what a plot of a metric over time shows.

    Args:
        context: Whose branch and pipeline count.
        limit: How many runs.
        asked: The tags of the run that they stand beside; one that predicted something else shows no metrics.
    """
    store = client()
    experiment = store.get_experiment_by_name(context.experiment_name)
    if experiment is None:
        return []
    runs = store.search_runs(
        [experiment.experiment_id],
        "tags.`mlopsgen.outcome` != 'failed'",
        max_results=limit,
        order_by=["attributes.start_time DESC"],
    )
    best = champion_run(context)
    points = [_point(run, best, asked or {}) for run in runs if run.data.metrics]
    return points[::-1]


def last_run(context: RunContext) -> str:
    """The branch's newest run that has ended; empty when there is none."""
    store = client()
    experiment = store.get_experiment_by_name(context.experiment_name)
    if experiment is None:
        return ""
    runs = store.search_runs(
        [experiment.experiment_id],
        "attributes.status != 'RUNNING'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    return str(runs[0].info.run_id) if runs else ""


def find_submission(context: RunContext) -> str:
    """The run of the context's submission to Kubeflow, as the package's first step begins it; empty before that."""
    store = client()
    experiment = store.get_experiment_by_name(context.experiment_name)
    if experiment is None or not context.submission:
        return ""
    wanted = context.submission.replace("'", "")
    runs = store.search_runs(
        [experiment.experiment_id],
        f"tags.`mlopsgen.submission` = '{wanted}'",
        max_results=1,
        order_by=["attributes.start_time DESC"],
    )
    return str(runs[0].info.run_id) if runs else ""


def read_report(run_id: str, *, history_limit: int = 30) -> Report:
    """Everything that is known of a run, put together from what it logged.

    Raises:
        TrackingError: There is no such run, or it is not one of a pipeline of this repository.
    """
    store = client()
    try:
        run = store.get_run(run_id)
    except MlflowException as error:
        raise TrackingError(f"There is no run '{run_id}'.", where=shown_uri(store.tracking_uri)) from error
    tags: Mapping[str, str] = run.data.tags
    if "mlopsgen.pipeline" not in tags:
        raise TrackingError(f"The run '{run_id}' was not made by a pipeline of this repository.")
    context = context_of(run)
    # A run that failed and was then taken up again on its cluster keeps the document of its first end.
    succeeded = tags.get("mlopsgen.status") == "succeeded"
    failure = None if succeeded else _document(store, run_id, "run/failure.json", Failure)
    decision = _decision(store, run_id, failure, tags)
    return Report(
        project=context.project,
        pipeline=context.pipeline,
        branch=context.branch,
        commit=context.commit,
        actor=context.actor,
        trigger=context.trigger,
        reason=context.reason,
        repository=context.repository,
        run=_run_record(run, store, failed=decision.outcome == "failed", ci_url=context.ci_url),
        decision=decision,
        positive=positive_class(tags),
        promoted=_promoted(context, tags),
        model=_model(context, tags),
        failure=failure,
        data=[DataRecord.model_validate(item) for item in _json(store, run_id, "data/datasets.json") or []],
        parameters=dict(sorted(run.data.params.items())),
        steps=[StepRecord.model_validate(item) for item in _json(store, run_id, "run/steps.json") or []],
        history=history(context, history_limit, tags),
        environment=json.loads(tags.get("mlopsgen.environment", "{}")),
        addresses={
            kind: tags[f"mlopsgen.address.{kind}"]
            for kind in ("code", "data", "model")
            if f"mlopsgen.address.{kind}" in tags
        },
    )


def read_evaluation(run_id: str) -> Evaluation | None:
    """What the evaluation step found; None when the run did not get that far."""
    return _document(client(), run_id, "evaluation/evaluation.json", Evaluation)


def read_decision(run_id: str) -> Decision | None:
    """The gate's verdict; None when the run did not get that far."""
    return _document(client(), run_id, "gate/decision.json", Decision)


def context_of(run: Run) -> RunContext:
    """The context that a run was started with."""
    tags: Mapping[str, str] = run.data.tags
    names = ("project", "pipeline", "branch", "commit", "actor", "trigger", "reason", "repository", "ci_url", "lock")
    values: dict[str, Any] = {name: tags.get(f"mlopsgen.{name}", "") for name in names}
    return RunContext(**values, promote=tags.get("mlopsgen.promote") == "true", run_id=run.info.run_id)


def _decision(store: MlflowClient, run_id: str, failure: Failure | None, tags: Mapping[str, str]) -> Decision:
    decision = _document(store, run_id, "gate/decision.json", Decision)
    broke = failure is not None or tags.get("mlopsgen.status") in ("failed", "killed")
    if decision is not None and not broke:
        return decision
    reason = failure.message if failure else "The run did not reach the gate."
    return Decision(
        outcome="failed",
        passed=False,
        reasons=[reason],
        metrics=list(decision.metrics) if decision else [],
        baseline=decision.baseline if decision else Baseline(kind="none"),
    )


def _run_record(run: Run, store: MlflowClient, *, failed: bool, ci_url: str) -> RunRecord:
    started = run.info.start_time or 0
    ended = run.info.end_time or int(datetime.now(UTC).timestamp() * 1000)
    place = shown_uri(store.tracking_uri)
    page = f"/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    return RunRecord(
        id=run.info.run_id,
        name=run.info.run_name or "",
        engine=run.data.tags.get("mlopsgen.engine", "local"),
        status="failed" if failed else "succeeded",
        started=_iso(started),
        ended=_iso(ended),
        seconds=round((ended - started) / 1000, 3),
        tracking=place,
        ci_url=ci_url,
        mlflow_url=f"{place.rstrip('/')}{page}" if place.startswith(("http://", "https://")) else "",
        kubeflow_url=run.data.tags.get("mlopsgen.kubeflow_url", ""),
    )


def _model(context: RunContext, tags: Mapping[str, str]) -> ModelRecord | None:
    version = tags.get("mlopsgen.model_version", "")
    if not version:
        return None
    alias = context.champion_alias if _promoted(context, tags) else ""
    return ModelRecord(
        name=context.model_name, version=version, alias=alias, address=f"model://{context.model_name}/{version}"
    )


def _promoted(context: RunContext, tags: Mapping[str, str]) -> bool:
    """The tag follows the alias; a run that was killed between them has only moved the alias."""
    return tags.get("mlopsgen.promoted") == "true" or champion_run(context) == context.run_id


def positive_class(tags: Mapping[str, str]) -> str:
    """Of two classes, the one that counted as positive in a run; empty where there are not two."""
    if tags.get("mlopsgen.task") != "binary":
        return ""
    return tags.get("mlopsgen.positive") or str((json.loads(tags.get("mlopsgen.labels", "[]")) or [""])[-1])


def _other_question(tags: Mapping[str, str], asked: Mapping[str, str]) -> str:
    """What a run predicted instead of what is asked now; empty where it is the same, or not known."""
    for key, word in (("target", "target"), ("task", "task"), ("labels", "classes")):
        before, now = tags.get(f"mlopsgen.{key}", ""), asked.get(f"mlopsgen.{key}", "")
        if before and now and before != now:
            turned = key == "labels" and sorted(json.loads(before)) == sorted(json.loads(now))
            positive = positive_class(tags) if turned else ""
            return f"positive class {positive}" if positive else f"other {word}"
    return ""


def _point(run: Run, best: str, asked: Mapping[str, str]) -> HistoryPoint:
    tags = run.data.tags
    note = _other_question(tags, asked)
    return HistoryPoint(
        run_id=run.info.run_id,
        started=_iso(run.info.start_time or 0),
        commit=tags.get("mlopsgen.commit", ""),
        metrics={} if note else {name: value for name, value in run.data.metrics.items() if math.isfinite(value)},
        passed=tags.get("mlopsgen.passed") == "true",
        # The alias says which one is champion, the tag which ones have been.
        champion=run.info.run_id == best or tags.get("mlopsgen.promoted") == "true",
        note=note,
    )


def _document(store: MlflowClient, run_id: str, path: str, model: type[RecordT]) -> RecordT | None:
    text = read_text_artifact(store, run_id, path)
    try:
        return None if text is None else model.model_validate_json(text)
    except ValidationError:  # written by another version of the helpers, or cut off when the run was killed
        return None


def _json(store: MlflowClient, run_id: str, path: str) -> Any:
    text = read_text_artifact(store, run_id, path)
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
