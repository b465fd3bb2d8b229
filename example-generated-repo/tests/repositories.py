"""A repository with the steps of ``plain``, for tests that call its verbs, and its branch on a cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import plain
import yaml
from cluster import Cluster
from support import TEMPLATE, World

from helpers.config import BRANCHES

CONFIG: dict[str, Any] = {
    "version": 1,
    "engine": "kubeflow",
    "gate": {"metrics": {"rmse": {"higher_is_better": False, "threshold": 80.0}}},
    "parameters": {"algorithm": "linear"},
    "cluster_secrets": {"mlflow": {"address": "MLFLOW_TRACKING_URI", "password": "MLFLOW_TRACKING_PASSWORD"}},
}


class Repository:
    """A repository whose branch trains on a cluster, and the cluster's Secrets."""

    def __init__(self, world: World, **config: Any) -> None:
        self.world = world
        self.root = world.root
        ignore = shutil.ignore_patterns("__pycache__", "*.jinja", "config.yaml")
        shutil.copytree(TEMPLATE / "src", self.root / "src", ignore=ignore, dirs_exist_ok=True)
        for name in ("requirements.txt", "requirements-linux.txt"):
            shutil.copy(TEMPLATE / name, self.root / name)
        plain.write(self.root)
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

    def call(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A verb, as a workflow calls it."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        command = [sys.executable, "-m", "pipelines.development.main", *arguments]
        environ = {**kept, "PYTHONPATH": str(self.root / "src"), **environ}
        return subprocess.run(command, cwd=self.root, env=environ, capture_output=True, text=True, check=False)

    def verb(self, *arguments: str, **environ: str) -> dict[str, Any]:
        """What a verb answers in JSON."""
        done = self.call(*arguments, **environ)
        assert done.stdout, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def compile(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The verb that writes the package."""
        return self.call("compile", "--to", "package.yaml", *arguments, **environ)

    def package(self, *arguments: str, **environ: str) -> Path:
        done = self.compile(*arguments, **environ)
        assert done.returncode == 0, done.stderr
        return self.root / "package.yaml"

    def cluster(self, folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> Cluster:
        """The branch's cluster, with the package on it that the verb's arguments ask for."""
        return Cluster(self.package(*arguments), folder, environ or {}, self.secrets)
