"""Train the model."""

from pathlib import Path
from typing import Any

from kfp.dsl import Dataset, Input, Model, Output

from helpers import models, tracking
from helpers.artifacts import read_table
from helpers.context import RunContext
from helpers.evaluation import question_tags


def train_model(
    train: Input[Dataset],
    algorithm: str,
    hyperparameters: dict[str, Any],
    class_weight: str,
    seed: int,
    context: str,
    model: Output[Model],
) -> None:
    """Fits a scikit-learn pipeline and saves it as an MLflow model.

    To train something else, replace `models.train` by your own estimator (a `Pipeline` that takes the table's columns).

    Args:
        train: The rows to learn from.
        algorithm: auto, linear, gradient-boosting or random-forest.
        hyperparameters: Parameters of the algorithm's estimator in scikit-learn, for example {learning_rate: 0.1}.
        class_weight: auto, balanced or none: whether rare classes count more.
        seed: The same seed trains the same model on the same data.
        context: What the run knows about itself.
        model: A folder that holds the MLflow model.
    """
    run, table = RunContext.from_json(context), read_table(train)
    features = table.frame[list(table.kinds)]
    trained = models.train(
        features,
        table.frame[table.target],
        table.kinds,
        table.task,
        algorithm=algorithm,
        hyperparameters=hyperparameters,
        class_weight=class_weight,
        seed=seed,
    )
    models.save(
        Path(model.path),
        trained,
        example=models.example_rows(features),
        kinds=table.kinds,
        task=table.task,
        target=table.target,
        labels=table.labels,
        metadata={"branch": run.branch, "commit": run.commit, "data": table.record.fingerprint},
    )
    shown = {f"model.{key}": value for key, value in trained.parameters.items()}
    tracking.log_parameters(run, {"model.algorithm": trained.algorithm, **shown})
    tracking.log_tags(run, question_tags(table))
    model.metadata["model_id"] = tracking.log_model(run, Path(model.path), name=run.model_name, parameters=shown)
    model.metadata["algorithm"] = trained.algorithm
    print(f"{trained.algorithm} on {len(features)} rows and {len(table.kinds)} features (seed {seed})")
