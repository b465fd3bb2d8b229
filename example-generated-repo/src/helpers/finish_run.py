"""``finish-run``, the last step on a cluster: ends the MLflow run and writes its report.

It is Kubeflow's exit handler: it runs whatever became of the steps, and gets nothing from them. It finds the MLflow run
by the tag ``mlopsgen.submission``, as continuous integration does.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from helpers.cluster_run import PlainWords, known_context, open_store
from helpers.cluster_step import TAG
from helpers.config import repository_root
from helpers.context import RunContext

Status = Literal["succeeded", "failed", "killed"]
STATES: Mapping[str, Status] = {"SUCCEEDED": "succeeded", "CANCELLED": "killed", "CANCELED": "killed"}
"""What Kubeflow says of the steps as a whole; everything else counts as failed."""

SILENT = "It ended without a word: out of memory, past its timeout, or its node was taken away."


def finish_run(context: str, run: str, known: Mapping[str, str], steps: Sequence[Sequence[Any]], status: Any) -> None:
    """Ends the MLflow run, writes its report, and carries out what is to follow.

    Args:
        context: As of ``begin-run``.
        run: The run's id on Kubeflow.
        known: What the package knows of its runs.
        steps: The name of each step, and whether it has a condition.
        status: Kubeflow's final status.
    """
    with PlainWords():
        made = known_context(context, run, known)
        from helpers import results, run_record, tracking
        from helpers.store import client

        open_store(made)
        run_id = results.find_submission(made) or tracking.start_run(made, engine="kubeflow")
        made = replace(made, run_id=run_id)
        ended = STATES.get(str(status.state).rpartition(".")[2].upper(), "failed")
        found = {name: json.loads(text) for name, text in _step_tags(client().get_run(run_id).data.tags).items()}
        states = _states(steps, found, ended)
        with tempfile.TemporaryDirectory(prefix="report-") as folder:
            told = run_record.finish(
                context=made.to_json(),
                status=ended,
                steps=states,
                failure=_failure(found, ended, str(getattr(status, "error_message", "") or "")),
                folder=folder,
            )
            print(told["summary"], *told["lines"], sep="\n")
            try:
                lines = _follow(made, Path(folder))
                print(*lines, sep="\n")
            finally:
                client().log_artifacts(run_id, folder, "report")


def _follow(run: RunContext, folder: Path) -> list[str]:
    """What is to happen after the training, as far as this side has to see to it."""
    from helpers.actions.cluster import finished

    return list(finished(repository_root(os.environ), run.branch, folder, os.environ))


def _step_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(TAG): value for name, value in tags.items() if name.startswith(TAG)}


def _states(steps: Sequence[Sequence[Any]], found: Mapping[str, Any], ended: Status) -> list[dict[str, Any]]:
    """How each step went, those of a sweep before their own."""
    conditional = {str(name): bool(condition) for name, condition in steps}
    order: list[str] = []
    for name in conditional:
        order += [other for other in found if other.startswith(f"{name}-") and other not in conditional]
        order.append(name)
    return [
        _state(name, found.get(name), conditional=conditional.get(name, False), ended=ended)
        for name in dict.fromkeys(order)
    ]


def _state(name: str, told: Any, *, conditional: bool, ended: Status) -> dict[str, Any]:
    if told is None:
        # Who takes an earlier result from the cluster's cache tells nothing.
        state = "succeeded" if ended == "succeeded" and not conditional else "skipped"
        return {"name": name, "state": state, "seconds": None}
    state = told["state"]
    if state == "running":
        state = "succeeded" if ended == "succeeded" else "failed"
    return {"name": name, "state": state, "seconds": told.get("seconds")}


def _failure(found: Mapping[str, Any], ended: Status, message: str) -> dict[str, str] | None:
    """Why it failed: what the step said, else what is known of a step that said nothing more."""
    if ended == "succeeded":
        return None
    if ended == "killed":
        return {"step": "", "message": "The run was ended on Kubeflow.", "hint": ""}
    for name, told in found.items():
        if told["state"] == "failed":
            place = f"{told['where']}: " if told.get("where") else ""
            return {"step": name, "message": f"{place}{told['message']}", "hint": told.get("hint", "")}
    for name, told in found.items():
        if told["state"] == "running":
            return {"step": name, "message": SILENT, "hint": "Look at the step on Kubeflow's pages."}
    hint = "Look at the run on Kubeflow's pages: a step could not be started (its image, a Secret, room for it)."
    return {"step": "", "message": message or "The run failed before a step could say why.", "hint": hint}
