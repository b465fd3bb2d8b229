"""Packages for a cluster, run as a cluster runs them: with the code inside or in the image, from begin to report."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from cluster import Cluster
from support import TEMPLATE, World

from helpers import results
from helpers.config import BRANCHES
from helpers.context import RunContext
from helpers.store import client

CONFIG: dict[str, Any] = {
    "version": 1,
    "engine": "kubeflow",
    "gate": {"metrics": {"rmse": {"higher_is_better": False, "threshold": 80.0}}},
    "parameters": {"algorithm": "linear"},
    "cluster_secrets": {"mlflow": {"address": "MLFLOW_TRACKING_URI", "password": "MLFLOW_TRACKING_PASSWORD"}},
}
CONTEXT = RunContext(
    project="demo",
    pipeline="training",
    branch="development",
    commit="c" * 40,
    actor="ada",
    trigger="push",
    promote=True,
    submission="development-cccccccc-7",
    platform="https://kubeflow.example",
)


class Repository:
    """A repository whose branch trains on a cluster, and the cluster's Secrets."""

    def __init__(self, world: World, **config: Any) -> None:
        self.world = world
        self.root = world.root
        ignore = shutil.ignore_patterns("__pycache__", "*.jinja", "config.yaml")
        shutil.copytree(TEMPLATE / "src", self.root / "src", ignore=ignore, dirs_exist_ok=True)
        for name in ("requirements.txt", "requirements-linux.txt"):
            shutil.copy(TEMPLATE / name, self.root / name)
        world.pipeline_text()
        self.configure(**config)
        self.secrets = {"mlflow": {"address": world.uri, "password": "not-a-real-password"}}

    def configure(self, **config: Any) -> None:
        for branch in BRANCHES:
            path = self.root / "src" / "pipelines" / branch / "config.yaml"
            path.write_text(yaml.safe_dump({**CONFIG, **config}), encoding="utf-8")

    def pipeline(self, before: str, after: str) -> None:
        """Changes the pipeline's text."""
        path = self.root / "src" / "pipelines" / "pipeline.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    def compile(self, *arguments: str, to: str = "package.yaml", **environ: str) -> subprocess.CompletedProcess[str]:
        """The verb, as a workflow calls it."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        command = [sys.executable, "-m", "pipelines.development.main", "compile", "--to", to, *arguments]
        environ = {**kept, "PYTHONPATH": str(self.root / "src"), **environ}
        return subprocess.run(command, cwd=self.root, env=environ, capture_output=True, text=True, check=False)

    def package(self, *arguments: str, **environ: str) -> Path:
        done = self.compile(*arguments, **environ)
        assert done.returncode == 0, done.stderr
        return self.root / "package.yaml"

    def cluster(self, folder: Path, *arguments: str, broken: frozenset[str] = frozenset(), **environ: str) -> Cluster:
        return Cluster(self.package(*arguments), folder, environ, self.secrets, broken)


def shown(cluster: Cluster) -> str:
    """The end of the log of the last step, for a failing test."""
    return "\n".join(f"--- {name}\n{text[-3000:]}" for name, text in cluster.logs.items())


def test_a_package_with_its_code_inside_trains_judges_and_reports(world: World, tmp_path: Path) -> None:
    cluster = Repository(world).cluster(tmp_path / "run")
    assert cluster.run(context=CONTEXT.to_json()), shown(cluster)
    names = [path.rpartition("/")[2] for path in cluster.done]
    assert (names[:2], names[-1], len(names)) == (["bring-code-1", "begin-run"], "finish-run", 10)
    run_id = results.find_submission(CONTEXT)
    report = results.read_report(run_id)
    assert (report.decision.outcome, report.promoted, report.run.engine) == ("first", True, "kubeflow")
    assert [(step.name, step.state) for step in report.steps] == [(name, "succeeded") for name in names[2:-1]]
    assert all(step.seconds is not None for step in report.steps)
    assert report.parameters["seed"] == "42"
    tags = client().get_run(run_id).data.tags
    assert tags["mlopsgen.kubeflow_url"] == f"https://kubeflow.example/#/runs/details/{cluster.run_id}"
    kept = {item.path for item in client().list_artifacts(run_id, "report")}
    assert {"report/report.json", "report/report.html"} <= kept
