"""``watch-all`` and ``watch``: has a branch's data changed since its last training? Then its workflow is started, once.

One state of the data starts at most one run: its mark stands in the title of the run that it started, so a training
that failed before it could leave a report is not started again and again. Standard library only, but for the verb.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from helpers.ci.job import BRANCHES, Job
from helpers.ci.reports import LastReport, last_report
from helpers.errors import ExitCode, RepositoryError
from helpers.github_api import ApiError, segment
from helpers.processes import capture

WATCH = "watch.yml"
DONE = "completed"
LONGEST_HOURS = 120.0
"""How long a training on a cluster counts as one that runs, where the configuration sets no limit."""


@dataclass(frozen=True)
class Finding:
    """What the verb ``watch`` found.

    Attributes:
        changed: Names of the sources that differ from what was trained on.
        mark: The state of the data, short.
        why: What differs, in words.
    """

    changed: tuple[str, ...]
    mark: str
    why: str


def watch_all(job: Job, _: argparse.Namespace) -> None:
    """Starts ``watch.yml`` on each branch.

    Raises:
        RepositoryError: It could not be started on one of them.
    """
    failures: list[ApiError] = []
    for branch in BRANCHES:
        try:
            job.github.call("POST", f"actions/workflows/{WATCH}/dispatches", {"ref": branch})
            job.tell(f"{branch}: its watch is started")
        except ApiError as error:
            if error.status == 422 and "No ref found" in error.said:
                job.tell(f"{branch}: there is no such branch yet")
                continue
            failures.append(error)
            job.annotate("error", f"{error.message} {error.hint}".strip(), title=f"Watch of {branch}")
    if failures:
        first = failures[0]
        raise _not_started(f"The watch of {len(failures)} of {len(BRANCHES)} branches could not be started.", first)


def watch(job: Job, options: argparse.Namespace) -> None:
    """Compares the data with the last training's, and starts the branch's workflow when it changed."""
    branch = options.branch
    last, notes = last_report(job, branch)
    for note in notes:
        job.annotate("warning", note, title=f"Watch of {branch}")
    if last is None:
        _end(job, branch, f"there is no report of an earlier training of {branch} to compare with. Train it once.")
        return
    found = _look(job, branch, last)
    if not found.changed:
        _end(job, branch, f"the data is what the last training read ({last.found.url}).")
        return
    running, before = _runs(job, branch, found.mark, last.found.run)
    running = running or _on_the_cluster(job, branch, last.found.run)
    if running:
        _end(job, branch, f"{found.why} A training runs or waits already: {running}", changed=True)
    elif before:
        text = f"{found.why} This state of the data has started a training before: {before}"
        job.annotate("warning", f"{text} It left no report; mend it, and start it by hand.", title=f"Watch of {branch}")
        _end(job, branch, text, changed=True)
    else:
        _start(job, branch, found)


def _start(job: Job, branch: str, found: Finding) -> None:
    reason = f"data changed: {', '.join(found.changed)[:150]} [{found.mark}]"
    try:
        start_training(job, branch, {"trigger": "data", "reason": reason})
    except ApiError as error:
        raise _not_started(f"The training of {branch} could not be started. {error.message}", error) from error
    _end(job, branch, f"{found.why} Its training is started.", changed=True, started=True)


def start_training(job: Job, branch: str, inputs: dict[str, str]) -> None:
    """Starts a branch's workflow on that branch.

    Raises:
        ApiError: GitHub refused.
    """
    job.github.call("POST", f"actions/workflows/{branch}.yml/dispatches", {"ref": branch, "inputs": inputs})


def _end(job: Job, branch: str, text: str, *, changed: bool = False, started: bool = False) -> None:
    job.tell(f"{branch}: {text}")
    job.summarize(f"**Watch of {branch}:** {text}")
    job.output(changed=changed, started=started)


def _look(job: Job, branch: str, last: LastReport) -> Finding:
    """Asks the verb ``watch``.

    Raises:
        RepositoryError: The data cannot be looked at.
    """
    environ = {name: value for name, value in job.environ.items() if name != "GITHUB_TOKEN"}
    with tempfile.TemporaryDirectory(prefix="watch-") as folder:
        report = Path(folder, "report.json")
        report.write_text(json.dumps(last.document), encoding="utf-8")
        command = [sys.executable, "-m", f"pipelines.{branch}.main", "watch", "--report", str(report)]
        answer = capture([*command, "--output", "json"], cwd=job.root, environ=environ)
    outcome = _outcome(answer.text)
    if answer.code not in (ExitCode.OK, ExitCode.PENDING):
        error = outcome.get("error") or {}
        raise RepositoryError(
            str(error.get("message") or "The data cannot be looked at."),
            hint=str(error.get("hint") or ""),
            where=str(error.get("where") or f"watch of {branch}"),
        )
    sources = [one for one in (outcome.get("data") or {}).get("sources") or () if isinstance(one, dict)]
    changed = [one for one in sources if one.get("changed") is True]
    why = " ".join(_sentence(one) for one in changed)
    return Finding(tuple(str(one.get("name", "")) for one in changed), _mark(sources), why)


def _outcome(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _sentence(source: dict[str, Any]) -> str:
    why = " ".join(str(source.get("why") or "has changed").split()).rstrip(".")
    return f"The source '{source.get('name')}': {why}."


def _mark(sources: Sequence[dict[str, Any]]) -> str:
    """The state of the data, in twelve letters and digits."""
    states = sorted(f"{one.get('name')} {_state(one)}" for one in sources)
    return hashlib.sha256("\n".join(states).encode()).hexdigest()[:12]


def _state(source: dict[str, Any]) -> str:
    """The content where it is known, else the cheap sign of it."""
    now = source.get("now")
    return str(now.get("fingerprint") or now.get("revision") or "") if isinstance(now, dict) else ""


def _runs(job: Job, branch: str, mark: str, reported: int) -> tuple[str, str]:
    """A run that is under way, and one that this state of the data has started since the last report: their pages."""
    running = before = ""
    for run in job.github.pages(f"actions/workflows/{branch}.yml/runs", "workflow_runs", most=1, branch=branch):
        if (run.get("head_repository") or {}).get("full_name", "").lower() != job.repository.lower():
            continue
        page = str(run.get("html_url") or run.get("id"))
        if run.get("status") != DONE:
            running = running or page
        elif run.get("event") == "workflow_dispatch" and f"[{mark}]" in str(run.get("display_title")):
            before = before or (page if int(run.get("id") or 0) > reported else "")
    return running, before


def _on_the_cluster(job: Job, branch: str, reported: int) -> str:
    """A training that no job waits for (``wait: callback``): its page, while its commit says that it is pending."""
    from helpers.config import load_config

    config = load_config(job.root, branch)
    if config.engine != "kubeflow" or config.kubeflow.wait != "callback":
        return ""
    since = datetime.now(UTC) - timedelta(hours=config.kubeflow.deadline_hours or LONGEST_HOURS)
    for run in job.github.pages(f"actions/workflows/{branch}.yml/runs", "workflow_runs", most=1, branch=branch):
        if int(run.get("id") or 0) <= reported:
            break
        for status in job.github.pages(f"commits/{segment(str(run.get('head_sha')))}/statuses", most=1):
            if status.get("context") == f"training/{branch}":
                young = datetime.fromisoformat(str(status.get("created_at"))) > since
                if status.get("state") == "pending" and young:
                    return str(status.get("target_url") or run.get("html_url"))
                break
    return ""


def _not_started(message: str, error: ApiError) -> RepositoryError:
    made = RepositoryError(message, hint=error.hint, where=error.where)
    made.exit_code = error.exit_code
    return made
