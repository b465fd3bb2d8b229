"""The report as one HTML file, for a browser and for mail: no script, nothing loaded from elsewhere, light and dark."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers import report_words as words
from helpers.report_plots import class_rows, history, task_pictures

if TYPE_CHECKING:
    from jinja2 import Template

    from helpers.records import DataRecord, Evaluation, Report
    from helpers.report_plots import Picture

Fact = tuple[str, str, str]
"""A name, a value and the address that the value links to."""

RECENT_RUNS = 6
MOST_HISTORIES = 4
MOST_METRIC_COLUMNS = 3
MOST_COLUMN_NAMES = 40
MOST_CLASSES_BESIDE = 6
MOST_FACTS = 50


@cache
def page_template(path: Path) -> Template:
    """A page whose every text is cleaned and escaped, whatever it comes from."""
    from jinja2 import Environment, StrictUndefined

    def shown(value: object) -> object:
        # Markup (a macro's result) is finished; plain text goes through the same sieve wherever it comes from.
        return words.clean(value, 200_000, lines=True) if type(value) is str else value

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=shown, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(path.read_text(encoding="utf-8"))


def html(report: Report, evaluation: Evaluation | None) -> str:
    """The report as an HTML document; the plots need the evaluation, everything else does without."""
    found = words.verdict(report)
    decision = report.decision
    compared = words.compared(decision.baseline)
    failed = found.tone == "broken"
    rival = "the last accepted run" if decision.baseline.kind == "last-success" else "the champion"
    names, recent = _recent(report)
    classes = class_rows(evaluation)
    return page_template(Path(__file__).with_name("report_page.html")).render(
        title=words.title(report),
        report=report,
        verdict=found,
        headline=found.headline[:1].upper() + found.headline[1:],
        failure=report.failure if failed else None,
        failure_message=words.clean(report.failure.message, 4000, lines=True) if report.failure else "",
        stamp=_stamp(report),
        metrics_title=f"Metrics beside {rival}\u2019s" if compared else "Metrics",
        compared=compared,
        metrics=words.metric_lines(report),
        baseline_name=words.baseline_name(decision.baseline),
        baseline_note=words.baseline_note(decision.baseline),
        positive_note=words.positive_note(report),
        also_measured=words.also_measured(report, evaluation),
        histories=histories(report),
        recent_names=names,
        recent=recent,
        plots=task_pictures(evaluation),
        split_note=words.split_note(evaluation),
        class_rows=classes,
        class_beside=len(classes) <= MOST_CLASSES_BESIDE,
        class_title=_class_title(evaluation, len(classes)),
        data=[_source(record) for record in report.data],
        code=_code(report),
        parameters=_plain(report.parameters),
        steps=[{"name": step.name, "state": step.state, "time": words.duration(step.seconds)} for step in report.steps],
        environment=_plain(report.environment),
        footer=f"Run {words.clean(report.run.id, 60)}. The same report as data: report.json.",
    )


def _stamp(report: Report) -> str:
    parts = [words.moment(report.run.started), words.duration(report.run.seconds)]
    if report.commit:
        parts.append(f"commit {words.short_commit(report.commit)}")
    if report.actor:
        parts.append(f"by {words.clean(report.actor, 60)}")
    return " \u00b7 ".join(parts)


def histories(report: Report) -> list[Picture]:
    """The course of each metric over the runs of the branch, where there are runs before this one."""
    points = words.timeline(report)
    found = [
        history(
            points,
            result.name,
            higher_is_better=result.rule.higher_is_better,
            threshold=result.rule.threshold,
            present=report.run.id,
        )
        for result in report.decision.metrics[:MOST_HISTORIES]
    ]
    return [picture for picture in found if picture is not None]


def _recent(report: Report) -> tuple[list[str], list[dict[str, Any]]]:
    """The last runs as a table: what a reader without pictures has of the history."""
    earlier = [point for point in report.history if point.run_id != report.run.id]
    if not earlier:
        return [], []
    metrics = [result.name for result in report.decision.metrics] or sorted(earlier[-1].metrics)
    metrics = metrics[:MOST_METRIC_COLUMNS]
    rows = [
        {
            "started": "this run" if point.run_id == report.run.id else words.moment(point.started, "brief"),
            "commit": words.short_commit(point.commit) or words.NOTHING,
            "numbers": [words.number(point.metrics.get(name)) for name in metrics],
            "result": words.point_result(point),
        }
        for point in reversed(words.timeline(report)[-RECENT_RUNS:])
    ]
    return [words.clean(name, 40) for name in metrics], rows


def _class_title(evaluation: Evaluation | None, shown: int) -> str:
    total = len(evaluation.labels) if evaluation else 0
    return f"The {shown} weakest of {total} classes" if total > shown else "Each class, the weakest first"


def _source(record: DataRecord) -> dict[str, Any]:
    names = list(record.columns)
    more = f" and {len(names) - MOST_COLUMN_NAMES:,} more" if len(names) > MOST_COLUMN_NAMES else ""
    shown = ", ".join(words.clean(name, 60) for name in names[:MOST_COLUMN_NAMES]) + more
    facts: list[Fact] = [
        ("Address", words.clean(record.address), words.link(record.address)),
        ("Rows", f"{record.rows:,}", ""),
        ("Columns", words.columns_summary(record.columns), ""),
        ("Names", shown, ""),
        ("Fingerprint", words.clean(record.fingerprint), ""),
    ]
    return {"name": record.name, "facts": facts, "notes": [words.clean(note) for note in record.notes[:MOST_FACTS]]}


def _code(report: Report) -> list[Fact]:
    run, model = report.run, report.model
    return [
        ("Commit", words.clean(report.commit, 80), words.commit_link(report)),
        ("Branch", words.clean(report.branch, 120), ""),
        ("Repository", words.clean(report.repository), words.link(report.repository)),
        ("Started by", f"{words.clean(report.actor, 80)} ({words.trigger(report)})".strip(), ""),
        ("Kubeflow run", words.clean(run.kubeflow_url), words.link(run.kubeflow_url)),
        ("Workflow run", words.clean(run.ci_url), words.link(run.ci_url)),
        ("Model", f"{words.clean(model.name, 120)}, version {words.clean(model.version, 40)}" if model else "", ""),
        ("Engine", words.clean(run.engine, 80), ""),
        ("MLflow store", words.clean(run.tracking), words.link(run.tracking)),
        ("MLflow run", f"{words.clean(run.name, 120)} {words.clean(run.id, 80)}".strip(), words.link(run.mlflow_url)),
        *[(words.clean(name, 60), words.clean(value), words.link(value)) for name, value in report.addresses.items()],
    ]


def _plain(values: dict[str, str]) -> list[Fact]:
    rows: list[Fact] = [(words.clean(name, 80), words.clean(value, 200), "") for name, value in values.items()]
    more = len(rows) - MOST_FACTS
    return [*rows[:MOST_FACTS], ("\u2026", f"{more:,} more in report.json", "")] if more > 0 else rows
