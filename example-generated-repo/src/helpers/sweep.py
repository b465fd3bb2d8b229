"""The steps that compare the candidates of a sweep, without a look at the test split.

Rows of the training data are held back; each candidate learns from the others and is scored on them; the best one's
value goes to the step itself, which then learns from all rows. What is evaluated, judged and registered is that model.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from kfp.dsl import Dataset, Input, Model, Output

from helpers.context import RunContext
from helpers.errors import RepositoryError

HELD_BACK = 0.25
"""The share of the training rows that candidates are compared on."""


def untracked(context: str) -> str:
    """The context of a candidate, which logs nothing to the run: only the model that is trained in the end does."""
    return context if context == "{}" else replace(RunContext.from_json(context), run_id="").to_json()


def hold_out(train: Input[Dataset], seed: int, learn: Output[Dataset], validate: Output[Dataset]) -> None:
    """Holds rows back.

    Args:
        train: The rows to learn from.
        seed: The same seed holds the same rows back.
        learn: The rows that candidates learn from.
        validate: The rows that they are compared on.
    """
    from helpers.artifacts import read_table, write_table
    from helpers.splitting import split_table

    others, held = split_table(read_table(train), test_size=HELD_BACK, seed=seed + 1)
    write_table(learn, others)
    write_table(validate, held)
    print(f"candidates learn from {len(others.frame)} rows and are compared on {len(held.frame)}")


def score(model: Input[Model], validate: Input[Dataset], metric: str) -> float:
    """Scores a candidate.

    Args:
        model: The candidate.
        validate: Rows that it has not learnt from.
        metric: What counts.

    Returns:
        The metric's value; a pipeline cannot carry what is no number, so a very large one stands for it.
    """
    from helpers import evaluation, models
    from helpers.artifacts import read_table

    table = read_table(validate)
    answer = models.predict(models.load(model.path), table.frame[list(table.kinds)])
    metrics = evaluation.score(answer, table)
    if metric not in metrics:
        raise RepositoryError(
            f"The gate's first metric is '{metric}', and the evaluation has no such metric.",
            hint=f"It has: {', '.join(metrics)}.",
        )
    print(f"{metric}: {metrics[metric]:.6g}")
    return metrics[metric] if math.isfinite(metrics[metric]) else NO_SCORE


NO_SCORE = 1.7e308
"""Stands for a metric that is not a number."""


def choose(
    candidates: list[Any], scores: list[float], step: str, metric: str, higher_is_better: bool, context: str
) -> str:
    """Chooses the best candidate, the first of equal ones.

    Args:
        candidates: The values.
        scores: The metric of each.
        step: The step that they are for.
        metric: The metric's name.
        higher_is_better: Its direction.
        context: What the run knows about itself.

    Returns:
        The best one's value (of the input's own type).
    """
    known = {number: value for number, value in enumerate(scores) if value != NO_SCORE}
    if not known:
        raise RepositoryError(f"No candidate of '{step}' has a {metric} that is a number.")
    best = (max if higher_is_better else min)(known, key=lambda number: known[number])
    table = [
        {"candidate": candidate, metric: known.get(number), "chosen": number == best}
        for number, candidate in enumerate(candidates)
    ]
    for row in table:
        print(f"{'->' if row['chosen'] else '  '} {json.dumps(row['candidate'])}: {metric} {row[metric]}")
    if context != "{}":
        from helpers import tracking

        run = RunContext.from_json(context)
        tracking.log_text(run, f"sweep/{step}.json", json.dumps(table, indent=1))
        tracking.log_parameters(run, {f"sweep.{step}": json.dumps(candidates[best])})
    chosen: str = candidates[best]
    return chosen
