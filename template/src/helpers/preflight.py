"""``check``: looks at everything that a run needs before one is started; what fails says why, and what to do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from helpers.branch import Branch
from helpers.code_pipelines import parameters_of
from helpers.documents import did_you_mean
from helpers.envelope import VerbResult
from helpers.errors import ExitCode, RepositoryError
from helpers.verbs import Request, tools

SOURCE = "source"
"""The parameter that names a pipeline's data source."""


@dataclass
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool = True
    message: str = ""
    hint: str = ""
    where: str = ""
    exit_code: int = 0
    notes: list[str] = field(default_factory=list)

    def failed(self, error: RepositoryError) -> None:
        """Notes that it does not work, and why."""
        self.ok = False
        self.message, self.hint, self.where = error.message, error.hint, error.where
        self.exit_code = int(error.exit_code)


def check(request: Request) -> VerbResult:
    """Looks at the configuration, the pipelines, the data, the champion and the store."""
    findings: list[Finding] = []
    branch: Branch | None = None
    with _looking(findings, "configuration") as finding:
        branch = request.load()
        if not request.pipelines:
            branch.check_parameters()
        finding.message = f"engine {branch.config.engine}"
    if branch is not None:
        for name, source in _pipelines(request, branch, findings).items():
            _deep(request, branch, name, source, findings)
        if branch.config.engine == "kubeflow":
            note = "Kubeflow is not looked at by this version; train here with: run --engine local"
            findings.append(Finding("engine", message=note))
    return _result(request, findings)


def _pipelines(request: Request, branch: Branch, findings: list[Finding]) -> dict[str, str]:
    """The pipelines that can be built, with the name of their data source."""
    found: dict[str, str] = {}
    names = [pipeline.name for pipeline in request.pipelines] or list(branch.text.pipelines)
    wanted = [request.choose(branch)] if request.pipeline or not names else names
    for name in wanted:
        with _looking(findings, f"pipeline {name}") as finding:
            code = request.code(name)
            if code is None:
                plan = branch.plan(name)
                parameters = {parameter.name: parameter.default for parameter in plan.parameters}
                finding.message = f"{len(plan.steps)} steps"
            else:
                parameters = {parameter.name: parameter.default for parameter in parameters_of(code)}
                parameters |= {key: value for key, value in branch.config.parameters.items() if key in parameters}
                finding.message = "in code"
            found[name] = str(parameters.get(SOURCE) or "")
    return found


def _deep(request: Request, branch: Branch, pipeline: str, source: str, findings: list[Finding]) -> None:
    """What needs pandas and MLflow; a worker looks at it."""
    with tools(request, branch) as workers:
        context = request.context(branch, pipeline).to_json()
        for found in workers.call("helpers.preflight:look", root=str(request.root), source=source, context=context):
            finding = Finding(**found)
            if finding not in findings:  # the store is the same for all pipelines
                findings.append(finding)


def look(*, root: str, source: str, context: str) -> list[dict[str, Any]]:
    """Looks at the data, the store and the champion of one pipeline; called in a worker."""
    from helpers import store, tracking
    from helpers.context import RunContext
    from helpers.run_record import ask_briefly

    ask_briefly()
    findings: list[Finding] = []
    if source:
        with _looking(findings, f"data '{source}'") as finding:
            finding.message, finding.notes = _look_at_data(Path(root), source)
        with _looking(findings, f"gate of {RunContext.from_json(context).pipeline}") as finding:
            finding.message, finding.notes = _look_at_gate(Path(root), source, RunContext.from_json(context).branch)
    with _looking(findings, "store") as finding:
        tracking.ensure_store(os.environ["MLFLOW_TRACKING_URI"])
        finding.message = store.shown_uri(os.environ["MLFLOW_TRACKING_URI"])
    if findings[-1].ok:
        run = RunContext.from_json(context)
        with _looking(findings, f"champion of {run.pipeline}") as finding:
            champion = tracking.champion(run)
            if champion is None:
                finding.message = "none yet: the first accepted model becomes it"
            else:
                finding.message = _look_at_champion(champion)
    return [asdict(finding) for finding in findings]


def _look_at_data(root: Path, name: str) -> tuple[str, list[str]]:
    from helpers import sources, table

    source = sources.load_source(root, name)
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        fetched = sources.fetch(source, root=root, to=Path(folder, "data"))
        prepared = table.prepare(
            fetched.path, source, name=name, address=fetched.address, fingerprint=fetched.fingerprint
        )
    features = "1 feature" if len(prepared.kinds) == 1 else f"{len(prepared.kinds)} features"
    found = f"{prepared.record.rows} rows, {features}, target '{prepared.target}' ({prepared.task})"
    return found, list(prepared.record.notes)


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


def _look_at_champion(champion: Any) -> str:
    """A champion that does not load is no reason not to train: its recorded metrics count."""
    from helpers import tracking

    try:
        tracking.load_candidate(champion)
    except RepositoryError:
        return f"version {champion.version} does not load any more; its recorded metrics count"
    return f"version {champion.version} loads"


@contextmanager
def _looking(findings: list[Finding], name: str) -> Iterator[Finding]:
    finding = Finding(name)
    findings.append(finding)
    try:
        yield finding
    except RepositoryError as error:
        finding.failed(error)


def _result(request: Request, findings: Sequence[Finding]) -> VerbResult:
    bad = [finding for finding in findings if not finding.ok]
    shown = [{key: value for key, value in asdict(finding).items() if key != "exit_code"} for finding in findings]
    data: Mapping[str, Any] = {"checks": shown}
    if not bad:
        return VerbResult(summary=f"{request.branch} is ready to train.", data=dict(data), lines=_table(findings))
    first = bad[0]
    error = RepositoryError(first.message, hint=first.hint, where=first.where)
    return VerbResult(
        summary=f"{request.branch} is not ready: {len(bad)} of {len(findings)} checks failed.",
        data=dict(data),
        lines=_table(findings),
        exit_code=ExitCode.USAGE if any(finding.exit_code == 2 for finding in bad) else ExitCode.FAILURE,
        error=error,
    )


def _table(findings: Sequence[Finding]) -> tuple[str, ...]:
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        where = f"{finding.where}: " if finding.where else ""
        lines.append(f"  {'ok  ' if finding.ok else 'FAIL'}  {finding.name:<{width}}  {where}{finding.message}")
        lines.extend(f"        {'':<{width}}  {note}" for note in finding.notes)
        if finding.hint:
            lines.append(f"        {'':<{width}}  -> {finding.hint}")
    return tuple(lines)
