"""Scores a model on the test split, and what it is compared with on the same rows."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pandas as pd

from helpers import models
from helpers.context import RunContext
from helpers.errors import TrackingError
from helpers.metrics import classification_metrics, regression_metrics
from helpers.records import Baseline, Evaluation
from helpers.registry import Candidate, champion, last_success, load_candidate
from helpers.table import Table, label_text

SHOWN_ROWS = 1000
"""Rows that an evaluation keeps for the plots."""

TEST_TAG = "mlopsgen.test"
MAY_KNOW_ROWS = (
    "Its own test split was another one, as the data or the seed was: it may have learnt from some of these rows, "
    "which flatters it."
)


def evaluate(model: Any, test: Table, context: RunContext) -> Evaluation:
    """Scores a loaded model, and scores the branch's champion again on the same rows.

    The baseline is the branch's champion, else the last run of the branch that the gate accepted, else nothing.
    """
    features = test.frame[list(test.kinds)]
    answer = models.predict(model, features)
    metrics = score(answer, test)
    baseline, baseline_metrics = _baseline(test, features, context)
    shown = answer.head(SHOWN_ROWS)
    actual = test.frame[test.target].head(SHOWN_ROWS)
    return Evaluation(
        task=test.task,
        target=test.target,
        metrics=metrics,
        baseline=baseline,
        baseline_metrics=baseline_metrics,
        labels=test.labels,
        actual=_values(actual, test),
        predicted=_values(shown["prediction"], test),
        scores=[[round(value, 6) for value in row] for row in _scores(shown, test.labels).tolist()]
        if test.labels
        else [],
        rows=len(test.frame),
    )


def score(answer: pd.DataFrame, test: Table) -> dict[str, float]:
    """The metrics of what a model answered for the rows of a test split."""
    if test.task == "regression":
        actual = test.frame[test.target].to_numpy(dtype="float64")
        return regression_metrics(actual, answer["prediction"].to_numpy(dtype="float64"))
    labels = [label_text(value) for value in test.frame[test.target]]
    predicted = [label_text(value) for value in answer["prediction"]]
    return classification_metrics(labels, predicted, _scores(answer, test.labels), test.labels)


def _baseline(test: Table, features: pd.DataFrame, context: RunContext) -> tuple[Baseline, dict[str, float]]:
    if not context.run_id:
        return Baseline(kind="none", note="The run is not tracked, so there is nothing to compare with."), {}
    found = champion(context)
    if found is not None:
        return _score_again(found, test, features, Baseline(kind="champion"))
    found = last_success(context)
    if found is not None:
        note = f"{context.branch} has no champion yet; compared with its last accepted run."
        return _score_again(found, test, features, Baseline(kind="last-success", note=note))
    return Baseline(kind="none", note=f"This is the first model of {context.branch}."), {}


def _score_again(
    found: Candidate, test: Table, features: pd.DataFrame, baseline: Baseline
) -> tuple[Baseline, dict[str, float]]:
    """The baseline on today's test split; else its recorded metrics; nothing where those mean another thing."""
    baseline = baseline.model_copy(update={"version": found.version, "run_id": found.run_id, "commit": found.commit})
    before = former_positive(found, test.labels)
    other = other_question(found, test.target, test.task, test.labels[::-1] if before else test.labels)
    if other:
        baseline = baseline.model_copy(update={"note": ""})  # it is not compared with this run after all
        return _noted(baseline, "none", f"Its metrics do not compare: {other}."), {}

    def recorded(reason: str) -> tuple[Baseline, dict[str, float]]:
        if before:
            why = f"{reason}, and its recorded metrics are those of the positive class '{before}'"
            return _noted(baseline, "none", f"It does not compare: {why}."), {}
        return _noted(baseline, "stored", f"Its recorded metrics count: {reason}."), dict(found.metrics)

    try:
        model = load_candidate(found)
        missing = [name for name in models.input_columns(model) if name not in features.columns]
        if missing:
            return recorded(f"it was trained on columns that the data no longer has ({', '.join(missing[:5])})")
        metrics = score(models.predict(model, features), test)
    except TrackingError as error:
        return recorded(f"it cannot be loaded ({error})")
    except Exception as error:  # noqa: BLE001 - whatever an old model raises must not end a new training
        reason = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
        return recorded(f"it cannot predict ({reason})")
    split = found.tags.get(TEST_TAG, "")
    notes = [f"The positive class was '{before}' before; here '{test.labels[-1]}' counts for both."] if before else []
    notes += [MAY_KNOW_ROWS] if split and split != split_tags(test)[TEST_TAG] else []
    return _noted(baseline, "test-split", " ".join(notes)), metrics


def former_positive(found: Candidate, labels: list[str]) -> str:
    """The positive class that an earlier model was scored with, where it is the other one of the same two."""
    classes: list[str] = json.loads(found.tags.get("mlopsgen.labels", "[]"))
    return classes[-1] if len(labels) == 2 and classes == labels[::-1] else ""


def other_question(found: Candidate, target: str, task: str, labels: list[str]) -> str:
    """How what an earlier model predicts differs from what is predicted now; empty when it does not.

    Args:
        found: The earlier model.
        target: The column that is predicted now.
        task: What kind of prediction it is.
        labels: The classes, of two of them the positive one last.
    """
    asked = found.tags
    if not asked.get("mlopsgen.target"):
        return "what it predicts was not recorded"
    if asked["mlopsgen.target"] != target:
        return f"it predicts '{asked['mlopsgen.target']}', not '{target}'"
    if asked.get("mlopsgen.task") != task:
        return f"its task is {asked.get('mlopsgen.task')}, not {task}"
    if before := former_positive(found, labels):
        return f"its positive class is '{before}', not '{labels[-1]}'"
    classes = json.loads(asked.get("mlopsgen.labels", "[]"))
    return f"its classes are {', '.join(classes)}" if classes != labels else ""


def question_tags(table: Table) -> dict[str, str]:
    """Tags of a run that say what its model predicts."""
    return {
        "mlopsgen.target": table.target,
        "mlopsgen.task": table.task,
        "mlopsgen.labels": json.dumps(table.labels),
        **({"mlopsgen.positive": table.labels[-1]} if table.task == "binary" else {}),
    }


def split_tags(test: Table) -> dict[str, str]:
    """A tag of a run that tells its test split from any other."""
    rows = pd.util.hash_pandas_object(test.frame, index=False).to_numpy()
    return {TEST_TAG: hashlib.sha256(np.sort(rows).tobytes()).hexdigest()}


def _noted(baseline: Baseline, scored: str, note: str) -> Baseline:
    text = " ".join(part for part in (baseline.note, note) if part)
    return baseline.model_copy(update={"scored": scored, "note": text})


def _scores(answer: pd.DataFrame, labels: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return answer[[f"score_{label}" for label in labels]].to_numpy(dtype="float64")


def _values(column: pd.Series, test: Table) -> list[float] | list[str]:
    if test.task == "regression":
        return [float(value) for value in column]
    return [label_text(value) for value in column]
