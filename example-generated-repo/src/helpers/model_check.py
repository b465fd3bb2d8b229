"""What ``check`` says of MLflow and of the branch's champion. Called in a worker."""

from __future__ import annotations

import ast
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
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
SHORT = 3
"""Names of fewer letters lie one letter apart anyway, as f1 and f2."""
_ANOTHER = r"error code (?:404|405|501)\b|not in a valid JSON format|JSONDecodeError"
_LOGIN = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


def look(*, root: str, source: str, context: str) -> list[dict[str, Any]]:
    """Looks at the gate, the store and the champion of one pipeline."""
    from helpers.run_record import ask_briefly

    ask_briefly()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "8")
    run = RunContext.from_json(context)
    findings: list[Finding] = []
    with looking(findings, "MLflow", SECTION) as finding:
        finding.message = look_at_store(os.environ["MLFLOW_TRACKING_URI"], run)
    reached = findings[-1].ok
    gate: list[Finding] = []
    if source:
        with looking(gate, f"gate of {run.pipeline}", SECTION) as finding:
            measured = _measured(run) if reached else None
            finding.message, finding.notes = look_at_gate(Path(root), source, run.branch, measured)
    findings = [*gate, *findings]
    if reached:
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


def require_gate(*, root: str, source: str, context: str) -> list[str]:
    """What is to be said of the gate's metrics before a training starts.

    Raises:
        ConfigurationError: One of them has a slip of the pen.
    """
    from helpers.run_record import ask_briefly
    from helpers.sources import load_sources

    ask_briefly()
    run = RunContext.from_json(context)
    if source not in load_sources(Path(root)).sources:  # the step that reads it tells
        return []
    tracking.ensure_store(os.environ["MLFLOW_TRACKING_URI"])
    return look_at_gate(Path(root), source, run.branch, _measured(run))[1]


def look_at_gate(root: Path, name: str, branch: str, measured: Collection[str] | None) -> tuple[str, list[str]]:
    """Whether somebody computes the gate's metrics: the gate refuses every model for want of a value.

    What an earlier training measured and what a file of ``src`` names is one of the owner's own. Of the rest, a name
    that is none of the task's, or a slip of the pen away from one that is known, is refused; any other is only told.

    Args:
        root: The repository.
        name: The source that the pipeline reads.
        branch: Whose gate it is.
        measured: What earlier trainings of the branch measured; None when that is not known.
    """
    from helpers import sources
    from helpers.config import load_config_document
    from helpers.metrics import METRICS, metrics_of

    task = sources.load_source(root, name).task
    config, document = load_config_document(root, branch)
    computed, notes = metrics_of(task), []
    known = sorted({*computed, *(measured or ())})
    for metric in config.gate.metrics:
        own = metric in (measured or ()) or named_in_code(root, metric)
        if metric in computed:
            if measured and metric not in measured:
                notes.append(f"The last trainings of {branch} did not measure '{metric}': does evaluate_model log it?")
        elif metric in METRICS and not own:
            raise document.error(
                ("gate", "metrics", metric),
                f"The gate judges by '{metric}', which is no metric of the task '{task}'.",
                hint=f"Its metrics are: {', '.join(computed)}.",
            )
        elif own:
            if measured is not None and metric not in measured:
                notes.append(f"'{metric}' is new: no training of {branch} has measured it yet.")
        else:
            near = min(known, key=lambda other: slips(metric, other))
            if slips(metric, near) <= (1 if len(metric) >= SHORT else 0) and measured is not None:
                raise document.error(
                    ("gate", "metrics", metric),
                    f"The gate judges by '{metric}', which nothing computes. Did you mean '{near}'?",
                    hint="If a step of yours logs it, write its name there; a comment will do.",
                )
            notes.append(
                f"'{metric}' is none of the metrics of '{task}', no training of {branch} has measured it, and no file "
                f"of src names it; the gate refuses models without it. {did_you_mean(metric, known)}"
            )
    return ", ".join(config.gate.metrics) or "no metrics", notes


def _measured(run: RunContext) -> set[str]:
    """What the champion and the last trainings of the branch measured."""
    found = tracking.champion(run)
    names = set(found.metrics) if found else set()
    for point in tracking.history(run, limit=5):
        names |= set(point.metrics)
    return names


def named_in_code(root: Path, metric: str) -> bool:
    """Whether a file of ``src``, other than the helpers, names a metric: as a word, or as a text with gaps."""
    word = re.compile(rf"(?<![\w.-]){re.escape(metric)}(?![\w-])")
    folder = root / "src"
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] == "helpers":
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if word.search(text) or any(gap.fullmatch(metric) for gap in _texts_with_gaps(text)):
            return True
    return False


def _texts_with_gaps(text: str) -> Iterator[re.Pattern[str]]:
    """Texts of a program that become a name when it runs: ``f"recall_{label}"``, ``"top_%d" % k``, ``"lift_" + k``."""
    try:
        parts = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return
    for part in parts:
        if isinstance(part, ast.JoinedStr):
            known = [str(value.value) if isinstance(value, ast.Constant) else None for value in part.values]
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            pieces = re.split(r"(?:\{\w*\}|%\w)", part.value)
            known = [piece for text in pieces for piece in (text, None)][:-1]
            known += [None] if re.fullmatch(r"\w+[_@-]", part.value) else []
        else:
            continue
        if None in known and re.search(r"\w\w", "".join(piece or "" for piece in known)):
            yield re.compile("".join(".+" if piece is None else re.escape(piece) for piece in known))


def slips(word: str, other: str) -> int:
    """How many slips of the pen lie between two words: a letter too many, too few, another or two turned round.

    Upper and lower case, points, dashes and underscores do not count.
    """
    a, b = (re.sub(r"[\W_]", "", text.lower()) for text in (word, other))
    before, row = list(range(len(b) + 1)), list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, against in enumerate(b, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against)))
            if i > 1 and j > 1 and (letter, a[i - 2]) == (b[j - 2], against):
                row[j] = min(row[j], earlier[j - 2] + 1)
    return row[-1]


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
