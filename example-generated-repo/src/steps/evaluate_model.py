"""Evaluate the model."""

import math

from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from helpers import models, tracking
from helpers.artifacts import read_table, write_text
from helpers.context import RunContext
from helpers.evaluation import evaluate, split_tags


def evaluate_model(
    model: Input[Model], test: Input[Dataset], context: str, metrics: Output[Metrics], evaluation: Output[Artifact]
) -> None:
    """Scores the model on rows that it has not seen, and the champion on the same rows.

    Args:
        model: The MLflow model.
        test: The rows that were set aside; no other step gets them.
        context: What the run knows about itself.
        metrics: The metrics, for the dashboard of the engine.
        evaluation: Everything that the gate and the report need, as JSON.
    """
    run, table = RunContext.from_json(context), read_table(test)
    result = evaluate(models.load(model.path), table, run)
    for name, value in result.metrics.items():
        if math.isfinite(value):  # R2 of a single row, for example, is no number, and KFP takes none
            metrics.log_metric(name, value)
        print(f"{name}: {value:.6g}")
    write_text(evaluation, result.model_dump_json(indent=1))
    tracking.log_tags(run, split_tags(table))
    tracking.log_metrics(run, result.metrics, model_id=model.metadata.get("model_id", ""))
    tracking.log_document(run, tracking.EVALUATION, result)
