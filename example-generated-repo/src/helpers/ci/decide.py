"""``decide``: does this event train? Standard library only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from helpers.ci.artifacts import BrokenArtifact
from helpers.ci.changes import UnknownCommit, changed_since, matters
from helpers.ci.job import Job
from helpers.ci.reports import LastReport, last_report
from helpers.errors import ConfigurationError
from helpers.github_api import ApiError

SHOWN_FILES = 5
LONGEST_REASON = 200


@dataclass(frozen=True)
class Verdict:
    """Whether an event trains, why, and what the training says started it."""

    train: bool
    reason: str
    trigger: Literal["push", "dispatch", "data"] = "push"


def decide(job: Job, options: argparse.Namespace) -> None:
    """Decides, says why, and sets the outputs ``train``, ``reason`` and ``trigger``."""
    verdict = verdict_of(job, options.branch)
    word = "Trains" if verdict.train else "Does not train"
    job.tell(f"{word}: {verdict.reason}")
    job.output(train=verdict.train, trigger=verdict.trigger, reason=verdict.reason)
    if not verdict.train:
        hint = f"To train all the same: Actions, {options.branch}, Run workflow."
        job.summarize(f"**No training of {options.branch}:** {_plain(verdict.reason)}\n\n{hint}")


def verdict_of(job: Job, branch: str) -> Verdict:
    """The verdict on the event of this job.

    Raises:
        ConfigurationError: The event is none that a branch's workflow knows.
    """
    name = job.need("GITHUB_EVENT_NAME")
    if name == "workflow_dispatch":
        ref = job.need("GITHUB_REF_NAME")
        if ref != branch or job.environ.get("GITHUB_REF_TYPE") == "tag":
            reason = f"it was started on {_plain(ref)}, and this workflow trains {branch}"
            return Verdict(train=False, reason=reason, trigger="dispatch")
        inputs = job.event.get("inputs") or {}
        by_watch = inputs.get("trigger") == "data"
        given = _plain(str(inputs.get("reason") or "")) or "started by hand"
        return Verdict(train=True, reason=given[:LONGEST_REASON], trigger="data" if by_watch else "dispatch")
    if name != "push":
        raise ConfigurationError(
            f"A '{name}' does not train.", where="GITHUB_EVENT_NAME", hint="It has to be push or workflow_dispatch."
        )
    if job.event.get("deleted") is True:
        return Verdict(train=False, reason="the branch was deleted")
    if job.event.get("created") is True:
        if branch == "development":
            return Verdict(train=True, reason="the first push of the branch")
        return Verdict(
            train=False, reason=f"this push creates {branch}, whose first model comes with the first promotion"
        )
    return _since_the_last(job, branch)


def _since_the_last(job: Job, branch: str) -> Verdict:
    try:
        last, notes = last_report(job, branch)
        if last is None:
            why = " ".join([f"there is no report of an earlier training of {branch}", *_in_brackets(notes)])
            return Verdict(train=True, reason=why)
        return _compared(job, branch, last)
    except (ApiError, BrokenArtifact) as error:
        return Verdict(train=True, reason=f"what was trained last is not known ({error.message})")


def _compared(job: Job, branch: str, last: LastReport) -> Verdict:
    if not last.commit:
        return Verdict(train=True, reason="the last report does not say which commit was trained")
    short, now = last.commit[:10], job.need("GITHUB_SHA")
    if last.commit == now and job.environ.get("GITHUB_RUN_ATTEMPT", "1") != "1":
        return Verdict(train=True, reason=f"somebody asked to run the training of {short} again")
    try:
        change = changed_since(job, last.commit, now)
    except UnknownCommit as error:
        return Verdict(train=True, reason=f"the last training was of {short}, and {error}")
    if not change.files:
        return Verdict(train=False, reason=f"nothing has changed since the last training ({short})")
    found = matters(change.files, branch)
    if found:
        return Verdict(train=True, reason=f"since the last training ({short}) these changed: {_listed(found)}")
    if not change.complete:
        return Verdict(
            train=True, reason=f"so much has changed since the last training ({short}) that not all is known"
        )
    return Verdict(
        train=False,
        reason=f"since the last training ({short}) only what no model is made of changed: {_listed(change.files)}",
    )


def _listed(files: Sequence[str]) -> str:
    more = len(files) - SHOWN_FILES
    text = ", ".join(_plain(name) for name in files[:SHOWN_FILES])
    return f"{text} and {more:,} more" if more > 0 else text


def _in_brackets(notes: Sequence[str]) -> list[str]:
    return [f"({_plain(' '.join(notes))})"] if notes else []


def _plain(text: str) -> str:
    """One line of plain text: what others wrote cannot break a log, a summary or an output."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(shown.replace("`", "'").replace("<", "(").replace(">", ")").replace("@", "@\u2060").split())
