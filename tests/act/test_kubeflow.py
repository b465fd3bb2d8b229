"""A branch that trains on Kubeflow: submitted, waited for, cancelled, told of, by its workflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary
from tests.kubeflow import FakeKubeflow, held
from tests.kubeflow.executor import Executor
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.mlflow_server import mlflow_server

from .conftest import CHECKED_ELSEWHERE, TESTED_ELSEWHERE, Trained
from .stage import Stage, make_repository, opened

TOKEN = canary("kubeflow-token")
RIGHTS = "Check data, champion and platform"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that the cluster and the runner both reach."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture
def kubeflow() -> Iterator[FakeKubeflow]:
    with FakeKubeflow(multi_user=True) as made:
        made.gate.tokens[TOKEN] = USER
        yield made


@contextmanager
def on_kubeflow(
    kubeflow: FakeKubeflow, folder: Path, *answers: str, uri: str = "http://127.0.0.1:9", token: str = TOKEN
) -> Iterator[Stage]:
    """A repository whose development trains there, pushed and not yet trained."""
    chosen = {
        "engine": "kubeflow", "endpoint": kubeflow.address, "namespace": NAMESPACE, "login": "token",
        "tracking_uri": uri,
    }  # fmt: skip
    (folder / "model").mkdir()
    words = [f"development_{key}={value}" for key, value in chosen.items()]
    model = make_repository(folder / "model", *words, *answers)
    with opened(model, folder / "there", DEVELOPMENT_KUBEFLOW_TOKEN=token) as stage:
        stage.actions.done = TESTED_ELSEWHERE
        yield stage


def test_a_push_is_trained_on_the_cluster_and_its_report_comes_back(
    kubeflow: FakeKubeflow, mlflow: str, tmp_path: Path
) -> None:
    with on_kubeflow(kubeflow, tmp_path, uri=mlflow) as stage:
        Executor(kubeflow, tmp_path / "cluster", environ={"MLFLOW_TRACKING_URI": mlflow}).attach()
        (run,) = stage.actions.pushed("development", "")
    assert run.results["train"] == "success", run.said()
    (there,) = kubeflow.runs
    assert there.name == f"development-{run.commit[:8]}-{run.number}" or run.commit[:7] in there.name
    report = run.document("report-development", "report.json")
    assert (report["promoted"], report["decision"]["outcome"]) == (True, "first")
    assert report["commit"] == run.commit
    summary = run.jobs["train"].summary
    assert there.id in summary[: summary.index("rmse")], "the run's links come before its numbers"
    assert "pull-data" in run.jobs["train"].step("Submit and wait").log


def test_a_wrong_token_is_named_before_anything_is_submitted(kubeflow: FakeKubeflow, tmp_path: Path) -> None:
    with on_kubeflow(kubeflow, tmp_path, token=canary("of-yesterday")) as stage:
        (run,) = stage.actions.pushed("development", "")
    train = run.jobs["train"]
    assert train.outcomes[RIGHTS] == "failure", run.said()
    assert "Submit and wait" not in train.outcomes
    assert kubeflow.runs == []
    assert any("KUBEFLOW_TOKEN" in text for kind, text in run.annotations if kind == "error"), run.said()


def test_a_run_that_is_cancelled_ends_on_the_cluster_too(kubeflow: FakeKubeflow, mlflow: str, tmp_path: Path) -> None:
    kubeflow.play(held())
    with on_kubeflow(kubeflow, tmp_path, uri=mlflow) as stage:
        stage.actions.done = CHECKED_ELSEWHERE
        started = stage.start("development.yml")
        started.cancel_at("submitted development-")
        run = stage.actions.finish(started)
    assert run.conclusion == "cancelled"
    assert run.jobs["train"].outcomes["Terminate the Kubeflow run"] == "success", run.said()
    (there,) = kubeflow.runs
    assert there.terminated


def test_nobody_waits_and_the_cluster_tells_of_its_end(
    kubeflow: FakeKubeflow, mlflow: str, trained: Trained, tmp_path: Path
) -> None:
    kubeflow.play(held())
    with on_kubeflow(kubeflow, tmp_path, "development_wait=callback", uri=mlflow) as stage:
        stage.actions.done = CHECKED_ELSEWHERE
        (run,) = stage.actions.pushed("development", "")
        assert run.results == {"test": "success", "train": "success", "promote": "skipped"}, run.said()
        assert "report-development" not in run.artifacts
        assert statuses(stage, run.commit) == ["pending"]

        (told,) = stage.actions.told("training-finished", finished(trained, run.commit))
        assert told.conclusion == "success", told.said()
        assert statuses(stage, run.commit)[-1] == "success"
        assert told.document("report-development", "report.json")["commit"] == run.commit
        assert "rmse" in told.summary
        assert [job for job in told.jobs.values() if job.environment] == []


def statuses(stage: Stage, commit: str) -> list[str]:
    """What was said of the training on a commit, the oldest first."""
    return [
        one["state"] for one in stage.actions.repository.statuses[commit] if one["context"] == "training/development"
    ]


def finished(trained: Trained, commit: str) -> dict[str, Any]:
    """What a run on the cluster tells at its end: the report of a training, here of another one's."""
    report = json.loads(trained.run.artifacts["report-development"]["report.json"])
    report["commit"] = commit
    return {"version": 1, "branch": "development", "commit": commit, "report": {**report, "history": []}}
