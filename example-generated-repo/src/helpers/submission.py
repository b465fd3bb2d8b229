"""``submit``: trains on Kubeflow. It submits the package, waits, and brings the report back from MLflow.

The same job of continuous integration that is run again finds its run and goes on with it: nothing is trained twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from helpers.branch import Branch
from helpers.command_line import InterruptionError
from helpers.config import tracking_uri
from helpers.context import RunContext
from helpers.documents import Loader
from helpers.envelope import VerbResult
from helpers.errors import ConfigurationError, ExitCode, RepositoryError
from helpers.kubeflow_answers import KubeflowError
from helpers.kubeflow_client import Kubeflow, insist
from helpers.kubeflow_config import Kubeflow as Settings
from helpers.kubeflow_runs import (
    ENDED,
    LONGEST_UPLOAD,
    Submission,
    Submitted,
    context_of,
    find_experiment,
    read_run,
    runs_named,
    terminate,
)
from helpers.kubeflow_runs import submit as submit_run
from helpers.kubeflow_wait import Outcome, Waiting, longest_wait
from helpers.local_engine import write_state
from helpers.packaging import write_package
from helpers.parameters import CONTEXT
from helpers.preparing import make_context, make_folder, point_latest, read_inputs
from helpers.submission_result import conclude, record_end
from helpers.submission_target import check_results, open_kubeflow
from helpers.verbs import Request, run_state, shown
from helpers.workflow_commands import set_output

AT_FIRST = 60.0
"""Seconds that a server may be away before anything was submitted."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a submission is about.

    Attributes:
        request: What was asked for.
        branch: The branch's texts.
        pipeline: The pipeline.
        kubeflow: The server.
    """

    request: Request
    branch: Branch
    pipeline: str
    kubeflow: Kubeflow

    @property
    def settings(self) -> Settings:
        """The branch's section ``kubeflow``."""
        return self.branch.config.kubeflow


def submit(request: Request) -> VerbResult:
    """Submits and waits; or goes on with a run, or ends one."""
    branch = request.load()
    pipeline = request.choose(branch)
    config = branch.config
    if config.engine != "kubeflow":
        raise ConfigurationError(
            f"The branch '{request.branch}' does not train on Kubeflow.",
            where=branch.config_document.where(("engine",)),
            hint="Train with: run. To train on a cluster, set engine: kubeflow and kubeflow.endpoint.",
        )
    ending, resuming = request.options["terminate"] is not None, bool(request.options["resume"])
    waits = not ending and not request.options["no_wait"] and (resuming or config.kubeflow.wait == "poll")
    if waits or not (ending or resuming or request.options["no_wait"]):
        uri = tracking_uri(request.root, config, request.environ)
        check_results(uri, branch, wait="poll" if waits else config.kubeflow.wait)
    insisting = partial(_patiently, request, branch)
    with (
        request.reaching(branch, platform=True, insist=insisting) as reaching,
        _connected(reaching, branch, pipeline) as target,
    ):
        if ending:
            return _end(target)
        if resuming:
            return _resume(target, waits=waits)
        return _submit(target, waits=waits)


@contextlib.contextmanager
def _connected(request: Request, branch: Branch, pipeline: str) -> Iterator[Target]:
    with tempfile.TemporaryDirectory(prefix="kubeflow-") as folder:
        kubeflow = open_kubeflow(request.root, branch, request.environ, Path(folder))
        _patiently(request, branch, kubeflow.connect)
        if kubeflow.multi_user and not kubeflow.place.namespace:
            raise ConfigurationError(
                "This Kubeflow has many users, and no namespace is named.",
                where=branch.config_document.where(("kubeflow", "namespace")),
                hint="Set kubeflow.namespace, or the variable KUBEFLOW_NAMESPACE, to that of your profile.",
            )
        yield Target(request=request, branch=branch, pipeline=pipeline, kubeflow=kubeflow)


def _submit(target: Target, *, waits: bool) -> VerbResult:
    request, branch = target.request, target.branch
    inputs = read_inputs(request, branch, target.pipeline)
    context = make_context(request, branch, target.pipeline)
    name = run_name(context, request.environ)
    context = replace(context, submission=name, platform=target.kubeflow.pages)
    folder = make_folder(request)
    package = _package(target, folder)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    spec = _read(package)
    takes_context = CONTEXT in spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    given = {CONTEXT: context.to_json()} if takes_context else {}
    wanted = Submission(
        pipeline=context.model_name,
        version=version_name(context.commit, digest),
        digest=digest,
        package=package,
        experiment=context.experiment_name,
        name=name,
        parameters={**inputs.arguments, **given},
        description=_description(context),
        service_account=target.settings.service_account,
        tags={"branch": context.branch, "commit": context.commit[:40], "pipeline": context.pipeline},
    )
    submitted = submit_run(
        target.kubeflow,
        wanted,
        patiently=lambda ask: _patiently(request, branch, ask, target.settings.patience_minutes * 60),
    )
    run_id = str(submitted.run.run_id)
    link = target.kubeflow.run_link(run_id)
    request.progress(f"{'going on with' if submitted.found else 'submitted'} {submitted.run.display_name}: {link}")
    return _follow(target, submitted, folder, waits=waits)


def _resume(target: Target, *, waits: bool) -> VerbResult:
    """Goes on with a run that an earlier call, or another machine, has submitted."""
    request = target.request
    run = _patiently(request, target.branch, lambda: read_run(target.kubeflow, request.options["resume"]))
    known = context_of(run)
    fits = (known.get("pipeline"), known.get("branch")) == (target.pipeline, request.branch)
    if known and not fits:
        raise ConfigurationError(
            f"The run is one of the pipeline '{known.get('pipeline')}' on {known.get('branch')}.",
            where="--resume",
            hint=f"python -m pipelines.{known.get('branch')}.main submit --resume {run.run_id}",
        )
    folder = make_folder(request)
    request.progress(f"going on with {run.display_name}: {target.kubeflow.run_link(str(run.run_id))}")
    return _follow(target, Submitted(run=run, found=True), folder, waits=waits)


def _follow(target: Target, submitted: Submitted, folder: Path, *, waits: bool) -> VerbResult:
    """Remembers the run, waits for it, and tells how it went."""
    request, run = target.request, submitted.run
    run_id, name = str(run.run_id), str(run.display_name)
    about = {
        "run_id": run_id,
        "name": name,
        "link": target.kubeflow.run_link(run_id),
        "experiment_id": str(run.experiment_id or ""),
        "version": submitted.version,
        "resumed": submitted.found,
    }
    known = _known_context(target, run)
    uri = tracking_uri(request.root, target.branch.config, request.environ)
    state = {"version": 1, "run_id": "", "pipeline": target.pipeline, "branch": request.branch, "tracking": uri}
    write_state(folder / "run.json", {**state, "kubeflow": about})
    point_latest(request, folder)
    if not waits:
        return _unwatched(target, folder, about)
    tell_workflow(request.environ, "waiting", about)
    waiting = Waiting(
        target.kubeflow,
        run_id,
        request.progress,
        poll=target.settings.poll_seconds,
        patience=target.settings.patience_minutes * 60,
        deadline=longest_wait(target.settings.deadline_hours, request.environ),
        names=_step_names(folder),
    )
    try:
        with _stopped_by_signals(waiting.stop):
            outcome = waiting.until_end()
    except KubeflowError as error:
        error.message = f"{error.message} The run goes on: {about['link']}"
        error.hint = f"{error.hint} {_how_to_resume(request, run_id)}".strip()
        raise
    if waiting.stop.is_set():
        raise InterruptionError(
            f"Stopped waiting; the run goes on: {about['link']}",
            hint=f"{_how_to_resume(request, run_id)} To end it: submit --terminate {run_id}",
        )
    return _outcome(target, folder, known, about, outcome)


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Lets Ctrl-C, and a machine that ends the job, end the waiting in good order; a second one ends it at once."""

    def handle(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, handle) for number in numbers}
    except ValueError:  # not the main thread: the caller looks after signals
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outcome(target: Target, folder: Path, context: RunContext, about: dict[str, Any], outcome: Outcome) -> VerbResult:
    request = target.request
    about |= {"state": outcome.state}
    if outcome.reason:
        hint = _how_to_resume(request, about["run_id"])
        error = KubeflowError(f"{outcome.reason} It goes on: {about['link']}", hint=hint)
        return VerbResult(
            summary=error.message,
            data={"pipeline": target.pipeline, "kubeflow": about, "directory": str(folder)},
            lines=(f"  {hint}",),
            exit_code=ExitCode.PARTIAL,
            error=error,
        )
    tell_workflow(request.environ, "ended", about)
    return conclude(request, target.branch, target.kubeflow, folder, context, about, outcome)


def _unwatched(target: Target, folder: Path, about: dict[str, Any]) -> VerbResult:
    request = target.request
    callback = target.settings.wait == "callback" and not request.options["no_wait"]
    tell_workflow(request.environ, "submitted" if callback else "unwatched", about)
    words = "it reports by itself when it has ended" if callback else "nobody waits for it"
    return VerbResult(
        summary=f"Submitted {about['name']}; {words}.",
        data={"pipeline": target.pipeline, "kubeflow": about, "directory": str(folder), "waited": False},
        lines=(f"  run: {about['link']}", f"  directory: {shown(folder, request.root)}"),
        next_steps=() if callback else (_resuming(request, about["run_id"]),),
    )


def tell_workflow(environ: Mapping[str, str], state: str, about: Mapping[str, Any]) -> None:
    """Sets the outputs of a workflow's step: what became of the submission, and the run's id."""
    path = environ.get("GITHUB_OUTPUT", "")
    if path:
        set_output(Path(path), "state", state)
        set_output(Path(path), "run-id", str(about["run_id"]))


def _end(target: Target) -> VerbResult:
    """Ends the run that was named, else what this run of continuous integration has submitted, else the last one."""
    request, branch = target.request, target.branch
    named = str(request.options["terminate"])
    runs = [named] if named else _patiently(request, branch, lambda: _own_runs(target))
    ended = [run_id for run_id in runs if _patiently(request, branch, partial(terminate, target.kubeflow, run_id))]
    data: dict[str, Any] = {"pipeline": target.pipeline, "terminated": ended, "recorded": []}
    if not ended:
        return VerbResult(summary="There is no run to end." if not runs else "The run had ended already.", data=data)
    lines = []
    for run_id in ended:
        run = _patiently(request, branch, partial(read_run, target.kubeflow, run_id))
        recorded, said = record_end(request, branch, target.kubeflow, _known_context(target, run), run_id)
        data["recorded"] += [recorded] if recorded else []
        lines += [f"  run: {target.kubeflow.run_link(run_id)}", *said]
    return VerbResult(summary="Kubeflow was told to end the run.", data=data, lines=tuple(lines))


def _own_runs(target: Target) -> list[str]:
    request = target.request
    if request.environ.get("GITHUB_RUN_NUMBER"):
        context = make_context(request, target.branch, target.pipeline)
        experiment = find_experiment(target.kubeflow, context.experiment_name)
        name = run_name(context, request.environ)
        found = runs_named(target.kubeflow, experiment, name) if experiment else []
        return [str(run.run_id) for run in found if str(run.state) not in ENDED]
    last = run_state(request.latest).get("kubeflow", {}).get("run_id", "")
    if not last:
        raise ConfigurationError(
            "Which run is to be ended?", where="--terminate", hint="Write: submit --terminate RUN_ID"
        )
    return [str(last)]


def run_name(context: RunContext, environ: Mapping[str, str]) -> str:
    """The name of the run: of the same run of continuous integration always the same, otherwise a new one."""
    commit, dirty = context.commit.removesuffix("-dirty"), context.commit.endswith("-dirty")
    short = f"{commit[:7]}{'-dirty' if dirty else ''}" if commit else "uncommitted"
    number = environ.get("GITHUB_RUN_NUMBER", "")
    if not number:
        number = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    return f"{context.branch}-{short}-{number}"


def version_name(commit: str, digest: str) -> str:
    """The name of the pipeline's version: the commit; what no commit names is told apart by its digest."""
    if not commit:
        return f"uncommitted-{digest[:12]}"
    return f"{commit}-{digest[:8]}" if commit.endswith("-dirty") else commit


def _package(target: Target, folder: Path) -> Path:
    """The package: the one that was given, else what is compiled now."""
    request, given = target.request, target.request.options["package"]
    package: Path = folder / "pipeline.yaml"
    try:
        if given is not None:
            package.write_bytes(given.read_bytes())
        else:
            image = request.options["image"] or ""
            write_package(request, target.branch, target.pipeline, package, image=image, cluster=True)
        size = package.stat().st_size
    except OSError as error:
        raise RepositoryError(f"The package: {error.strerror}.", where=str(given or package)) from error
    if size > LONGEST_UPLOAD:
        raise ConfigurationError(
            f"The package has {size // 2**20} MB, and Kubeflow takes {LONGEST_UPLOAD // 2**20} MB.", where=str(package)
        )
    return package


def _step_names(folder: Path) -> tuple[str, ...]:
    """The steps of the package, where this call has it."""
    package = folder / "pipeline.yaml"
    if not package.is_file():
        return ()
    from helpers import graph

    return tuple(graph.step_names(_read(package)))


def _read(package: Path) -> Any:
    """The pipeline of a package as plain data."""
    try:
        with package.open(encoding="utf-8") as file:
            found = next(yaml.load_all(file, Loader=Loader), None)
    except (yaml.YAMLError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict) or "root" not in found:
        raise ConfigurationError("This is no package of a pipeline.", where=str(package), hint="Make it with: compile")
    return found


def _description(context: RunContext) -> str:
    commit = f"commit {context.commit}" if context.commit else ""
    actor = f"{context.trigger} by {context.actor}" if context.actor else context.trigger
    return ", ".join(part for part in (commit, actor, context.ci_url) if part)


def _known_context(target: Target, run: Any) -> RunContext:
    """The context that the run was given; one without is found by its name."""
    context = target.request.context(target.branch, target.pipeline)
    given = {"submission": str(run.display_name), **{key: value for key, value in context_of(run).items() if value}}
    return RunContext.from_json(json.dumps({**json.loads(context.to_json()), **given}))


def _how_to_resume(request: Request, run_id: str) -> str:
    return f"To wait for it: {_resuming(request, run_id)}"


def _resuming(request: Request, run_id: str) -> str:
    return f"python -m pipelines.{request.branch}.main submit --resume {run_id}"


def _patiently(request: Request, branch: Branch, ask: Callable[[], Any], patience: float = AT_FIRST) -> Any:
    pause = min(2.0, branch.config.kubeflow.poll_seconds)
    return insist(ask, patience=patience, pause=pause, tell=request.progress, stop=threading.Event())
