"""The driver's side of the worker processes: starts the server, hands it jobs, and hears how they ended."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers import jobs, processes
from helpers.errors import RepositoryError

SOURCE = Path(__file__).resolve().parents[1]
"""The folder that the helpers are imported from; the processes of a run find it on their path."""


class Lines:
    """Messages over a socket: a line of JSON each."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = b""

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends a message; a side that is gone is noticed when reading."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self) -> list[dict[str, Any]] | None:
        """Waits for messages; ``None`` when the other side is gone."""
        while b"\n" not in self._buffer:
            try:
                data = self.connection.recv(1 << 16)
            except OSError:  # reset, or closed by this side already
                return None
            if not data:
                return None
            self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        return [json.loads(line) for line in lines]


@dataclass(frozen=True)
class Ended:
    """How a job ended."""

    id: int
    code: int
    result: dict[str, Any]


class WorkersError(RepositoryError):
    """The worker server is gone."""

    code = "workers"

    def __init__(self) -> None:
        super().__init__("The process that prepares the steps was ended from outside.", hint="Run it again.")


@dataclass
class Workers:
    """The worker server of one run.

    Attributes:
        root: The repository; the working directory of the jobs, as in a container.
        folder: Where jobs leave their results.
        log: Where the output of all jobs goes.
        environ: The environment of the jobs.
        mode: ``auto``, ``fork`` or ``spawn``.
    """

    root: Path
    folder: Path
    log: Path
    environ: Mapping[str, str]
    mode: str = "auto"
    note: str = ""
    lines: Lines = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    _running: dict[int, Path] = field(init=False, default_factory=dict)
    _numbers: itertools.count[int] = field(init=False, default_factory=lambda: itertools.count(1))

    def start(self, preload: Iterable[str]) -> None:
        """Starts the server, which imports the modules while the caller goes on."""
        ours, theirs = socket.socketpair()
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {"socket": theirs.fileno(), "mode": self.mode, "preload": list(preload), "log": str(self.log)}
        with theirs:
            self.process = start_python(
                "helpers.worker_server",
                json.dumps(settings),
                environ={**self.environ, "_KFP_RUNTIME": "true"},  # kfp without its compiler: 30 ms, not 1.4 s
                log=self.log,
                inherit=[theirs.fileno()],
                cwd=self.root,
            )
        self.lines = Lines(ours)

    def begin(self, job: Mapping[str, Any]) -> int:
        """Hands over a job and gives its number."""
        number = next(self._numbers)
        path = self.folder / f"{number}.json"
        self._running[number] = path
        self.lines.send({"id": number, "job": {**job, "result": str(path)}})
        return number

    def end(self, number: int) -> None:
        """Ends a job with all that it started; its end is heard of as usual."""
        self.lines.send({"kill": number})

    def receive(self) -> list[Ended]:
        """Waits until the server tells something; the jobs that have ended, if it was that.

        Raises:
            WorkersError: The server is gone.
        """
        messages = self.lines.receive()
        if messages is None:
            raise WorkersError
        ended = []
        for message in messages:
            if message.get("ready"):
                self.mode, self.note = message["mode"], message["why"]
            elif message["id"] in self._running:
                path = self._running.pop(message["id"])
                ended.append(Ended(message["id"], message["code"], jobs.read_result(path)))
        return ended

    def call(self, function: str, **arguments: Any) -> Any:
        """Calls a function in a worker and gives what it returns; arguments and result are JSON values.

        Args:
            function: ``module:function``.
            **arguments: Its arguments.

        Raises:
            RepositoryError: The function raised an expected error.
            JobError: It raised another one, or its process was ended.
            WorkersError: The server is gone.
        """
        number = self.begin({"kind": "call", "function": function, "arguments": arguments})
        while True:
            for ended in self.receive():
                if ended.id != number:
                    continue
                if ended.code == 0 and "value" in ended.result:
                    return ended.result["value"]
                raise job_error(function, ended)

    def kill(self) -> None:
        """Ends all jobs, and hears of their end."""
        for number in self._running:
            self.end(number)
        with contextlib.suppress(WorkersError):
            while self._running:
                self.receive()

    def give_up(self, numbers: Iterable[int]) -> None:
        """Has jobs ended, without waiting for it; may be called while another thread waits for them."""
        for number in numbers:
            self.end(number)

    def close(self) -> None:
        """Ends the server, and with it every job that is left."""
        if not hasattr(self, "lines"):
            return
        self.lines.connection.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            processes.kill_group(self.process.pid)
            self.process.wait()


class JobError(Exception):
    """A function of the helpers failed in a worker in a way that nobody expected; the log has the traceback."""


def job_error(function: str, ended: Ended) -> Exception:
    """The error that a job ended with."""
    error = ended.result.get("error")
    if error is None:
        return JobError(f"{function}: {reason(ended.code)}")
    if not error["code"]:
        return JobError(f"{function}: {error['message']}")
    return rebuild(error)


def rebuild(error: Mapping[str, Any]) -> RepositoryError:
    """An expected error of another process, with the class that decides its exit code."""
    classes = {RepositoryError.code: RepositoryError}
    classes |= {
        subclass.code: subclass for subclass in RepositoryError.__subclasses__() if subclass is not WorkersError
    }
    chosen = classes.get(error["code"], RepositoryError)
    return chosen(error["message"], hint=error["hint"], where=error["where"])


def reason(code: int) -> str:
    """What an exit code says about a process that left no message."""
    if code >= 0:
        return f"It ended with exit code {code}."
    memory = " The machine may be out of memory." if code == -9 else ""
    return f"It was ended by signal {-code}.{memory}"


def start_python(
    module: str, *arguments: str, environ: Mapping[str, str], log: Path, inherit: Iterable[int], cwd: Path
) -> subprocess.Popen[bytes]:
    """Starts a module of the helpers as a process that the terminal's Ctrl-C does not reach."""
    folders = [str(cwd / "src"), str(SOURCE), *environ.get("PYTHONPATH", "").split(os.pathsep)]
    path = os.pathsep.join(dict.fromkeys(filter(None, folders)))
    return processes.start(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        environ={**environ, "PYTHONPATH": path},
        log=log,
        inherit=list(inherit),
        new_session=True,
    )
