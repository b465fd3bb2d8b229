"""The process that compiles a pipeline and lets kfp's own local orchestration run the package.

kfp decides what runs, in which order and with which inputs; where it would start a program for a step, it asks the
driver instead, which hands the step to a prepared worker. The process has no other duty, because kfp.local replaces
``print`` and the log handlers of the process that it runs in.

It talks over a socket in lines of JSON. In: the request, ``{"arguments"}`` to start, ``{"id", "code"}`` when a step has
ended. Out: ``{"compiled", "steps"}``, ``{"step": id, "name", "command", "environment"}``, ``{"finished", "steps"}`` or
``{"error"}``.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
import json
import logging
import os
import queue
import re
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from helpers import jobs
from helpers.errors import RepositoryError
from helpers.workers import Lines

REPLACED = "run_local_subprocess"
"""The function of kfp.local.subprocess_task_handler that runs a step's command and gives its exit code."""


class PlainText:
    """Standard output without the colours that kfp writes for terminals."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Writes text without its escape sequences."""
        self.stream.write(re.sub(r"\x1b\[[0-9;]*m", "", text))
        return len(text)

    def flush(self) -> None:
        """Flushes the stream."""
        self.stream.flush()

    def isatty(self) -> bool:
        """Never a terminal."""
        return False


class Driver:
    """The other side: it runs steps."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.numbers = itertools.count(1)
        self.waiting: dict[int, queue.SimpleQueue[int]] = {}
        self.sending = threading.Lock()
        self.steps: list[str] = []

    def listen(self) -> None:
        """Hands the driver's answers to whom they are for; ends this process when the driver is gone."""
        while (messages := self.lines.receive()) is not None:
            for message in messages:
                self.waiting.pop(message["id"]).put(message["code"])
        os._exit(1)

    def run_step(self, full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        """Takes the place of kfp's function that runs a step's command; it is called in several threads."""
        number = next(self.numbers)
        answer: queue.SimpleQueue[int] = queue.SimpleQueue()
        name = step_name(full_command)
        with self.sending:
            self.waiting[number] = answer
            self.steps.append(name)
            message = {"step": number, "name": name, "command": full_command, "environment": env_vars or {}}
            self.lines.send(message)
        return answer.get()


def step_name(command: list[str]) -> str:
    """The task's name, from the place where kfp wants its output; loops put their own name before it."""
    position = command.index("--executor_input") + 1
    output = Path(json.loads(command[position])["outputs"]["outputFile"])
    loops = [part for part in output.parts[:-2] if re.search(r"-iteration-\d+$", part)]
    return "/".join([*loops, output.parent.name])


def hook(driver: Driver) -> None:
    """Replaces the one function of kfp.local that starts programs.

    Raises:
        RepositoryError: This kfp has no such function, or it is called in another way.
    """
    from kfp.local import subprocess_task_handler

    original = getattr(subprocess_task_handler, REPLACED, None)
    parameters = list(inspect.signature(original).parameters) if callable(original) else []
    uses = inspect.getsource(subprocess_task_handler.SubprocessTaskHandler.run)
    if parameters != ["full_command", "env_vars"] or f"{REPLACED}(" not in uses:
        raise RepositoryError(
            "The local engine does not fit this version of kfp.",
            hint="Use the version of kfp that requirements.txt names, or bring the helpers up to date.",
        )
    setattr(subprocess_task_handler, REPLACED, driver.run_step)


def run_package(package: Path, pipeline_root: Path, arguments: Mapping[str, Any]) -> bool:
    """Runs a compiled package; whether it succeeded.

    Raises:
        RepositoryError: The arguments do not fit, or kfp could not decide a condition and would have gone on.
    """
    from kfp import components, local

    problems: list[str] = []
    make_record = logging.getLogRecordFactory()

    def watch(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        if record.levelno >= logging.WARNING and record.module == "enhanced_dag_orchestrator":
            problems.append(record.getMessage())
        return record

    logging.setLogRecordFactory(watch)
    runner = local.SubprocessRunner(use_venv=False)
    local.init(runner=runner, pipeline_root=str(pipeline_root), raise_on_error=True)
    try:
        components.load_component_from_file(str(package))(**arguments)
    except RuntimeError as error:
        if "Inner task failed" not in str(error):
            raise
        return False
    undecided = [text for text in problems if text.startswith(("Could not resolve", "Condition evaluation failed"))]
    if undecided:
        raise RepositoryError(
            f"kfp could not decide a condition and skipped its steps: {undecided[0]}",
            hint="Let conditions compare the value that a step returns (task.output) with a plain value.",
        )
    return True


def compile_request(request: Mapping[str, Any], package: Path) -> None:
    """Compiles the pipeline of ``pipeline.yaml`` that the driver asks for."""
    from helpers import branch, graph, targets

    root = Path(request["root"])
    source = branch.load_branch(root, request["branch"])
    plan = source.plan(request["pipeline"])
    graph.compile_package(graph.build_pipeline(plan, targets.local_target(source)), package)


def work(lines: Lines) -> None:
    """Compiles if needed, waits for the arguments, runs the package."""
    request, *early = lines.receive() or [{}]
    if not request:
        return
    package = Path(request["package"])
    if request["compile"]:
        compile_request(request, package)
    from helpers import graph

    names = graph.step_names(graph.read_package(package))
    driver = Driver(lines)
    hook(driver)
    lines.send({"compiled": str(package), "steps": names})
    start = early or lines.receive()
    if not start:
        return
    threading.Thread(target=driver.listen, daemon=True).start()
    succeeded = run_package(package, Path(request["pipeline_root"]), start[0]["arguments"])
    lines.send({"finished": succeeded, "steps": driver.steps})


def main(arguments: list[str]) -> int:
    """Works for the driver at the other end of the socket whose file descriptor is given."""
    sys.stdout = PlainText(sys.stdout)
    lines = Lines(socket.socket(fileno=int(arguments[0])))
    root = Path.cwd()
    try:
        work(lines)
    except Exception as error:  # noqa: BLE001 - the driver tells the person
        traceback.print_exc()
        lines.send({"error": jobs.describe(error, root)})
        return 1
    finally:
        with contextlib.suppress(ValueError, OSError):
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # the listening thread waits for the driver, which waits for this process
