"""Runs in MLflow: start, log, finish. The registry is in ``registry.py``, what is read back in ``results.py``.

Tags are ``mlopsgen.*``. Everything is written through the client with the run's id: no global state, so two runs in one
process do not mix. A context without a run id is not tracked: its steps work, and log nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from helpers.context import RunContext
from helpers.records import DataRecord, Decision, Failure, Record, StepRecord
from helpers.registry import Candidate, champion, last_success, load_candidate, register, rollback
from helpers.results import history, last_run, read_decision, read_evaluation, read_report
from helpers.store import client, ensure_experiment, ensure_store

# isort: split
import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

__all__ = [
    "Candidate",
    "champion",
    "ensure_store",
    "finish_run",
    "history",
    "last_run",
    "last_success",
    "load_candidate",
    "log_data",
    "log_decision",
    "log_document",
    "log_metrics",
    "log_model",
    "log_parameters",
    "log_tags",
    "log_text",
    "read_decision",
    "read_evaluation",
    "read_report",
    "register",
    "rollback",
    "start_run",
]

DATASETS = "data/datasets.json"
EVALUATION = "evaluation/evaluation.json"
DECISION = "gate/decision.json"
STEPS = "run/steps.json"
FAILURE = "run/failure.json"

Status = Literal["succeeded", "failed", "killed"]

_LONGEST_PARAMETER = 6000
_STATUS: Mapping[Status, str] = {"succeeded": "FINISHED", "failed": "FAILED", "killed": "KILLED"}


def start_run(context: RunContext, *, engine: str = "local", parameters: Mapping[str, object] | None = None) -> str:
    """Starts the MLflow run of a training; its id belongs into the context that the steps get.

    Runs of this experiment that a process on this machine left behind when it was killed are marked as such.
    """
    store = client()
    experiment = ensure_experiment(store, context.experiment_name)
    _end_stale_runs(experiment)
    name = f"{context.commit[:8] or 'run'}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    # A step of a cluster ends long before its run does, so its process says nothing of it.
    process = _process_tags() if engine == "local" else {}
    run = store.create_run(experiment, run_name=name, tags={**_context_tags(context, engine), **process})
    if parameters:
        log_parameters(RunContext(**{**context.__dict__, "run_id": run.info.run_id}), parameters)
    return str(run.info.run_id)


def finish_run(
    context: RunContext, status: Status, *, steps: Sequence[StepRecord] = (), failure: Failure | None = None
) -> None:
    """Ends the run; calling it again with the same status changes nothing."""
    store = client()
    if steps:
        log_text(context, STEPS, json.dumps([step.model_dump(mode="json") for step in steps], indent=1))
    if failure is not None:
        log_document(context, FAILURE, failure)
    log_tags(context, {"mlopsgen.status": status})
    store.set_terminated(context.run_id, status=_STATUS[status])


def log_parameters(context: RunContext, parameters: Mapping[str, object]) -> None:
    """Logs parameters; one that is logged already keeps its value."""
    if not context.run_id:
        return
    store = client()
    known = store.get_run(context.run_id).data.params
    new = [Param(key, str(value)[:_LONGEST_PARAMETER]) for key, value in parameters.items() if key not in known]
    if new:
        store.log_batch(context.run_id, params=new)


def log_tags(context: RunContext, tags: Mapping[str, str]) -> None:
    """Sets tags of the run."""
    if context.run_id and tags:
        client().log_batch(
            context.run_id, tags=[RunTag(key, value[:_LONGEST_PARAMETER]) for key, value in tags.items()]
        )


def log_metrics(context: RunContext, metrics: Mapping[str, float], *, model_id: str = "") -> None:
    """Logs metrics of the run and of its model; one that is not a number is kept as such."""
    if not context.run_id or not metrics:
        return
    now = int(time.time() * 1000)
    values = [
        Metric(key, value, now, 0, model_id=model_id or None, run_id=context.run_id) for key, value in metrics.items()
    ]
    client().log_batch(context.run_id, metrics=values)


def log_document(context: RunContext, path: str, document: Record) -> None:
    """Logs a record as a JSON artifact, for example ``gate/decision.json``."""
    log_text(context, path, document.model_dump_json(indent=1))


def log_text(context: RunContext, path: str, text: str) -> None:
    """Logs text as an artifact."""
    if context.run_id:
        client().log_text(context.run_id, text, path)


def log_decision(context: RunContext, decision: Decision) -> None:
    """Logs the gate's verdict as an artifact and as tags that runs are found by."""
    log_document(context, DECISION, decision)
    log_tags(context, {"mlopsgen.outcome": decision.outcome, "mlopsgen.passed": str(decision.passed).lower()})


def log_data(
    context: RunContext, records: Sequence[DataRecord], frame: pd.DataFrame | None = None, target: str = ""
) -> None:
    """Logs which data the run trains on: as an artifact, as tags, and as an MLflow dataset when there is a table."""
    if not context.run_id:
        return
    log_text(context, DATASETS, json.dumps([record.model_dump(mode="json") for record in records], indent=1))
    tags = {f"mlopsgen.data.{record.name}": record.fingerprint for record in records}
    tags |= {f"mlopsgen.revision.{record.name}": record.revision for record in records if record.revision}
    tags["mlopsgen.address.data"] = " ".join(f"data://{record.name}@{record.fingerprint}" for record in records)
    log_tags(context, tags)
    if frame is None or not records:
        return
    from mlflow.entities import DatasetInput, InputTag

    digest = records[0].fingerprint.removeprefix("sha256:")[:36]
    with warnings.catch_warnings():
        # Which of MLflow's classes could read the path, and how to type integers: no matter here.
        warnings.simplefilter("ignore")
        dataset = mlflow.data.from_pandas(
            frame.head(100), source=records[0].address, targets=target or None, name=records[0].name, digest=digest
        )
        # The digest is of the whole file; the head only gives MLflow the schema.
        used = DatasetInput(dataset=dataset._to_mlflow_entity(), tags=[InputTag("mlflow.data.context", "training")])
    try:
        client().log_inputs(context.run_id, datasets=[used])
    except MlflowException:
        # Another run logged the same data at the same moment: MLflow finds its entry now.
        client().log_inputs(context.run_id, datasets=[used])


def log_model(context: RunContext, folder: Path, *, name: str, parameters: Mapping[str, str]) -> str:
    """Logs a saved model as the run's model.

    Returns:
        The id of MLflow's model; ``models:/<id>`` is its address. Empty when the context is not tracked.
    """
    if not context.run_id:
        return ""
    store = client()
    experiment = store.get_run(context.run_id).info.experiment_id
    tags = {"mlopsgen.branch": context.branch, "mlopsgen.commit": context.commit, "mlopsgen.pipeline": context.pipeline}
    model = store.create_logged_model(experiment, name, context.run_id, tags, dict(parameters), "mlopsgen")
    store.log_model_artifacts(model.model_id, str(folder))
    store.finalize_logged_model(model.model_id, "READY")
    log_tags(context, {"mlopsgen.model_id": str(model.model_id)})
    return str(model.model_id)


def _context_tags(context: RunContext, engine: str) -> dict[str, str]:
    code = f"code://{context.repository or context.project}@{context.commit}" if context.commit else ""
    tags = {
        "mlopsgen.version": "1",
        "mlopsgen.project": context.project,
        "mlopsgen.pipeline": context.pipeline,
        "mlopsgen.branch": context.branch,
        "mlopsgen.commit": context.commit,
        "mlopsgen.actor": context.actor,
        "mlopsgen.trigger": context.trigger,
        "mlopsgen.reason": context.reason,
        "mlopsgen.promote": str(context.promote).lower(),
        "mlopsgen.repository": context.repository,
        "mlopsgen.ci_url": context.ci_url,
        "mlopsgen.lock": context.lock,
        "mlopsgen.submission": context.submission.replace("'", ""),
        "mlopsgen.engine": engine,
        "mlopsgen.status": "running",
        "mlopsgen.address.code": code,
        "mlopsgen.environment": json.dumps(_environment(context)),
        "mlflow.user": context.actor,
        "mlflow.source.git.commit": context.commit.removesuffix("-dirty"),
    }
    return {key: value for key, value in tags.items() if value}


def _environment(context: RunContext) -> dict[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version(), "platform": platform.system().lower()}
    for library in ("scikit-learn", "pandas", "numpy", "mlflow", "kfp"):
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return {**found, "lock": context.lock} if context.lock else found


def _process_tags() -> dict[str, str]:
    process = int(os.environ.get("MLOPSGEN_PROCESS", "") or os.getpid())  # the run's driver; a worker ends long before
    return {
        "mlopsgen.host": socket.gethostname(),
        "mlopsgen.process": str(process),
        "mlopsgen.process_started": _process_started(process),
    }


def _end_stale_runs(experiment: str) -> None:
    """Marks runs as killed whose process on this machine is gone."""
    store = client()
    for run in store.search_runs([experiment], "attributes.status = 'RUNNING'", max_results=50):
        tags = run.data.tags
        if tags.get("mlopsgen.host") == socket.gethostname() and not _is_alive(tags):
            with contextlib.suppress(MlflowException):
                store.set_tag(run.info.run_id, "mlopsgen.status", "killed")
                store.set_terminated(run.info.run_id, status="KILLED")


def _is_alive(tags: Mapping[str, str]) -> bool:
    process = int(tags.get("mlopsgen.process", "0"))
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OSError):
        return True
    return tags.get("mlopsgen.process_started", "") == _process_started(process)


def _process_started(process: int) -> str:
    """When a process started, where the system tells it: numbers of processes are used again."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]
