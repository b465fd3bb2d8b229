"""The pipeline of the wines, its steps called one after the other as plain functions on a real MLflow store.

The data is served from this machine: the made-up sample, or the university's file when ``WINE_CSV`` names a copy of it.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
import wine
from kfp.dsl import Artifact, Dataset, Metrics, Model
from support import CONTEXT, World

from helpers import models, tracking
from helpers.artifacts import read_table, write_table
from helpers.context import RunContext
from helpers.errors import DataError
from helpers.records import Decision, Evaluation
from steps.compare_models import compare_models
from steps.evaluate_model import evaluate_model
from steps.preprocess_data import preprocess_data
from steps.pull_data import pull_data
from steps.register_model import register_model
from steps.split_data import split_data
from steps.train_model import train_model
from steps.validate_data import validate_data

FILE = Path(os.environ.get("WINE_CSV") or wine.SAMPLE).resolve()
PROMOTE = replace(CONTEXT, promote=True)
GATE = {"rmse": {"higher_is_better": False, "threshold": 0.9}, "r2": {"higher_is_better": True, "threshold": 0.2}}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a server on this machine has the wines."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(FILE.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{FILE.name}"
        server.shutdown()


@pytest.fixture
def wines(world: World, address: str) -> World:
    """A repository whose source are the wines."""
    world.source("wine", address=address, target="quality", task="regression", separator=";")
    world.gate(GATE)
    return world


def clean_table(world: World, folder: Path, *, drop_repeated: bool = True) -> Dataset:
    data, valid, clean = (Dataset(uri=str(folder / name)) for name in ("data", "valid", "clean"))
    pull_data("wine", CONTEXT.to_json(), data)
    validate_data(data, CONTEXT.to_json(), valid)
    preprocess_data(valid, drop_repeated, clean)
    return clean


def train(
    world: World, folder: Path, context: RunContext = PROMOTE, *, alpha: float = 0.1
) -> tuple[Evaluation, Decision]:
    """The whole pipeline; what it found and decided."""
    run = replace(context, run_id=tracking.start_run(context))
    text, clean = run.to_json(), clean_table(world, folder)
    learn, test = Dataset(uri=str(folder / "train")), Dataset(uri=str(folder / "test"))
    model, metrics = Model(uri=str(folder / "model")), Metrics(uri=str(folder / "metrics"))
    evaluation, decision = Artifact(uri=str(folder / "evaluation")), Artifact(uri=str(folder / "decision"))
    split_data(clean, 0.2, 42, learn, test)
    train_model(learn, alpha, 0.5, 42, text, model)
    evaluate_model(model, test, text, metrics, evaluation)
    if compare_models(evaluation, text, decision):
        register_model(model, evaluation, decision, text)
    tracking.finish_run(run, "succeeded")
    return (
        Evaluation.model_validate_json(Path(evaluation.path).read_text(encoding="utf-8")),
        Decision.model_validate_json(Path(decision.path).read_text(encoding="utf-8")),
    )


def test_the_first_model_passes_and_a_worse_one_does_not_replace_it(wines: World, tmp_path: Path) -> None:
    found, decision = train(wines, tmp_path / "first")
    assert (decision.passed, decision.outcome) == (True, "first")
    assert found.metrics["rmse"] < 0.9
    # So much regularisation leaves no weight at all: it always answers with the average.
    worse, decision = train(wines, tmp_path / "second", alpha=10)
    assert not decision.passed
    assert worse.baseline_metrics == found.metrics
    assert len(set(worse.predicted)) == 1


def test_no_wine_is_in_both_parts(wines: World, tmp_path: Path) -> None:
    whole = read_table(clean_table(wines, tmp_path / "whole", drop_repeated=False)).frame
    clean = clean_table(wines, tmp_path / "clean")
    assert 0 < len(read_table(clean).frame) < len(whole)
    assert len(read_table(clean).frame) == len(whole.drop_duplicates())
    parts = Dataset(uri=str(tmp_path / "train")), Dataset(uri=str(tmp_path / "test"))
    split_data(clean, 0.2, 1, *parts)
    learn, test = (read_table(part).frame for part in parts)
    assert learn.merge(test).empty


def test_a_measurement_that_no_wine_has_ends_the_run_and_is_named(wines: World, tmp_path: Path) -> None:
    data = clean_table(wines, tmp_path)
    table = read_table(data)
    table.frame.loc[3, "pH"] = 33.1
    write_table(data, table)
    with pytest.raises(DataError, match=r"1 of \d+ wines have a pH outside 2 to 5, the first one 33\.1\.") as caught:
        preprocess_data(data, True, Dataset(uri=str(tmp_path / "out")))
    assert caught.value.where.endswith(f"{FILE.name}, column pH")


def test_a_wine_with_a_missing_measurement_gets_a_mark_all_the_same(wines: World, tmp_path: Path) -> None:
    train(wines, tmp_path)
    rows = pd.read_csv(FILE, sep=";").drop(columns="quality").astype("float64").head(2)
    rows.loc[0, "alcohol"] = float("nan")
    answer = models.predict(models.load(str(tmp_path / "model")), rows)
    assert answer["prediction"].between(0, 10).all()


def test_the_sample_is_what_wine_py_writes() -> None:
    assert wine.SAMPLE.read_text(encoding="utf-8") == wine.made_up(400)
    assert list(pd.read_csv(wine.SAMPLE, sep=";").columns) == [*wine.MEASUREMENTS, "quality"]
