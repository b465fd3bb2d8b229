"""``check`` tells before a training what would end it, and only that."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest
from support import CONTEXT, World

from helpers import tracking
from helpers.data import checking
from helpers.errors import ConfigurationError
from helpers.model_check import look, look_at_gate

PROMOTE = replace(CONTEXT, promote=True)


def findings(world: World, context: str = CONTEXT.to_json()) -> dict[str, dict[str, Any]]:
    root = str(world.root)
    found = [*checking.look(root=root, source="sample"), *look(root=root, source="sample", context=context)]
    return {finding["name"].split()[0]: finding for finding in found}


def gate_of(world: World, measured: frozenset[str] | None = frozenset()) -> tuple[str, list[str]]:
    return look_at_gate(world.root, "sample", "development", measured)


def test_good_data_is_described_with_its_notes(world: World) -> None:
    rows = "".join(f"{row},{row % 7},2024-01-{row % 28 + 1:02d},{row * 3}\n" for row in range(40))
    world.data("id,x,day,y\n" + rows, target="y", task="regression")
    found = findings(world)
    assert all(finding["ok"] for finding in found.values())
    assert found["data"]["message"] == "40 rows, 1 feature, target 'y' (regression)"
    about, *ignored = found["data"]["notes"]
    assert about.startswith("763 bytes, changed 20")
    assert [note.split(" is ignored")[0] for note in ignored] == ["Column 'id'", "Column 'day'"]
    assert found["champion"]["message"].startswith("none yet")


def test_a_gate_for_another_task_is_told_with_its_line(world: World) -> None:
    world.source(address="data/sample/diabetes.csv", target="sex", task="binary")
    finding = findings(world)["gate"]
    assert not finding["ok"]
    assert finding["where"].startswith("src/pipelines/development/config.yaml:")
    assert "'rmse', which is no metric of the task 'binary'" in finding["message"]


@pytest.mark.parametrize("name", ["rsme", "rmsee", "RMSE", "r-m-s-e", "mse", "R2"])
def test_a_slip_of_the_pen_in_the_gate_is_refused_with_its_line(world: World, name: str) -> None:
    world.gate({name: {"higher_is_better": False}})
    with pytest.raises(ConfigurationError, match=f"'{name}', which nothing computes. Did you mean '") as caught:
        gate_of(world)
    assert caught.value.where == "src/pipelines/development/config.yaml:4"
    assert gate_of(world, None)[1], "without a store nobody knows what was measured: it is told, and nothing refused"


@pytest.mark.parametrize(
    "code",
    [
        'LOGGED = {"rmsle": 0.1}',
        "# rmsle comes from the scoring service",
        'names = [f"rms{letter}e" for letter in "l"]',
        'name = "rms%se" % letter',
        'name = "rms{}e".format(letter)',
        "def broken(:  # rmsle",
    ],
)
def test_a_metric_of_one_s_own_is_only_told_to_be_new(world: World, code: str) -> None:
    world.gate({"rmsle": {"higher_is_better": False}})
    folder = world.root / "src" / "steps"
    folder.mkdir()
    (folder / "score.py").write_text(code, encoding="utf-8")
    assert gate_of(world) == ("rmsle", ["'rmsle' is new: no training of development has measured it yet."])


def test_a_metric_that_resembles_none_is_told_and_not_refused(world: World) -> None:
    names = ["mean_error", "profit", "r3"]  # a step may give them in a way that nobody can see
    world.gate({name: {"higher_is_better": True} for name in names})
    told = [note.partition(" is none of the metrics of 'regression'")[0] for note in gate_of(world)[1]]
    assert told == [f"'{name}'" for name in names]


def test_what_earlier_trainings_measured_decides(world: World) -> None:
    training = world.train(PROMOTE)
    tracking.log_metrics(training.context, {"rmsle": 0.1, "f1": 0.5})
    world.gate({"rmse": {"higher_is_better": False}, "rmsle": {"higher_is_better": False}})
    assert findings(world)["gate"]["notes"] == []
    world.gate({"f1": {"higher_is_better": True}})
    assert findings(world)["gate"]["ok"], "it is known for classes, and this repository has its own"
    world.gate({"rmslle": {"higher_is_better": False}})
    assert "Did you mean 'rmsle'?" in findings(world)["gate"]["message"]


def test_which_of_two_classes_counts_as_positive_is_told_and_one_that_is_none_refused(world: World) -> None:
    sex = {"address": "data/sample/diabetes.csv", "target": "sex", "task": "binary"}
    world.gate({"f1": {"higher_is_better": True}})
    world.source(**sex, positive=1)
    assert "target 'sex' (binary, positive class '1')" in findings(world)["data"]["message"]
    world.source(**sex, positive="female")
    found = findings(world)["data"]
    assert not found["ok"]
    assert found["message"] == "'positive' is 'female', and the target 'sex' holds the classes '1' and '2'."


def test_data_that_is_missing_is_told_and_the_rest_looked_at(world: World) -> None:
    world.source(address="data/no.csv", target="y", task="regression")
    found = findings(world)
    assert not found["data"]["ok"]
    assert found["data"]["where"] == "data/no.csv"
    assert found["MLflow"]["ok"]


def test_a_champion_that_does_not_load_stops_no_training(world: World) -> None:
    world.train(PROMOTE)
    assert findings(world)["champion"]["message"] == "version 1 loads, fits today's data and predicts (100 rows tried)"
    shutil.rmtree(world.root / ".mlflow" / "artifacts" / CONTEXT.experiment_name / "models")
    found = findings(world)["champion"]
    assert found["ok"]
    assert "does not load any more" in found["message"]


def test_a_champion_that_does_not_fit_todays_data_stops_no_training(world: World) -> None:
    world.train(PROMOTE)
    path = world.root / "data" / "sample" / "diabetes.csv"
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("bmi", "body_mass", 1), encoding="utf-8")
    found = findings(world)["champion"]
    assert found["ok"]
    assert "today's data has no column 'bmi'; its recorded metrics count" in found["message"]
    head, *rows = before.splitlines()
    wider = "".join(f"{row},{number % 7}\n" for number, row in enumerate(rows))
    path.write_text(f"{head},mood\n{wider}", encoding="utf-8")
    found = findings(world)["champion"]
    assert "fits today's data and predicts" in found["message"]
    assert found["notes"] == ["New columns that it does not know: 'mood'"]


def test_a_champion_that_does_not_fit_today_s_data_is_told(world: World) -> None:
    world.train(PROMOTE)
    sample = world.root / "data" / "sample" / "diabetes.csv"
    text = sample.read_text(encoding="utf-8")
    assert ",bmi," in text
    sample.write_text(text.replace(",bmi,", ",weight,", 1), encoding="utf-8")
    found = findings(world)["champion"]
    assert found["ok"], "it stops no training"
    assert "today's data has no column 'bmi'; its recorded metrics count" in found["message"]


def test_new_columns_are_no_obstacle_to_the_champion(world: World) -> None:
    world.train(PROMOTE)
    sample = world.root / "data" / "sample" / "diabetes.csv"
    header, *rows = sample.read_text(encoding="utf-8").splitlines()
    wider = [f"shoe,{header}", *(f"{number % 9},{row}" for number, row in enumerate(rows))]
    sample.write_text("\n".join(wider), encoding="utf-8")
    found = findings(world)["champion"]
    assert "predicts" in found["message"]
    assert found["notes"] == ["New columns that it does not know: 'shoe'"]
