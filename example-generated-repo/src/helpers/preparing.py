"""What every way of training begins with: the inputs of the run, its context, its folder."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers.branch import Branch
from helpers.context import RunContext
from helpers.errors import RepositoryError
from helpers.parameters import CONTEXT, parse_parameters
from helpers.processes import git_commit
from helpers.verbs import Request, code_parameters
from helpers.wiring import Plan


@dataclass(frozen=True)
class Inputs:
    """What a run is given.

    Attributes:
        arguments: The parameters that were named for this run.
        parameters: All parameters with their values.
        modules: The modules of the steps, where they are known.
        takes_context: Whether the pipeline has the parameter ``context``.
        plan: The wired steps of a pipeline of the text.
    """

    arguments: dict[str, Any]
    parameters: dict[str, Any]
    modules: tuple[str, ...]
    takes_context: bool
    plan: Plan | None = None


def read_inputs(request: Request, branch: Branch, pipeline: str) -> Inputs:
    """The inputs of a pipeline of the text or in code."""
    code, plan = request.code(pipeline), None
    if code is None:
        plan = branch.plan(pipeline)
        own, modules, takes_context, chosen = list(plan.parameters), plan.modules, True, {}
    else:
        from helpers.code_pipelines import parameters_of

        own, modules, chosen = list(parameters_of(code)), (), code_parameters(code, branch)
        takes_context = CONTEXT in (code.component_spec.inputs or {})
    arguments = parse_parameters(request.options["param"], own)
    defaults = {parameter.name: parameter.default for parameter in own if parameter.name != CONTEXT}
    return Inputs(arguments, {**defaults, **chosen, **arguments}, tuple(modules), takes_context, plan)


def make_context(request: Request, branch: Branch, pipeline: str) -> RunContext:
    """Who trains what, and why."""
    options, environ = request.options, request.environ
    server, name, ci_run = (environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    repository = f"{server}/{name}" if server and name else ""
    lock = request.root / "requirements.txt"
    return replace(
        request.context(branch, pipeline),
        commit=options["commit"] if options["commit"] is not None else git_commit(request.root, environ),
        actor=options["actor"] or environ.get("GITHUB_ACTOR", "") or _user(),
        trigger=options["trigger"],
        reason=options.get("reason") or "",
        promote=options["promote"],
        repository=repository,
        ci_url=f"{repository}/actions/runs/{ci_run}" if repository and ci_run else "",
        lock=hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "",
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return ""


def make_folder(request: Request) -> Path:
    """The run's directory; never that of another run."""
    given: Path | None = request.options["run_directory"]
    try:
        if given is not None:
            folder = given.absolute()
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / "run.json").exists():
                raise RepositoryError(
                    "The directory holds another run.", where=str(folder), hint="Choose another --run-directory."
                )
            return folder
        request.runs.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        for number in range(1, 1000):
            folder = request.runs / (stamp if number == 1 else f"{stamp}-{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise RepositoryError(
            f"The run's directory cannot be made: {error.strerror}.", where=str(given or request.runs)
        ) from error
    raise RepositoryError("A thousand runs began in this second.", where=str(request.runs))


def point_latest(request: Request, folder: Path) -> None:
    """Makes ``runs/<branch>/latest`` a link to the run."""
    request.runs.mkdir(parents=True, exist_ok=True)
    link = request.runs / f".latest-{os.getpid()}-{time.monotonic_ns()}"
    try:
        link.symlink_to(os.path.relpath(folder, request.runs), target_is_directory=True)
        link.replace(request.latest)
    except OSError:  # a file system without links; the run itself is not hurt
        link.unlink(missing_ok=True)
