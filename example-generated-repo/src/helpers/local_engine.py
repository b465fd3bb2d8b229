"""Runs a pipeline on this machine: kfp's local orchestration decides, prepared workers do the steps.

The driver (this process) imports neither kfp nor MLflow. It starts two processes side by side, because both need
seconds to import what they need, and passes steps from the one to the other::

    orchestrator (kfp)  --step-->  driver  --job-->  worker server (pandas, MLflow, steps)  --fork-->  step

Whatever ends first, the others end too: each notices that its socket is closed.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers import processes
from helpers.errors import RepositoryError
from helpers.workers import Ended, Lines, Workers, reason, rebuild, start_python


@dataclass
class StepState:
    """A step as it went: ``running``, then ``succeeded``, ``failed`` or ``skipped``."""

    name: str
    state: str
    seconds: float | None = None


@dataclass(frozen=True)
class StepFailure:
    """Why a step failed."""

    step: str
    message: str
    hint: str = ""
    where: str = ""


@dataclass
class EngineResult:
    """How a pipeline went."""

    steps: list[StepState] = field(default_factory=list)
    failure: StepFailure | None = None


class OrchestratorError(RepositoryError):
    """The process that runs kfp is gone."""

    code = "orchestrator"


@dataclass
class LocalEngine:
    """One run of one pipeline.

    Attributes:
        root: The repository.
        workers: The worker server, which is started already.
        folder: Where steps put their files.
        log: Where kfp's own output goes.
        environ: The environment of kfp.
        on_step: Told of each change of a step's state.
        timeouts: The seconds that a step may take, by its name; one that is not named may take its time.
    """

    root: Path
    workers: Workers
    folder: Path
    log: Path
    environ: Mapping[str, str]
    on_step: Callable[[StepState], None]
    timeouts: Mapping[str, int] = field(default_factory=dict)
    process: subprocess.Popen[bytes] = field(init=False)
    lines: Lines = field(init=False)
    result: EngineResult = field(init=False, default_factory=EngineResult)
    _jobs: dict[int, tuple[int, StepState, float]] = field(init=False, default_factory=dict)
    _late: set[int] = field(init=False, default_factory=set)

    def start(self, package: Path, *, branch: str, pipeline: str, compiled: bool) -> None:
        """Starts kfp, which compiles the pipeline while the caller goes on.

        Args:
            package: Where the compiled package is to lie, or lies.
            branch: The branch whose configuration counts.
            pipeline: The pipeline of ``pipeline.yaml``.
            compiled: Whether the package is there already.
        """
        ours, theirs = socket.socketpair()
        environ = {name: value for name, value in self.environ.items() if name != "_KFP_RUNTIME"}
        with theirs:
            self.process = start_python(
                "helpers.orchestrator",
                str(theirs.fileno()),
                environ=environ,
                log=self.log,
                inherit=[theirs.fileno()],
                cwd=self.root,
            )
        self.lines = Lines(ours)
        self.lines.send(
            {
                "root": str(self.root),
                "branch": branch,
                "pipeline": pipeline,
                "package": str(package),
                "compile": not compiled,
                "pipeline_root": str(self.folder),
            }
        )

    def wait_compiled(self) -> None:
        """Waits until the package is there.

        Raises:
            RepositoryError: The pipeline does not compile.
        """
        for message in self._heard():
            if "error" in message:
                raise self._error(message["error"])
            self.result.steps = [StepState(name, "skipped") for name in message["steps"]]

    def run(self, arguments: Mapping[str, Any]) -> EngineResult:
        """Runs the package to its end.

        Args:
            arguments: The values of the pipeline's parameters that differ from its defaults.

        Raises:
            RepositoryError: The pipeline could not be run; a step that fails is part of the result instead.
        """
        self.lines.send({"arguments": dict(arguments)})
        with selectors.DefaultSelector() as selector:
            selector.register(self.lines.connection, selectors.EVENT_READ)
            selector.register(self.workers.lines.connection, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(self._end_late_steps())}
                if self.workers.lines.connection in ready:
                    for ended in self.workers.receive():
                        self._ended(ended)
                if self.lines.connection in ready:
                    for message in self._heard():
                        if "step" in message:
                            self._begin(message)
                        elif "error" in message:
                            raise self._error(message["error"])
                        else:
                            return self._finish(message)

    def close(self) -> None:
        """Ends kfp and all steps."""
        if hasattr(self, "process"):
            self.lines.connection.close()
            processes.kill_group(self.process.pid)
            self.process.wait()
        self.workers.kill()

    def _heard(self) -> list[dict[str, Any]]:
        messages = self.lines.receive()
        if messages is None:
            code = self.process.wait()
            raise OrchestratorError(f"The process that runs the pipeline is gone. {reason(code)}", hint="Run it again.")
        return messages

    def _begin(self, message: Mapping[str, Any]) -> None:
        name = message["name"]
        step = next((step for step in self.result.steps if step.name == name and step.state == "skipped"), None)
        if step is None:  # an iteration of a loop, or a step that kfp tries again
            self.result.steps = [step for step in self.result.steps if not _is_loop_of(name, step)]
            step = StepState(name, "skipped")
        else:
            self.result.steps.remove(step)
        begun = sum(other.state != "skipped" for other in self.result.steps)
        self.result.steps.insert(begun, step)  # in the order that they began; those that never do stay last
        step.state = "running"
        self.on_step(step)
        job = {
            "kind": "step",
            "command": message["command"],
            "environment": message["environment"],
        }
        self._jobs[self.workers.begin(job)] = (message["step"], step, time.monotonic())

    def _limit(self, step: StepState) -> int | None:
        return self.timeouts.get(step.name.rpartition("/")[2])

    def _end_late_steps(self) -> float | None:
        """Ends the steps whose time is up; the seconds until that is so of the next one."""
        waiting = []
        for job, (_, step, started) in self._jobs.items():
            limit = self._limit(step)
            if limit is None or job in self._late:
                continue
            left = started + limit - time.monotonic()
            if left > 0:
                waiting.append(left)
            else:
                self._late.add(job)
                self.workers.end(job)
        return min(waiting, default=None)

    def _ended(self, ended: Ended) -> None:
        if ended.id not in self._jobs:
            return
        number, step, started = self._jobs.pop(ended.id)
        step.seconds = round(time.monotonic() - started, 3)
        step.state = "succeeded" if ended.code == 0 else "failed"
        self.on_step(step)
        if ended.code != 0:
            error = ended.result.get("error") or {"message": reason(ended.code), "hint": "", "where": ""}
            if ended.id in self._late:
                message = f"It took longer than its timeout of {self._limit(step)} s."
                error = {"message": message, "hint": "Give it more time, or less to do.", "where": ""}
            self.result.failure = StepFailure(step.name, error["message"], error["hint"], error["where"])
        self.lines.send({"id": number, "code": ended.code})

    def _finish(self, message: Mapping[str, Any]) -> EngineResult:
        ran = [step for step in self.result.steps if step.state != "skipped"]
        if len(message["steps"]) != len(ran):
            raise RepositoryError(
                "kfp ran steps past the local engine.", hint="Use the version of kfp that requirements.txt names."
            )
        if message["finished"]:
            self.result.failure = None  # a step that failed and succeeded when kfp tried it again
        elif self.result.failure is None:
            raise RepositoryError("kfp ended the pipeline without a step that failed.", hint=f"Look into {self.log}.")
        return self.result

    def _error(self, error: Mapping[str, Any]) -> RepositoryError:
        if error["code"]:
            return rebuild(error)
        return RepositoryError(f"kfp cannot run the pipeline: {error['message']}", hint=f"Look into {self.log}.")


def _is_loop_of(name: str, step: StepState) -> bool:
    """Whether a step that waits is the one whose iterations have begun."""
    return step.state == "skipped" and "/" in name and name.rpartition("/")[2] == step.name


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Writes what is known of a run, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(dict(state), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)
