"""Register the model."""

import os
from pathlib import Path

from kfp.dsl import Artifact, Input, Model

from helpers.config import load_config, repository_root
from helpers.context import RunContext
from helpers.promotion import register_accepted
from helpers.records import Decision, Evaluation


def register_model(model: Input[Model], evaluation: Input[Artifact], decision: Input[Artifact], context: str) -> str:
    """Adds the model to the registry; a run of the forge (or --promote) makes it the branch's champion.

    Args:
        model: The MLflow model.
        evaluation: What the evaluation found.
        decision: The gate's verdict.
        context: What the run knows about itself.

    Returns:
        The version in the registry.
    """
    run = RunContext.from_json(context)
    record = register_accepted(
        run,
        model.metadata["model_id"],
        evaluation=Evaluation.model_validate_json(Path(evaluation.path).read_text(encoding="utf-8")),
        decision=Decision.model_validate_json(Path(decision.path).read_text(encoding="utf-8")),
        rules=load_config(repository_root(os.environ), run.branch).gate.metrics,
    )
    print(f"{record.address}{f' is {record.alias}' if record.alias else ''}")
    return record.version
