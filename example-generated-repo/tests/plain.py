"""The steps and the pipeline that the tests of ``src/helpers`` train with.

What is in ``src/steps`` and ``pipeline.yaml`` belongs to the repository's owner, who may change all of it. These tests
are about the code below it, so they bring steps of their own: the least that uses it.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import yaml
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from helpers import evaluation as evaluating
from helpers import models, promotion, sources, tracking
from helpers.artifacts import read_table, write_table, write_text
from helpers.config import load_config, repository_root
from helpers.context import RunContext
from helpers.gate import judge
from helpers.records import Decision, Evaluation
from helpers.splitting import split_table
from helpers.table import prepare

STEPS = ("pull_data", "validate_data", "split_data", "train_model", "evaluate_model", "compare_models")


def pull_data(source: str, context: str, data: Output[Dataset]) -> None:
    root = repository_root(os.environ)
    declared = sources.load_source(root, source)
    fetched = sources.fetch(declared, root=root, to=Path(data.path))
    known = {"name": source, "address": fetched.address, "fingerprint": fetched.fingerprint}
    data.metadata.update(known, revision=fetched.revision, declared=declared.model_dump_json())


def validate_data(data: Input[Dataset], context: str, valid: Output[Dataset]) -> None:
    known = dict(data.metadata)
    table = prepare(Path(data.path), sources.Source.model_validate_json(known.pop("declared")), **known)
    write_table(valid, table)
    tracking.log_data(RunContext.from_json(context), [table.record], table.frame, table.target)


def split_data(
    valid: Input[Dataset], test_size: float, seed: int, train: Output[Dataset], test: Output[Dataset]
) -> None:
    for part, table in zip((train, test), split_table(read_table(valid), test_size=test_size, seed=seed), strict=True):
        write_table(part, table)


def train_model(
    train: Input[Dataset],
    algorithm: str,
    hyperparameters: dict[str, Any],
    class_weight: str,
    seed: int,
    context: str,
    model: Output[Model],
) -> None:
    run, table = RunContext.from_json(context), read_table(train)
    rows = table.frame[list(table.kinds)]
    options: dict[str, Any] = {"algorithm": algorithm, "hyperparameters": hyperparameters, "class_weight": class_weight}
    trained = models.train(rows, table.frame[table.target], table.kinds, table.task, seed=seed, **options)
    about: dict[str, Any] = {name: getattr(table, name) for name in ("kinds", "task", "target", "labels")}
    about["metadata"] = {"branch": run.branch, "commit": run.commit, "data": table.record.fingerprint}
    models.save(Path(model.path), trained, example=models.example_rows(rows), **about)
    tracking.log_parameters(run, {"model.algorithm": trained.algorithm})
    tracking.log_tags(run, evaluating.question_tags(table))
    model.metadata["model_id"] = tracking.log_model(run, Path(model.path), name=run.model_name, parameters={})


def evaluate_model(
    model: Input[Model], test: Input[Dataset], context: str, metrics: Output[Metrics], evaluation: Output[Artifact]
) -> None:
    run, table = RunContext.from_json(context), read_table(test)
    found = evaluating.evaluate(models.load(model.path), table, run)
    for name, value in found.metrics.items():
        metrics.log_metric(name, value)
    write_text(evaluation, found.model_dump_json())
    tracking.log_tags(run, evaluating.split_tags(table))
    tracking.log_metrics(run, found.metrics, model_id=model.metadata.get("model_id", ""))
    tracking.log_document(run, tracking.EVALUATION, found)


def compare_models(evaluation: Input[Artifact], context: str, decision: Output[Artifact]) -> bool:
    run = RunContext.from_json(context)
    found = Evaluation.model_validate_json(Path(evaluation.path).read_text(encoding="utf-8"))
    rules = load_config(repository_root(os.environ), run.branch).gate.metrics
    verdict = judge(rules, found.metrics, found.baseline, found.baseline_metrics)
    write_text(decision, verdict.model_dump_json())
    tracking.log_decision(run, verdict)
    return verdict.passed


def register_model(model: Input[Model], evaluation: Input[Artifact], decision: Input[Artifact], context: str) -> str:
    run = RunContext.from_json(context)
    found = Evaluation.model_validate_json(Path(evaluation.path).read_text(encoding="utf-8"))
    verdict = Decision.model_validate_json(Path(decision.path).read_text(encoding="utf-8"))
    rules = load_config(repository_root(os.environ), run.branch).gate.metrics
    model_id = model.metadata["model_id"]
    return promotion.register_accepted(run, model_id, evaluation=found, decision=verdict, rules=rules).version


def uses(step: str, more: str = "") -> str:
    """How the pipeline's text names a step, with what a test adds to it."""
    return f'"steps.plain:{step}"{more}'


def write(root: Path) -> None:
    """Makes these the only steps of a repository, and its pipeline that of these steps."""
    folder = root / "src" / "steps"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    shutil.copy(__file__, folder / "plain.py")
    parameters = {"source": "sample", "test_size": 0.2, "seed": 42, "algorithm": "auto"}
    given = yaml.safe_dump({**parameters, "hyperparameters": {}, "class_weight": "auto"}, default_flow_style=True)
    lines = [f"      - {{id: {step.replace('_', '-')}, uses: {uses(step)}}}" for step in STEPS]
    lines.append(f"      - {{id: register-model, uses: {uses('register_model')}, if: compare-models}}")
    head = f"version: 1\nproject: demo\npipelines:\n  training:\n    parameters: {given.strip()}\n    steps:\n"
    path = root / "src" / "pipelines" / "pipeline.yaml"
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
