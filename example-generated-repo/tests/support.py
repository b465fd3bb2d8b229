"""Helpers of the tests: a small repository, and the steps called one after the other as plain functions."""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from kfp.dsl import Artifact, Dataset, Metrics, Model

from helpers import tracking
from helpers.context import RunContext
from helpers.records import Decision, Evaluation

TEMPLATE = Path(__file__).resolve().parents[1]
SAMPLE = TEMPLATE / "data" / "sample" / "diabetes.csv"

DIABETES: dict[str, Any] = {
    "address": "data/sample/diabetes.csv",
    "target": "progression",
    "task": "regression",
    "columns": {"sex": "categorical"},
}
RMSE = {"rmse": {"higher_is_better": False, "threshold": 80.0}}
CONTEXT = RunContext(project="demo", pipeline="training", branch="development", commit="c" * 40, actor="tester")

ArtifactT = TypeVar("ArtifactT", bound=Artifact)


def step(name: str) -> Callable[..., Any]:
    """A step by its name. The steps are yours: this file still loads when you rename one or change what it takes."""
    found: Callable[..., Any] = getattr(importlib.import_module(f"steps.{name}"), name)
    return found


@dataclass
class Training:
    """What a training left behind."""

    context: RunContext
    evaluation: Evaluation
    decision: Decision
    version: str
    shown: dict[str, Any]
    folder: Path


@dataclass
class World:
    """A repository in a folder of its own, with one source and a gate."""

    root: Path
    step: Callable[[str], Callable[..., Any]] = step
    """Where a training finds its steps: those of ``src/steps``, or those of ``plain``."""

    def __post_init__(self) -> None:
        (self.root / "data" / "sample").mkdir(parents=True)
        shutil.copy(SAMPLE, self.root / "data" / "sample")
        self.source(**DIABETES)
        for branch in ("development", "staging", "production"):
            self.gate(RMSE, branch=branch)

    @property
    def uri(self) -> str:
        """The MLflow store."""
        return f"sqlite:///{self.root}/.mlflow/mlflow.db"

    def source(self, name: str = "sample", **declared: Any) -> None:
        """Declares the only data source."""
        document = {"version": 1, "sources": {name: declared}}
        (self.root / "data" / "sources.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")

    def data(self, text: str | bytes, name: str = "data/own.csv", **declared: Any) -> None:
        """Writes a file and declares it as the source."""
        (self.root / name).write_bytes(text.encode() if isinstance(text, str) else text)
        self.source(address=name, **declared)

    def gate(self, rules: dict[str, Any], *, branch: str = "development") -> None:
        """Writes a branch's configuration."""
        folder = self.root / "src" / "pipelines" / branch
        folder.mkdir(parents=True, exist_ok=True)
        document = {"version": 1, "engine": "local", "gate": {"metrics": rules}}
        (folder / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")

    def pipeline_text(self) -> None:
        """Writes ``pipeline.yaml`` as this repository has it; in the template its answers are filled in here."""
        folder = TEMPLATE / "src" / "pipelines"
        written = folder / "pipeline.yaml"
        text = (written if written.exists() else folder / "pipeline.yaml.jinja").read_text(encoding="utf-8")
        text = re.sub(r"(?m)^project: .*$", "project: demo", text)
        text = re.sub(r"(?m)^( +source:) .*$", r"\1 sample", text)
        (self.root / "src" / "pipelines" / "pipeline.yaml").write_text(text, encoding="utf-8")

    def train(
        self,
        context: RunContext = CONTEXT,
        *,
        seed: int = 42,
        algorithm: str = "linear",
        source: str = "sample",
        test_size: float = 0.2,
        hyperparameters: dict[str, Any] | None = None,
        before: Callable[[str], None] = lambda step: None,
    ) -> Training:
        """Calls the seven steps as plain functions, as the notebook does.

        Args:
            context: What the run knows about itself.
            seed: Of the split and the training.
            algorithm: What is trained.
            source: The source that is read.
            test_size: The share of the rows for the test.
            hyperparameters: Of the estimator.
            before: Called with the name of each step before it starts, and with "finish" at the end.
        """
        run = replace(context, run_id=tracking.start_run(context, parameters={"seed": seed}))
        folder = self.root / "runs" / run.run_id
        text = run.to_json()

        def at(kind: type[ArtifactT], name: str) -> ArtifactT:
            artifact: ArtifactT = kind(uri=str(folder / name))
            return artifact

        data, valid, train, test = (at(Dataset, name) for name in ("data", "valid", "train", "test"))
        model, metrics = at(Model, "model"), at(Metrics, "metrics")
        evaluation, decision = at(Artifact, "evaluation"), at(Artifact, "decision")
        before("pull")
        self.step("pull_data")(source, text, data)
        before("validate")
        self.step("validate_data")(data, text, valid)
        before("split")
        self.step("split_data")(valid, test_size, seed, train, test)
        before("train")
        self.step("train_model")(train, algorithm, hyperparameters or {}, "auto", seed, text, model)
        before("evaluate")
        self.step("evaluate_model")(model, test, text, metrics, evaluation)
        before("compare")
        passed = self.step("compare_models")(evaluation, text, decision)
        before("register")
        version = self.step("register_model")(model, evaluation, decision, text) if passed else ""
        before("finish")
        tracking.finish_run(run, "succeeded")
        return Training(
            context=run,
            evaluation=Evaluation.model_validate_json(Path(evaluation.path).read_text(encoding="utf-8")),
            decision=Decision.model_validate_json(Path(decision.path).read_text(encoding="utf-8")),
            version=version,
            shown=dict(metrics.metadata),
            folder=folder,
        )
