"""The report of a training: three files that say the same, for people, for a job summary and for programs.

Beside them, the plots as pictures of their own (``plots/``), for what cannot show a page, such as a mail.
"""

from __future__ import annotations

import base64
import os
import re
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING
from uuid import uuid4

from helpers import report_words as words
from helpers.report_html import histories, html
from helpers.report_markdown import markdown
from helpers.report_plots import task_pictures

if TYPE_CHECKING:
    from pathlib import Path

    from helpers.records import Evaluation, Report
    from helpers.report_plots import Picture

__all__ = ["html", "markdown", "terminal_lines", "write_report"]

PLOTS = "plots"
"""The folder with the plots, in the order of the page."""

_WIDEST_NAME = 24
_MOST_METRICS = 5


def write_report(report: Report, evaluation: Evaluation | None, folder: Path) -> dict[str, Path]:
    """Write ``report.html``, ``report.md`` and ``report.json`` into a folder and return where they are.

    Each file appears whole or not at all, so that a reader never sees half of one; an older report stays until then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "html": html(report, evaluation),
        "md": markdown(report, evaluation),
        "json": report.model_dump_json(indent=2) + "\n",
    }
    written = {}
    for kind, text in texts.items():
        path = folder / f"report.{kind}"
        part = folder / f".{path.name}.{uuid4().hex}"
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
            os.replace(part, path)  # noqa: PTH105 - the pair of write and replace is the point here
        finally:
            part.unlink(missing_ok=True)
        written[kind] = path
    _write_plots(report, evaluation, folder / PLOTS)
    return written


def _write_plots(report: Report, evaluation: Evaluation | None, folder: Path) -> None:
    """Writes each plot as SVG with its words; those of an earlier report go."""
    for old in folder.glob("[0-9]*-*.svg"):
        old.unlink()
    courses = [
        replace(course, title=f"{course.title} over the runs (\u25c6 champion, \u25cb refused)")
        for course in histories(report)
    ]
    found = [*courses, *task_pictures(evaluation)]
    if found:
        folder.mkdir(exist_ok=True)
    for number, picture in enumerate(found, 1):
        name = re.sub(r"[^a-z0-9]+", "-", picture.title.lower()).strip("-")[:40]
        (folder / f"{number}-{name}.svg").write_text(_svg(picture), encoding="utf-8", newline="\n")


def _svg(picture: Picture) -> str:
    """The picture for a light page as a file, with its title and its description in it."""
    drawn = base64.b64decode(picture.light.partition(",")[2]).decode()
    head, end, rest = drawn.partition(">")
    title, note = (escape(words.clean(text, 400)) for text in (picture.title, picture.alt))
    return f"{head}{end}<title>{title}</title><desc>{note}</desc>{rest}\n"


def terminal_lines(report: Report, path: Path | str = "") -> list[str]:
    """The few lines that end a run on a terminal: the verdict, the metrics beside the baseline's, the report's path."""
    found = words.verdict(report)
    lines = [f"{found.sign} {found.word}: {found.headline}"]
    if report.failure and found.tone == "broken":
        lines.append(f"  {words.clean(report.failure.message, 300)}")
        lines += [f"  next: {words.clean(report.failure.hint, 300)}"] if report.failure.hint else []
    rows = words.metric_lines(report)
    baseline = report.decision.baseline
    beside = ("champion" if baseline.kind == "champion" else "last accepted") if words.compared(baseline) else ""
    widest = min(_WIDEST_NAME, max((len(row.name) for row in rows), default=0))
    for row in rows[:_MOST_METRICS]:
        compared = f"  {beside} {row.baseline}  {row.change}" if beside else ""
        lines.append(f"  {row.name[:_WIDEST_NAME]:<{widest}}  {row.value}{compared}  {row.result}")
        if not row.passed and row.reason:
            lines.append(f"  {'':<{widest}}  {words.clean(row.reason, 160)}")
    if len(rows) > _MOST_METRICS:
        lines.append(f"  and {len(rows) - _MOST_METRICS} more metrics in the report")
    lines += [f"  {sentence}" for sentence in found.champion.replace(". ", ".\n").splitlines()]
    if path:
        lines.append(f"  report: {path}")
    return lines
