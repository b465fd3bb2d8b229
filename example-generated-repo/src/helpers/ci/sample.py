"""``sample``: a short training on the sample, for a pull request. It needs no network, no secret and no server."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from helpers.ci.job import Job
from helpers.config import STORE_VARIABLE
from helpers.documents import read_document
from helpers.errors import ExitCode, RepositoryError
from helpers.processes import capture

SOURCE = "sample"


def sample(job: Job, options: argparse.Namespace) -> None:
    """Trains; that the gate refuses the model is no failure here.

    Raises:
        RepositoryError: A step failed.
    """
    folder: Path = (job.root / options.into).absolute()
    document = read_document(job.root / "data" / "sources.yaml", root=job.root)
    sources = document.value.get("sources") if isinstance(document.value, dict) else None
    if not isinstance(sources, dict) or SOURCE not in sources:
        job.annotate("notice", f"data/sources.yaml has no source '{SOURCE}', so nothing is trained here.")
        return
    result = folder.with_name(f"{folder.name}.json")
    folder.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", f"pipelines.{options.branch}.main", "run", "--engine", "local"]
    command += ["--param", f"source={SOURCE}", "--run-directory", str(folder), "--result", str(result)]
    hidden = ("GITHUB_TOKEN", "MLFLOW_")
    environ = {name: value for name, value in job.environ.items() if not name.startswith(hidden)}
    environ[STORE_VARIABLE] = f"sqlite:///{folder.as_posix()}-store/mlflow.db"
    done = capture(command, cwd=job.root, environ=environ, together=True)
    job.tell(done.text.rstrip())
    if done.code not in (ExitCode.OK, ExitCode.REJECTED):
        error = _outcome(result).get("error") or {}
        raise RepositoryError(
            str(error.get("message") or "The short training on the sample failed."),
            hint=str(error.get("hint") or "Try it: make train"),
            where=str(error.get("where") or ""),
        )


def _outcome(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
