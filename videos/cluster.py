"""Where the second video trains: stand-ins of Kubeflow and of the data's server, a real MLflow server, and act."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.act.hosted import GitHubActions, running
from tests.canaries import canary
from tests.kubeflow import FakeKubeflow
from tests.kubeflow.executor import Executor
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.mlflow_server import mlflow_server
from tests.wine_data import found, served

from .places import ROOT
from .recorded import ClusterNews
from .world import World

EXAMPLE = ROOT / "example"
FULL_NAME = "acme/wine-quality"


@dataclass
class Cluster:
    """What the second video acts in, beside the world of the first.

    Attributes:
        kubeflow: The stand-in; ``news`` remembers what happened there.
        mlflow: The address of the MLflow server.
        actions: act, in the place of GitHub Actions.
        repository: Ada's repository.
        data: What the table of wines is.
    """

    kubeflow: FakeKubeflow
    news: ClusterNews
    mlflow: str
    actions: GitHubActions
    repository: Path
    data: str


@contextmanager
def opened(world: World) -> Iterator[Cluster]:
    """A repository on the stand-in of GitHub, whose development trains on the stand-in of Kubeflow."""
    token = canary("kubeflow-token")
    folder = world.home / ".cluster"
    folder.mkdir()
    with (
        FakeKubeflow(multi_user=True) as kubeflow,
        mlflow_server(folder) as mlflow,
        served(_table(folder)) as data,
        running(world.github, FULL_NAME, folder / "machine") as actions,
    ):
        kubeflow.gate.tokens[token] = USER
        Executor(kubeflow, folder / "pods", environ={"MLFLOW_TRACKING_URI": mlflow}).attach()
        repository = _make(world, kubeflow.address, mlflow)
        lay_code(world.home, data)
        world.environ["MLOPSGEN_SECRET_DEVELOPMENT_KUBEFLOW_TOKEN"] = token
        run(world, repository, "push", "--org", "acme", "--yes")
        what = (
            "a copy on this machine of the public UCI table"
            if found()
            else "made up: no copy of the public table is here"
        )
        yield Cluster(kubeflow, ClusterNews(kubeflow), mlflow, actions, repository, what)


def run(world: World, folder: Path, *arguments: str) -> None:
    """Run the tool where nobody looks."""
    argv = [sys.executable, "-m", "mlopsgen", *arguments]
    environ = {**world.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)


def _make(world: World, endpoint: str, mlflow: str) -> Path:
    """What ``mlopsgen init`` makes of the example's answers, but all training where it can be seen."""
    answers = yaml.safe_load((EXAMPLE / "answers.yaml").read_text(encoding="utf-8"))
    kept = {
        key: value for key, value in answers.items() if not key.startswith(("development_", "staging_", "production_"))
    }
    there = {
        "engine": "kubeflow",
        "endpoint": endpoint,
        "namespace": NAMESPACE,
        "login": "token",
        "tracking_uri": mlflow,
    }
    chosen = {**kept, **{f"development_{key}": value for key, value in there.items()}}
    path = world.home / ".answers.yaml"
    path.write_text(yaml.safe_dump(chosen), encoding="utf-8")
    run(world, world.home, "init", "--answers", str(path), "--defaults", "wine-quality")
    return world.home / "wine-quality"


def lay_code(home: Path, data: str) -> Path:
    """The data scientist's code lies in a folder beside; the data comes from this machine."""
    code = home / "wine-code"
    shutil.copytree(EXAMPLE / "overlay", code, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    sources = code / "data" / "sources.yaml"
    text = sources.read_text(encoding="utf-8")
    address = yaml.safe_load(text)["sources"]["wine"]["address"]
    sources.write_text(text.replace(address, data), encoding="utf-8")
    return code


def _table(scratch: Path) -> Path:
    """The table of wines; one of the same shape that is made up when the real one is not there."""
    copy: Path | None = found()
    if copy is not None:
        return copy
    sys.path.insert(0, str(EXAMPLE / "overlay" / "tests"))
    import wine  # type: ignore[import-not-found] # noqa: PLC0415 - the example's own made-up wines

    made = scratch / "winequality-red.csv"
    made.write_text(wine.made_up(1599), encoding="utf-8")
    return made
