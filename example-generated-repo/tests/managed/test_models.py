"""Models: the output contract, what they bear at prediction, and that the same seed gives the same model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow.exceptions import MlflowException
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_info

from helpers import models
from helpers.columns import Kind
from helpers.errors import ConfigurationError
from helpers.metrics import METRICS, classification_metrics, metrics_of, regression_metrics
from helpers.records import Task

KINDS: dict[str, Kind] = {"size": "numeric", "city": "categorical", "member": "boolean"}
LABELS: Mapping[Task, list[str]] = {"regression": [], "binary": ["no", "yes"], "multiclass": ["high", "low", "mid"]}
TASKS: list[Task] = ["regression", "binary", "multiclass"]
ALGORITHMS = [name for name in models.ALGORITHMS if name != "auto"]


def data(task: Task, rows: int = 120) -> tuple[pd.DataFrame, pd.Series]:
    random = np.random.default_rng(3)
    features = pd.DataFrame(
        {
            "size": random.normal(10, 3, rows),
            "city": pd.Series(random.choice(["Köln", "Bern", "Graz"], rows), dtype="str"),
            "member": random.random(rows) > 0.5,
        }
    )
    features.loc[::9, "size"] = np.nan
    features.loc[::7, "city"] = None
    score = features["size"].fillna(10) + 5 * (features["city"] == "Bern") + 3 * features["member"]
    if task == "regression":
        return features, score
    if task == "binary":
        return features, pd.Series(np.where(score > score.median(), "yes", "no"), dtype="str")
    return features, pd.Series(pd.qcut(score, 3, labels=["low", "mid", "high"]).astype("str"))


def saved(task: Task, folder: Path, **options: Any) -> Any:
    features, target = data(task)
    trained = models.train(features, target, KINDS, task, **options)
    models.save(
        folder,
        trained,
        example=models.example_rows(features),
        kinds=KINDS,
        task=task,
        target="y",
        labels=LABELS[task],
        metadata={"branch": "development"},
    )
    return models.load(str(folder))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_output_contract_holds_whatever_comes_in(task: Task, algorithm: str, tmp_path: Path) -> None:
    model = saved(task, tmp_path / "model", algorithm=algorithm)
    features = pd.DataFrame(
        {
            "member": [True, False, True],  # another order of columns
            "unknown": [1, 2, 3],  # one too many
            "city": ["Atlantis", None, "Bern"],  # a category that training never saw; a missing one
            "size": [np.nan, 1e12, -5.0],
        }
    )
    answer = models.predict(model, features)
    assert list(answer.columns) == ["prediction", *(f"score_{label}" for label in LABELS[task])]
    assert len(answer) == 3
    if task == "regression":
        assert np.isfinite(answer["prediction"]).all()
        return
    scores = answer.drop(columns="prediction")
    assert np.allclose(scores.sum(axis=1), 1)
    assert list(answer["prediction"]) == [LABELS[task][index] for index in scores.to_numpy().argmax(axis=1)]


def test_labels_keep_their_type(tmp_path: Path) -> None:
    features, target = data("binary")
    for values, labels in (([0, 1], ["0", "1"]), ([False, True], ["false", "true"])):
        own = target.map(dict(zip(["no", "yes"], values, strict=True)))
        trained = models.train(features, own, KINDS, "binary", algorithm="linear")
        folder = tmp_path / labels[0]
        models.save(
            folder,
            trained,
            example=features.head(2),
            kinds=KINDS,
            task="binary",
            target="y",
            labels=labels,
            metadata={},
        )
        answer = models.predict(models.load(str(folder)), features)
        assert set(answer["prediction"].tolist()) == set(values)
        assert list(answer.columns)[1:] == [f"score_{label}" for label in labels]


def test_a_missing_column_and_a_text_for_a_number_are_refused_by_name(tmp_path: Path) -> None:
    model = saved("regression", tmp_path / "model", algorithm="linear")
    with pytest.raises(MlflowException, match="city"):
        model.predict(pd.DataFrame({"size": [1.0], "member": [True]}))
    with pytest.raises(MlflowException, match="size"):
        model.predict(pd.DataFrame({"size": ["much"], "city": ["Bern"], "member": [True]}))


def test_a_saved_model_says_what_it_is(tmp_path: Path) -> None:
    saved("binary", tmp_path / "model", algorithm="linear")
    described = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text(encoding="utf-8"))
    assert described["metadata"]["contract"] == models.CONTRACT_VERSION
    assert described["metadata"]["labels"] == ["no", "yes"]
    inputs = {column["name"]: column["type"] for column in json.loads(described["signature"]["inputs"])}
    assert inputs == {"size": "double", "city": "string", "member": "boolean"}
    outputs = [column["name"] for column in json.loads(described["signature"]["outputs"])]
    assert outputs == ["prediction", "score_no", "score_yes"]
    example = json.loads((tmp_path / "model" / "serving_input_example.json").read_text(encoding="utf-8"))
    assert len(example["dataframe_split"]["data"]) == 3
    assert "NaN" not in json.dumps(example)
    required = (tmp_path / "model" / "requirements.txt").read_text(encoding="utf-8").split()
    assert any(line.startswith("scikit-learn==") for line in required)


def test_a_saved_model_loads_without_this_repository(tmp_path: Path) -> None:
    saved("regression", tmp_path / "model", algorithm="gradient-boosting")
    program = (
        "import sys, mlflow, pandas as pd\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "frame = pd.DataFrame({'size': [1.0], 'city': ['Bern'], 'member': [True]})\n"
        "assert list(model.predict(frame).columns) == ['prediction']\n"
        "assert 'helpers' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path / "model")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("algorithm", models.ALGORITHMS)
def test_the_same_seed_gives_the_same_model(algorithm: str) -> None:
    features, target = data("multiclass")
    encoded = models.encode(features, KINDS)

    def scores() -> Any:
        trained = models.train(features, target, KINDS, "multiclass", algorithm=algorithm, seed=7)
        return trained.pipeline.predict_proba(encoded)

    assert np.array_equal(scores(), scores())


def test_a_model_is_computed_with_one_thread() -> None:
    with models.single_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}


def test_auto_takes_the_better_one_by_cross_validation() -> None:
    random = np.random.default_rng(0)
    kinds: dict[str, Kind] = {"x": "numeric"}
    x = pd.DataFrame({"x": random.uniform(-3, 3, 300)})
    assert models.train(x, 2 * x["x"] + 1, kinds, "regression").algorithm == "linear"
    assert models.train(x, np.sin(3 * x["x"]), kinds, "regression").algorithm == "gradient-boosting"


def test_rare_classes_weigh_more_when_classes_are_not_balanced() -> None:
    features, _ = data("binary", 300)
    target = pd.Series(np.where(features["size"].fillna(0) > 14, "yes", "no"), dtype="str")
    assert target.value_counts()["yes"] * 3 < target.value_counts()["no"]

    def found(weight: str) -> int:
        trained = models.train(features, target, KINDS, "binary", algorithm="linear", class_weight=weight)
        return int((trained.pipeline.predict(models.encode(features, KINDS)) == "yes").sum())

    assert found("auto") == found("balanced") > found("none")


def test_hyperparameters_reach_the_estimator_also_as_floats() -> None:
    features, target = data("regression")
    trained = models.train(
        features, target, KINDS, "regression", algorithm="gradient-boosting", hyperparameters={"max_iter": 7.0}
    )
    assert trained.parameters["max_iter"] == "7"
    assert trained.pipeline[-1].n_iter_ == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "linaer"}, "Did you mean 'linear'"),
        ({"algorithm": "linear", "hyperparameters": {"alhpa": 1}}, "Did you mean 'alpha'"),
        ({"algorithm": "linear", "hyperparameters": {"alpha": "much"}}, "'alpha' parameter of Ridge"),
        ({"algorithm": "auto", "hyperparameters": {"alpha": 1}}, "belong to one algorithm"),
        ({"class_weight": "heavy"}, "none of auto, balanced, none"),
    ],
)
def test_parameters_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    features, target = data("regression")
    with pytest.raises(ConfigurationError, match=message) as caught:
        models.train(features, target, KINDS, "regression", **options)
    assert caught.value.where.startswith("parameter ")


def test_metrics_are_those_of_scikit_learn() -> None:
    from sklearn import metrics as sk

    random = np.random.default_rng(1)
    actual, predicted = random.normal(size=50), random.normal(size=50)
    found = regression_metrics(actual, predicted)
    assert list(found) == metrics_of("regression")
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(actual, predicted))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(actual, predicted))
    assert found["median_absolute_error"] == pytest.approx(sk.median_absolute_error(actual, predicted))
    assert found["r2"] == pytest.approx(sk.r2_score(actual, predicted))
    labels = ["a", "b", "c"]
    scores = random.dirichlet([1, 1, 1], size=60)
    truth = [labels[row % 3] for row in range(60)]
    answer = [labels[index] for index in scores.argmax(axis=1)]
    classes = classification_metrics(truth, answer, scores, labels)
    assert list(classes) == metrics_of("multiclass")
    assert classes["log_loss"] == pytest.approx(sk.log_loss(truth, scores, labels=labels))
    assert classes["roc_auc"] == pytest.approx(sk.roc_auc_score(truth, scores, multi_class="ovr"))
    assert classes["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(truth, answer))


def test_a_model_names_the_library_of_an_estimator_of_one_s_own() -> None:
    foreign = type("Foreign", (), {"__module__": "yaml.somewhere"})()
    assert models.libraries_of(Pipeline([("columns", "passthrough"), ("model", foreign)])) == [
        *models.libraries_of(models.build("linear", {"x": "numeric"}, "regression", {}, None, 0)),
        "PyYAML",
    ]


def test_metrics_of_two_classes_are_those_of_the_last_one() -> None:
    from sklearn import metrics as sk

    truth = ["yes" if row % 3 else "no" for row in range(60)]
    scores = np.random.default_rng(2).dirichlet([1, 1], size=60)
    for labels in (["no", "yes"], ["yes", "no"]):
        answer = [labels[index] for index in scores.argmax(axis=1)]
        found = classification_metrics(truth, answer, scores, labels)
        assert list(found) == metrics_of("binary")
        for name, score in (("precision", sk.precision_score), ("recall", sk.recall_score), ("f1", sk.f1_score)):
            assert found[name] == pytest.approx(score(truth, answer, pos_label=labels[1]))
        expected = sk.average_precision_score([label == labels[1] for label in truth], scores[:, 1])
        assert found["average_precision"] == pytest.approx(expected)


def test_metrics_of_odd_predictions_are_not_numbers_instead_of_errors() -> None:
    odd = regression_metrics(np.array([1.0, 2.0]), np.array([1.0, np.nan]))
    assert np.isnan(odd["rmse"])
    scores = np.array([[0.5, 0.5], [np.nan, np.nan]])
    classes = classification_metrics(["a", "b"], ["a", "a"], scores, ["a", "b"])
    assert np.isnan(classes["log_loss"])
    assert classes["accuracy"] == 0.5
    one_class = classification_metrics(["a", "a"], ["a", "a"], np.array([[1.0, 0.0], [1.0, 0.0]]), ["a", "b"])
    assert np.isnan(one_class["roc_auc"])
    assert all(metric.meaning for metric in METRICS.values())
