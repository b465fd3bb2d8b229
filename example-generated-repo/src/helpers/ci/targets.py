"""The two sides of a promotion: a branch's training, and the champion and gate of the branch that it would go to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from helpers.ci.artifacts import BrokenArtifact
from helpers.ci.comparison import Champion, champion_of, promotion_verdict, same_data
from helpers.ci.job import Job
from helpers.ci.reports import Search, read_document
from helpers.config import load_config
from helpers.errors import ConfigurationError
from helpers.github_api import ApiError
from helpers.records import Decision, Report


@dataclass
class Target:
    """The branch that a model would go to.

    Attributes:
        champion: Its champion; None when nothing is known of it.
        report: The report that tells of it.
        notes: What has to be said of how it was found.
    """

    branch: str
    champion: Champion | None = None
    report: Report | None = None
    notes: list[str] = field(default_factory=list)


def find_target(job: Job, branch: str) -> Target:
    """What is known of a branch's champion, from its reports, the newest first."""
    target, search = Target(branch), Search(job, branch)
    try:
        for last in search:
            report = as_report(last.document)
            champion = champion_of(report) if report else None
            if champion is not None:
                target.champion, target.report = champion, report
                break
    except ApiError as error:
        target.notes.append(f"The reports of {branch} cannot be asked for: {error.message} {error.hint}".strip())
        return target
    target.notes += search.notes
    if target.champion is None:
        note = f"There is no report of a training of {branch} yet, so the thresholds alone decide."
        target.champion = Champion({}, note=note, known=False)
    return target


def verdict(job: Job, report: Report, target: Target) -> Decision | None:
    """What the target's gate says; None when it cannot say, and then a note says why."""
    if target.champion is None:
        return None
    try:
        rules = load_config(job.root, target.branch).gate.metrics
        if not rules:
            target.notes.append(f"The gate of {target.branch} has no metric, so it has no opinion.")
            return None
        decision = promotion_verdict(report, _comparable(report, target, target.champion), rules)
    except ConfigurationError as error:
        target.notes.append(f"The gate of {target.branch} cannot be asked: {error}")
        return None
    if target.report is not None and not same_data(report, target.report):
        target.notes.append("The two were trained on different data, so their numbers say less about each other.")
    return decision


def _comparable(report: Report, target: Target, champion: Champion) -> Champion:
    """The champion; without its numbers where they are those of another positive class."""
    theirs = target.report.positive if target.report is not None else ""
    if not report.positive or not theirs or report.positive == theirs:
        return champion
    target.notes.append(
        f"The positive class here is '{report.positive}', and that of {target.branch} '{theirs}': their numbers do not "
        "compare, so the thresholds alone decide. The training after the merge scores both alike."
    )
    return replace(champion, metrics={})


def read_report(path: Path, branch: str) -> Report | None:
    """The report in a file of this job; None when there is none that can be read.

    Args:
        path: ``report.json``.
        branch: Whose training it has to be.
    """
    try:
        document = read_document(path, branch)
    except BrokenArtifact:
        return None
    return as_report(document) if document else None


def as_report(document: dict[str, Any]) -> Report | None:
    """A report, also of a newer version of the helpers; None when it is none."""
    try:
        return Report.model_validate(document, extra="ignore")
    except ValidationError:
        return None
