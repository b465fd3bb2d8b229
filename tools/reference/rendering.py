"""Generated repositories as the pages show them: made by the tool itself, once for each set of answers."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import tempfile
from pathlib import Path

from mlopsgen.cli.main import main

PLAIN = '{"version": 1}'
"""The answers of somebody who keeps every default."""

FULL = json.dumps(
    {
        "version": 1,
        "registry": "ghcr.io/acme/model",
        "data_address": "https://data.example.org/wine.csv",
        "target": "quality",
        "data_watch": "daily",
        "template_update": "weekly",
        "notify_how": "email",
        "notify_emails": ["team@example.org"],
        "reviewers": ["acme/reviewers"],
        **{
            f"{branch}_{key}": value
            for branch in ("development", "staging", "production")
            for key, value in {
                "engine": "kubeflow",
                "endpoint": "https://kubeflow.example.org/pipeline",
                "access": "ssh",
                "ssh": "tunnel@bastion.example.org",
                "ssh_host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
                "wait": "callback",
                "tracking_uri": "https://mlflow.example.org",
            }.items()
        },
    }
)
"""Answers of somebody who wants all that there is."""


@functools.cache
def files(answers: str) -> dict[str, str]:
    """The text files of a repository with these answers (JSON), by their paths in it.

    Raises:
        RuntimeError: The tool refuses the answers.
    """
    with tempfile.TemporaryDirectory(prefix="mlopsgen-reference-") as folder:
        given, made = Path(folder, "answers.json"), Path(folder, "model")
        given.write_text(answers, encoding="utf-8")
        told = io.StringIO()
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            exit_code = main(["init", "--answers", str(given), str(made)])
        if exit_code:
            raise RuntimeError(f"init refused the answers of the reference:\n{told.getvalue()}")
        return {
            path.relative_to(made).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(made.rglob("*.y*ml"))
            if ".git" not in path.relative_to(made).parts
        }
