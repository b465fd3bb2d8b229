"""The steps that stand around the user's on a cluster: ``begin-run`` before them, and ``finish-run`` after them.

``finish-run`` is Kubeflow's exit handler: it runs whatever became of the steps, and gets nothing from them. It finds
the MLflow run by the tag ``mlopsgen.submission``, as continuous integration does.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from helpers.cluster_step import TAG
from helpers.config import load_config, repository_root, tracking_uri
from helpers.context import RunContext
from helpers.errors import RepositoryError, TrackingError
from helpers.store_address import cluster_address

Status = Literal["succeeded", "failed", "killed"]
STATES: Mapping[str, Status] = {"SUCCEEDED": "succeeded", "CANCELLED": "killed", "CANCELED": "killed"}
"""What Kubeflow says of the steps as a whole; everything else counts as failed."""

SILENT = "It ended without a word: out of memory, past its timeout, or its node was taken away."


def begin_run(context: str, run: str, known: Mapping[str, str], parameters: Mapping[str, Any], code: Any) -> str:
    """Begins the MLflow run, or finds the one that this submission has begun already.

    Args:
        context: What who submitted it knows; ``{}`` when a person started the run on Kubeflow's pages.
        run: The run's id on Kubeflow.
        known: What the package knows of its runs.
        parameters: The pipeline's parameters.
        code: Where the code goes that travels inside the package; None when the image holds it.

    Returns:
        The context that all steps get.
    """
    with _plain_words():
        if code is not None:
            shutil.copyfile(os.environ["MLOPSGEN_CODE"], code.path)
        made = _context(context, run, known)
        from helpers import results, tracking

        _open_store(made)
        run_id = results.find_submission(made) or tracking.start_run(made, engine="kubeflow", parameters=parameters)
        made = replace(made, run_id=run_id)
        tags = {
            "mlopsgen.kubeflow_run": run,
            "mlopsgen.image": known.get("image", ""),
            "mlopsgen.code": known.get("code", ""),
        }
        if made.platform:
            tags["mlopsgen.kubeflow_url"] = f"{made.platform.rstrip('/')}/#/runs/details/{run}"
        tracking.log_tags(made, {name: value for name, value in tags.items() if value})
        print(f"MLflow run {run_id} of {made.experiment_name}")
        return made.to_json()


def finish_run(context: str, run: str, known: Mapping[str, str], steps: Sequence[Sequence[Any]], status: Any) -> None:
    """Ends the MLflow run, writes its report, and carries out what is to follow.

    Args:
        context: As of :func:`begin_run`.
        run: The run's id on Kubeflow.
        known: What the package knows of its runs.
        steps: The name of each step, and whether it has a condition.
        status: Kubeflow's final status.
    """
    with _plain_words():
        made = _context(context, run, known)
        from helpers import results, run_record, tracking
        from helpers.store import client

        _open_store(made)
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


def _context(context: str, run: str, known: Mapping[str, str]) -> RunContext:
    """What is known of the run; one that nobody submitted has Kubeflow's id as its name."""
    said = {name: value for name, value in json.loads(context or "{}").items() if value not in ("", None)}
    own = {name: known[name] for name in ("project", "pipeline", "branch")}
    return RunContext.from_json(json.dumps({"submission": run, **own, **said, "run_id": ""}))


def _open_store(run: RunContext) -> None:
    from helpers import tracking

    root = repository_root(os.environ)
    config = load_config(root, run.branch)
    if not cluster_address(config.tracking.uri, os.environ) and not os.environ.get("MLFLOW_TRACKING_URI"):
        raise TrackingError(
            "No MLflow server is named, and a file in a container is gone when the step ends.",
            where=f"src/pipelines/{run.branch}/config.yaml: tracking.uri",
            hint="Set tracking.uri, or MLFLOW_TRACKING_URI in cluster_secrets.",
        )
    uri = os.environ.get("MLFLOW_TRACKING_URI") or tracking_uri(root, config, os.environ)
    os.environ["MLFLOW_TRACKING_URI"] = uri
    tracking.ensure_store(uri)


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


class _plain_words:  # noqa: N801 - used like a function
    """Ends a step with an error's words instead of its traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if isinstance(error, RepositoryError):
            place = f"{error.where}: " if error.where else ""
            hint = f"\n  {error.hint}" if error.hint else ""
            print(f"error: {place}{error.message}{hint}", file=sys.stderr)
            sys.exit(1)
