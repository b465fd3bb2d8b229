"""What ``check`` looks at: whether the mail server answers."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from helpers.actions import mail_server
from helpers.actions.rules import Email
from helpers.config import load_config
from helpers.findings import Finding, looking

PATIENCE = 10.0


def look(*, root: str, branch: str) -> list[dict[str, Any]]:
    """Connects to the mail server of a branch that sends mails, and logs in; sends nothing."""
    config = load_config(Path(root), branch)
    if not any(isinstance(rule, Email) for rule in config.actions):
        return []
    findings: list[Finding] = []
    with looking(findings, "mail server") as finding:
        if config.sent_from == "pipeline":
            finding.message = "used by the pipeline on the cluster; not looked at from here"
        elif not (config.mail.host or os.environ.get(mail_server.HOST, "").strip()):
            # Not set up yet, or not on this machine: no reason not to train; sending tells it.
            finding.message = f"none is named ({mail_server.HOST} is not set): no mail can be sent from here"
        else:
            server = mail_server.find_server(config.mail, os.environ, timeout=PATIENCE)
            finding.message = mail_server.answers(server)
    return [asdict(finding) for finding in findings]
