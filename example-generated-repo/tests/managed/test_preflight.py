"""``check`` tells before a training what would end it, and only that."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

from support import CONTEXT, World

from helpers.data import checking
from helpers.model_check import look

PROMOTE = replace(CONTEXT, promote=True)


def findings(world: World, context: str = CONTEXT.to_json()) -> dict[str, dict[str, Any]]:
    root = str(world.root)
    found = [*checking.look(root=root, source="sample"), *look(root=root, source="sample", context=context)]
    return {finding["name"].split()[0]: finding for finding in found}


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
    world.gate({"my_own_metric": {"higher_is_better": True}})
    assert findings(world)["gate"]["ok"]


def test_a_metric_that_nothing_here_computes_is_told(world: World) -> None:
    world.gate({"rmsee": {"higher_is_better": False}})
    found = findings(world)["gate"]
    assert found["ok"], "a step of the owner may give it"
    assert found["notes"] == [
        "'rmsee' is none of the metrics of helpers.metrics; the gate refuses models without it. Did you mean 'rmse'?"
    ]


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
