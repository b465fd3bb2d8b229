"""``begin-run``, the first step on a cluster: begins the MLflow run that all others log to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from helpers.cluster_run import PlainWords, known_context, open_store


def begin_run(context: str, run: str, known: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """Begins the MLflow run, or finds the one that this submission has begun already.

    Args:
        context: What who submitted it knows; ``{}`` when a person started the run on Kubeflow's pages.
        run: The run's id on Kubeflow.
        known: What the package knows of its runs.
        parameters: The pipeline's parameters.

    Returns:
        The context that all steps get.
    """
    with PlainWords():
        made = known_context(context, run, known)
        from helpers import results, tracking

        open_store(made)
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
