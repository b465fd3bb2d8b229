"""What ``check`` asks of Kubeflow before any compute is spent: health, version, login, namespace, right to submit."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kfp_server_api as api

from helpers.branch import Branch, load_branch
from helpers.config import load_dotenv, tracking_uri
from helpers.context import RunContext
from helpers.errors import ConfigurationError, RepositoryError
from helpers.findings import Finding, looking
from helpers.kubeflow_answers import Conflict, Forbidden, KubeflowAccessError, KubeflowError
from helpers.kubeflow_client import Kubeflow
from helpers.kubeflow_runs import find_experiment
from helpers.submission_target import check_results, open_kubeflow

SECTION = "platform"
TIMEOUT = (4.0, 6.0)
"""Seconds until a connection, and between two pieces of an answer; the whole look has less than half a minute."""

LOGINS = {
    "none": "nobody logs in",
    "token": "the token is accepted",
    "service-account": "the service account's token is accepted",
    "cookie": "the cookie is accepted",
    "dex": "the user's password is accepted",
}


def look(*, root: str, branch: str) -> list[dict[str, Any]]:
    """Looks at the Kubeflow of a branch; called in a process that has the branch's environment."""
    findings: list[Finding] = []
    environ = load_dotenv(Path(root), os.environ)
    loaded = load_branch(Path(root), branch)
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        with looking(findings, "Kubeflow", SECTION) as finding:
            kubeflow = open_kubeflow(Path(root), loaded, environ, Path(folder), timeout=TIMEOUT)
            finding.where = kubeflow.place.endpoint
        if findings[-1].ok:
            _look_at(kubeflow, loaded, findings)
    with looking(findings, "results", SECTION):
        uri = tracking_uri(Path(root), loaded.config, environ)
        check_results(uri, loaded, wait=loaded.config.kubeflow.wait)
    if findings[-1].ok:
        findings.pop()  # whether the MLflow server answers stands in a row of its own
    return [asdict(finding) for finding in findings]


def _look_at(kubeflow: Kubeflow, branch: Branch, findings: list[Finding]) -> None:
    """One thing after the other: each needs the one before."""
    health = findings[-1]
    mode = branch.config.kubeflow.login
    try:
        kubeflow.connect()
    except (KubeflowAccessError, ConfigurationError) as error:
        health.message = "not asked, for want of a login" if isinstance(error, ConfigurationError) else "answers"
        login = Finding("login", section=SECTION)
        login.failed(error)
        findings.append(login)
        return
    except RepositoryError as error:
        health.failed(error)
        return
    many = "many users" if kubeflow.multi_user else "one user"
    health.message = f"healthy, for {many}"
    with looking(findings, "API version", SECTION) as finding:
        finding.message, finding.notes = _compare(kubeflow.version, version("kfp"))
    context = RunContext(
        project=branch.text.project, pipeline=next(iter(branch.text.pipelines), "training"), branch=branch.name
    )
    looks: list[tuple[str, Callable[[], str]]] = [
        ("login", lambda: _identity(kubeflow, context.experiment_name, mode)),
        ("namespace", lambda: _namespace(kubeflow, context.experiment_name, branch)),
        ("right to submit", lambda: _right(kubeflow, context.experiment_name)),
    ]
    for name, ask in looks:
        with looking(findings, name, SECTION) as finding:
            finding.message = ask()
        if not findings[-1].ok:
            return


def _compare(server: str, sdk: str) -> tuple[str, list[str]]:
    """Whether the server can run what the SDK writes."""
    found, ours = _numbers(server), _numbers(sdk)
    if not found:
        return f"the server does not tell its version; the SDK has {sdk}", []
    if found[0] < 2:
        raise KubeflowError(
            f"The server has version {server}, and kfp {sdk} writes packages for version 2.",
            hint="Bring Kubeflow Pipelines up to version 2.",
        )
    notes = [f"the server ({server}) is older than the SDK; packages are written so that it reads them"]
    return f"server {server}, SDK {sdk}", notes if found < ours else []


def _numbers(text: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else ()


def _identity(kubeflow: Kubeflow, experiment: str, mode: str) -> str:
    """Whether the server knows who asks; what they may do comes afterwards."""
    if not kubeflow.multi_user or kubeflow.place.namespace:
        with contextlib.suppress(Forbidden):
            find_experiment(kubeflow, experiment)
    return LOGINS[mode]


def _namespace(kubeflow: Kubeflow, experiment: str, branch: Branch) -> str:
    if not kubeflow.multi_user:
        named = kubeflow.place.namespace
        return f"not needed, '{named}' is not used" if named else "not needed"
    if not kubeflow.place.namespace:
        raise ConfigurationError(
            "This Kubeflow has many users, and no namespace is named.",
            where=branch.config_document.where(("kubeflow", "namespace")),
            hint="Set kubeflow.namespace, or the variable KUBEFLOW_NAMESPACE, to that of your profile.",
        )
    find_experiment(kubeflow, experiment)
    return f"'{kubeflow.place.namespace}' is open to this login"


def _right(kubeflow: Kubeflow, experiment: str) -> str:
    """Makes the branch's experiment, which the first submission would make: who may not do that, may not submit."""
    there = find_experiment(kubeflow, experiment)
    body = api.V2beta1Experiment(display_name=experiment, namespace=kubeflow.namespace)
    try:
        kubeflow.call("create experiments", "Experiment", "experiment_service_create_experiment", experiment=body)
    except Conflict:
        there = there or experiment
    return f"experiment '{experiment}' {'is there' if there else 'was made'}"
