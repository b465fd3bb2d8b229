"""The result of a training that ran on a cluster, found in MLflow by the name of its submission. Called in a worker."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from helpers import run_record, tracking
from helpers.context import RunContext
from helpers.errors import TrackingError
from helpers.results import find_submission
from helpers.store import client, shown_uri


def collect(
    *,
    context: str,
    folder: str,
    status: Literal["succeeded", "failed", "killed"],
    steps: Sequence[Mapping[str, Any]],
    failure: Mapping[str, str] | None,
) -> dict[str, Any]:
    """Writes the report of a submission into a folder.

    The run's last step on the cluster has ended its MLflow run; of one that was ended from outside, this does.

    Args:
        context: The context, with the submission's name.
        folder: Where the report goes.
        status: How the run on the cluster ended.
        steps: Its steps.
        failure: Why it failed.

    Raises:
        TrackingError: MLflow does not answer, or does not know the submission.
    """
    run_record.ask_briefly()
    run = RunContext.from_json(context)
    tracking.ensure_store(os.environ["MLFLOW_TRACKING_URI"])
    run_id = find_submission(run)
    if not run_id:
        raise TrackingError(
            f"It holds no run of the submission '{run.submission}'.",
            where=shown_uri(os.environ["MLFLOW_TRACKING_URI"]),
            hint="Do the steps on the cluster write to the same server (MLFLOW_TRACKING_URI in cluster_secrets)?",
        )
    if str(client().get_run(run_id).info.status) == "RUNNING":
        found = replace(run, run_id=run_id).to_json()
        told = None if status == "succeeded" else failure
        return run_record.finish(context=found, status=status, steps=steps, failure=told, folder=folder)
    return run_record.report(context=context, run_id=run_id, folder=folder, default=folder)
