"""A made-up training, marked as one: what ``act --test`` sends, and what templates are tried on."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from helpers.gate import judge
from helpers.records import (
    Baseline,
    DataRecord,
    Evaluation,
    Failure,
    HistoryPoint,
    MetricRule,
    ModelRecord,
    Report,
    RunRecord,
    StepRecord,
)

if TYPE_CHECKING:
    from helpers.config import BranchConfig

PROJECT = "sample"
RUN = "0" * 32
RULES = {"rmse": MetricRule(higher_is_better=False, threshold=80.0)}


def report(config: BranchConfig, branch: str, *, project: str = PROJECT, repository: str = "") -> Report:
    """A report in which everything that a report can have is filled in, with the gate's own metrics."""
    rules = config.gate.metrics or RULES
    now = datetime.now(UTC)
    values = {name: _value(rule) for name, rule in rules.items()}
    before = {name: value * (0.95 if rules[name].higher_is_better else 1.05) for name, value in values.items()}
    baseline = Baseline(kind="champion", version="1", run_id="1" * 32, commit="1" * 40, scored="test-split")
    return Report(
        project=project,
        pipeline="sample",
        branch=branch,
        commit="0" * 40,
        actor="a test of the rules",
        trigger="hand",
        repository=repository,
        run=RunRecord(
            id=RUN,
            name="sample",
            engine=config.engine,
            status="succeeded",
            started=(now - timedelta(minutes=2)).isoformat(timespec="seconds"),
            ended=now.isoformat(timespec="seconds"),
            seconds=120.0,
        ),
        decision=judge(rules, values, baseline, before),
        promoted=False,
        model=ModelRecord(name="sample", version="0", address="model://sample/0"),
        failure=Failure(step="sample", message="Nothing failed: this is a sample.", hint=""),
        data=[
            DataRecord(name="sample", address="sample.csv", fingerprint="sha256:0", rows=442, columns={"x": "numeric"})
        ],
        parameters={"seed": "42"},
        steps=[StepRecord(name="sample", state="succeeded", seconds=1.0)],
        history=[
            HistoryPoint(
                run_id=str(day) * 32,
                started=(now - timedelta(days=6 - day)).isoformat(timespec="seconds"),
                commit=str(day) * 40,
                metrics={name: value * (1.0 + 0.02 * (5 - day)) for name, value in values.items()},
                passed=True,
                champion=day == 1,
            )
            for day in range(1, 6)
        ],
    )


def evaluation() -> Evaluation:
    """Something to draw."""
    actual = [40.0 + 3 * index for index in range(60)]
    predicted = [value + 18 * math.sin(index * 1.7) for index, value in enumerate(actual)]
    return Evaluation(
        task="regression",
        target="sample",
        metrics={},
        baseline=Baseline(kind="none"),
        actual=actual,
        predicted=predicted,
        rows=60,
    )


def _value(rule: MetricRule) -> float:
    """A value that passes."""
    if rule.threshold is None or rule.threshold == 0:
        return 0.9
    better = 1.1 if rule.higher_is_better == (rule.threshold > 0) else 0.9
    return rule.threshold * better
