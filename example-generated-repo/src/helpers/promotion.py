"""Registers a model that the gate has accepted, and makes it the champion where the run may do so."""

from __future__ import annotations

from collections.abc import Mapping

from helpers import tracking
from helpers.context import RunContext
from helpers.evaluation import other_question
from helpers.gate import judge
from helpers.records import Baseline, Decision, Evaluation, MetricRule, ModelRecord
from helpers.registry import Candidate, register


def register_accepted(
    context: RunContext,
    model_id: str,
    *,
    evaluation: Evaluation,
    decision: Decision,
    rules: Mapping[str, MetricRule],
) -> ModelRecord:
    """Adds an accepted model to the registry; with ``context.promote`` it becomes the branch's champion.

    When another run has made its own model the champion since the comparison, the gate judges again, beside the
    recorded metrics of that one. A refusal then stands in the decision, and the champion stays.
    """

    def judge_again(found: Candidate) -> bool:
        note = f"Another run made version {found.version} the champion while this one trained."
        differs = other_question(found, evaluation.target, evaluation.task, evaluation.labels)
        baseline = Baseline(
            kind="champion",
            version=found.version,
            run_id=found.run_id,
            commit=found.commit,
            scored="none" if differs else "stored",
            note=f"{note} Its metrics do not compare: {differs}." if differs else note,
        )
        verdict = judge(rules, evaluation.metrics, baseline, {} if differs else found.metrics)
        tracking.log_decision(context, verdict)
        return verdict.passed

    compared = decision.baseline.version if decision.baseline.kind == "champion" else ""
    record = register(context, model_id, expected_champion=compared, judge_again=judge_again)
    if record.alias:
        tracking.log_tags(context, {"mlopsgen.promoted": "true"})
    return record
