"""Where a package shall run, and what its steps get there: the platform settings of each step as plain data.

The settings are written in the oldest form that a Kubeflow backend reads: no ``optional`` and no names by parameter,
which backends up to 2.5 refuse; newer ones read both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from helpers.errors import ConfigurationError
from helpers.step_keys import SPOT, Spot
from helpers.store_address import cluster_address

if TYPE_CHECKING:
    from helpers.branch import Branch
    from helpers.code_archive import Code
    from helpers.pipeline_text import StepText
    from helpers.wiring import Plan

CERTIFICATES = "/etc/mlopsgen/certificates"
"""The folder that the Secret with a private authority's certificate is mounted at."""

TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "PIP_CERT")
"""The variables by which Python, requests, boto and pip are told whom to trust."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a package is made for.

    Attributes:
        image: The container image of the steps.
        cluster: Whether it has the system steps that a cluster needs.
        settled: Whether it says what steps ask of a cluster; the local engine's own package does not.
        branch: The branch whose settings count.
        code: The code that travels inside the package; None where the image holds it.
        metric: The gate's first metric and whether more of it is better; candidates of a sweep are compared by it.
        secrets: Secrets of the cluster that every step sees: ``{secret: {key: VARIABLE}}``.
        pull_secret: The Secret that lets the cluster pull the image.
        ca_secret: The Secret with a private authority's certificate.
        spot: How the cluster marks nodes that may be taken away.
        variables: Environment variables of every step; never a secret.
        caching: Whether the cluster may take earlier results; None: as each step says.
        labels: Labels of every step's pod.
    """

    image: str
    cluster: bool = False
    settled: bool = False
    branch: str = ""
    code: Code | None = None
    metric: tuple[str, bool] | None = None
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pull_secret: str = ""
    ca_secret: str = ""
    spot: Spot | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    caching: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def local_target(branch: Branch) -> Target:
    """The package that the local engine runs."""
    return Target(image=branch.config.image, branch=branch.name, metric=_metric(branch))


def package_target(
    branch: Branch,
    *,
    image: str,
    code: Code | None = None,
    environ: Mapping[str, str],
    commit: str = "",
    cluster: bool = True,
) -> Target:
    """The package that somebody wants to have."""
    config = branch.config
    given = {variable for keys in config.cluster_secrets.values() for variable in keys.values()}
    address = "" if "MLFLOW_TRACKING_URI" in given else cluster_address(config.tracking.uri, environ)
    variables = {"MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONUNBUFFERED": "1"}
    return Target(
        image=image,
        cluster=cluster,
        settled=True,
        branch=branch.name,
        code=code,
        metric=_metric(branch),
        secrets=config.cluster_secrets,
        pull_secret=config.image_pull_secret,
        ca_secret=config.ca_secret,
        spot=SPOT[config.spot] if isinstance(config.spot, str) else config.spot,
        variables={} if not cluster else {**variables, **({"MLFLOW_TRACKING_URI": address} if address else {})},
        caching=config.kubeflow.caching,
        labels=_labels(branch, commit) if cluster else {},
    )


def _labels(branch: Branch, commit: str) -> dict[str, str]:
    return {"project": branch.text.project, "branch": branch.name, **({"commit": commit} if commit else {})}


def _metric(branch: Branch) -> tuple[str, bool] | None:
    rules = branch.config.gate.metrics
    return next(((name, rule.higher_is_better) for name, rule in rules.items()), None)


def check_plan(plan: Plan, target: Target, branch: Branch) -> None:
    """Refuses what the target cannot give.

    Raises:
        ConfigurationError: A step asks for spot nodes of a cluster that nobody described.
    """
    for step in plan.steps:
        if target.settled and step.text.spot and target.spot is None:
            raise branch.config_document.error(
                ("spot",),
                f"The step '{step.text.id}' wants spot nodes, and nothing says how this cluster marks them.",
                hint=f"Set spot: to one of {', '.join(SPOT)}, or to {{node_selector, tolerations}}.",
            )
        taken: dict[str, str] = {}
        for secret, keys in (*target.secrets.items(), *step.text.env_from_secret.items()):
            for variable in keys.values():
                if taken.setdefault(variable, secret) != secret:
                    raise ConfigurationError(
                        f"The variable '{variable}' of the step '{step.text.id}' comes from the Secrets "
                        f"'{taken[variable]}' and '{secret}'.",
                        where=branch.config_document.where(("cluster_secrets",)),
                        hint="Name it once.",
                    )


def platform_settings(text: StepText | None, target: Target) -> dict[str, Any]:
    """What the platform document of a package says of a step; None stands for a system step."""
    secrets: dict[str, dict[str, str]] = {secret: dict(keys) for secret, keys in target.secrets.items()}
    settings: dict[str, Any] = {}
    if text is not None:
        for secret, keys in text.env_from_secret.items():
            secrets.setdefault(secret, {}).update(keys)
        spot = target.spot if text.spot and target.spot else Spot()
        labels = {**spot.node_selector, **text.node_selector}
        tolerations = [item.document() for item in (*spot.tolerations, *text.tolerations)]
        settings |= {"nodeSelector": {"labels": labels}} if labels else {}
        settings |= {"tolerations": tolerations} if tolerations else {}
        settings |= {"activeDeadlineSeconds": str(text.timeout)} if text.timeout else {}
    if secrets:
        settings["secretAsEnv"] = [
            {
                "secretName": secret,
                "keyToEnv": [{"secretKey": key, "envVar": variable} for key, variable in keys.items()],
            }
            for secret, keys in secrets.items()
        ]
    if target.ca_secret:
        settings["secretAsVolume"] = [{"secretName": target.ca_secret.partition("/")[0], "mountPath": CERTIFICATES}]
    if target.pull_secret:
        settings["imagePullSecret"] = [{"secretName": target.pull_secret}]
    if target.labels:
        settings["podMetadata"] = {"labels": {f"mlopsgen/{name}": value for name, value in target.labels.items()}}
    return settings


def variables_of(target: Target) -> dict[str, str]:
    """The environment variables of every step that are no secrets."""
    file = target.ca_secret.partition("/")[2] or "ca.crt"
    trust = dict.fromkeys(TRUST, f"{CERTIFICATES}/{file}") if target.ca_secret else {}
    return {**target.variables, **trust}


def timeouts_of(plan: Plan) -> dict[str, int]:
    """The seconds that each step may take, where it says so; each candidate of a sweep may take as many."""
    limits = {step.text.id: step.text.timeout for step in plan.steps if step.text.timeout}
    return {**limits, **{f"{name}-candidate": seconds for name, seconds in limits.items()}}


def ignored_here(plan: Plan) -> str:
    """What steps ask of a cluster that means nothing on one machine, in one line; empty when there is nothing."""
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        text = step.text
        asked = {
            "resources": text.resources.cpu or text.resources.memory or text.resources.cards,
            "node_selector": text.node_selector,
            "tolerations": text.tolerations,
            "spot": text.spot,
            "cache": text.cache,
            "the wait of retry": text.retry.wait,
        }
        for key, value in asked.items():
            if value:
                found.setdefault(key, []).append(text.id)
    if not found:
        return ""
    listed = "; ".join(f"{key} of {', '.join(steps)}" for key, steps in found.items())
    return f"only a cluster obeys these, this machine does not: {listed}"


def missing_here(plan: Plan, environ: Mapping[str, str]) -> str:
    """The variables that a cluster would give the steps and that are not set on this machine; empty when all are."""
    named = {
        variable: step.text.id
        for step in plan.steps
        for keys in step.text.env_from_secret.values()
        for variable in keys.values()
        if not environ.get(variable)
    }
    if not named:
        return ""
    listed = ", ".join(f"{variable} ({step})" for variable, step in named.items())
    return f"on a cluster these come from Secrets, here they are not set (put them into .env): {listed}"
