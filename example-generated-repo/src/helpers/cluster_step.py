"""How a step of a package runs on a cluster: its function is called, and MLflow is told how it went.

``finish-run`` puts the report together from that. It would not know otherwise: Kubeflow tells its exit handler only
that something failed. Errors that are meant for people end the step with their words and without a traceback.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from helpers.config import repository_root
from helpers.context import RunContext
from helpers.errors import RepositoryError

TAG = "mlopsgen.step."


def perform(step: str, uses: str, context: str, arguments: Mapping[str, Any]) -> Any:
    """Calls a step's function.

    Args:
        step: The step's name in the pipeline.
        uses: ``module:function``.
        context: What the run knows about itself; without a run nothing is told.
        arguments: The function's arguments.
    """
    run = _run_of(context)
    _tell(run, step, state="running")
    started = time.monotonic()
    module, _, function = uses.partition(":")
    try:
        result = getattr(importlib.import_module(module), function)(**arguments)
    except BaseException as error:
        from helpers.jobs import describe

        told = describe(error, repository_root(os.environ))
        words = {name: told[name] for name in ("message", "hint", "where")}
        _tell(run, step, state="failed", seconds=time.monotonic() - started, **words)
        if not isinstance(error, RepositoryError):
            raise
        place = f"{error.where}: " if error.where else ""
        print(f"error: {place}{error.message}", *([f"  {error.hint}"] if error.hint else []), sep="\n", file=sys.stderr)
        sys.exit(1)
    _tell(run, step, state="succeeded", seconds=time.monotonic() - started)
    return result


def _run_of(context: str) -> RunContext | None:
    known = json.loads(context or "{}")
    return RunContext.from_json(context) if known.get("run_id") else None


def _tell(run: RunContext | None, step: str, **said: Any) -> None:
    """Tells MLflow; a server that cannot be told now is no reason to lose the step's work."""
    if run is None:
        return
    from helpers import tracking

    if "seconds" in said:
        said["seconds"] = round(said["seconds"], 3)
    try:
        tracking.log_tags(run, {f"{TAG}{step}": json.dumps(said)})
    except Exception as error:  # noqa: BLE001 - MLflow hands on what its HTTP client raises
        print(f"MLflow could not be told that '{step}' is {said['state']}: {type(error).__name__}", file=sys.stderr)
