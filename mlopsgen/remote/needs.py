"""Which variables and secrets each environment needs, and what for: follows from the answers and the data sources.

Pure. Names end up in workflows and in people's consoles, so they are the same for every branch; only values differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlopsgen.constants import BRANCHES
from mlopsgen.questions import Answers

WATCH_SUFFIX = "-watch"
"""A branch whose environment has reviewers is watched through another one: its name with this suffix."""

_REMOTE_DATA = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Need:
    """A variable or a secret that an environment needs.

    Attributes:
        environment: The environment: a branch's name, or that of its watch.
        name: Its name there.
        purpose: What it is for, for people.
        required: Whether something that was asked for cannot work without it.
        value: A variable's text; ``None`` for a secret.
    """

    environment: str
    name: str
    purpose: str
    required: bool = True
    value: str | None = None


def environment_names(answers: Answers) -> tuple[str, ...]:
    """The environments: one for each branch, and one to watch its data where a person has to approve its trainings."""
    watched = [f"{branch}{WATCH_SUFFIX}" for branch in BRANCHES if reviewers_of(answers, branch)]
    return (*BRANCHES, *watched)


def reviewers_of(answers: Answers, branch: str) -> tuple[str, ...]:
    """Who approves a branch's trainings."""
    found = answers.get("reviewers") if branch == BRANCHES[-1] else None
    return tuple(sorted(str(name) for name in found)) if isinstance(found, list) else ()


def branch_of(environment: str) -> str:
    """The branch that an environment belongs to."""
    return environment.removesuffix(WATCH_SUFFIX)


def repository_name(environment: str, name: str) -> str:
    """What a variable or secret is called where a repository cannot have environments: ``STAGING_KUBEFLOW_TOKEN``."""
    return f"{environment.upper().replace('-', '_')}_{name}"


def environment_of(name: str) -> tuple[str, str]:
    """The environment and the name there of what a repository calls ``name`` where it cannot have environments."""
    for environment in (*(f"{branch}{WATCH_SUFFIX}" for branch in BRANCHES), *BRANCHES):
        prefix = repository_name(environment, "")
        if name.startswith(prefix):
            return environment, name.removeprefix(prefix)
    return "", name


def sources_of_answers(answers: Answers) -> dict[str, str]:
    """The data sources that a freshly made repository has, by name, for callers that have no ``data/sources.yaml``."""
    address = str(answers.get("data_address", ""))
    return {"main": address} if _REMOTE_DATA.match(address) else {"sample": address}


def data_token(source: str) -> str:
    """The secret with the token of a data source."""
    return f"DATA_{re.sub(r'[^A-Za-z0-9]+', '_', source).strip('_').upper()}_TOKEN"


def needed_variables(answers: Answers) -> tuple[Need, ...]:
    """The variables whose text the answers hold, by environment."""
    found = []
    for branch in BRANCHES:
        if answers.get(f"{branch}_engine") == "kubeflow":
            found += [
                _variable(answers, branch, "endpoint", "KUBEFLOW_ENDPOINT", "address of the Kubeflow Pipelines API"),
                _variable(answers, branch, "namespace", "KUBEFLOW_NAMESPACE", "namespace that the runs belong to"),
            ]
        found.append(_variable(answers, branch, "tracking_uri", "MLFLOW_TRACKING_URI", "address of the MLflow server"))
    return tuple(need for need in found if need.value)


def needed_secrets(answers: Answers, sources: Mapping[str, str]) -> tuple[Need, ...]:
    """The secrets of every environment.

    Args:
        answers: The repository's answers.
        sources: The addresses of its data sources, by name (``data/sources.yaml``).
    """
    found: list[Need] = []
    for environment in environment_names(answers):
        if environment in BRANCHES:
            found += _platform(answers, environment)
        found += _data(environment, sources)
        if environment in BRANCHES:
            found += _actions(answers, environment)
            found += _cluster(environment)
    return tuple(found)


def _variable(answers: Answers, branch: str, key: str, name: str, purpose: str) -> Need:
    return Need(environment=branch, name=name, purpose=purpose, value=str(answers.get(f"{branch}_{key}") or ""))


def _platform(answers: Answers, branch: str) -> list[Need]:
    found = []
    if answers.get(f"{branch}_engine") == "kubeflow":
        match answers.get(f"{branch}_login"):
            case "token":
                found.append(_secret(branch, "KUBEFLOW_TOKEN", "token that logs in to Kubeflow"))
            case "service-account":
                found.append(_secret(branch, "KUBEFLOW_TOKEN", "service account's token that logs in to Kubeflow"))
            case "cookie":
                found.append(_secret(branch, "KUBEFLOW_COOKIE", "session cookie that logs in to Kubeflow"))
            case "dex":
                found.append(_secret(branch, "KUBEFLOW_USERNAME", "user that logs in to Kubeflow (Dex)"))
                found.append(
                    _secret(branch, "KUBEFLOW_PASSWORD", "password of the user that logs in to Kubeflow (Dex)")
                )
    if _REMOTE_DATA.match(str(answers.get(f"{branch}_tracking_uri") or "")):
        found += [
            _optional(branch, "MLFLOW_TRACKING_USERNAME", "user of the MLflow server, if it asks for one"),
            _optional(branch, "MLFLOW_TRACKING_PASSWORD", "password of the MLflow server's user"),
            _optional(branch, "MLFLOW_TRACKING_TOKEN", "token of the MLflow server, instead of user and password"),
        ]
    return found


def _data(environment: str, sources: Mapping[str, str]) -> list[Need]:
    named: dict[str, str] = {}
    for source, address in sources.items():
        if _REMOTE_DATA.match(address):
            named.setdefault(data_token(source), source)
    reading = "reads the data source '{}', if it asks for one"
    return [_optional(environment, name, f"token that {reading.format(source)}") for name, source in named.items()]


def _actions(answers: Answers, branch: str) -> list[Need]:
    found = []
    if answers.get("notify_how") == "email":
        found.append(_secret(branch, "SMTP_USERNAME", "user of the mail server that sends the notifications"))
        found.append(_secret(branch, "SMTP_PASSWORD", "password of the mail server's user"))
    return [
        *found,
        _optional(branch, "DISPATCH_TOKEN", "token that starts workflows of other repositories"),
        _optional(branch, "WEBHOOK_URL", "address that is told of each training"),
    ]


def _cluster(branch: str) -> list[Need]:
    return [
        _optional(branch, "REGISTRY_USERNAME", "user of the container registry"),
        _optional(branch, "REGISTRY_PASSWORD", "password or token of the container registry's user"),
        _optional(branch, "CA_CERTIFICATE", "certificate (PEM) of a private authority that your servers use"),
    ]


def _secret(environment: str, name: str, purpose: str) -> Need:
    return Need(environment=environment, name=name, purpose=purpose)


def _optional(environment: str, name: str, purpose: str) -> Need:
    return Need(environment=environment, name=name, purpose=purpose, required=False)
