"""Forks itself for each step that is asked for: ``serve SOCKET``; ``ask SOCKET ARGUMENTS...`` is one who asks.

It is started by the Python of the generated repository, which knows nothing of this project; see ``warm.py``.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from pathlib import Path

LIBRARIES = ("kfp.dsl.executor", "mlflow.pyfunc", "mlflow.store.tracking.rest_store", "sklearn.pipeline")
EXECUTOR = "kfp.dsl.executor_main"


def ask(address: str, *arguments: str) -> int:
    """Have a step done with the arguments, variables, folder and output of this process; its exit code."""
    asked = {"arguments": arguments, "environ": dict(os.environ), "cwd": str(Path.cwd())}
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        text = json.dumps(asked).encode()
        socket.send_fds(server, [struct.pack("!I", len(text))], [0, 1, 2])
        server.sendall(text)
        told = server.recv(4)
    code: int = struct.unpack("!i", told)[0]
    if code < 0:
        os.kill(os.getpid(), -code)
    return code


def serve(address: str) -> int:
    """Do what is asked until the input ends."""
    import gc  # noqa: PLC0415 - one who asks does not need all this
    import importlib  # noqa: PLC0415
    import select  # noqa: PLC0415
    import signal  # noqa: PLC0415

    gc.disable()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to wait for who watches a step
    base = sys.path[1:]
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        os.write(1, b"ready\n")
        while True:
            if sys.stdin in select.select([listener, sys.stdin], [], [])[0]:
                return 0
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    os._exit(_watch(connection, base))


def _watch(connection: socket.socket, base: list[str]) -> int:
    """Start the step that is asked for and tell how it ended."""
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, given, _, _ = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as stream:
        asked = json.loads(stream.read(*struct.unpack("!I", size)))
    child = os.fork()
    if child == 0:
        for place, descriptor in enumerate(given):
            os.dup2(descriptor, place)
            os.close(descriptor)
        connection.close()
        _become(asked, base)
    for descriptor in given:
        os.close(descriptor)
    connection.sendall(struct.pack("!i", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    return 0


def _become(asked: dict[str, object], base: list[str]) -> None:
    """What ``python3 -m kfp.dsl.executor_main`` is in a new process; it ends this one."""
    import atexit  # noqa: PLC0415
    import runpy  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    import threading  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    cwd, environ = str(asked["cwd"]), asked["environ"]
    assert isinstance(environ, dict)
    # Only this fork goes there: it becomes the step.
    os.fchdir(os.open(cwd, os.O_RDONLY | os.O_DIRECTORY))
    os.environ.clear()
    os.environ.update(environ)
    tempfile.tempdir = None
    sys.dont_write_bytecode = bool(environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[:] = [cwd, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep)), *base]
    sys.modules["numpy"].random.seed()  # a fork has the state of its parent
    arguments = asked["arguments"]
    assert isinstance(arguments, list)
    sys.argv = [EXECUTOR, *arguments]
    code: object = 0
    try:
        runpy.run_module(EXECUTOR, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            sys.stderr.write(f"{code}\n")
            code = 1
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
        code = 1
    # The usual end, but for freeing what is shared.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    sys.exit({"ask": ask, "serve": serve}[sys.argv[1]](*sys.argv[2:]))
