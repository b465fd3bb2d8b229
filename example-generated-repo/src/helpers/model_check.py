"""What ``check`` says of MLflow and of the branch's champion. Called in a worker."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from helpers import store, tracking
from helpers.context import RunContext
from helpers.data import network
from helpers.documents import did_you_mean
from helpers.errors import AccessError, RepositoryError, TrackingError
from helpers.findings import Finding, looking
from helpers.kubeflow_answers import said_by_tunnel
from helpers.registry import Candidate

SECTION = "model"
SAMPLE_BYTES = 4 << 20
_ANOTHER = r"error code (?:404|405|501)\b|not in a valid JSON format|JSONDecodeError"
_LOGIN = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


def look(*, root: str, source: str, context: str) -> list[dict[str, Any]]:
    """Looks at the gate, the store and the champion of one pipeline."""
    from helpers.run_record import ask_briefly

    ask_briefly()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "8")
    run = RunContext.from_json(context)
    findings: list[Finding] = []
    if source:
        with looking(findings, f"gate of {run.pipeline}", SECTION) as finding:
            finding.message, finding.notes = _look_at_gate(Path(root), source, run.branch)
    with looking(findings, "MLflow", SECTION) as finding:
        finding.message = look_at_store(os.environ["MLFLOW_TRACKING_URI"], run)
    if findings[-1].ok:
        with looking(findings, f"champion of {run.pipeline}", SECTION) as finding:
            champion = tracking.champion(run)
            if champion is None:
                finding.message = "none yet: the first accepted model becomes it"
            else:
                finding.message, finding.notes = _look_at_champion(champion, source, Path(root))
    return [asdict(finding) for finding in findings]


def look_at_store(uri: str, context: RunContext) -> str:
    """Whether the store answers and takes what is written; gives what was found.

    Raises:
        RepositoryError: It does not.
    """
    try:
        tracking.ensure_store(uri)
        if store.database_path(uri) is not None:
            _require_writable_file(uri)
        else:
            _write(context)
    except TrackingError as error:
        raise _for_people(error.__cause__ or error, uri, error) from error
    except Exception as error:  # MLflow hands on what its HTTP client and its driver for artifacts raise
        raise _for_people(error, uri, store.unusable(error, uri)) from error
    return f"{store.shown_uri(uri)}, writable"


def _write(context: RunContext) -> None:
    """Writes a tag and a file to one run that is there for this alone, so that no list of trainings shows it."""
    client = store.client()
    experiment = store.ensure_experiment(client, f"{context.project}-checks")
    found = client.search_runs([experiment], max_results=1)
    run = found[0] if found else client.create_run(experiment, run_name="check")
    client.set_tag(run.info.run_id, "mlopsgen.checked", context.branch)
    try:
        client.log_text(run.info.run_id, f"{context.branch}\n", "check.txt")
    except Exception as error:
        raise _Artifacts(str(error)) from error


class _Artifacts(Exception):
    pass


def _require_writable_file(uri: str) -> None:
    path = store.database_path(uri)
    if path is not None and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        raise TrackingError("The MLflow store cannot be written.", where=str(path), hint="Look at its mode and owner.")


def _for_people(error: BaseException, uri: str, otherwise: RepositoryError) -> RepositoryError:
    shown, text = store.shown_uri(uri), str(error)
    if (tunnel := said_by_tunnel(error, shown)) is not None:
        return tunnel
    if isinstance(error, _Artifacts):
        status = re.search(r"(?:too many |error code )(\d{3})", text)
        reason = f"the server answers {status[1]}" if status else (text.splitlines() or ["no reason was told"])[0][:160]
        return TrackingError(
            f"MLflow takes runs, but no files: {reason}.",
            where=shown,
            hint="Models and reports are files: look at the server's artifact store, and at the login for it.",
        )
    if re.search(r"error code 401|\b401\b.*[Uu]nauthorized|You are not authenticated", text):
        return AccessError("MLflow does not accept the login.", where=shown, hint=f"Look at {_LOGIN}.")
    if re.search(r"error code 403|PERMISSION_DENIED|Permission denied", text) and store.database_path(uri) is None:
        return AccessError(
            "The login may not write to MLflow.",
            where=shown,
            hint=f"Ask for the right to edit, for the user of {_LOGIN}.",
        )
    if store.database_path(uri) is None and re.search(_ANOTHER, text, re.IGNORECASE):
        return TrackingError(
            "This is another web server or a login page, not MLflow.",
            where=shown,
            hint="Correct tracking.uri of the branch's config.yaml, or MLFLOW_TRACKING_URI: the server's own address.",
        )
    if store.database_path(uri) is None and (told := network.explain(error, where=shown)) is not None:
        return told
    return otherwise


def _look_at_gate(root: Path, name: str, branch: str) -> tuple[str, list[str]]:
    """Known metrics have to fit the task: the gate would refuse every model for want of a value."""
    from helpers import sources
    from helpers.config import load_config_document
    from helpers.metrics import METRICS, metrics_of

    task = sources.load_source(root, name).task
    config, document = load_config_document(root, branch)
    for metric in config.gate.metrics:
        if metric in METRICS and task not in METRICS[metric].tasks:
            raise document.error(
                ("gate", "metrics", metric),
                f"The gate judges by '{metric}', which is no metric of the task '{task}'.",
                hint=f"Its metrics are: {', '.join(metrics_of(task))}.",
            )
    notes = [
        f"'{metric}' is none of the metrics of helpers.metrics; the gate refuses models without it. "
        + did_you_mean(metric, metrics_of(task))
        for metric in config.gate.metrics
        if metric not in METRICS
    ]
    return ", ".join(config.gate.metrics) or "no metrics", notes


def _look_at_champion(champion: Candidate, source: str, root: Path) -> tuple[str, list[str]]:
    """A champion that does not load or fit is no reason not to train: its recorded metrics count."""
    counts = "its recorded metrics count"
    try:
        model = tracking.load_candidate(champion)
    except RepositoryError as error:
        return f"version {champion.version} does not load any more; {counts}", [error.message]
    if not source:
        return f"version {champion.version} loads", []
    try:
        features = _features(source, root)
    except RepositoryError:  # said where the data is looked at
        return f"version {champion.version} loads; the data could not be read to try it", []
    if features is None:
        return f"version {champion.version} loads; the data is too large to try it here", []
    return _try(champion, model, features, counts)


def _try(champion: Candidate, model: Any, features: Any, counts: str) -> tuple[str, list[str]]:
    from helpers import models

    columns: Mapping[str, Any] = dict.fromkeys(models.input_columns(model))
    missing = [name for name in columns if name not in features.columns]
    if missing:
        names = ", ".join(repr(name) for name in missing[:5])
        return f"version {champion.version} loads, but today's data has no column {names}; {counts}", []
    new = [name for name in features.columns if name not in columns]
    notes = [f"New columns that it does not know: {', '.join(repr(name) for name in new[:5])}"] if new else []
    try:
        answer = models.predict(model, features)
    except Exception as error:  # noqa: BLE001 - whatever an old model raises must not end a new training
        reason = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
        return f"version {champion.version} loads, but cannot predict today's data; {counts}", [*notes, reason]
    return f"version {champion.version} loads, fits today's data and predicts ({len(answer)} rows tried)", notes


def _features(source: str, root: Path) -> Any:
    from helpers.data.checking import sample_table
    from helpers.sources import load_source

    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        table = sample_table(load_source(root, source), root, Path(folder), limit=SAMPLE_BYTES)
    return None if table is None else table.frame[list(table.kinds)].head(100)
