"""Sweeps: candidates are compared on rows held back, and one model goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import plain
import pytest
import yaml
from repositories import Repository
from support import World
from wired import plan, refused

from helpers import sweep
from helpers.errors import RepositoryError
from helpers.results import read_report
from helpers.step_sources import FromParameter
from helpers.store import client, read_text_artifact


def chosen(scores: list[float], *, higher: bool) -> Any:
    return sweep.choose([1, 2, 3], scores, "fit", "r2" if higher else "rmse", higher, "{}")


def test_the_best_candidate_is_the_one_in_the_metrics_direction() -> None:
    assert chosen([0.1, 0.9, 0.5], higher=True) == 2
    assert chosen([0.1, 0.9, 0.5], higher=False) == 1
    assert chosen([0.5, 0.5, 0.1], higher=True) == 1


@pytest.mark.parametrize("higher", [True, False])
def test_a_candidate_without_a_number_never_wins(higher: bool) -> None:
    assert chosen([sweep.NO_SCORE, 0.9, sweep.NO_SCORE], higher=higher) == 2
    with pytest.raises(RepositoryError, match="No candidate of 'fit'"):
        chosen([sweep.NO_SCORE] * 3, higher=higher)


FIT = "b fit parallel: "


def test_the_text_names_the_input_and_its_candidates(tmp_path: Path) -> None:
    made = plan(tmp_path / "1", "a pull", FIT + "{input: rate, values: [1, 0.5], at_once: 2}", parameters="{seed: 3}")
    found = made.steps[1].sweep
    assert found is not None
    assert (found.input, found.type, found.values) == ("rate", "float", (1.0, 0.5))
    assert (found.data, found.model) == ("data", "model")
    assert (found.seed, found.at_once) == ("seed", 2)
    made = plan(tmp_path / "2", "a pull", FIT + "{input: rate, values: $rates}", parameters="{rates: [1, 2]}")
    assert made.steps[1].sweep is not None
    assert made.steps[1].sweep.values == FromParameter("rates")


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["a pull", FIT + "{input: rat, values: [1, 2]}"], "'b' has no value 'rat' to vary"),
        (["a pull", FIT + "{input: data, values: [1, 2]}"], "'b' has no value 'data' to vary"),
        (["a pull", FIT + "{input: rate, values: [1, high]}"], "A candidate for 'rate' has to be float"),
        (["a pull", FIT + "{input: rate, values: [1]}"], "two candidates or more"),
        (["a pull", FIT + "{input: rate, values: $no}"], "There is no parameter 'no' that is a list"),
        (["a pull", FIT + "{input: rate, values: [[1], [2]]}"], "texts, numbers or mappings"),
        (["a pull", "b show parallel: {input: note, values: [x, y]}"], "gives 0 models"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, steps: list[str], message: str) -> None:
    error = refused(tmp_path, *steps)
    assert message in error.message
    assert error.where.startswith("src/pipelines/pipeline.yaml:8")


ALGORITHMS = ["linear", "gradient-boosting", "random-forest"]
SWEEP = plain.uses("train_model", f", parallel: {{input: algorithm, values: {json.dumps(ALGORITHMS)}}}")


def test_one_model_is_trained_with_the_winners_value_and_judged_once(world: World) -> None:
    repository = Repository(world, engine="local", parameters={})
    repository.pipeline(plain.uses("train_model"), SWEEP)
    told = repository.verb("run", "--output", "json", MLFLOW_TRACKING_URI=world.uri)
    assert told["ok"], json.dumps(told, indent=1)
    run_id = told["data"]["run_id"]
    table = json.loads(read_text_artifact(client(), run_id, "sweep/train-model.json") or "")
    assert [row["candidate"] for row in table] == ALGORITHMS
    (winner,) = [row for row in table if row["chosen"]]
    assert winner["rmse"] == min(row["rmse"] for row in table)
    report = read_report(run_id)
    assert report.parameters["sweep.train-model"] == json.dumps(winner["candidate"])
    assert report.parameters["model.algorithm"] == winner["candidate"]
    names = [step.name for step in report.steps]
    assert sum(name.endswith("train-model-candidate") for name in names) == 3
    assert [name for name in names if name in ("train-model", "evaluate-model", "register-model")] == [
        "train-model",
        "evaluate-model",
        "register-model",
    ]
    experiment = client().get_run(run_id).info.experiment_id
    assert len(client().search_logged_models([experiment])) == 1
    held = [item for item in table if item["rmse"] == report.decision.metrics[0].value]
    assert not held, "a candidate was scored on the test split"


def test_the_package_shows_the_loop_its_limit_and_the_metric(world: World) -> None:
    repository = Repository(world)
    repository.pipeline(plain.uses("train_model"), SWEEP.replace("]}", "], at_once: 2}, timeout: 1h"))
    package = repository.package("--image", "r.example/x@sha256:1")
    spec, platform = yaml.safe_load_all(package.read_text(encoding="utf-8"))
    tasks = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    (loop,) = [task for task in tasks.values() if "parameterIterator" in task]
    assert json.loads(loop["parameterIterator"]["items"]["raw"]) == ALGORITHMS
    assert loop["iteratorPolicy"] == {"parallelismLimit": 2}
    inside = spec["components"][loop["componentRef"]["name"]]["dag"]["tasks"]
    assert set(inside) == {"train-model-candidate", "train-model-score"}
    chooser = tasks["train-model-choose"]["inputs"]["parameters"]
    assert chooser["metric"] == {"runtimeValue": {"constant": "rmse"}}
    assert chooser["higher_is_better"] == {"runtimeValue": {"constant": False}}
    limits = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert limits["exec-train-model-candidate"]["activeDeadlineSeconds"] == "3600"


def test_without_a_metric_of_the_gate_there_is_no_sweep(world: World) -> None:
    repository = Repository(world, gate={})
    repository.pipeline(plain.uses("train_model"), SWEEP)
    done = repository.compile()
    assert done.returncode == 2
    assert "the gate has none" in done.stderr
