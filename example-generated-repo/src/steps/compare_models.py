"""Compare the model with the champion: the gate."""

import os
from pathlib import Path

from kfp.dsl import Artifact, Input, Output

from helpers import tracking
from helpers.artifacts import write_text
from helpers.config import load_config, repository_root
from helpers.context import RunContext
from helpers.gate import judge
from helpers.records import Evaluation


def compare_models(evaluation: Input[Artifact], context: str, decision: Output[Artifact]) -> bool:
    """Judges the model by the rules of the branch's `config.yaml`.

    Args:
        evaluation: What the evaluation found.
        context: What the run knows about itself.
        decision: The verdict with its reasons, as JSON.

    Returns:
        Whether the model passes; the next steps only run when it does.
    """
    run = RunContext.from_json(context)
    found = Evaluation.model_validate_json(Path(evaluation.path).read_text(encoding="utf-8"))
    rules = load_config(repository_root(os.environ), run.branch).gate.metrics
    verdict = judge(rules, found.metrics, found.baseline, found.baseline_metrics)
    write_text(decision, verdict.model_dump_json(indent=1))
    tracking.log_decision(run, verdict)
    for reason in verdict.reasons:
        print(reason)
    return verdict.passed
