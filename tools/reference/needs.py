"""Every secret and variable that a workflow can need, with what it is for: asked of the tool for all answers."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsgen.answers import BY_KEY, resolve
from mlopsgen.constants import BRANCHES
from mlopsgen.questions import Answers
from mlopsgen.remote.needs import FURTHER_VARIABLES, Need, needed_secrets, needed_variables

_REGISTRY = "registry.example.org"
_SOURCES = {
    "main": "https://data.example.org/x.csv",
    "store": "s3://bucket/x.csv",
    "base": "postgresql://host/db#table",
    "dvc": "dvc+https://data.example.org/x.git",
}


def variables() -> dict[str, str]:
    """Each variable by its name, with its purpose."""
    found = {need.name: need.purpose for answers in _answers() for need in needed_variables(answers)}
    return {name: _sentence(purpose) for name, purpose in sorted({**found, **FURTHER_VARIABLES}.items())}


def secrets() -> dict[str, list[Need]]:
    """Each secret by its name, as often as it is for something else; a data source's by the name of any source."""
    found: dict[str, list[Need]] = {}
    for answers in _answers():
        for need in needed_secrets(answers, _SOURCES):
            name = need.name
            for source in _SOURCES:
                name = name.replace(f"DATA_{source.upper()}_", "DATA_<SOURCE>_")
            known = found.setdefault(name, [])
            if purpose(need) not in [purpose(each) for each in known]:
                known.append(need)
    return dict(sorted(found.items()))


def purpose(need: Need) -> str:
    """What a secret is for, of no source in particular."""
    text = need.purpose
    for source in _SOURCES:
        text = text.replace(f" '{source}'", "")
    text = text.replace("temporary access key of", "temporary access key").replace(f" {_REGISTRY}", "")
    return _sentence(text)


def purposes() -> dict[str, str]:
    """What each secret and variable is for."""
    return {**variables(), **{name: " Or: ".join(map(purpose, known)) for name, known in secrets().items()}}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _answers() -> Iterator[Answers]:
    """Answers that together need everything: each login of Kubeflow, each way to wait, mails and updates."""
    given = {"registry": f"{_REGISTRY}/model", "template_update": "weekly", "notify_how": "email"}
    given |= {"notify_emails": "team@example.org"}
    for login in BY_KEY["development_login"].choices:
        cluster = {
            "engine": "kubeflow",
            "endpoint": "https://kubeflow.example.org/pipeline",
            "login": login,
            "access": "ssh",
            "ssh": "tunnel@bastion.example.org",
            "ssh_host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
            "tracking_uri": "https://mlflow.example.org",
        }
        for wait in BY_KEY["development_wait"].choices:
            branches = {
                f"{branch}_{key}": value for branch in BRANCHES for key, value in {**cluster, "wait": wait}.items()
            }
            yield resolve({**given, **branches})
