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


def check_tracking(uri: str, branch: Branch) -> None:
    """Whether the cluster and this machine can share the store.

    Raises:
        ConfigurationError: It is a file of this machine: a training's result would never come back.
    """
    if uri.startswith(("http://", "https://", "databricks")):
        return
    raise ConfigurationError(
        "A run on Kubeflow needs an MLflow server: the steps on the cluster cannot write into a file of this machine.",
        where=branch.config_document.where(("tracking", "uri")),
        hint="Set tracking.uri, or the variable MLFLOW_TRACKING_URI, to a server that both reach.",
    )
