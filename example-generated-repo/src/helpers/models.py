"""Builds, fits, saves and loads models. What a saved model answers is described in ``served_model.py``."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from helpers.columns import Kind
from helpers.documents import did_you_mean
from helpers.errors import ConfigurationError
from helpers.records import Task
from helpers.table import BALANCED_RATIO, label_text

CONTRACT_VERSION = "1"
"""Version of the output contract that ``served_model.py`` describes."""

ALGORITHMS = ("auto", "linear", "gradient-boosting", "random-forest")

_AUTO_ROWS = 20_000
"""Above this, `auto` takes gradient boosting without comparing."""

_MANY_FOLDS_ROWS = 1000
_CATEGORIES = 60
_LIBRARIES = ("mlflow", "scikit-learn", "numpy", "pandas", "scipy", "joblib")

_ESTIMATORS: Mapping[tuple[str, bool], tuple[Any, Mapping[str, Any]]] = {
    ("linear", False): (Ridge, {"alpha": 1.0}),
    ("linear", True): (LogisticRegression, {"max_iter": 1000}),
    ("gradient-boosting", False): (HistGradientBoostingRegressor, {"max_iter": 150, "learning_rate": 0.06}),
    ("gradient-boosting", True): (HistGradientBoostingClassifier, {"max_iter": 150, "learning_rate": 0.06}),
    ("random-forest", False): (RandomForestRegressor, {"n_estimators": 200, "min_samples_leaf": 2, "n_jobs": 1}),
    ("random-forest", True): (RandomForestClassifier, {"n_estimators": 200, "min_samples_leaf": 2, "n_jobs": 1}),
}


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A fitted pipeline and how it came to be.

    Attributes:
        pipeline: Takes the features as the table has them.
        algorithm: The algorithm, also when `auto` chose it.
        parameters: The estimator's own parameters, for the record.
        class_weight: ``balanced`` or ``none``.
    """

    pipeline: Pipeline
    algorithm: str
    parameters: dict[str, str]
    class_weight: str


def train(
    features: pd.DataFrame,
    target: pd.Series,
    kinds: Mapping[str, Kind],
    task: Task,
    *,
    algorithm: str = "auto",
    hyperparameters: Mapping[str, Any] | None = None,
    class_weight: str = "auto",
    seed: int = 0,
) -> Trained:
    """Fits a model; the same data, parameters and seed give the same model.

    Args:
        features: The columns named in ``kinds``.
        target: The values to learn.
        kinds: What the columns hold.
        task: What kind of prediction it is.
        algorithm: One of :data:`ALGORITHMS`.
        hyperparameters: Parameters of the scikit-learn estimator, instead of our defaults.
        class_weight: ``auto`` weighs classes when they are not balanced.
        seed: Seed of everything random.

    Raises:
        ConfigurationError: The algorithm or a hyperparameter does not exist or has an impossible value.
    """
    if algorithm not in ALGORITHMS:
        raise ConfigurationError(
            f"There is no algorithm '{algorithm}'.",
            where="parameter algorithm",
            hint=did_you_mean(algorithm, ALGORITHMS),
        )
    if class_weight not in ("auto", "balanced", "none"):
        raise ConfigurationError(f"'{class_weight}' is none of auto, balanced, none.", where="parameter class_weight")
    weight = _weight(target, task, class_weight)
    features = encode(features, kinds)
    given = dict(hyperparameters or {})
    with single_thread():
        if algorithm == "auto":
            algorithm = _best(features, target, kinds, task, given, weight, seed)
        pipeline = build(algorithm, kinds, task, given, weight, seed)
        _fit(pipeline, features, target)
    shown = {key: str(value) for key, value in sorted(pipeline[-1].get_params().items())}
    return Trained(pipeline=pipeline, algorithm=algorithm, parameters=shown, class_weight=weight or "none")


def build(
    algorithm: str,
    kinds: Mapping[str, Kind],
    task: Task,
    hyperparameters: Mapping[str, Any],
    weight: str | None,
    seed: int,
) -> Pipeline:
    """A pipeline that is not fitted yet: how each kind of column is prepared, and the estimator."""
    make, defaults = _ESTIMATORS[algorithm, task != "regression"]
    parameters: dict[str, Any] = {**defaults, "random_state": seed, **_whole_numbers(hyperparameters)}
    if task != "regression":
        parameters.setdefault("class_weight", weight)
    if algorithm == "gradient-boosting":
        numbers = sum(kind != "categorical" for kind in kinds.values())
        parameters.setdefault("categorical_features", list(range(numbers, len(kinds))) or None)
    known = list(make().get_params())
    for name in hyperparameters:
        if name not in known:
            raise ConfigurationError(
                f"'{algorithm}' has no hyperparameter '{name}'.",
                where="parameter hyperparameters",
                hint=did_you_mean(name, known),
            )
    return Pipeline([("columns", _columns(algorithm, kinds)), ("model", make(**parameters))])


def encode(features: pd.DataFrame, kinds: Mapping[str, Kind]) -> pd.DataFrame:
    """Truth values as 0 and 1, text as plain objects: what the pipeline takes (the served model does the same)."""
    from helpers.served_model import as_features

    return as_features(features, dict(kinds))


def save(
    path: Path,
    trained: Trained,
    *,
    example: pd.DataFrame,
    kinds: Mapping[str, Kind],
    task: Task,
    target: str,
    labels: list[str],
    metadata: Mapping[str, str],
) -> None:
    """Writes an MLflow model with its signature, an input example and the versions of the libraries that it needs.

    The versions are given, not found out: MLflow would start an interpreter and spend seconds on it.
    """
    import mlflow
    from mlflow.models import ModelSignature, infer_signature

    from helpers import served_model

    labels = _in_order_of_scores(labels, trained.pipeline)

    with tempfile.TemporaryDirectory() as folder, _quiet():
        bundle = Path(folder) / "pipeline.joblib"
        joblib.dump({"pipeline": trained.pipeline, "columns": dict(kinds), "labels": labels}, bundle)
        model = served_model.ServedModel()
        model.pipeline, model.columns, model.labels = trained.pipeline, dict(kinds), labels
        with single_thread():
            answer = model.predict(None, example)
        mlflow.pyfunc.save_model(
            path=str(path),
            python_model=str(Path(served_model.__file__)),
            artifacts={"pipeline": str(bundle)},
            signature=ModelSignature(_input_schema(kinds), infer_signature(example, answer).outputs),
            input_example=example,
            pip_requirements=[f"{name}=={installed_version(name)}" for name in libraries_of(trained.pipeline)],
            metadata={**metadata, "contract": CONTRACT_VERSION, "task": task, "target": target, "labels": labels},
        )


def libraries_of(pipeline: Any) -> list[str]:
    """What has to be installed where the model is served: ours, and those that its own parts come from."""
    parts = [part for _, part in getattr(pipeline, "steps", [("", pipeline)])]
    modules = {type(part).__module__.partition(".")[0] for part in parts} - {"sklearn"}
    known = packages_distributions() if modules else {}
    return list(dict.fromkeys([*_LIBRARIES, *(name for module in sorted(modules) for name in known.get(module, ()))]))


def _in_order_of_scores(labels: list[str], pipeline: Any) -> list[str]:
    """The classes as the estimator orders its columns; a table has the positive one last."""
    order = [label_text(value) for value in getattr(pipeline, "classes_", ())]
    return order if sorted(order) == sorted(labels) else labels


def example_rows(features: pd.DataFrame, count: int = 3) -> pd.DataFrame:
    """A few rows for the input example, complete ones where there are any."""
    complete = features.dropna()
    return (features if complete.empty else complete).head(count)


def load(address: str) -> Any:
    """Loads a saved model from a folder or an MLflow address such as ``models:/name/3``."""
    import mlflow

    with _quiet():
        return mlflow.pyfunc.load_model(address, suppress_warnings=True)


def predict(model: Any, features: pd.DataFrame) -> pd.DataFrame:
    """What a loaded model answers, computed with one thread."""
    with single_thread(), _quiet():
        return pd.DataFrame(model.predict(features))


def input_columns(model: Any) -> list[str]:
    """The columns that a loaded model asks for."""
    schema = model.metadata.get_input_schema()
    return [str(name) for name in schema.input_names()] if schema is not None else []


@contextmanager
def single_thread() -> Iterator[None]:
    """Computes with one thread: sums in the same order every time, and safe in a process that was forked."""
    with threadpool_limits(limits=1):
        yield


def _input_schema(kinds: Mapping[str, Kind]) -> Any:
    """The features by their kinds; a few rows of an example could not tell whether values may be missing."""
    from mlflow.types import ColSpec, DataType, Schema

    types = {"numeric": DataType.double, "categorical": DataType.string, "boolean": DataType.boolean}
    return Schema([ColSpec(types[kind], name) for name, kind in kinds.items()])


def _best(
    features: pd.DataFrame,
    target: pd.Series,
    kinds: Mapping[str, Kind],
    task: Task,
    hyperparameters: Mapping[str, Any],
    weight: str | None,
    seed: int,
) -> str:
    """The better of the linear model and gradient boosting, by cross-validation on the training rows alone."""
    if len(features) > _AUTO_ROWS:
        return "gradient-boosting"
    if hyperparameters:
        raise ConfigurationError(
            "Hyperparameters belong to one algorithm, but 'algorithm' is auto.",
            where="parameter hyperparameters",
            hint=f"Set 'algorithm' to one of: {', '.join(ALGORITHMS[1:])}.",
        )
    smallest = len(features) if task == "regression" else int(target.value_counts().min())
    folds = min(5 if len(features) <= _MANY_FOLDS_ROWS else 3, smallest)
    if folds < 2:
        return "linear"
    make_folds = KFold if task == "regression" else StratifiedKFold
    splits = make_folds(folds, shuffle=True, random_state=seed)
    scoring = "neg_root_mean_squared_error" if task == "regression" else "balanced_accuracy"
    means = {}
    for algorithm in ("linear", "gradient-boosting"):
        pipeline = build(algorithm, kinds, task, {}, weight, seed)
        with _quiet():
            means[algorithm] = float(
                np.mean(cross_val_score(pipeline, features, target, cv=splits, scoring=scoring, error_score="raise"))
            )
    return max(means, key=lambda name: means[name])


def _columns(algorithm: str, kinds: Mapping[str, Kind]) -> ColumnTransformer:
    numeric = [name for name, kind in kinds.items() if kind == "numeric"]
    truth = [name for name, kind in kinds.items() if kind == "boolean"]
    categorical = [name for name, kind in kinds.items() if kind == "categorical"]
    text: Any = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_CATEGORIES, sparse_output=False)
    if algorithm == "linear":
        numbers: Any = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    elif algorithm == "gradient-boosting":
        numbers = "passthrough"  # it learns where missing values belong
        text = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=_CATEGORIES)
    else:
        numbers = SimpleImputer(strategy="median", add_indicator=True)
    parts = [("numbers", numbers, numeric), ("truth", "passthrough", truth), ("text", text, categorical)]
    return ColumnTransformer([part for part in parts if part[2]], verbose_feature_names_out=False)


def _weight(target: pd.Series, task: Task, class_weight: str) -> str | None:
    if task == "regression" or class_weight == "none":
        return None
    counts = target.value_counts()
    return "balanced" if class_weight == "balanced" or counts.max() >= BALANCED_RATIO * counts.min() else None


def _whole_numbers(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Whole numbers as integers: a number that travelled through a pipeline parameter is a float."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in parameters.items()
    }


def _fit(pipeline: Pipeline, features: pd.DataFrame, target: pd.Series) -> None:
    try:
        with _quiet():
            pipeline.fit(features, target)
    except ValueError as error:
        if "parameter of" not in str(error):
            raise
        raise ConfigurationError(str(error).splitlines()[0], where="parameter hyperparameters") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the remarks of the libraries that a person cannot act on."""
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
