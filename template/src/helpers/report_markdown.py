"""The report as Markdown: for the summary of a workflow run, a comment on a pull request, and a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from helpers import report_words as words
from helpers.report_plots import class_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from helpers.records import Evaluation, HistoryPoint, Report

RECENT_RUNS = 8
MOST_ROWS = 40
_BLOCKS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")


def plain(text: object, limit: int = 400) -> str:
    """Text without meaning in Markdown: on one line, nothing marked up, no person notified by an ``@``."""
    return _SPECIAL.sub(r"\\\1", words.clean(text, limit)).replace("@", "@\u2060").replace("://", ":\u2060//")


def code(text: object, limit: int = 400) -> str:
    """Text in a code span; nothing in it is marked up."""
    one_line = words.clean(text, limit)
    return f"`{one_line.replace('`', chr(39)).replace('|', chr(92) + '|')}`" if one_line else words.NOTHING


def link(text: str, address: str) -> str:
    """A link where the address can be linked to."""
    return f"[{text}]({address.replace(')', '%29')})" if address else text


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """A table whose columns are also aligned for a reader of the plain text."""
    lines = [list(heads), *[list(row) for row in rows]]
    widths = [max(3, *(len(line[index]) for line in lines)) for index in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [("-" * (width - 1) + ":") if index in right else "-" * width for index, width in enumerate(widths)]
    return [line(lines[0]), line(rule), *[line(cells) for cells in lines[1:]], ""]


def markdown(report: Report, evaluation: Evaluation | None = None) -> str:
    """The report as Markdown, in the order of the page."""
    blocks = [
        _verdict(report),
        _metrics(report),
        _also_measured(report, evaluation),
        _steps(report) if report.failure else [],
        _history(report),
        _classes(evaluation),
        _data(report),
        _code(report),
        _pairs("Parameters", report.parameters),
        [] if report.failure else _steps(report),
        _pairs("Environment", report.environment),
    ]
    return "\n".join(line for block in blocks for line in block).rstrip() + "\n"


def _verdict(report: Report) -> list[str]:
    found = words.verdict(report)
    lines = [f"# {found.sign} {found.word}: {plain(found.headline)}", ""]
    lines += [f"{plain(report.project)} \u00b7 {plain(report.pipeline)} \u00b7 **{plain(report.branch)}**", ""]
    if found.reasons:
        lines += [*[f"- {plain(reason)}" for reason in found.reasons], ""]
    lines += [f"**{plain(found.champion)}**", ""]
    if found.tone == "broken" and report.failure:
        hint = report.failure.hint or "Read the log of the step, mend the cause, and push or run again."
        lines += [f"**Next step:** {plain(hint)}", ""]
        # Indented, because a fence could be closed by the message itself.
        lines += [f"    {line}" for line in words.clean(report.failure.message, 4000, lines=True).splitlines()] + [""]
    return lines


def _metrics(report: Report) -> list[str]:
    rows = words.metric_lines(report)
    if not rows:
        return []
    baseline = report.decision.baseline
    found = metric_table(rows, "This run", words.baseline_name(baseline), compared=words.compared(baseline))
    notes = (words.baseline_note(baseline), words.positive_note(report))
    return ["## Metrics", "", *found, plain(" ".join(note for note in notes if note), 800), ""]


def metric_table(rows: Iterable[words.MetricLine], this: str, other: str, *, compared: bool) -> list[str]:
    """Each metric with what the gate asks of it; beside what it was compared with, if it was.

    Args:
        rows: The metrics in words.
        this: What the numbers are of.
        other: What the numbers beside them are of.
        compared: Whether there are any beside them.
    """
    heads = ["Metric", this, *([other, "Change"] if compared else []), "Required", "Gate"]
    cells = [
        [
            f"{plain(row.name, 80)} ({row.direction})",
            f"**{row.value}**",
            *([row.baseline, row.change] if compared else []),
            ", ".join(row.required),
            f"{chr(0x2713) if row.passed else chr(0x2715)} {row.result}",
        ]
        for row in rows
    ]
    return table(heads, cells, right=(1, 2) if compared else (1,))


def _also_measured(report: Report, evaluation: Evaluation | None) -> list[str]:
    sentence = words.also_measured(report, evaluation)
    return [plain(sentence, 1600), ""] if sentence else []


def sparkline(values: Sequence[float]) -> str:
    """The course of a few values, one block each."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1))] for value in values)


def _history(report: Report) -> list[str]:
    points: list[HistoryPoint] = words.timeline(report)
    if not [point for point in points if point.run_id != report.run.id]:
        return []
    names = [result.name for result in report.decision.metrics] or sorted(points[-1].metrics)
    names = names[:4]
    lines = ["## Earlier runs", ""]
    for name in names:
        values = [value for point in points[-30:] if words.finite(value := point.metrics.get(name))]
        if len(values) > 1:
            numbers = [value for value in values if value is not None]
            course = f"{words.number(numbers[0])} \u2192 {words.number(numbers[-1])}"
            lines.append(f"- {plain(name, 80)} {sparkline(numbers)} {course}")
    rows = [
        [
            "this run" if point.run_id == report.run.id else plain(words.moment(point.started)),
            code(words.short_commit(point.commit)),
            *[words.number(point.metrics.get(name)) for name in names],
            plain(words.point_result(point), 120),
        ]
        for point in reversed(points[-RECENT_RUNS:])
    ]
    heads = ["Started", "Commit", *[plain(name, 40) for name in names], "Result"]
    return [*lines, "", *table(heads, rows, right=range(2, 2 + len(names)))]


def _classes(evaluation: Evaluation | None) -> list[str]:
    rows = class_rows(evaluation)
    if not rows:
        return []
    cells = [[plain(label, 60), precision, recall, f"{count:,}"] for label, precision, recall, count in rows]
    heads = ["Class", "Precision", "Recall", "Rows"]
    return ["## Classes, the weakest first", "", *table(heads, cells, right=(1, 2, 3))]


def _data(report: Report) -> list[str]:
    lines = ["## Data", ""] if report.data else []
    for record in report.data:
        lines += [f"- **{plain(record.name, 80)}**: {code(record.address)}"]
        lines += [f"  {words.counted(record.rows, 'row')}, {plain(words.columns_summary(record.columns))}"]
        lines += [f"  {code(record.fingerprint)}", *[f"  - {plain(note)}" for note in record.notes[:MOST_ROWS]]]
    return [*lines, ""] if lines else []


def _code(report: Report) -> list[str]:
    run = report.run
    lines = [
        ("Commit", link(code(report.commit), words.commit_link(report)) if report.commit else ""),
        ("Started by", f"{plain(report.actor, 80)} ({plain(words.trigger(report))})" if report.actor else ""),
        ("Started", f"{plain(words.moment(run.started))}, took {words.duration(run.seconds)}"),
        ("Kubeflow run", words.link(run.kubeflow_url)),
        ("Workflow run", words.link(run.ci_url)),
        ("Model", f"{code(report.model.name)}, version {plain(report.model.version)}" if report.model else ""),
        ("MLflow run", link(code(run.id), words.link(run.mlflow_url))),
        *[(plain(name, 60), code(value)) for name, value in report.addresses.items()],
    ]
    return ["## Code and run", "", *[f"- {name}: {value}" for name, value in lines if value], ""]


def _steps(report: Report) -> list[str]:
    rows = [[plain(step.name, 80), step.state, words.duration(step.seconds)] for step in report.steps]
    return ["## Steps", "", *table(["Step", "State", "Time"], rows, right=(2,))] if rows else []


def _pairs(title: str, values: dict[str, str]) -> list[str]:
    if not values:
        return []
    rows = [[plain(name, 80), code(value, 200)] for name, value in list(values.items())[:MOST_ROWS]]
    more = len(values) - len(rows)
    rest = [f"and {more:,} more in report.json", ""] if more else []
    return [f"## {title}", "", *table(["Name", "Value"], rows), *rest]
