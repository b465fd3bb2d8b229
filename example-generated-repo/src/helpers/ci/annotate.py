"""``annotate``: the job's summary, links first, and an annotation for each thing that went wrong.

It reads what the verbs left: the report, and what each printed with ``--result``. Both may be missing.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers import report_words as words
from helpers.ci.artifacts import BrokenArtifact
from helpers.ci.job import Job
from helpers.ci.reports import read_document
from helpers.ci.targets import as_report
from helpers.records import Report
from helpers.report_links import links
from helpers.report_markdown import code, link, markdown, plain, table

MOST_ERRORS = 10
LARGEST = 10_000_000
TRAINING = ("run", "submit")


def annotate(job: Job, options: argparse.Namespace) -> None:
    """Writes the summary; what is missing is said and fails nothing."""
    report = _report(job.root / options.report) if options.report else None
    outcomes = [found for path in options.outcome if (found := _outcome(job.root / path))]
    lines = _links(report, outcomes)
    for outcome in outcomes:
        lines += _shown(outcome)
    if report is not None:
        lines += ["", markdown(report)]
    else:
        lines += ["", _without_report(outcomes)]
    job.summarize("\n".join(lines))
    _mark(job, report, outcomes)


def _without_report(outcomes: Sequence[dict[str, Any]]) -> str:
    training = next((outcome for outcome in outcomes if outcome.get("command") in TRAINING), None)
    if training is None:
        return "There is no report: the job ended before the training."
    if training.get("ok") is True:
        return "The training goes on without this job; its report follows."
    return "There is no report of this training."


def _report(path: Path) -> Report | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        document = read_document(path, str(found.get("branch")))
    except (OSError, ValueError, AttributeError, RecursionError, BrokenArtifact):
        return None
    return as_report(document) if document else None


def _outcome(path: Path) -> dict[str, Any]:
    """What a verb left; empty when it left nothing that can be read."""
    try:
        if path.stat().st_size > LARGEST:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _links(report: Report | None, outcomes: Sequence[dict[str, Any]]) -> list[str]:
    """Where the training can be looked at: the report knows, and a verb that left none still names its run."""
    found = links(report) if report is not None else {}
    for outcome in outcomes:
        kubeflow = (outcome.get("data") or {}).get("kubeflow")
        address = words.link(str(kubeflow.get("link") or "")) if isinstance(kubeflow, dict) else ""
        if address:
            found = {"Kubeflow run": address, **found}
    return [link_line(found), ""] if found else []


def link_line(found: Mapping[str, str]) -> str:
    """Links in a line of Markdown."""
    return " \u00b7 ".join(link(name, address) for name, address in found.items())


def _shown(outcome: dict[str, Any]) -> list[str]:
    """A verb in a line; below it what was looked at and does not work."""
    sign = "\u2713" if outcome.get("ok") is True else "\u2715"
    lines = [f"{sign} **{plain(outcome.get('command', ''), 40)}**: {plain(outcome.get('summary', ''), 600)}", ""]
    failed = _failed(outcome)
    if failed:
        rows = [
            [
                code(one.get("name"), 80),
                plain(one.get("message"), 600),
                plain(one.get("hint"), 400),
                code(one.get("where"), 200) if one.get("where") else "",
            ]
            for one in failed
        ]
        lines += table(["Looked at", "What is wrong", "Next step", "Where"], rows)
    elif outcome.get("ok") is not True:
        where = str((outcome.get("error") or {}).get("where") or "")
        if where and where not in str(outcome.get("summary")):
            lines.append(f"- {code(where, 200)}")
        lines += [f"- {plain(step, 600)}" for step in outcome.get("next_steps") or ()] + [""]
    return lines


def _failed(outcome: dict[str, Any]) -> list[dict[str, Any]]:
    data = outcome.get("data")
    found = data.get("checks") if isinstance(data, dict) else None
    return [one for one in found or () if isinstance(one, dict) and one.get("ok") is False]


def _mark(job: Job, report: Report | None, outcomes: Sequence[dict[str, Any]]) -> None:
    """An error for each thing that went wrong; the report speaks for the training."""
    told = 0
    for outcome in outcomes:
        if outcome.get("ok") is True or (report is not None and outcome.get("command") in TRAINING):
            continue
        for one in _failed(outcome) or [outcome.get("error") or {}]:
            if told < MOST_ERRORS and one.get("message"):
                told += 1
                _error(job, one, str(one.get("name") or outcome.get("command") or ""))
    if report is not None:
        found = words.verdict(report)
        text = " ".join([found.headline, *found.reasons, report.failure.message if report.failure else ""])
        hint = report.failure.hint if report.failure else ""
        if found.tone == "broken":
            job.annotate("error", f"{text} {hint}".strip(), title=words.title(report))
        elif found.tone == "bad":
            job.annotate("error", text.strip(), title=words.title(report))


def _error(job: Job, one: dict[str, Any], title: str) -> None:
    where = str(one.get("where") or "")
    text = " ".join(str(part) for part in (one.get("message"), one.get("hint")) if part)
    place = f"{where}: " if where and not re.search(re.escape(where), text) else ""
    job.annotate("error", f"{place}{text}", title=title)
