"""``status``: what the commit says of its training. Standard library only."""

from __future__ import annotations

import argparse
import re

from helpers.ci.job import Job
from helpers.errors import ConfigurationError
from helpers.github_api import ApiError

LONGEST = 140
WORDS = {
    "pending": "Submitted to the cluster; the result follows.",
    "success": "Trained, and the gate accepted the model.",
    "failure": "Trained, and the gate refused the model, or a step failed.",
    "error": "The training could not be carried out.",
}


def status(job: Job, options: argparse.Namespace) -> None:
    """Sets the status; a token that may not is said, and nothing fails."""
    commit = options.commit or job.need("GITHUB_SHA")
    set_status(job, options.branch, commit, options.state, text=options.text, url=job.run_url)


def set_status(job: Job, branch: str, commit: str, state: str, *, text: str = "", url: str = "") -> bool:
    """Sets the status ``training/<branch>`` of a commit; whether GitHub took it.

    Raises:
        ConfigurationError: The commit is no full commit name.
    """
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise ConfigurationError("This is no full name of a commit.", where="--commit")
    words = " ".join((text or WORDS[state]).split())
    body = {
        "state": state,
        "context": f"training/{branch}",
        "description": words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}\u2026",
    }
    if url:
        body["target_url"] = url
    try:
        job.github.call("POST", f"statuses/{commit}", body)
    except ApiError as error:
        job.annotate("warning", f"The commit's status cannot be set: {error.message} {error.hint}".strip())
        return False
    job.tell(f"training/{branch} of {commit[:10]}: {state}. {words}")
    return True
