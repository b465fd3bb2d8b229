"""``follow-up``: acts on a ``repository_dispatch``; what it carries was written by somebody else.

``training-finished`` shows and keeps the report of a training that no job waited for, and says on its commit how it
went. ``train`` starts a branch's workflow for another system.
"""

from __future__ import annotations

import argparse
import re
import shlex
from typing import Any

from helpers import callback
from helpers.ci.annotate import link_line
from helpers.ci.job import BRANCHES, Job
from helpers.ci.status import set_status
from helpers.ci.watch import start_training
from helpers.errors import RepositoryError
from helpers.github_api import ApiError
from helpers.report import write_report
from helpers.report_links import links
from helpers.report_markdown import markdown
from helpers.report_words import clean

TRAIN = "train"
LONGEST_REASON = 200
LONGEST_PARAMETERS = 2000
ALLOWED = frozenset({"branch", "reason", "parameters"})
EXAMPLE = "gh api repos/OWNER/REPOSITORY/dispatches -f event_type=train -F 'client_payload[branch]=development'"


def follow_up(job: Job, options: argparse.Namespace) -> None:
    """Does what the event asks for.

    Raises:
        RepositoryError: The event is none that this repository knows, or what it carries is not valid.
    """
    event, given = str(job.event.get("action", "")), job.event.get("client_payload")
    if event == callback.EVENT:
        _finished(job, given, options)
    elif event == TRAIN:
        _train(job, given)
    else:
        raise RepositoryError(
            f"This repository knows no event '{clean(event, 100)}'.",
            where="event_type",
            hint=f"It has to be {callback.EVENT} or {TRAIN}.",
        )


def _finished(job: Job, given: object, options: argparse.Namespace) -> None:
    report = callback.read_payload(given)
    folder = job.root / options.into
    try:
        write_report(report, None, folder)
    except OSError as error:
        raise RepositoryError(f"The report cannot be written: {error.strerror}.", where=str(folder)) from error
    ended_well = report.decision.outcome != "failed"
    job.summarize("\n\n".join(line for line in (link_line(links(report)), markdown(report)) if line))
    state = "success" if ended_well and report.decision.passed else "failure"
    words = clean(" ".join(report.decision.reasons) or report.decision.outcome, 120)
    page = links(report).get("Kubeflow run") or job.run_url
    set_status(job, report.branch, report.commit, state, text=f"{report.decision.outcome}: {words}", url=page)
    if state == "failure":
        job.annotate("warning", f"{report.decision.outcome}: {words}", title=f"Training of {report.branch}")
    job.output(artifact=f"report-{report.branch}", path=options.into, branch=report.branch)


def _train(job: Job, given: object) -> None:
    branch, inputs = wanted_training(given)
    try:
        start_training(job, branch, inputs)
    except ApiError as error:
        raise RepositoryError(
            f"The training of {branch} could not be started. {error.message}", hint=error.hint, where=error.where
        ) from error
    text = f"Started the training of {branch}: {inputs['reason']}"
    job.tell(text)
    job.summarize(clean(text).replace("<", "(").replace("`", "'"))
    job.output(artifact="", path="", branch="")


def wanted_training(given: object) -> tuple[str, dict[str, str]]:
    """The branch and the inputs of the training that an event asks for.

    Raises:
        RepositoryError: The payload is not valid; the message shows a valid one.
    """
    if not isinstance(given, dict) or given.get("branch") not in BRANCHES:
        raise _invalid("'branch' has to be one of " + ", ".join(BRANCHES) + ".", "client_payload.branch")
    unknown = sorted(str(key) for key in set(given) - ALLOWED)
    if unknown:
        raise _invalid(f"There is no key '{clean(unknown[0], 50)}'.", "client_payload")
    reason = given.get("reason", "asked for by another system")
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
        raise _invalid(f"'reason' has to be text of at most {LONGEST_REASON} characters.", "client_payload.reason")
    inputs = {"trigger": "dispatch", "reason": clean(reason, LONGEST_REASON)}
    parameters = _parameters(given.get("parameters", {}))
    return str(given["branch"]), {**inputs, **({"parameters": parameters} if parameters else {})}


def _parameters(given: Any) -> str:
    """The parameters as the workflow's input takes them: ``seed=7 name='two words'``."""
    if not isinstance(given, dict):
        raise _invalid("'parameters' has to hold names and values.", "client_payload.parameters")
    words = []
    for name, value in given.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", str(name)):
            raise _invalid(f"'{clean(name, 50)}' is no name of a parameter.", "client_payload.parameters")
        if not isinstance(value, str | int | float):
            raise _invalid(f"'{name}' has to be text or a number.", "client_payload.parameters")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if not text.isprintable():
            raise _invalid(f"'{name}' has to be on one line.", "client_payload.parameters")
        words.append(shlex.quote(f"{name}={text}"))
    joined = " ".join(words)
    if len(joined) > LONGEST_PARAMETERS:
        raise _invalid("'parameters' is too long.", "client_payload.parameters")
    return joined


def _invalid(message: str, where: str) -> RepositoryError:
    return RepositoryError(message, where=where, hint=f"For example: {EXAMPLE}")
