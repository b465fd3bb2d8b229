"""What the steps around the user's share on a cluster: what is known of the run, its store, and how errors are told."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from helpers.config import load_config, repository_root, tracking_uri
from helpers.context import RunContext
from helpers.errors import RepositoryError, TrackingError
from helpers.store_address import cluster_address


def known_context(context: str, run: str, known: Mapping[str, str]) -> RunContext:
    """What is known of the run; one that nobody submitted has Kubeflow's id as its name."""
    said = {name: value for name, value in json.loads(context or "{}").items() if value not in ("", None)}
    own = {name: known[name] for name in ("project", "pipeline", "branch")}
    return RunContext.from_json(json.dumps({"submission": run, **own, **said, "run_id": ""}))


def open_store(run: RunContext) -> None:
    """Makes the MLflow server of the run that of this process.

    Raises:
        TrackingError: None is named, or it cannot be reached.
    """
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


class PlainWords:
    """Ends a step with an error's words instead of its traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        if isinstance(error, RepositoryError):
            place = f"{error.where}: " if error.where else ""
            hint = f"\n  {error.hint}" if error.hint else ""
            print(f"error: {place}{error.message}{hint}", file=sys.stderr)
            sys.exit(1)
