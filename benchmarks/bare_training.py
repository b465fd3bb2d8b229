"""The peer of P5: the example's training as a plain script, in one process, with the repository's own step functions.

``python bare_training.py REPOSITORY FOLDER`` with the repository's ``src`` on PYTHONPATH. It does all that the
pipeline's run does: starts and ends the MLflow run, calls every step with the configured parameters, and writes the
report into FOLDER. It lacks what makes it a pipeline: a package, a process for each step, checked wiring.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from helpers import run_record
from helpers.context import RunContext
from steps.compare_models import compare_models
from steps.evaluate_model import evaluate_model
from steps.pull_data import pull_data
from steps.register_model import register_model
from steps.split_data import split_data
from steps.train_model import train_model
from steps.validate_data import validate_data


def main(repository: Path, folder: Path) -> None:
    """Train once."""
    document = yaml.safe_load((repository / "src" / "pipelines" / "pipeline.yaml").read_text(encoding="utf-8"))
    given = document["pipelines"]["training"]["parameters"]
    plain = RunContext(project=document["project"], pipeline="training", branch="development")
    run_id = run_record.begin(context=plain.to_json(), engine="script", parameters=given)
    context = RunContext(project=plain.project, pipeline=plain.pipeline, branch=plain.branch, run_id=run_id).to_json()

    shown: dict[str, float] = {}

    def artifact(name: str) -> Any:
        return SimpleNamespace(path=str(folder / name), metadata={}, log_metric=shown.__setitem__)

    started = time.time()
    data, valid, train, test, model, metrics, evaluation, decision = map(
        artifact, ("data", "valid", "train", "test", "model", "metrics", "evaluation", "decision")
    )
    pull_data(source=given["source"], context=context, data=data)
    validate_data(data=data, context=context, valid=valid)
    split_data(valid=valid, test_size=given["test_size"], seed=given["seed"], train=train, test=test)
    train_model(
        train=train,
        algorithm=given["algorithm"],
        hyperparameters=given["hyperparameters"],
        class_weight=given["class_weight"],
        seed=given["seed"],
        context=context,
        model=model,
    )
    evaluate_model(model=model, test=test, context=context, metrics=metrics, evaluation=evaluation)
    if compare_models(evaluation=evaluation, context=context, decision=decision):
        register_model(model=model, evaluation=evaluation, decision=decision, context=context)
    steps = [{"name": "script", "state": "succeeded", "seconds": time.time() - started}]
    run_record.finish(context=context, status="succeeded", steps=steps, failure=None, folder=str(folder / "report"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
