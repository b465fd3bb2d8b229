"""Which variables and secrets each environment needs, and what for: follows from the answers and the data sources.

Pure. Names end up in workflows and in people's consoles, so they are the same for every branch; only values differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsgen.constants import BRANCHES
from mlopsgen.questions import Answers

DISPATCH_TOKEN = "DISPATCH_TOKEN"  # noqa: S105 - the name of a secret
UPDATE_TOKEN = "TEMPLATE_UPDATE_TOKEN"  # noqa: S105 - the name of a secret
WATCH_SUFFIX = "-watch"
"""A branch whose environment has reviewers is watched through another one: its name with this suffix."""

REPOSITORY = ""
"""Stands for the repository itself where an environment is named: its secrets are for jobs that name none."""

_WEB = re.compile(r"https?://", re.IGNORECASE)
_GITHUBS_REGISTRY = "ghcr.io"

_TOKEN = (("TOKEN", "token that reads the data source '{}', if it asks for one"),)
_LOGIN = (
    ("USERNAME", "user that reads the data source '{}'"),
    ("PASSWORD", "password of the user that reads the data source '{}'"),
)
_KEYS = (
    ("ACCESS_KEY", "access key that reads the data source '{}'"),
    ("SECRET_KEY", "secret key that belongs to the access key of the data source '{}'"),
)
_OF_DATA = (
    (_WEB, (*_TOKEN, *_LOGIN)),
    (re.compile(r"s3://", re.IGNORECASE), (*_KEYS, ("SESSION_TOKEN", "session of a temporary access key of '{}'"))),
    (re.compile(r"(postgresql|mysql|mariadb)(\+\w+)?://", re.IGNORECASE), _LOGIN),
    (re.compile(r"git\+https?://", re.IGNORECASE), (*_TOKEN, *_LOGIN)),
    (re.compile(r"dvc\+https?://", re.IGNORECASE), (*_TOKEN, *_LOGIN, *_KEYS)),
    (re.compile(r"dvc:", re.IGNORECASE), (*_LOGIN, *_KEYS)),
)
"""What an address begins with, and the last words of the secrets that open what it names."""


FURTHER_VARIABLES = {
    "SMTP_HOST": "mail server; 'mail' in a branch's config.yaml says it as well",
    "SMTP_PORT": "port of the mail server",
    "SMTP_FROM": "sender of the mails",
    "JENKINS_URL": "address of Jenkins",
    "KUBEFLOW_TOKEN_FILE": "path on the runner of the service account's token (login: service-account)",
    "MLOPSGEN_PACKAGE": "what template-update.yml installs, of the repository: mlopsgen[locks]==0.2.0",
    "MLOPSGEN_TRUST": "address of a template whose own code template-update.yml may run, of the repository",
}
"""Variables that workflows read besides and that no answer holds: who wants them writes them into remote.yaml, or those
of the repository on its page."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """A variable or a secret that an environment needs.

    Attributes:
        environment: The environment: a branch's name, or that of its watch; :data:`REPOSITORY` for the repository.
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
    if environment == REPOSITORY:
        return name
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
    return {"main": address} if any(begins.match(address) for begins, _ in _OF_DATA) else {"sample": address}


def data_secret(source: str, last: str) -> str:
    """The name of a data source's secret: ``DATA_<SOURCE>_<LAST>``."""
    return f"DATA_{re.sub(r'[^A-Za-z0-9]+', '_', source).strip('_').upper()}_{last}"


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
        found.append(_optional(environment, "CA_CERTIFICATE", "certificate (PEM) of a private authority that you use"))
    return (*found, *_registry(answers), *_update(answers))


def used_secrets(used: Mapping[tuple[str, str], Sequence[str]]) -> tuple[Need, ...]:
    """The secrets of a repository whose workflows alone say what they need: none can be missed for certain.

    Args:
        used: The workflow files by environment and name of each secret.
    """
    known = (REPOSITORY, *BRANCHES, *(f"{branch}{WATCH_SUFFIX}" for branch in BRANCHES))
    return tuple(
        _optional(environment, name, f"used by {', '.join(files)}")
        for (environment, name), files in used.items()
        if environment in known
    )


def _variable(answers: Answers, branch: str, key: str, name: str, purpose: str) -> Need:
    return Need(environment=branch, name=name, purpose=purpose, value=str(answers.get(f"{branch}_{key}") or ""))


def _platform(answers: Answers, branch: str) -> list[Need]:
    found = []
    on_cluster = answers.get(f"{branch}_engine") == "kubeflow"
    if on_cluster:
        if answers.get(f"{branch}_access") == "ssh":
            found.append(_secret(branch, "SSH_KEY", "private key that logs in to the ssh server before Kubeflow"))
        match answers.get(f"{branch}_login"):
            case "token":
                found.append(_secret(branch, "KUBEFLOW_TOKEN", "token that logs in to Kubeflow"))
            case "service-account":
                purpose = "service account's token that logs in to Kubeflow, where no file holds it"
                found.append(_optional(branch, "KUBEFLOW_TOKEN", purpose))
            case "cookie":
                found.append(_secret(branch, "KUBEFLOW_COOKIE", "session cookie that logs in to Kubeflow"))
            case "dex":
                found.append(_secret(branch, "KUBEFLOW_USERNAME", "user that logs in to Kubeflow (Dex)"))
                found.append(
                    _secret(branch, "KUBEFLOW_PASSWORD", "password of the user that logs in to Kubeflow (Dex)")
                )
    # What trains on a cluster has an MLflow server, whoever names it where.
    if on_cluster or _WEB.match(str(answers.get(f"{branch}_tracking_uri") or "")):
        found += [
            _optional(branch, "MLFLOW_TRACKING_USERNAME", "user of the MLflow server, if it asks for one"),
            _optional(branch, "MLFLOW_TRACKING_PASSWORD", "password of the MLflow server's user"),
            _optional(branch, "MLFLOW_TRACKING_TOKEN", "token of the MLflow server, instead of user and password"),
        ]
    return found


def _data(environment: str, sources: Mapping[str, str]) -> list[Need]:
    named: dict[str, str] = {}
    for source, address in sources.items():
        wanted = next((words for begins, words in _OF_DATA if begins.match(address)), ())
        for last, purpose in wanted:
            named.setdefault(data_secret(source, last), purpose.format(source))
    return [_optional(environment, name, purpose) for name, purpose in named.items()]


def _actions(answers: Answers, branch: str) -> list[Need]:
    found = []
    if answers.get("notify_how") == "email":
        found.append(_secret(branch, "SMTP_USERNAME", "user of the mail server that sends the notifications"))
        found.append(_secret(branch, "SMTP_PASSWORD", "password of the mail server's user"))
    called_back = answers.get(f"{branch}_wait") == "callback"
    return [
        *found,
        _secret(branch, DISPATCH_TOKEN, "token with which the run on the cluster tells GitHub of its end")
        if called_back
        else _optional(branch, DISPATCH_TOKEN, "token that starts workflows of other repositories"),
        _optional(branch, "WEBHOOK_URL", "address that is told of each training"),
        _optional(branch, "WEBHOOK_SECRET", "signs what the webhook is told"),
        _optional(branch, "JENKINS_USERNAME", "user that starts jobs of Jenkins"),
        _optional(branch, "JENKINS_TOKEN", "API token of the user that starts jobs of Jenkins"),
    ]


def _registry(answers: Answers) -> list[Need]:
    """The login of the registry: the job that builds images names no environment, so that nobody has to approve it."""
    registry = str(answers.get("registry") or "")
    if not registry or all(answers.get(f"{branch}_engine") != "kubeflow" for branch in BRANCHES):
        return []
    # GitHub's takes the token that every workflow has.
    required = registry.partition("/")[0] != _GITHUBS_REGISTRY
    user = f"user of the container registry {registry.partition('/')[0]}"
    return [
        Need(environment=REPOSITORY, name="REGISTRY_USERNAME", purpose=user, required=required),
        Need(
            environment=REPOSITORY,
            name="REGISTRY_PASSWORD",
            purpose="password or token of the container registry's user",
            required=required,
        ),
    ]


def _update(answers: Answers) -> list[Need]:
    """The token of template-update.yml: of the repository, so that no look at the template is shown as a deployment.

    Without a schedule the workflow waits for somebody who runs it by hand. Before v0.2.0 there was none.
    """
    every = answers.get("template_update")
    if every is None:
        return []
    purpose = "token that opens pull requests with updates of the template; it may change workflow files"
    return [Need(environment=REPOSITORY, name=UPDATE_TOKEN, purpose=purpose, required=every != "off")]


def _secret(environment: str, name: str, purpose: str) -> Need:
    return Need(environment=environment, name=name, purpose=purpose)


def _optional(environment: str, name: str, purpose: str) -> Need:
    return Need(environment=environment, name=name, purpose=purpose, required=False)
