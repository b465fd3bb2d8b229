"""A process that has imported everything a step needs, and forks itself for each job.

Importing pandas, scikit-learn and MLflow takes seconds; a fork takes milliseconds and starts every job from the same
clean state. Where a fork is not safe (a module that was imported has started threads, or there is no fork), the same
server starts a new Python for each job; the results are the same.

It talks over a socket in lines of JSON: ``{"id", "job"}`` starts a job, ``{"kill": id}`` ends one with all that it
started; it answers ``{"ready", "mode", "why"}`` once, and ``{"id", "code"}`` when a job has ended. When the other side
is gone, it ends its jobs and itself.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from helpers import jobs, processes


class Server:
    """Starts jobs and tells how they ended."""

    def __init__(self, connection: socket.socket, *, mode: str, log: Path) -> None:
        self.connection = connection
        self.mode = mode
        self.log = log
        self.running: dict[int, int] = {}
        """The job of each process."""
        self.spawned: dict[int, subprocess.Popen[bytes]] = {}
        self.buffer = b""
        self.wake_read, self.wake_write = socket.socketpair()
        for end in (self.wake_read, self.wake_write):
            end.setblocking(False)
        self.life_read, self.life_write = os.pipe()
        """Only this process holds the end for writing: when it is killed, its forks see the pipe closed."""

    def serve(self) -> jobs.Job | None:
        """Serves until the other side is gone; in the fork that is to do a job, returns that job."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_write.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            selector.register(self.wake_read, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self.wake_read in ready:
                    with contextlib.suppress(BlockingIOError):
                        self.wake_read.recv(4096)
                    self.reap()
                if self.connection in ready:
                    data = self._receive()
                    if not data:
                        break
                    job = self._handle(data)
                    if job is not None:
                        return job
        for process in self.running:
            processes.kill_group(process)
        return None

    def send(self, message: dict[str, Any]) -> None:
        """Tells the other side something; it may be gone."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def reap(self) -> None:
        """Tells of every job that has ended."""
        for process in list(self.running):
            try:
                done, status = os.waitpid(process, os.WNOHANG)
            except ChildProcessError:
                done, status = process, 255 << 8
            if done == process:
                self.spawned.pop(process, None)
                self.send({"id": self.running.pop(process), "code": os.waitstatus_to_exitcode(status)})

    def _receive(self) -> bytes:
        try:
            return self.connection.recv(1 << 16)
        except OSError:
            return b""

    def _handle(self, data: bytes) -> jobs.Job | None:
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "kill" in message:
                for process, identifier in self.running.items():
                    if identifier == message["kill"]:
                        processes.kill_group(process)
            elif self.mode == "spawn":
                self._spawn(message)
            else:
                job = self._fork(message)
                if job is not None:
                    return job
        return None

    def _spawn(self, message: dict[str, Any]) -> None:
        process = processes.start(
            [sys.executable, "-m", jobs.__name__],
            cwd=Path.cwd(),
            environ=os.environ,
            log=self.log,
            stdin=subprocess.PIPE,
        )
        self.running[process.pid] = message["id"]
        self.spawned[process.pid] = process  # keeps its input open: the job ends when that is closed
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(message["job"]).encode() + b"\n")
                process.stdin.flush()

    def _fork(self, message: dict[str, Any]) -> jobs.Job | None:
        with warnings.catch_warnings():
            # Python 3.12 warns of threads that libraries of numbers keep; those look after forks, and Python's own
            # threads were looked for before this mode was chosen.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if process:
            with contextlib.suppress(OSError):  # the child does the same; the first of the two wins
                os.setpgid(process, process)
            self.running[process] = message["id"]
            return None
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for end in (self.connection, self.wake_read, self.wake_write):
            end.close()
        os.close(self.life_write)
        jobs.end_with(self.life_read)
        job: jobs.Job = message["job"]
        return job


def preload(modules: Iterable[str]) -> None:
    """Imports modules ahead of the jobs; one that fails is left to the job that needs it, which tells why."""
    for module in modules:
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - anything can happen in a module of the owner
            print(f"[workers] {module} is not prepared: {type(error).__name__}: {error}", file=sys.stderr)


def _leave(code: int) -> None:
    """Ends a fork as the interpreter would, but without freeing what it shares with the server.

    Freeing touches every page of hundreds of megabytes, and so copies them: a tenth of a second for each step. Threads
    are waited for and exit functions are called; without these two functions of Python the usual end has to do.
    """
    wait, call = getattr(threading, "_shutdown", None), getattr(atexit, "_run_exitfuncs", None)
    if wait is None or call is None:
        return
    wait()
    call()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def main(arguments: list[str]) -> int:
    """Serves the socket whose file descriptor is given, after importing the modules that are given."""
    settings = json.loads(arguments[0])
    connection = socket.socket(fileno=settings["socket"])
    mode, why = settings["mode"], ""
    if mode != "spawn":
        gc.disable()  # what an import makes stays; to look through it again and again takes a quarter of the time
        preload(settings["preload"])
        threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        if not hasattr(os, "fork") or threads:
            mode, why = "spawn", f"threads are running: {', '.join(threads)}" if threads else "there is no fork"
        gc.collect()
        gc.freeze()  # what was imported is not looked at again, so its memory stays shared with the forks
        gc.enable()
    server = Server(connection, mode=mode, log=Path(settings["log"]))
    server.send({"ready": True, "mode": mode, "why": why})
    job = server.serve()
    if job is None:
        return 0
    code = jobs.perform(job)
    _leave(code)
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
