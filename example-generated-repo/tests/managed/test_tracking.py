"""MLflow runs, the registry and the champion: also with several processes, and with processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import conftest
import pytest
from mlflow import MlflowClient, get_tracking_uri
from support import CONTEXT, World

from helpers import tracking
from helpers.context import RunContext
from helpers.errors import TrackingError
from helpers.records import Failure, StepRecord
from helpers.registry import former_champions
from helpers.report_html import html
from helpers.report_markdown import markdown
from helpers.store import client, ensure_store

PROMOTE = replace(CONTEXT, promote=True)
STEPS = ["pull", "validate", "split", "train", "evaluate", "compare", "register", "finish"]


def in_process(function: Callable[[], Any]) -> multiprocessing.process.BaseProcess:
    """Starts a function in a forked process, as the local engine starts its steps."""
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    return process


def code_of(process: multiprocessing.process.BaseProcess) -> int | None:
    process.join(300)
    return process.exitcode


def kill_self(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(world: World, step: str) -> None:
    def before(name: str) -> None:
        if name == step:
            kill_self()

    process = in_process(lambda: world.train(PROMOTE, algorithm="random-forest", before=before))
    assert code_of(process) == -signal.SIGKILL


def status_of(run_id: str) -> str:
    return str(client().get_run(run_id).info.status)


def test_parallel_first_use_of_a_store_is_safe(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new store/mlflow.db"

    def use() -> None:
        ensure_store(uri)
        run = replace(CONTEXT, run_id=tracking.start_run(CONTEXT))
        tracking.log_metrics(run, {"rmse": 1.0})
        tracking.finish_run(run, "succeeded")

    processes = [in_process(use) for _ in range(4)]
    assert [code_of(process) for process in processes] == [0, 0, 0, 0]
    with sqlite3.connect(tmp_path / "new store" / "mlflow.db") as database:
        assert database.execute("select count(*) from runs where status = 'FINISHED'").fetchone() == (4,)
        assert database.execute("select count(*) from experiments where name like 'demo%'").fetchone() == (1,)


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_killed_leaves_the_store_usable_and_the_champion_right(world: World, step: str) -> None:
    world.gate({"rmse": {"higher_is_better": False, "threshold": 80, "tolerance": 50}})
    world.train(PROMOTE)
    killed_at(world, step)
    promoted = step == "finish"
    champion = tracking.champion(PROMOTE)
    assert champion is not None
    assert champion.version == ("2" if promoted else "1")
    after = world.train(PROMOTE, algorithm="gradient-boosting")
    runs = client().search_runs([client().get_experiment_by_name(CONTEXT.experiment_name).experiment_id])
    assert sorted(run.info.status for run in runs) == ["FINISHED", "FINISHED", "KILLED"]
    assert after.evaluation.baseline.version == champion.version
    assert former_champions(PROMOTE) == [after.version, *(["2"] if promoted else []), "1"]


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_is_killed_while_the_alias_moves(world: World, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    world.train(PROMOTE)
    move = MlflowClient.set_registered_model_alias

    def killed(self: MlflowClient, *arguments: str) -> None:
        if after:
            move(self, *arguments)
        kill_self()

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", killed)
        assert code_of(in_process(lambda: world.train(PROMOTE))) == -signal.SIGKILL
    champion = tracking.champion(PROMOTE)
    assert champion is not None
    assert champion.version == ("2" if after else "1")
    assert tracking.read_report(champion.run_id).promoted
    third = world.train(PROMOTE)
    assert third.evaluation.baseline.version == champion.version
    assert tracking.rollback(PROMOTE).version == champion.version


def test_two_runs_at_once_leave_one_champion_and_an_unbroken_chain(world: World) -> None:
    processes = [in_process(lambda: world.train(PROMOTE)) for _ in range(2)]
    assert [code_of(process) for process in processes] == [0, 0]
    chain = former_champions(PROMOTE)
    assert sorted(chain) == ["1", "2"]
    reports = [tracking.read_report(point.run_id) for point in tracking.history(PROMOTE)]
    assert [report.promoted for report in reports] == [True, True]
    second = next(report for report in reports if report.model and report.model.version == chain[0])
    assert second.decision.outcome in ("first", "unchanged")


def test_a_champion_that_moved_meanwhile_is_compared_with_before_it_is_replaced(world: World) -> None:
    def overtake(step: str) -> None:
        if step == "register":
            world.train(PROMOTE, algorithm="linear")

    slower = world.train(PROMOTE, algorithm="gradient-boosting", before=overtake)
    champion = tracking.champion(PROMOTE)
    assert champion is not None
    assert champion.version != slower.version
    report = tracking.read_report(slower.context.run_id)
    assert not report.promoted
    assert report.decision.outcome == "regressed"
    assert "Another run made version 1 the champion" in report.decision.baseline.note


def test_a_run_of_a_dead_process_is_marked_and_a_living_one_left_alone(world: World) -> None:
    living = tracking.start_run(CONTEXT)
    other = tracking.start_run(replace(CONTEXT, branch="staging"))

    def leave() -> None:
        tracking.start_run(CONTEXT)
        kill_self()

    assert code_of(in_process(leave)) == -signal.SIGKILL
    world.train()
    experiment = client().get_experiment_by_name(CONTEXT.experiment_name).experiment_id
    statuses = sorted(run.info.status for run in client().search_runs([experiment]))
    assert statuses == ["FINISHED", "KILLED", "RUNNING"]
    assert status_of(living) == status_of(other) == "RUNNING"


def test_rollback_goes_back_one_by_one_and_forward_by_name(world: World) -> None:
    with pytest.raises(TrackingError, match="no champion yet"):
        tracking.rollback(PROMOTE)
    for _ in range(3):
        world.train(PROMOTE)
    never = world.train(CONTEXT).version
    assert former_champions(PROMOTE) == ["3", "2", "1"]
    assert tracking.rollback(PROMOTE).version == "2"
    record = tracking.rollback(PROMOTE)
    assert (record.version, record.alias, record.address) == ("1", "champion-development", "model://demo-training/1")
    with pytest.raises(TrackingError, match="only champion"):
        tracking.rollback(PROMOTE)
    assert tracking.rollback(PROMOTE, "3").version == "3"
    for wrong, message in ((never, "was never the champion"), ("99", "no version '99'"), ("x", "no version 'x'")):
        with pytest.raises(TrackingError, match=message) as caught:
            tracking.rollback(PROMOTE, wrong)
        assert "the latest first: 3, 2, 1" in caught.value.hint
    back = tracking.rollback(PROMOTE, "1")
    after = world.train(PROMOTE)
    assert after.evaluation.baseline.version == back.version
    assert former_champions(PROMOTE) == [after.version, "1"]


def test_branches_have_champions_of_their_own(world: World) -> None:
    staging = replace(PROMOTE, branch="staging")
    first, second = world.train(PROMOTE), world.train(staging)
    assert second.decision.outcome == "first"
    for context, training in ((PROMOTE, first), (staging, second)):
        champion = tracking.champion(context)
        assert champion is not None
        assert champion.version == training.version


def test_a_run_by_hand_moves_no_champion_but_is_compared_with(world: World) -> None:
    hand = world.train(CONTEXT)
    assert tracking.champion(CONTEXT) is None
    second = world.train(PROMOTE)
    assert (second.evaluation.baseline.kind, second.evaluation.baseline.run_id) == ("last-success", hand.context.run_id)
    assert second.evaluation.baseline.scored == "test-split"
    assert tracking.champion(CONTEXT) is not None


def test_a_refused_run_is_no_baseline_and_registers_nothing(world: World) -> None:
    world.gate({"rmse": {"higher_is_better": False, "threshold": 1.0}})
    refused = world.train(PROMOTE)
    assert (refused.decision.outcome, refused.version) == ("rejected", "")
    report = tracking.read_report(refused.context.run_id)
    assert (report.model, report.promoted, report.run.status) == (None, False, "succeeded")
    assert world.train(PROMOTE).evaluation.baseline.kind == "none"


def test_a_champion_whose_files_are_gone_counts_with_its_recorded_metrics(world: World) -> None:
    first = world.train(PROMOTE)
    shutil.rmtree(world.root / ".mlflow" / "artifacts" / CONTEXT.experiment_name / "models")
    second = world.train(PROMOTE)
    assert second.evaluation.baseline.scored == "stored"
    assert "cannot be loaded" in second.evaluation.baseline.note
    assert second.evaluation.baseline_metrics["rmse"] == pytest.approx(first.evaluation.metrics["rmse"])
    assert second.decision.outcome == "unchanged"


def test_a_champion_that_was_trained_on_other_columns_counts_with_its_recorded_metrics(world: World) -> None:
    world.train(PROMOTE)
    columns = {"s5": "ignore", "sex": "ignore"}
    world.source(address="data/sample/diabetes.csv", target="progression", task="regression", columns=columns)
    second = world.train(PROMOTE)
    assert second.evaluation.baseline.scored == "stored"
    assert "columns that the data no longer has (sex, s5)" in second.evaluation.baseline.note


def test_a_champion_that_answers_another_question_is_not_compared_with(world: World) -> None:
    world.train(PROMOTE)
    world.source(address="data/sample/diabetes.csv", target="bmi", task="regression")
    other_target = world.train(PROMOTE)
    assert other_target.evaluation.baseline.scored == "none"
    assert "it predicts 'progression', not 'bmi'" in other_target.evaluation.baseline.note
    assert other_target.decision.outcome == "first"
    world.gate({"f1_macro": {"higher_is_better": True}})
    world.source(address="data/sample/diabetes.csv", target="sex", task="binary")
    assert "not 'sex'" in world.train(PROMOTE).evaluation.baseline.note


def test_another_positive_class_is_never_compared_in_silence(world: World) -> None:
    world.gate({"precision": {"higher_is_better": True}})
    women = {"address": "data/sample/diabetes.csv", "target": "sex", "task": "binary"}
    world.source(**women)
    first = world.train(PROMOTE)
    world.source(**women, positive=1)
    second = world.train(PROMOTE)
    assert (first.evaluation.labels, second.evaluation.labels) == (["1", "2"], ["2", "1"])
    # The same model, and each score under the name of its own class: what was positive is so for both now.
    assert second.evaluation.baseline_metrics == second.evaluation.metrics != first.evaluation.metrics
    assert second.evaluation.metrics["accuracy"] == first.evaluation.metrics["accuracy"]
    assert second.evaluation.baseline.scored == "test-split"
    assert second.evaluation.baseline.note == "The positive class was '2' before; here '1' counts for both."
    report = tracking.read_report(second.context.run_id)
    assert (report.positive, tracking.read_report(first.context.run_id).positive) == ("1", "2")
    assert client().get_run(second.context.run_id).data.tags["mlopsgen.positive"] == "1"
    earlier, present = report.history
    assert (earlier.metrics, earlier.note, present.note) == ({}, "positive class 2", "")
    assert "The positive class is '1'." in markdown(report)
    assert "The positive class is &#39;1&#39;." in html(report, second.evaluation)
    assert "champion (positive class 2)" in markdown(report)
    shutil.rmtree(world.root / ".mlflow" / "artifacts" / CONTEXT.experiment_name / "models")
    world.source(**women)
    third = world.train(CONTEXT).evaluation.baseline
    assert (third.scored, "recorded metrics are those of the positive class '1'" in third.note) == ("none", True)


def test_a_metric_that_the_champion_was_not_judged_by_is_scored_again(world: World) -> None:
    world.train(PROMOTE)
    world.gate({"r2": {"higher_is_better": True, "threshold": 0.3}, "mae": {"higher_is_better": False}})
    second = world.train(PROMOTE)
    assert [metric.gain for metric in second.decision.metrics] == [0.0, 0.0]


def test_everything_about_a_run_is_recorded(world: World) -> None:
    context = replace(
        PROMOTE, trigger="push", repository="https://example.org/r", ci_url="https://example.org/1", lock="l" * 64
    )
    training = world.train(context)
    run = client().get_run(training.context.run_id)
    tags = run.data.tags
    for name in ("branch", "commit", "actor", "trigger", "pipeline", "lock", "repository", "ci_url"):
        assert tags[f"mlopsgen.{name}"] == getattr(context, name)
    assert run.data.params["seed"] == "42"
    assert run.data.params["model.algorithm"] == "linear"
    assert run.data.metrics["rmse"] == pytest.approx(training.evaluation.metrics["rmse"])
    assert run.inputs.dataset_inputs[0].dataset.name == "sample"
    report = tracking.read_report(training.context.run_id)
    assert (report.commit, report.actor, report.trigger, report.repository) == (
        context.commit,
        "tester",
        "push",
        "https://example.org/r",
    )
    assert report.data[0].fingerprint == tags["mlopsgen.data.sample"]
    assert report.data[0].columns["sex"] == "categorical"
    assert report.environment["scikit-learn"]
    assert report.environment["lock"] == context.lock
    assert report.addresses["code"] == f"code://https://example.org/r@{context.commit}"
    assert report.addresses["model"] == "model://demo-training/1"
    assert report.addresses["data"].startswith("data://sample@sha256:")
    assert tracking.read_evaluation(training.context.run_id) == training.evaluation
    version = client().get_model_version("demo-training", "1")
    assert version.run_id == training.context.run_id
    assert version.tags["mlopsgen.contract"] == "1"


def test_a_failed_run_has_a_report_too(world: World) -> None:
    run = replace(CONTEXT, run_id=tracking.start_run(CONTEXT, parameters={"seed": 1}))
    failure = Failure(step="validate-data", message="Column 'x' is missing.", hint="Add it.")
    tracking.finish_run(run, "failed", steps=[StepRecord(name="validate-data", state="failed")], failure=failure)
    report = tracking.read_report(run.run_id)
    assert (report.run.status, report.decision.outcome, report.failure) == ("failed", "failed", failure)
    assert report.steps[0].state == "failed"
    assert report.parameters == {"seed": "1"}
    assert tracking.history(CONTEXT) == []


def test_the_history_is_the_oldest_first_and_limited(world: World) -> None:
    runs = [world.train(PROMOTE, seed=seed).context.run_id for seed in (1, 2, 1)]
    assert [point.run_id for point in tracking.history(CONTEXT)] == runs
    assert [point.run_id for point in tracking.history(CONTEXT, limit=2)] == runs[1:]
    assert tracking.last_run(CONTEXT) == runs[-1]


def test_logging_twice_changes_nothing(world: World) -> None:
    run = replace(CONTEXT, run_id=tracking.start_run(CONTEXT))
    for value in ("1", "2"):
        tracking.log_parameters(run, {"seed": value})
    for _ in range(2):
        tracking.finish_run(run, "succeeded")
    assert client().get_run(run.run_id).data.params == {"seed": "1"}


def test_a_run_that_does_not_exist_is_told(world: World) -> None:
    with pytest.raises(TrackingError, match="no run 'nonsense'"):
        tracking.read_report("nonsense")


def test_a_store_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database" * 100)
    for uri in (f"sqlite:///{broken}", f"sqlite:///{broken}/mlflow.db", "http://127.0.0.1:1"):
        with pytest.raises(TrackingError) as caught:
            ensure_store(uri)
        assert caught.value.where == uri


def test_a_store_that_was_moved_finds_its_files_and_writes_beside_itself(world: World) -> None:
    first = world.train(PROMOTE)
    moved = world.root.parent / "moved héré"
    shutil.move(world.root, moved)
    ensure_store(f"sqlite:///{moved}/.mlflow/mlflow.db")
    report = tracking.read_report(first.context.run_id)
    assert report.decision == first.decision
    champion = tracking.champion(PROMOTE)
    assert champion is not None
    tracking.load_candidate(champion)
    run = replace(CONTEXT, run_id=tracking.start_run(CONTEXT))
    tracking.log_text(run, "note.txt", "new")
    assert not world.root.exists()
    assert [path.read_text(encoding="utf-8") for path in moved.rglob("note.txt")] == ["new"]


def test_a_context_without_a_run_is_not_tracked(world: World) -> None:
    tracking.log_metrics(CONTEXT, {"rmse": 1.0})
    tracking.log_parameters(CONTEXT, {"seed": 1})
    tracking.log_tags(CONTEXT, {"a": "b"})
    assert tracking.log_model(CONTEXT, world.root, name="m", parameters={}) == ""
    assert tracking.last_run(CONTEXT) == ""
    assert RunContext.from_json(CONTEXT.to_json()) == CONTEXT


def test_what_mlflow_keeps_of_a_test_is_not_the_next_ones(tmp_path: Path) -> None:
    """``make test MODEL_URI=...`` has to find the model where the person has it."""
    ensure_store(f"sqlite:///{tmp_path}/mlflow.db")
    assert str(tmp_path) in get_tracking_uri()
    conftest.forget_the_store()
    assert str(tmp_path) not in get_tracking_uri()
    assert str(tmp_path) not in os.environ.get("MLFLOW_TRACKING_URI", "")
