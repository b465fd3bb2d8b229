"""The metrics that an evaluation computes: their names, directions and values. The only table of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.records import Task

if TYPE_CHECKING:  # configuration is checked against this table before anything heavy is imported
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_ALL: tuple[Task, ...] = ("regression", "binary", "multiclass")
_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_BINARY: tuple[Task, ...] = ("binary",)
_REGRESSION: tuple[Task, ...] = ("regression",)


@dataclass(frozen=True)
class Metric:
    """What is known about a metric.

    Attributes:
        higher_is_better: Its direction.
        tasks: The tasks that it is computed for.
        meaning: One line for people.
    """

    higher_is_better: bool
    tasks: tuple[Task, ...]
    meaning: str


METRICS: Mapping[str, Metric] = {
    "rmse": Metric(False, _REGRESSION, "Root of the mean squared error, in units of the target."),
    "mae": Metric(False, _REGRESSION, "Mean absolute error, in units of the target."),
    "median_absolute_error": Metric(False, _REGRESSION, "Half of the predictions are nearer than this."),
    "r2": Metric(True, _REGRESSION, "Share of the target's variance that is explained; 0 is as good as its mean."),
    "accuracy": Metric(True, _CLASSES, "Share of the rows that are predicted right."),
    "balanced_accuracy": Metric(
        True, _CLASSES, "Mean over the classes of the share predicted right; fair to rare classes."
    ),
    "f1_macro": Metric(True, _CLASSES, "Mean over the classes of F1, the balance of precision and recall."),
    "precision_macro": Metric(True, _CLASSES, "Mean over the classes of the share of its predictions that are right."),
    "recall_macro": Metric(True, _CLASSES, "Mean over the classes of the share of its rows that are found."),
    "precision": Metric(True, _BINARY, "Share of the predictions of the positive class that are right."),
    "recall": Metric(True, _BINARY, "Share of the rows of the positive class that are found."),
    "f1": Metric(True, _BINARY, "F1 of the positive class, the balance of its precision and recall."),
    "log_loss": Metric(False, _CLASSES, "How surprised the scores are by the truth; punishes confident mistakes."),
    "roc_auc": Metric(True, _CLASSES, "Probability that a row of the class scores above one of another class."),
    "average_precision": Metric(
        True, _CLASSES, "Area under the precision-recall curve of the positive class; mean over the classes if many."
    ),
}


def same(one: float, other: float) -> bool:
    """Whether two values are equal but for their last digits: a training may round differently on another machine."""
    return math.isclose(one, other, rel_tol=1e-12)


def metrics_of(task: Task) -> list[str]:
    """The names of the metrics of a task."""
    return [name for name, metric in METRICS.items() if task in metric.tasks]


def regression_metrics(actual: Numbers, predicted: Numbers) -> dict[str, float]:
    """The metrics of a regression; a prediction that is not a number makes them NaN, never an error."""
    import numpy as np

    errors = np.abs(actual - predicted)
    spread = float(np.sum((actual - actual.mean()) ** 2))
    squares = float(np.sum(errors**2))
    return {
        "rmse": math.sqrt(squares / len(errors)),
        "mae": float(errors.mean()),
        "median_absolute_error": float(np.median(errors)),
        "r2": 1 - squares / spread if spread > 0 else math.nan,
    }


def classification_metrics(
    actual: Sequence[str], predicted: Sequence[str], scores: Numbers, labels: Sequence[str]
) -> dict[str, float]:
    """The metrics of a classification.

    Args:
        actual: The class of each row.
        predicted: The predicted class of each row.
        scores: A probability for each row and class.
        labels: The classes in the order of the columns of ``scores``; the second is the positive one of two.
    """
    import numpy as np
    from sklearn import metrics as sk

    known = list(labels)
    truth = np.array([[label == other for other in known] for label in actual], dtype=float)
    values = {
        "accuracy": float(sk.accuracy_score(actual, predicted)),
        "f1_macro": float(sk.f1_score(actual, predicted, labels=known, average="macro", zero_division=0)),
        "precision_macro": float(sk.precision_score(actual, predicted, labels=known, average="macro", zero_division=0)),
        "recall_macro": float(sk.recall_score(actual, predicted, labels=known, average="macro", zero_division=0)),
    }
    if len(known) == 2:
        only: dict[str, Any] = {"labels": known[1:], "average": "macro", "zero_division": 0}
        values["precision"] = float(sk.precision_score(actual, predicted, **only))
        values["recall"] = float(sk.recall_score(actual, predicted, **only))
        values["f1"] = float(sk.f1_score(actual, predicted, **only))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a predicted class that the test split does not hold
        values["balanced_accuracy"] = float(sk.balanced_accuracy_score(actual, predicted))
    if not np.isfinite(scores).all():
        return {**values, "log_loss": math.nan, "roc_auc": math.nan, "average_precision": math.nan}
    values["log_loss"] = float(-np.mean(np.log(np.clip(np.sum(truth * scores, axis=1), 1e-15, 1.0))))
    # A class without a row in the test split, or one that has all of them, has no curve.
    columns = [1] if len(known) == 2 else range(len(known))
    curves = [index for index in columns if 0 < truth[:, index].sum() < len(truth)]
    for name, curve in (("roc_auc", sk.roc_auc_score), ("average_precision", sk.average_precision_score)):
        areas = [float(curve(truth[:, index], scores[:, index])) for index in curves]
        values[name] = float(np.mean(areas)) if areas else math.nan
    return {name: values[name] for name in metrics_of("binary" if len(known) == 2 else "multiclass")}
