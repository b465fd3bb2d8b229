"""``helpers.ci watch-all`` and ``watch``: one state of the data starts at most one training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ci_toys import NAME, Done, Stage, staged

DATA = "data/sample/diabetes.csv"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        yield made


def fingerprint(stage: Stage) -> str:
    return f"sha256:{hashlib.sha256((stage.folder / DATA).read_bytes()).hexdigest()}"


def watched(stage: Stage, **more: Any) -> Done:
    done = stage.task("watch", "--branch", "development", event="workflow_dispatch", **more)
    assert done.code == 0, done.text
    return done


def started(stage: Stage) -> list[dict[str, Any]]:
    return [one["inputs"] for one in stage.there.dispatched]


def change_data(stage: Stage) -> None:
    path = stage.folder / DATA
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")


def test_changed_data_starts_one_training_and_no_second_one(stage):
    stage.training("development", data=fingerprint(stage))
    assert watched(stage).outputs == {"changed": "false", "started": "false"}
    change_data(stage)
    done = watched(stage)
    assert done.outputs == {"changed": "true", "started": "true"}
    (inputs,) = started(stage)
    assert inputs["trigger"] == "data"
    assert inputs["reason"].startswith("data changed: sample [")
    assert "another one" in done.summary
    run = list(stage.there.runs.values())[-1]
    assert (run.branch, run.title) == ("development", inputs["reason"])
    for status in ("queued", "waiting", "in_progress", "pending"):
        run.status = status
        done = watched(stage)
        assert done.outputs == {"changed": "true", "started": "false"}
        assert "runs or waits already" in done.summary
    run.status, run.conclusion = "completed", "failure"
    done = watched(stage)
    assert done.outputs["started"] == "false"
    assert "started a training before" in done.summary
    assert "start it by hand" in done.annotations[0]
    change_data(stage)
    assert watched(stage).outputs["started"] == "true"
    assert len({one["reason"] for one in started(stage)}) == 2


def test_data_that_comes_back_to_an_earlier_state_starts_a_training_again(stage):
    before = fingerprint(stage)
    stage.training("development", data="sha256:other")
    assert watched(stage).outputs["started"] == "true"
    list(stage.there.runs.values())[-1].status = "completed"
    stage.training("development", data=before)
    assert watched(stage).outputs["changed"] == "false"
    stage.training("development", data="sha256:other")
    assert watched(stage).outputs["started"] == "true"


def test_without_an_earlier_report_it_says_so_and_starts_nothing(stage):
    done = watched(stage)
    assert "no report of an earlier training" in done.summary
    assert done.outputs == {"changed": "false", "started": "false"}
    stage.training("development", files={"report.json": "{"})
    assert "cannot be used" in watched(stage).annotations[0]
    assert started(stage) == []


def test_a_training_on_a_cluster_that_no_job_waits_for_is_one_that_runs(stage):
    config = stage.folder / "src" / "pipelines" / "development" / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("engine: local", "engine: kubeflow", 1)
    sha = stage.commit(**{"src/pipelines/development/config.yaml": f"{text}\nkubeflow: {{wait: callback}}\n"})
    stage.training("development", data="sha256:other")
    stage.github.add_run(NAME, workflow="development.yml", commit=sha)
    assert stage.task("status", "--branch", "development", "--state", "pending").code == 0
    assert "runs or waits already" in watched(stage).summary
    assert stage.task("status", "--branch", "development", "--state", "failure").code == 0
    assert watched(stage).outputs["started"] == "true"


def test_a_run_of_a_fork_is_none_of_this_branch(stage):
    stage.training("development", data="sha256:other")
    stage.github.add_run(NAME, workflow="development.yml", head_repository="eve/heart-rate", status="waiting")
    assert watched(stage).outputs["started"] == "true"


def test_a_missing_right_is_said_and_fails(stage):
    stage.training("development", data="sha256:other")
    done = stage.task("watch", "--branch", "development", token=stage.token(actions="read"))
    assert (done.code, "actions=write" in done.annotations[-1]) == (4, True)


def test_data_that_cannot_be_looked_at_fails_with_its_cause(stage):
    stage.training("development", data="sha256:other")
    (stage.folder / DATA).unlink()
    done = stage.task("watch", "--branch", "development")
    assert done.code == 1
    assert "diabetes.csv" in done.annotations[-1]
    assert started(stage) == []


def test_all_branches_are_watched_from_the_default_branch(stage):
    done = stage.task("watch-all", event="schedule")
    assert done.code == 0, done.text
    assert [(one["workflow"], one["ref"]) for one in stage.there.dispatched] == [
        ("watch.yml", branch) for branch in ("development", "staging", "production")
    ]
    assert len(stage.calls()) == 3


def test_a_branch_that_is_not_there_yet_is_passed_over_and_a_refusal_is_not(stage):
    stage.there.git("update-ref", "-d", "refs/heads/production")
    done = stage.task("watch-all", event="schedule")
    assert (done.code, "no such branch yet" in done.text) == (0, True)
    done = stage.task("watch-all", event="schedule", token=stage.token(actions="read"))
    assert done.code == 4
    assert "3 of 3 branches" in done.annotations[-1]
    assert all("actions=write" in one for one in done.annotations)
    stage.commit("staging", **{".github/workflows/watch.yml": "on: push"})
    done = stage.task("watch-all", event="schedule")
    assert (done.code, "1 of 3 branches" in done.text) == (1, True)
