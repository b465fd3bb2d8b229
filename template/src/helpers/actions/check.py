"""What ``check`` looks at: whether the mail server answers, and whether the rules have the secrets that they need."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from helpers.actions import github, jenkins, mail_server
from helpers.actions.rules import Email, Jenkins, RepositoryDispatch, Webhook, WorkflowDispatch
from helpers.config import BranchConfig, load_config
from helpers.findings import Finding, looking

PATIENCE = 10.0


def look(*, root: str, branch: str) -> list[dict[str, Any]]:
    """Looks at what the branch's rules need; sends nothing.

    Where the pipeline on the cluster sends, its servers and secrets are not those of this machine: that is said.
    """
    config = load_config(Path(root), branch)
    findings: list[Finding] = []
    if not config.actions:
        return []
    if config.sent_from == "pipeline":
        note = "sent by the pipeline on the cluster, with the cluster's secrets: not looked at from here"
        return [asdict(Finding("actions", message=note))]
    if any(isinstance(rule, Email) for rule in config.actions):
        with looking(findings, "mail server") as finding:
            finding.message = mail_server_answers(config, os.environ)
    missing = _missing(config, os.environ)
    if missing:
        # On a laptop nobody needs them; in CI a rule that cannot be delivered shows a warning of its own.
        notes = [f"{name} is not set: {purpose}" for name, purpose in missing.items()]
        findings.append(Finding("actions", message=f"{len(config.actions)} rules", notes=notes))
    return [asdict(finding) for finding in findings]


def mail_server_answers(config: BranchConfig, environ: Mapping[str, str]) -> str:
    """Connects to the branch's mail server and logs in; gives what was found.

    Raises:
        RepositoryError: It does not answer, or refuses the login.
    """
    server = mail_server.find_server(config.mail, environ, timeout=PATIENCE)
    return mail_server.answers(server)


def _missing(config: BranchConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that a rule needs and that are not there, each with what for."""
    found: dict[str, str] = {}
    for rule in config.actions:
        match rule:
            case Webhook() if not rule.url:
                found[rule.url_from] = "the address of a webhook"
            case Jenkins():
                found |= dict.fromkeys([*([] if rule.url else [jenkins.URL]), jenkins.USER, jenkins.TOKEN], "Jenkins")
            case RepositoryDispatch() | WorkflowDispatch() if rule.repository or not environ.get("GITHUB_TOKEN"):
                found[github.TOKEN] = f"the token for {rule.repository or 'this repository'}"
            case _:
                continue
    return {name: purpose for name, purpose in found.items() if not environ.get(name, "").strip()}
