"""Reports of every kind, for the tests of the report."""

from __future__ import annotations

import math
import random
from typing import Any

from helpers.records import (
    Baseline,
    DataRecord,
    Decision,
    Evaluation,
    Failure,
    HistoryPoint,
    MetricResult,
    MetricRule,
    ModelRecord,
    Report,
    RunRecord,
    StepRecord,
)

HOSTILE = (
    "<script>alert('x')</script> \"&`|*_[a](javascript:x) @team </style><img src=x onerror=y>"
    "{{ 7*7 }} \u202e\u00fcn\u00efc\u00f8d\u00e9 \u6a21\u578b \x00\x1b[31m\n# heading"
)
CHAMPION = Baseline(kind="champion", version="4", run_id="r4", commit="f" * 40, scored="test-split")
NOTHING = Baseline(kind="none")


def metric(
    name: str = "rmse", value: float | None = 54.55, baseline: float | None = 58.4, *, passed: bool = True, **rule: Any
) -> MetricResult:
    """A metric that the gate has judged; lower is better unless the rule says otherwise."""
    judged = MetricRule(**{"higher_is_better": False, "threshold": 80.0, **rule})
    reason = "" if passed else f"{name} is too far away"
    return MetricResult(name=name, value=value, baseline=baseline, gain=None, rule=judged, passed=passed, reason=reason)


def decision(outcome: Any = "improved", *, passed: bool = True, **changes: Any) -> Decision:
    """A verdict of the gate."""
    given = {"reasons": ["rmse is 54.55, 3.85 better."], "metrics": [metric(passed=passed)], "baseline": CHAMPION}
    return Decision(outcome=outcome, passed=passed, **{**given, **changes})


def history(metric_name: str = "rmse", runs: int = 6) -> list[HistoryPoint]:
    """Earlier runs: the third one was refused, the second and the last became champion."""
    return [
        HistoryPoint(
            run_id=f"run-{index}",
            started=f"2026-11-{index + 1:02d}T09:30:00+00:00",
            commit=f"{index}" * 40,
            metrics={metric_name: 66.0 - index},
            passed=index != 2,
            champion=index in (1, runs - 1),
        )
        for index in range(runs)
    ]


def report(**changes: Any) -> Report:
    """The report of an accepted run; changes replace whole keys."""
    given: dict[str, Any] = {
        "project": "diabetes",
        "pipeline": "training",
        "branch": "development",
        "commit": "8c1f0a94be3d2f10a7c5e6b9d8f7a6c5b4e3d2f1",
        "actor": "Ada Lovelace",
        "trigger": "push",
        "run": run(),
        "decision": decision(),
        "promoted": True,
        "model": ModelRecord(name="diabetes-training", version="5", address="model://diabetes-training/5"),
        "data": [
            DataRecord(
                name="sample",
                address="data/sample/diabetes.csv",
                fingerprint="sha256:9f2c",
                rows=1442,
                columns={"age": "numeric", "sex": "categorical", "progression": "target"},
                notes=["The column visited holds dates and is left out."],
            )
        ],
        "parameters": {"seed": "42"},
        "steps": [StepRecord(name="pull-data", state="succeeded", seconds=0.42)],
        "history": history(),
        "environment": {"python": "3.11.7"},
        "addresses": {"model": "model://diabetes-training/5"},
    }
    return Report(**{**given, **changes})


def run(**changes: Any) -> RunRecord:
    """A run that ended well."""
    given: dict[str, Any] = {
        "id": "this",
        "name": "development-5",
        "engine": "local",
        "status": "succeeded",
        "started": "2026-11-21T04:17:09+00:00",
        "ended": "2026-11-21T04:17:23+00:00",
        "seconds": 13.84,
    }
    return RunRecord(**{**given, **changes})


def failed() -> Report:
    """A run that stopped in its second step."""
    failure = Failure(step="validate-data", message="Row 17 of column age says 'old'.", hint="Correct row 17.")
    return report(
        run=run(status="failed"),
        decision=decision("failed", passed=False, metrics=[], reasons=[], baseline=NOTHING),
        promoted=False,
        model=None,
        failure=failure,
        steps=[
            StepRecord(name="pull-data", state="succeeded", seconds=0.4),
            StepRecord(name="validate-data", state="failed", seconds=0.2),
            StepRecord(name="train-model", state="skipped"),
        ],
        history=[],
    )


def regression(rows: int = 60) -> Evaluation:
    """Predictions of a number."""
    chance = random.Random(4)
    actual = [chance.uniform(25, 340) for _ in range(rows)]
    predicted = [value * 0.7 + chance.gauss(40, 30) for value in actual]
    return Evaluation(
        task="regression",
        target="progression",
        metrics={"rmse": 54.55},
        baseline=CHAMPION,
        actual=actual,
        predicted=predicted,
        rows=rows,
    )


def classes(count: int, rows: int = 300, names: str = "class {}") -> Evaluation:
    """Predictions of one of several classes, with their scores."""
    chance = random.Random(count)
    labels = [names.format(index) for index in range(count)]
    actual, predicted, scores = [], [], []
    for _ in range(rows):
        truth = chance.randrange(count)
        weights = [math.exp(chance.gauss(0, 1) + (2 if index == truth else 0)) for index in range(count)]
        shares = [weight / sum(weights) for weight in weights]
        actual.append(labels[truth])
        predicted.append(labels[shares.index(max(shares))])
        scores.append(shares)
    return Evaluation(
        task="binary" if count == 2 else "multiclass",
        target="crop",
        metrics={"f1_macro": 0.8},
        baseline=CHAMPION,
        labels=labels,
        actual=actual,
        predicted=predicted,
        scores=scores,
        rows=rows,
    )


def hostile() -> tuple[Report, Evaluation]:
    """Everything that a name can do to a page, and sizes that nobody asked for."""
    text, nan = HOSTILE, math.nan
    baseline = Baseline(kind="champion", version=text, run_id=text, commit=text, scored="stored", note=text)
    metrics = [
        metric(f"{text}{index}", None if index % 2 else 1e300, nan if index % 3 else 0.0, passed=False, threshold=-1e-9)
        for index in range(8)
    ]
    columns = {f"{text}{index}": "numeric" for index in range(700)}
    found = report(
        project=text,
        pipeline=text,
        branch=text,
        commit=text,
        actor=text,
        trigger=text,
        repository="javascript:alert(1)",
        run=run(
            id=text, name=text, engine=text, started=text, ended=text, ci_url="https://x/\"onload='y'", seconds=nan
        ),
        decision=decision("rejected", passed=False, reasons=[text * 30] * 3, metrics=metrics, baseline=baseline),
        promoted=False,
        model=ModelRecord(name=text, version=text, address=text),
        data=[
            DataRecord(name=text, address=text * 9, fingerprint="x" * 5000, rows=10**9, columns=columns, notes=[text])
        ],
        parameters={f"{text}{index}": text * 20 for index in range(200)},
        steps=[StepRecord(name=text, state="succeeded", seconds=nan)],
        environment={text: text},
        addresses={text: "data:text/html,x"},
        history=[
            HistoryPoint(
                run_id=f"h{index}", started=text, commit=text, metrics={f"{text}0": value}, passed=False, champion=True
            )
            for index, value in enumerate((nan, 1e300, -1e300, math.inf, 0.0))
        ],
    )
    return found, classes(300, rows=2000, names=text + "{}")
