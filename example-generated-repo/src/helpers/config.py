"""The configuration of a branch (``src/pipelines/<branch>/config.yaml``), and where the repository and its store are.

A step reads it with ``load_config(repository_root(os.environ), context.branch)``; a container has the same files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from helpers.actions.checks import check_actions
from helpers.actions.rules import Action, Mail
from helpers.documents import Document, did_you_mean, read_document, validate
from helpers.errors import ConfigurationError
from helpers.gate import check_rules
from helpers.kubeflow_config import Kubeflow
from helpers.records import MetricRule
from helpers.step_keys import SecretName, SecretVariables, Spot

ROOT_VARIABLE = "MLOPSGEN_ROOT"
"""Set for the processes of a run, so that a step finds the repository that is being trained."""

STORE_VARIABLE = "MLOPSGEN_STORE"
"""The MLflow store of a training that leaves no trace elsewhere; goes before all settings."""

BRANCHES = ("development", "staging", "production")
DEFAULT_IMAGE = "python:3.11"


class Section(BaseModel):
    """A part of the configuration; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tracking(Section):
    """Where runs and models are kept."""

    uri: str = Field(
        default="", description="Empty: MLFLOW_TRACKING_URI, else a SQLite file in .mlflow/ of the repository."
    )


class Gate(Section):
    """When a trained model may become the champion."""

    on_reject: Literal["fail", "warn"] = Field(default="fail", description="'fail': exit code 6; 'warn': exit code 0.")
    metrics: dict[str, MetricRule] = {}

    @field_validator("metrics")
    @classmethod
    def _rules_do_not_contradict_themselves(cls, metrics: dict[str, MetricRule]) -> dict[str, MetricRule]:
        if metrics:
            try:
                check_rules(metrics)
            except ConfigurationError as error:
                message = f"{error.message} {error.hint}".strip()
                raise ValueError(message) from error
        return metrics


class Watch(Section):
    """What ``watch`` compares."""

    sources: list[str] = Field(
        default=[], description="Names of data/sources.yaml; empty: those that the pipeline reads."
    )


class BranchConfig(Section):
    """``config.yaml`` of a branch."""

    version: Literal[1]
    engine: Literal["local", "kubeflow"] = Field(
        default="local",
        description="Where the branch trains: on the machine that runs the pipeline, or on a Kubeflow cluster.",
    )
    kubeflow: Kubeflow = Kubeflow()
    tracking: Tracking = Tracking()
    pipeline: str = Field(
        default="",
        description="Which pipeline the branch trains, where there are several; a verb's --pipeline says otherwise.",
    )
    parameters: dict[str, Any] = Field(
        default={}, description="Values for this branch instead of the pipeline's defaults."
    )
    gate: Gate = Gate()
    image: str = Field(
        default=DEFAULT_IMAGE, min_length=1, description="The container image of the compiled package's steps."
    )
    workers: Literal["auto", "fork", "spawn"] = Field(
        default="auto",
        description="How the local engine starts a step: forked from a prepared process, or from nothing.",
    )
    registry: str = Field(default="", description="Where images go; empty: the code travels inside the package.")
    image_pull_secret: SecretName = Field(default="", description="The Secret that lets the cluster pull the image.")
    ca_secret: SecretName = Field(
        default="", description="The Secret with a private authority's certificate: NAME (its key ca.crt) or NAME/key."
    )
    cluster_secrets: SecretVariables = Field(
        default={}, description="Variables of every step, from Secrets of the cluster: {SECRET: {key: VARIABLE}}."
    )
    spot: Literal["gke", "eks", "karpenter", "aks"] | Spot | None = Field(
        default=None, description="How the cluster marks nodes that may be taken away, for steps with spot: true."
    )
    runner: str | list[str] = Field(
        default="ubuntu-24.04", description="Label of the CI runner that trains; several as a list."
    )
    actions: list[Action] = Field(default=[], description="What happens after a training.")
    sent_from: Literal["ci", "pipeline"] = Field(
        default="ci", description="Who carries the actions out: continuous integration, or the pipeline on the cluster."
    )
    mail: Mail = Mail()
    watch: Watch = Watch()
    review: dict[str, Any] = Field(
        default={}, description="Who approves, as the answers said; .github/remote.yaml holds what counts on GitHub."
    )

    @field_validator(
        "kubeflow", "tracking", "parameters", "gate", "cluster_secrets", "mail", "watch", "review", mode="before"
    )
    @classmethod
    def _empty_is_default(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("actions", mode="before")
    @classmethod
    def _none_are_none(cls, value: Any) -> Any:
        return [] if value is None else value


def repository_root(environ: Mapping[str, str]) -> Path:
    """The repository that is being trained: ``MLOPSGEN_ROOT``, else the one that these helpers lie in."""
    given = environ.get(ROOT_VARIABLE)
    return Path(given) if given else Path(__file__).resolve().parents[2]


def config_path(root: Path, branch: str) -> Path:
    """The configuration of a branch."""
    return root / "src" / "pipelines" / branch / "config.yaml"


def load_config(root: Path, branch: str) -> BranchConfig:
    """Reads the configuration of a branch.

    Raises:
        ConfigurationError: It is not there or not valid.
    """
    return load_config_document(root, branch)[0]


def load_config_document(root: Path, branch: str) -> tuple[BranchConfig, Document]:
    """The configuration and the document that it was read from, for errors that name a line."""
    path = config_path(root, branch)
    if not path.is_file() and branch not in BRANCHES:
        raise ConfigurationError(
            f"There is no configuration for '{branch}'.",
            where=path.relative_to(root).as_posix(),
            hint=did_you_mean(branch, BRANCHES),
        )
    document = read_document(path, root=root)
    config = validate(document, BranchConfig)
    check_actions(config, document, branch)
    try:
        tracking_uri(root, config, {})
    except ConfigurationError as error:
        raise document.error(("tracking", "uri"), error.message, hint=error.hint) from error
    return config, document


def tracking_uri(root: Path, config: BranchConfig, environ: Mapping[str, str]) -> str:
    """The MLflow store: the branch's setting, else ``MLFLOW_TRACKING_URI``, else a file of the repository.

    A SQLite address with a relative path is relative to the repository, not to where the command was started.
    """
    own = environ.get(STORE_VARIABLE, "").strip()
    uri = own or config.tracking.uri.strip() or environ.get("MLFLOW_TRACKING_URI", "").strip()
    if not uri:
        return f"sqlite:///{(root / '.mlflow' / 'mlflow.db').as_posix()}"
    if uri.startswith("file:") or "://" not in uri:
        raise ConfigurationError(
            f"MLflow keeps no runs in a folder any more: '{uri}'.",
            where="tracking.uri" if config.tracking.uri.strip() else "MLFLOW_TRACKING_URI",
            hint="Use the address of an MLflow server or sqlite:///PATH, or leave tracking.uri empty.",
        )
    relative = re.fullmatch(r"sqlite:///(?!/)(.+)", uri)
    if relative and not Path(relative[1]).is_absolute():
        return f"sqlite:///{(root / relative[1]).as_posix()}"
    return uri


def load_dotenv(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment together with the repository's ``.env``; what is set already wins.

    Lines are ``KEY=VALUE``, with or without ``export`` and quotes; ``#`` starts a comment.

    Raises:
        ConfigurationError: A line is none of these; the message does not show it, because it may hold a secret.
    """
    merged = dict(environ)
    path = root / ".env"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return merged
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The file cannot be read: {type(error).__name__}.", where=".env") from error
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = re.fullmatch(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", stripped)
        if match is None:
            raise ConfigurationError("The line is not KEY=VALUE.", where=f".env:{number}")
        merged.setdefault(match[1], _unquote(match[2]))
    return merged


def _unquote(value: str) -> str:
    quoted = re.fullmatch(r"""(['"])(.*)\1(?:\s+#.*)?""", value)
    if quoted:
        return quoted[2]
    return re.split(r"\s+#", value, maxsplit=1)[0].rstrip()
