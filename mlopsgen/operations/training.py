"""What the commands have in common that wait for a training: following it, its data, its exit code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mlopsgen.errors import ExitCode, Interrupted
from mlopsgen.events import LogLine, Waiting
from mlopsgen.forge.trainings import Trainings
from mlopsgen.forge.worker.layout import Layout
from mlopsgen.forge.worker.records import REJECTED, SUCCEEDED, Run
from mlopsgen.forge.worker.verdict import actions, first_line, metrics, needs_a_commit, verdict
from mlopsgen.ports import EventSink


def follow_training(trainings: Trainings, run: Run, events: EventSink) -> Run:
    """Hand a training's lines to ``events`` until it is over.

    Raises:
        Interrupted: The person left; the training goes on.
    """
    events(Waiting(message=f"{run.branch} #{run.number}"))
    try:
        return trainings.follow(run.branch, run.number, lambda line: events(LogLine(message=line)))
    except KeyboardInterrupt:
        raise Interrupted(
            f"Detached; the training {run.branch} #{run.number} goes on.",
            hint=f"'mlopsgen status --follow --branch {run.branch}' follows it again.",
        ) from None


def exit_code_of(run: Run) -> ExitCode:
    """The exit code of a training that is over; the generated repository uses the same numbers."""
    try:
        return ExitCode(run.exit_code if run.exit_code is not None else ExitCode.FAILURE)
    except ValueError:
        return ExitCode.FAILURE


def steps_after(layout: Layout, run: Run) -> tuple[str, ...]:
    """The next steps after a training that is over and gave no champion: where to look, what to mend, how to go on."""
    if run.state == SUCCEEDED:
        return ()
    report = run.report.get("html") or run.report.get("md")
    if run.state == REJECTED:
        shown = (f"{report}   (the report: why the gate refused the model)",) if report else ()
        return (*shown, "git push   (after a change and a commit: it trains again)")
    log = f"{layout.run(run.branch, run.number) / 'log.txt'}   (the log: what failed in '{run.stage}')"
    hint = first_line(run.error.get("hint", ""))
    looked = (*((f"{report}   (the report)",) if report else ()), log, *((hint,) if hint else ()))
    mended = ("git push   (after you have mended it and committed: it trains again)",) if needs_a_commit(run) else ()
    return (*looked, *mended, f"mlopsgen run --branch {run.branch}   (trains the same commit again)")


def run_data(layout: Layout, run: Run) -> dict[str, Any]:
    """A training as JSON values."""
    folder = layout.run(run.branch, run.number)
    document = run.as_document()
    for internal in ("version", "worker", "acting"):
        document.pop(internal)
    return {
        **document,
        "verdict": verdict(run),
        "metrics_text": metrics(run),
        "actions_text": actions(run),
        "error_text": first_line(run.error.get("message", "")),
        "age_seconds": age_in_seconds(run),
        "log": str(folder / "log.txt"),
    }


def age_in_seconds(run: Run) -> int | None:
    """Seconds since the training ended (or began, or was queued); ``None`` if that is not known."""
    stamp = run.ended_at or run.started_at or run.queued_at
    try:
        then = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(0, int((datetime.now(UTC) - then).total_seconds()))
