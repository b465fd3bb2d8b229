"""A training in words: the same lines in the hook, in ``mlopsgen run`` and in ``mlopsgen status``."""

from __future__ import annotations

from .layout import Layout
from .records import FAILED, KILLED, QUEUED, REJECTED, RUNNING, SUCCEEDED, Run

_LONGEST = 300
_OF_THE_MACHINE = frozenset({"bug", "checkout", "environment", "environment-file"})
"""Errors that another commit seldom mends; where one would, their hint says it."""
_OUTCOMES = {
    "first": "accepted, the first champion",
    "improved": "accepted, better than the champion",
    "unchanged": "accepted, as good as the champion",
    "regressed": "accepted, worse than the champion but within the tolerance",
    "rejected": "the gate refused the model",
    "failed": "failed",
}


def short(commit: str) -> str:
    """A commit as people quote it."""
    return commit[:7]


def verdict(run: Run) -> str:
    """How a training stands or ended, in a few words."""
    if run.state == QUEUED:
        return "waits in the queue"
    if run.state == RUNNING and run.acting:
        return "is decided; its actions are at work"
    if run.state == RUNNING:
        return f"is training ({run.stage or 'starting'})"
    if run.state == REJECTED:
        return _OUTCOMES["rejected"]
    if run.state == SUCCEEDED:
        return _OUTCOMES.get(run.outcome, "trained")
    return {FAILED: f"failed in '{run.stage}'", KILLED: "was killed"}.get(run.state, run.state)


def metrics(run: Run) -> str:
    """The metrics in one line, each with what it was compared with."""
    return "  ".join(
        f"{name} {_number(value)}" + (f" (was {_number(run.baseline[name])})" if name in run.baseline else "")
        for name, value in run.metrics.items()
    )


def first_line(text: str) -> str:
    """What fits into a terminal of a message that may be a whole traceback."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def actions(run: Run) -> str:
    """What came of the actions that follow a training, in one line; empty when there was nothing to do or to tell."""
    summary = first_line(str(run.actions.get("summary") or ""))
    if not run.actions or not run.actions.get("exit_code"):
        return summary
    return f"actions failed: {summary}" if summary else "actions failed; the log shows why"


def ending(layout: Layout, run: Run) -> list[str]:
    """The last lines of a training that is over."""
    lines = [f"{run.branch} {short(run.commit)} (#{run.number}): {verdict(run)}"]
    if run.promoted and run.outcome != "first":
        lines[0] += "; it is the champion now"
    if run.metrics:
        lines.append(f"  {metrics(run)}")
    if run.passed is False and run.outcome != "failed":  # then the error says it
        lines += [f"  {reason}" for reason in run.reasons]
    if run.error.get("message"):
        where = f"{run.error['where']}: " if run.error.get("where") else ""
        lines.append(f"  {where}{first_line(run.error['message'])}")
    if run.error.get("hint"):
        lines.append(f"  next: {first_line(run.error['hint'])}")
    if actions(run):
        lines.append(f"  {actions(run)}")
    report = run.report.get("html") or run.report.get("md")
    if report:
        lines.append(f"  report: {report}")
    lines.append(f"  log: {layout.run(run.branch, run.number) / 'log.txt'}")
    again = f"'mlopsgen run --branch {run.branch}' trains this commit again"
    if needs_a_commit(run):
        lines.append(f"  {'then' if run.error.get('hint') else 'next'}: mend it, commit, git push; {again}")
    elif run.state in {FAILED, KILLED} and not run.error.get("hint"):
        lines.append(f"  next: {again}")
    return lines


def needs_a_commit(run: Run) -> bool:
    """Whether a training failed for what most likely has to be mended in the repository."""
    return run.state == FAILED and run.error.get("code") not in _OF_THE_MACHINE
