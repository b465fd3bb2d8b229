"""The Kubeflow of a branch, as ``submit`` and ``check`` reach it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from helpers.branch import Branch
from helpers.config import load_dotenv
from helpers.errors import ConfigurationError
from helpers.kubeflow_client import TIMEOUT, Kubeflow
from helpers.kubeflow_login import make_login
from helpers.kubeflow_trust import find_place


def open_kubeflow(
    root: Path, branch: Branch, environ: Mapping[str, str], folder: Path, *, timeout: tuple[float, float] = TIMEOUT
) -> Kubeflow:
    """The Kubeflow of a branch; nothing has been asked of it yet.

    Args:
        root: The repository.
        branch: The branch's texts.
        environ: The environment, with ``.env``.
        folder: For files that live as long as the connection.
        timeout: Seconds until a connection, and between two pieces of an answer.
    """
    settings, where = branch.config.kubeflow, f"src/pipelines/{branch.name}/config.yaml"
    place = find_place(settings, environ, root=root, folder=folder, where=where)

    def again() -> Mapping[str, str]:
        """The environment, with what ``.env`` says now."""
        file = load_dotenv(root, {})
        return {**environ, **{name: value for name, value in file.items() if name not in os.environ}}

    return Kubeflow(place, make_login(settings.login, place, again), timeout=timeout)


CALLBACK = "DISPATCH_TOKEN"
"""The variable that the last step on the cluster needs to tell continuous integration of the run's end."""


def check_results(uri: str, branch: Branch, *, wait: str) -> None:
    """Whether a training's result can come back at all.

    Args:
        uri: The MLflow store.
        branch: The branch's texts.
        wait: ``kubeflow.wait``.

    Raises:
        ConfigurationError: It would be waited for here, and lies in a file of the cluster; or the run shall report by
            itself, and nothing on the cluster may.
    """
    known = {name for keys in branch.config.cluster_secrets.values() for name in keys.values()}
    if wait == "callback" and CALLBACK not in known:
        raise ConfigurationError(
            f"With wait: callback the run reports by itself, and no step on the cluster has {CALLBACK}.",
            where=branch.config_document.where(("kubeflow", "wait")),
            hint=f"Set wait: poll, or name its Secret: cluster_secrets: {{my-secret: {{token: {CALLBACK}}}}}",
        )
    if wait != "poll" or uri.startswith(("http://", "https://", "databricks")):
        return
    raise ConfigurationError(
        "A run on Kubeflow needs an MLflow server: the steps on the cluster cannot write into a file of this machine.",
        where=branch.config_document.where(("tracking", "uri")),
        hint="Set tracking.uri, or the variable MLFLOW_TRACKING_URI, to a server that both reach.",
    )
