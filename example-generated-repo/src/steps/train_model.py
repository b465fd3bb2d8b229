"""Train the model: a linear one whose weights are kept small."""

from pathlib import Path

from kfp.dsl import Dataset, Input, Model, Output
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from helpers import models, tracking
from helpers.artifacts import read_table
from helpers.context import RunContext
from helpers.evaluation import question_tags


def estimator(alpha: float, l1_ratio: float, seed: int) -> Pipeline:
    """What is fitted: all measurements on one scale, then ElasticNet."""
    return Pipeline(
        [
            ("fill", SimpleImputer(strategy="median")),  # the file misses nothing, but who asks for a prediction may
            ("scale", StandardScaler()),
            ("model", ElasticNet(alpha=alpha, l1_ratio=l1_ratio, max_iter=10_000, random_state=seed)),
        ]
    )


def train_model(
    train: Input[Dataset], alpha: float, l1_ratio: float, seed: int, context: str, model: Output[Model]
) -> None:
    """Fits ElasticNet and saves it as an MLflow model.

    Args:
        train: The wines to learn from.
        alpha: How much large weights cost; 0 is plain least squares.
        l1_ratio: 1 sets weights to zero (lasso), 0 only shrinks them (ridge).
        seed: Of everything random.
        context: What the run knows about itself.
        model: A folder that holds the MLflow model.
    """
    run, table = RunContext.from_json(context), read_table(train)
    features = table.frame[list(table.kinds)]
    pipeline = estimator(alpha, l1_ratio, seed)
    with models.single_thread():
        pipeline.fit(models.encode(features, table.kinds), table.frame[table.target])
    shown = {"alpha": str(alpha), "l1_ratio": str(l1_ratio)}
    models.save(
        Path(model.path),
        models.Trained(pipeline=pipeline, algorithm="elastic-net", parameters=shown, class_weight="none"),
        example=models.example_rows(features),
        kinds=table.kinds,
        task=table.task,
        target=table.target,
        labels=table.labels,
        metadata={"branch": run.branch, "commit": run.commit, "data": table.record.fingerprint},
    )
    logged = {f"model.{name}": value for name, value in shown.items()}
    tracking.log_parameters(run, {"model.algorithm": "elastic-net", **logged})
    tracking.log_tags(run, question_tags(table))
    model.metadata["model_id"] = tracking.log_model(run, Path(model.path), name=run.model_name, parameters=logged)
    model.metadata["algorithm"] = "elastic-net"
    used = int((pipeline["model"].coef_ != 0).sum())
    print(f"ElasticNet on {len(features)} wines: {used} of {pipeline['model'].n_features_in_} features have a weight")
