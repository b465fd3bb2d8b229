"""The numbers behind the plots of a classifier: confusion counts, ROC and precision-recall curves.

They are computed from the rows that the evaluation kept, in plain Python: a report needs no numerical
library to be written.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from helpers.records import Evaluation

OTHER = "(other classes)"
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each other one; ``counts[actual][predicted]``."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def recall(self, row: int) -> float | None:
        """The share of a class's rows that were found."""
        total = sum(self.counts[row])
        return self.counts[row][row] / total if total else None

    def precision(self, column: int) -> float | None:
        """The share of the predictions of a class that were right."""
        total = sum(row[column] for row in self.counts)
        return self.counts[column][column] / total if total else None


def class_name(value: object) -> str:
    """A class as text; ``1.0`` and ``1`` are the same class."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def classes(evaluation: Evaluation) -> list[str]:
    """The classes in the order of the scores, then those that only occur in the rows."""
    known = list(evaluation.labels)
    seen = sorted({class_name(value) for value in (*evaluation.actual, *evaluation.predicted)} - set(known))
    return known + seen


def confusion(evaluation: Evaluation, most: int) -> Confusion:
    """The confusion counts; of very many classes the most frequent ones, and the rest together."""
    actual = [class_name(value) for value in evaluation.actual]
    predicted = [class_name(value) for value in evaluation.predicted]
    labels = classes(evaluation)
    if len(labels) > most:
        frequent = {name for name, _ in Counter(actual).most_common(most - 1)}
        labels = [label for label in labels if label in frequent] + [OTHER]
    place = {label: index for index, label in enumerate(labels)}
    counts = [[0] * len(labels) for _ in labels]
    for was, said in zip(actual, predicted, strict=False):
        counts[place.get(was, len(labels) - 1)][place.get(said, len(labels) - 1)] += 1
    return Confusion(tuple(labels), tuple(tuple(row) for row in counts))


def ranked(scores: Sequence[float], positive: Sequence[bool]) -> list[tuple[int, int]]:
    """Cumulative (true positives, false positives) after each distinct score, from the surest row down."""
    finite = ((score, hit) for score, hit in zip(scores, positive, strict=False) if math.isfinite(score))
    pairs = sorted(finite, reverse=True)
    found: list[tuple[int, int]] = []
    true = false = 0
    for index, (score, hit) in enumerate(pairs):
        true, false = (true + 1, false) if hit else (true, false + 1)
        if index + 1 == len(pairs) or pairs[index + 1][0] != score:
            found.append((true, false))
    return found


def roc(scores: Sequence[float], positive: Sequence[bool]) -> tuple[Points, float] | None:
    """The ROC curve and the area under it; nothing when a class is absent."""
    steps = ranked(scores, positive)
    if not steps or not steps[-1][0] or not steps[-1][1]:
        return None
    hits, misses = steps[-1]
    points = [(0.0, 0.0)] + [(false / misses, true / hits) for true, false in steps]
    area = sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))
    return points, area


def precision_recall(scores: Sequence[float], positive: Sequence[bool]) -> tuple[Points, float] | None:
    """The precision-recall curve and the average precision; nothing when the class is absent."""
    steps = ranked(scores, positive)
    if not steps or not steps[-1][0]:
        return None
    hits = steps[-1][0]
    points: Points = []
    average = before = 0.0
    for true, false in steps:
        recall, precision = true / hits, true / (true + false)
        average += (recall - before) * precision
        before = recall
        points.append((recall, precision))
    return [(0.0, points[0][1]), *points], average


@dataclass(frozen=True)
class ClassCurve:
    """One curve of one class against the rest."""

    label: str
    points: Points
    area: float


@dataclass(frozen=True)
class Curves:
    """ROC and precision-recall curves of every class that the rows allow them for."""

    roc: tuple[ClassCurve, ...]
    precision_recall: tuple[ClassCurve, ...]
    base_rate: float
    """The share of the positive class (two classes): the precision of guessing."""


def curves(evaluation: Evaluation) -> Curves:
    """The curves from the scores; for two classes those of the second one, which is the positive one."""
    actual = [class_name(value) for value in evaluation.actual]
    rows = [row for row in evaluation.scores if len(row) == len(evaluation.labels)]
    if not rows or len(rows) != len(actual):
        return Curves((), (), 0.0)
    chosen = list(enumerate(evaluation.labels))
    if len(chosen) == 2:
        chosen = chosen[1:]
    roc_curves: list[ClassCurve] = []
    pr_curves: list[ClassCurve] = []
    for column, label in chosen:
        scores = [row[column] for row in rows]
        positive = [value == label for value in actual]
        if (found := roc(scores, positive)) is not None:
            roc_curves.append(ClassCurve(label, *found))
        if (found := precision_recall(scores, positive)) is not None:
            pr_curves.append(ClassCurve(label, *found))
    share = actual.count(chosen[0][1]) / len(actual)
    return Curves(tuple(roc_curves), tuple(pr_curves), share)


def thinned(points: Points, most: int = 200) -> Points:
    """The points without those that cannot be told apart on paper; the first and the last stay."""
    if len(points) <= most:
        return points
    step = (len(points) - 1) / (most - 1)
    return [points[round(index * step)] for index in range(most)]
