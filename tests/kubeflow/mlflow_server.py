"""A real MLflow server, which the cluster and continuous integration both reach."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests import template_environment


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(template_environment.python()), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts"),
        "--workers", "1",
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    # Without its seven processes for jobs, which nothing here has.
    environ = template_environment.environ(folder, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _until_healthy(process, address, folder / "log.txt")
            yield address
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the server's own workers too
            process.wait(timeout=30)


def _until_healthy(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            if requests.get(f"{address}/health", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
