"""Kubeflow as the tutorial needs it: the fakes with each kind of door, a real MLflow server, steps that really run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import template_environment
from tests.canaries import canary
from tests.kubeflow import FakeKubeflow
from tests.kubeflow.executor import Executor
from tests.kubeflow.fake import USER
from tests.kubeflow.gate import COOKIE, Gate
from tests.kubeflow.mlflow_server import mlflow_server
from tests.tutorial_reader import Reader, reader


@contextmanager
def on_kubeflow(folder: Path) -> Iterator[tuple[Reader, FakeKubeflow]]:
    """Ada with a shell and an MLflow server, and two Kubeflows: one for everybody, behind Dex; one for her alone."""
    password, token = canary("dex-password"), canary("kubeflow-token")
    gate = Gate(proxy=True, passwords={USER: password}, tokens={token: USER})
    with ExitStack() as stack:
        mlflow = stack.enter_context(mlflow_server(folder))
        kubeflow = stack.enter_context(FakeKubeflow(multi_user=True, gate=gate))
        alone = stack.enter_context(FakeKubeflow())
        Executor(kubeflow, folder / "cluster", environ={"MLFLOW_TRACKING_URI": mlflow}).attach()
        ada = stack.enter_context(reader())
        ada.addresses = {
            kubeflow.address: "https://kubeflow.example.org",
            alone.address: "http://localhost:8080",
            mlflow: "https://mlflow.example.org",
        }
        ada.typed |= {"PASSWORD": password, "TOKEN": token, "COOKIE": f"{COOKIE}={gate.session(USER)}"}
        ada.hands["set-up"] = lambda: _set_up(ada)
        yield ada, kubeflow


def _set_up(ada: Reader) -> None:
    """What ``make setup`` makes, without installing everything again."""
    here = Path(ada.run("pwd")[0].strip())
    shutil.rmtree(here / ".venv", ignore_errors=True)
    programs = here / ".venv" / "bin"
    programs.mkdir(parents=True)
    python = programs / "python"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="{here}/src" exec "{template_environment.python()}" "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
