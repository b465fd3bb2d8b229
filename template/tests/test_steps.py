"""The steps, one after the other, as plain functions on real files and a real MLflow store."""

from __future__ import annotations

import ast
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from kfp.dsl import Dataset
from support import CONTEXT, TEMPLATE, World

from helpers import models, tracking
from helpers.artifacts import read_table
from helpers.errors import ConfigurationError, DataError
from steps.pull_data import pull_data
from steps.split_data import split_data
from steps.validate_data import validate_data

PROMOTE = replace(CONTEXT, promote=True)
STEPS = sorted((TEMPLATE / "src" / "steps").glob("[a-z]*.py"))
CLASSES = {"balanced_accuracy": {"higher_is_better": True, "threshold": 0.5}, "f1_macro": {"higher_is_better": True}}


def wine() -> str:
    """Like the wine quality data: a semicolon between the columns, quotes around their names."""
    generator = random.Random(5)
    names = ["fixed acidity", "volatile acidity", "pH", "alcohol", "quality"]
    lines = [";".join(f'"{name}"' for name in names)]
    for _ in range(300):
        acid, alcohol = round(generator.gauss(0.5, 0.2), 2), round(generator.gauss(10, 1), 1)
        quality = round(5.5 + 0.8 * (alcohol - 10) - 2 * (acid - 0.5) + generator.gauss(0, 0.4))
        lines.append(f"{generator.gauss(8, 2):.1f};{acid};{generator.gauss(3.3, 0.1):.2f};{alcohol};{quality}")
    return "\n".join(lines) + "\n"


def passengers(labels: tuple[str, str] = ("lost", "saved"), third: str = "") -> str:
    """Text columns, missing values, a date, an identifier, and classes that are not balanced."""
    generator = random.Random(6)
    lines = ["PassengerId,Name,Sex,Age,Cabin,Boarded,Crew,Class"]
    for number in range(1, 401):
        sex, crew = generator.choice(["male", "female"]), generator.random() < 0.2
        chance = 0.4 if sex == "female" else 0.05
        label = labels[generator.random() < chance]
        if third and generator.random() < 0.2:
            label, crew = third, True
        age = "" if generator.random() < 0.2 else str(generator.randint(1, 80))
        cabin = generator.choice(["", "", "A", "B", "C"])
        lines.append(
            f'{number},"Doe, Person {number}",{sex},{age},{cabin},1912-04-{number % 28 + 1:02d},{crew},{label}'
        )
    return "\n".join(lines) + "\n"


def test_the_sample_trains_from_data_to_champion(world: World) -> None:
    first = world.train(PROMOTE, algorithm="auto")
    report = tracking.read_report(first.context.run_id)
    assert first.decision.outcome == "first"
    assert report.promoted
    assert report.model is not None
    assert report.model.version == first.version == "1"
    assert report.run.status == "succeeded"
    assert 45 < first.evaluation.metrics["rmse"] < 60
    assert len(first.evaluation.actual) == len(first.evaluation.predicted) == first.evaluation.rows == 88
    assert [point.champion for point in report.history] == [True]


def test_the_same_data_and_seed_give_the_same_metrics(world: World) -> None:
    first, second = (world.train(PROMOTE, algorithm="auto") for _ in range(2))
    assert second.evaluation.baseline.scored == "test-split"
    assert second.evaluation.baseline_metrics == second.evaluation.metrics == first.evaluation.metrics
    assert second.decision.outcome == "unchanged"
    assert world.train(seed=7).evaluation.metrics != first.evaluation.metrics


def test_a_csv_of_ones_own_trains_by_configuration_alone(world: World) -> None:
    world.data(wine(), target="quality", task="regression")
    training = world.train(PROMOTE, algorithm="auto")
    assert training.evaluation.metrics["r2"] > 0.4
    record = tracking.read_report(training.context.run_id).data[0]
    assert record.address == "data/own.csv"
    assert record.columns["fixed acidity"] == "numeric"
    assert record.columns["quality"] == "target"


@pytest.mark.parametrize("algorithm", [name for name in models.ALGORITHMS if name != "auto"])
def test_missing_values_and_text_columns_train_whatever_the_algorithm(world: World, algorithm: str) -> None:
    world.data(passengers(), target="Class", task="binary")
    world.gate({"balanced_accuracy": {"higher_is_better": True, "threshold": 0.55}})
    training = world.train(PROMOTE, algorithm=algorithm)
    assert training.decision.passed, training.decision.reasons
    evaluation = training.evaluation
    assert evaluation.labels == ["lost", "saved"]
    assert set(evaluation.actual) == {"lost", "saved"}
    assert [evaluation.labels[row.index(max(row))] for row in evaluation.scores] == evaluation.predicted
    assert {"roc_auc", "average_precision", "log_loss", "accuracy", "f1_macro"} <= set(evaluation.metrics)
    notes = " ".join(tracking.read_report(training.context.run_id).data[0].notes)
    for told in (
        "not balanced",
        "'PassengerId' is ignored",
        "'Name' is ignored",
        "'Boarded' is ignored",
        "'Age' misses",
    ):
        assert told in notes


@pytest.mark.parametrize(("labels", "third"), [(("0", "1"), ""), (("False", "True"), ""), (("lost", "saved"), "crew")])
def test_classes_of_every_kind_train(world: World, labels: tuple[str, str], third: str) -> None:
    world.data(passengers(labels, third), target="Class", task="multiclass" if third else "binary")
    world.gate(CLASSES)
    first, second = (world.train(PROMOTE) for _ in range(2))
    assert first.decision.passed, first.decision.reasons
    assert sorted(first.evaluation.labels) == sorted([name.lower() for name in (*labels, third) if name])
    assert second.evaluation.baseline.scored == "test-split"
    assert second.decision.outcome == "unchanged"


def test_parquet_trains(world: World) -> None:
    frame = pd.read_csv(world.root / "data" / "sample" / "diabetes.csv")
    frame.to_parquet(world.root / "data" / "own.parquet")
    world.source(address="data/own.parquet", target="progression", task="regression", columns={"sex": "categorical"})
    assert 45 < world.train().evaluation.metrics["rmse"] < 60


def table_of(world: World, folder: Path) -> Dataset:
    data, valid = Dataset(uri=str(folder / "data")), Dataset(uri=str(folder / "valid"))
    pull_data("sample", CONTEXT.to_json(), data)
    validate_data(data, CONTEXT.to_json(), valid)
    return valid


def test_what_travels_with_a_table_survives_a_metadata_store(world: World, tmp_path: Path) -> None:
    valid = table_of(world, tmp_path)
    # A cluster keeps metadata as JSON in which every number is a floating point number.
    metadata = json.loads(json.dumps(valid.metadata), parse_int=float)
    again = Dataset(uri=valid.uri, metadata=metadata)
    before, after = read_table(valid), read_table(again)
    assert (before.kinds, before.target, before.task, before.record) == (
        after.kinds,
        after.target,
        after.task,
        after.record,
    )
    assert list(before.kinds) == list(after.kinds)


def test_a_split_keeps_every_row_once_and_the_share_of_each_class(world: World, tmp_path: Path) -> None:
    world.data(passengers(third="crew"), target="Class", task="multiclass")
    valid = table_of(world, tmp_path)
    train, test = Dataset(uri=str(tmp_path / "train")), Dataset(uri=str(tmp_path / "test"))
    split_data(valid, 0.25, 1, train, test)
    whole, parts = read_table(valid).frame, [read_table(train).frame, read_table(test).frame]
    order = list(whole.columns)
    joined = pd.concat(parts).sort_values(order).reset_index(drop=True)
    pd.testing.assert_frame_equal(joined, whole.sort_values(order).reset_index(drop=True))
    shares = [part["Class"].value_counts(normalize=True) for part in (whole, *parts)]
    for share in shares[1:]:
        assert (share - shares[0]).abs().max() < 0.02


def test_the_test_has_a_row_of_every_class_however_rare(world: World, tmp_path: Path) -> None:
    rows = "".join(f"{row % 9},{'rare' if row in (5, 70) else 'usual'}\n" for row in range(100))
    world.data("x,kind\n" + rows, target="kind", task="binary")
    valid = table_of(world, tmp_path)
    for seed in range(5):
        parts = Dataset(uri=str(tmp_path / "train")), Dataset(uri=str(tmp_path / "test"))
        split_data(valid, 0.2, seed, *parts)
        frames = [read_table(part).frame for part in parts]
        assert [list(frame["kind"]).count("rare") for frame in frames] == [1, 1]
        assert sum(len(frame) for frame in frames) == 100


@pytest.mark.parametrize("test_size", [0, 1, -0.2, 20])
def test_an_impossible_test_size_is_refused(world: World, tmp_path: Path, test_size: float) -> None:
    with pytest.raises(ConfigurationError, match="test_size") as caught:
        split_data(table_of(world, tmp_path), test_size, 1, Dataset(uri="train"), Dataset(uri="test"))
    assert caught.value.where == "parameter test_size"


def test_a_small_test_still_has_every_class_and_a_large_one_leaves_some_to_train_with(
    world: World, tmp_path: Path
) -> None:
    rows = "".join(f"{row % 9},{'rare' if row < 2 else 'often' if row % 2 else 'seldom'}\n" for row in range(60))
    world.data("x,kind\n" + rows, target="kind", task="multiclass")
    parts = Dataset(uri=str(tmp_path / "train")), Dataset(uri=str(tmp_path / "test"))
    split_data(table_of(world, tmp_path), 0.02, 1, *parts)
    assert sorted(read_table(parts[1]).frame["kind"]) == ["often", "rare", "seldom"]
    with pytest.raises(DataError, match=r"2 rows of the class 'rare' cannot be split with test_size 0\.9") as caught:
        split_data(table_of(world, tmp_path), 0.9, 1, *parts)
    assert caught.value.where == "data/own.csv"


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_rows_stay_on_their_side_when_others_are_added(world: World, tmp_path: Path, task: str) -> None:
    def row(number: int) -> str:
        target = number % 7 if task == "regression" else "yes" if number % 3 else "no"
        return f"{number},{number * number % 101},{target}\n"

    def split(order: list[int], seed: int = 1) -> tuple[set[float], set[float]]:
        world.data("key,x,target\n" + "".join(map(row, order)), target="target", task=task, columns={"key": "numeric"})
        parts = Dataset(uri=str(tmp_path / "train")), Dataset(uri=str(tmp_path / "test"))
        split_data(table_of(world, tmp_path), 0.2, seed, *parts)
        train, test = (set(read_table(part).frame["key"]) for part in parts)
        return train, test

    train, test = split(list(range(500)))
    assert split(list(reversed(range(500)))) == (train, test)
    _, later = split([*range(500, 600), *range(500)])
    # What the champion learnt from must not turn up in the test that it is scored on again; a few at the border may.
    assert len(train & later) <= 10
    assert len(test & later) >= 85
    _, other = split(list(range(500)), seed=2)
    assert len(other & test) < 50


def test_data_that_does_not_fit_fails_with_the_file_and_the_column(world: World) -> None:
    world.data("a,b\n1,2\n", target="price", task="regression")
    with pytest.raises(DataError, match="no column 'price'") as caught:
        world.train()
    assert caught.value.where == "data/own.csv"
    with pytest.raises(ConfigurationError, match="no source 'other'"):
        world.train(source="other")


def test_the_gate_uses_the_rules_of_the_branch(world: World) -> None:
    world.gate({"rmse": {"higher_is_better": False, "threshold": 1.0}}, branch="production")
    assert world.train().decision.passed
    assert not world.train(replace(CONTEXT, branch="production")).decision.passed


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_a_step_uses_kfp_in_annotations_only(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "kfp.dsl"]
    names = {alias.name for node in imports for alias in node.names}
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == path.stem)
    used = {node.id for part in function.body for node in ast.walk(part) if isinstance(node, ast.Name)}
    assert names
    assert not names & used


def test_the_test_rows_go_to_the_evaluation_alone() -> None:
    takers = []
    for path in STEPS:
        function = next(
            node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
        )
        if any(a.arg == "test" and "Input" in ast.unparse(a.annotation) for a in function.args.args if a.annotation):
            takers.append(path.stem)
    assert takers == ["evaluate_model"]


def test_a_metric_that_is_no_number_is_not_given_to_kfp(world: World) -> None:
    world.data("x,y\n1,2\n2,4\n3,7\n", target="y", task="regression", minimum_rows=1)
    trained = world.train(algorithm="linear")
    assert math.isnan(trained.evaluation.metrics["r2"])
    assert sorted(trained.shown) == ["mae", "median_absolute_error", "rmse"]


def test_what_does_not_compare_is_not_said_to_be_compared(world: World) -> None:
    world.train()
    world.data(
        "x,y\n" + "".join(f"{row % 7},{row % 7 * 2 + row % 3}\n" for row in range(60)), target="y", task="regression"
    )
    note = world.train().evaluation.baseline.note
    assert note == "Its metrics do not compare: it predicts 'progression', not 'y'."


def test_a_champion_that_may_know_the_rows_of_the_test_is_told(world: World) -> None:
    world.train(PROMOTE)
    assert world.train(PROMOTE).evaluation.baseline.note == ""
    assert "it may have learnt from some of these rows" in world.train(PROMOTE, seed=7).evaluation.baseline.note
