"""``run``: trains with the local engine, and leaves an MLflow run, a report and a log behind whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from helpers.branch import Branch
from helpers.config import tracking_uri
from helpers.context import RunContext
from helpers.data.pipelines import names_source
from helpers.envelope import VerbResult
from helpers.errors import ConfigurationError, ExitCode, RepositoryError, StepFailed
from helpers.local_engine import EngineResult, LocalEngine, StepFailure, StepState, write_state
from helpers.packaging import write_package
from helpers.parameters import CONTEXT
from helpers.preparing import Inputs, make_context, make_folder, point_latest, read_inputs
from helpers.targets import ignored_here, missing_here, timeouts_of
from helpers.verbs import Request, shown
from helpers.workers import JobError, Workers, WorkersError

LONGEST_END = 30.0
"""Seconds that a stopped run may take to write down that it was stopped."""

PREPARED = (
    "kfp.dsl.executor_main",
    "helpers.run_record",
    "mlflow.pyfunc",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.utils.search_logged_model_utils",
    "alembic.command",
    "sqlalchemy.dialects.sqlite",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "narwhals.stable.v2",
    "email.policy",
)
"""What a worker imports before the steps' own modules; most steps would import it sooner or later, each for itself.

One that another version of a library does not have is only missed as time: the step that needs its like imports it.
"""


@dataclass(frozen=True)
class Run:
    """A run that is being made."""

    request: Request
    branch: Branch
    pipeline: str
    folder: Path
    context: RunContext
    inputs: Inputs

    @property
    def log(self) -> Path:
        """Where everything that libraries and steps print goes."""
        return self.folder / "log.txt"

    @property
    def code(self) -> Any:
        """The pipeline in code, when it is one."""
        return self.request.code(self.pipeline)


def run(request: Request) -> VerbResult:
    """Trains, and tells how it went."""
    branch = request.load()
    pipeline = request.choose(branch)
    if branch.config.engine == "kubeflow" and request.options["engine"] != "local":
        raise ConfigurationError(
            f"The branch '{request.branch}' trains on Kubeflow.",
            where=branch.config_document.where(("engine",)),
            hint="Submit it with: submit. To train on this machine all the same: run --engine local",
        )
    inputs = read_inputs(request, branch, pipeline)
    uri = tracking_uri(request.root, branch.config, request.environ)
    context = make_context(request, branch, pipeline)
    folder = make_folder(request)
    made = Run(request, branch, pipeline, folder, context, inputs)
    try:
        with request.reaching(branch) as reaching:
            return _train(replace(made, request=reaching), uri)
    except Exception as error:
        error.run_directory = folder  # type: ignore[attr-defined]  # where a traceback is kept
        raise


def _train(made: Run, uri: str) -> VerbResult:
    request = made.request
    environ = {**request.job_environ(uri), "MLOPSGEN_PROCESS": str(os.getpid())}
    mode = request.options["workers"] or made.branch.config.workers
    workers = Workers(request.root, made.folder / "jobs", made.log, environ, mode=mode)
    engine = LocalEngine(request.root, workers, made.folder / "steps", made.log, environ, _teller(request))
    if made.inputs.plan is not None:
        engine.timeouts = timeouts_of(made.inputs.plan)
        for note in (ignored_here(made.inputs.plan), missing_here(made.inputs.plan, request.environ)):
            if note:
                request.progress(note)
    try:
        workers.start((*PREPARED, *made.inputs.modules))
        package = made.folder / "pipeline.yaml"
        if made.code is not None:
            write_package(request, made.branch, made.pipeline, package, cluster=False)
        engine.start(package, branch=request.branch, pipeline=made.pipeline, compiled=made.code is not None)
        request.progress(f"training '{made.pipeline}' of {request.branch} in {shown(made.folder, request.root)}")
        engine.wait_compiled()
        for note in _gate_notes(made, workers):
            request.progress(f"gate: {note}")
        run_id = workers.call(
            "helpers.run_record:begin",
            context=made.context.to_json(),
            engine="local",
            parameters=dict(made.inputs.parameters),
        )
        made = replace(made, context=replace(made.context, run_id=run_id))
        if workers.note:
            request.progress(f"each step starts a new Python, because {workers.note}")
        state = {"version": 1, "run_id": run_id, "pipeline": made.pipeline, "branch": request.branch, "tracking": uri}
        write_state(made.folder / "run.json", state)
        point_latest(request, made.folder)
        return _steps(made, engine, workers)
    except JobError as error:
        raise RuntimeError(f"{error}\n{_tail(made.log)}") from error
    finally:
        engine.close()
        workers.close()


def _gate_notes(made: Run, workers: Workers) -> list[str]:
    """What is to be said of the gate's metrics; a slip of the pen ends the run before it costs time."""
    source = next((value for name, value in made.inputs.parameters.items() if names_source(name)), "")
    if not source:
        return []
    given = {"root": str(made.request.root), "source": source, "context": made.context.to_json()}
    return list(workers.call("helpers.model_check:require_gate", **given))


def _steps(made: Run, engine: LocalEngine, workers: Workers) -> VerbResult:
    """Runs the steps; however they end, the run ends in MLflow too."""
    given = {CONTEXT: made.context.to_json()} if made.inputs.takes_context else {}
    try:
        result = engine.run({**made.inputs.arguments, **given})
    except RepositoryError as error:
        engine.close()
        result = replace(engine.result, failure=StepFailure("", error.message, error.hint, error.where))
    except BaseException as error:
        with _undisturbed(workers):
            made.request.progress("stopping ...")
            engine.close()
            failure = StepFailure("", f"The run was stopped ({type(error).__name__.removesuffix('Error')}).")
            _finish(made, workers, replace(engine.result, failure=failure), status="killed")
        raise
    for step in result.steps:
        if step.state == "skipped":
            engine.on_step(step)
    data = _finish(made, workers, result, status="failed" if result.failure else "succeeded")
    return _outcome(made, data, result.failure)


def _finish(made: Run, workers: Workers, result: EngineResult, *, status: str) -> dict[str, Any]:
    """Ends the run in MLflow, with a new worker when the prepared one is gone."""
    for step in result.steps:
        if step.state == "running":
            step.state = "failed"
    failure = result.failure
    arguments: dict[str, Any] = {
        "context": made.context.to_json(),
        "status": status,
        "steps": [asdict(step) for step in result.steps],
        "failure": None if failure is None else _described(failure),
        "folder": str(made.folder / "report"),
    }
    try:
        return dict(workers.call("helpers.run_record:finish", **arguments))
    except WorkersError:
        workers.close()
        again = Workers(workers.root, workers.folder / "again", workers.log, workers.environ, mode="spawn")
        again.start(())
        with contextlib.closing(again):
            return dict(again.call("helpers.run_record:finish", **arguments))


def _outcome(made: Run, data: dict[str, Any], failure: StepFailure | None) -> VerbResult:
    request = made.request
    lines = data.pop("lines")
    summary = data.pop("summary")
    data = {"pipeline": made.pipeline, **data, "directory": str(made.folder), "log": str(made.log)}
    page = data["report"].get("html", "")
    below = [*lines, f"  report: {shown(Path(page), request.root)}"]
    if failure is not None:
        message = f"step {failure.step} failed: {failure.message}" if failure.step else failure.message
        hint = failure.hint or f"The full output is in {shown(made.log, request.root)}."
        error = StepFailed(message, hint=hint, where=failure.where)
        place = f" ({failure.where})" if failure.where else ""
        return VerbResult(
            summary=f"{message}{place}",
            data=data,
            lines=(f"  {hint}", f"  log: {shown(made.log, request.root)}", below[-1]),
            exit_code=ExitCode.FAILURE,
            error=error,
        )
    refused = not data["passed"] and made.branch.config.gate.on_reject == "fail"
    return VerbResult(
        summary=summary, data=data, lines=tuple(below), exit_code=ExitCode.REJECTED if refused else ExitCode.OK
    )


def _described(failure: StepFailure) -> dict[str, str]:
    place = f"{failure.where}: " if failure.where else ""
    return {"step": failure.step, "message": f"{place}{failure.message}", "hint": failure.hint}


def _teller(request: Request) -> Any:
    """Tells of each change of a step's state in one line."""

    def tell(step: StepState) -> None:
        if step.state == "running":
            request.progress(f"step {step.name}: running")
        else:
            seconds = f" ({step.seconds:.1f} s)" if step.seconds is not None else ""
            request.progress(f"step {step.name}: {step.state}{seconds}")

    return tell


def _tail(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-10_000:]
    except OSError:
        return ""


@contextlib.contextmanager
def _undisturbed(workers: Workers) -> Iterator[None]:
    """Lets the end of a stopped run be written although signals go on, but not for longer than half a minute."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    limit = threading.Timer(LONGEST_END, workers.process.kill)
    limit.daemon = True
    try:
        before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    except ValueError:  # not the main thread: the caller looks after signals
        before = []
    limit.start()
    try:
        yield
    finally:
        limit.cancel()
        for number, handler in zip(numbers, before, strict=False):
            signal.signal(number, handler)
