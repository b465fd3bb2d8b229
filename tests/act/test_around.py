"""What happens around a training: pull requests, promotions, data that is watched, events from outside."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from .conftest import TESTED_ELSEWHERE, Trained
from .runs import Run
from .stage import Stage


def comments(stage: Stage) -> list[str]:
    """What was commented on pull requests."""
    return [one["body"] for one in stage.actions.repository.comments.values()]


def feature(stage: Stage, name: str = "try-seed-7") -> dict[str, Any]:
    """Ada pushes a branch with a change and opens a pull request."""
    stage.person.git("checkout", "--quiet", "-b", name)
    stage.configure("development", parameters={"seed": 7})
    assert stage.push_all(name, say="Another seed") == []
    return stage.propose(name)


def test_a_pull_request_is_compared_with_the_champion_in_one_comment(stage: Stage) -> None:
    pull = feature(stage)
    (run,) = stage.actions.proposed(pull)
    assert run.conclusion == "success", run.said()
    assert "report-sample" in run.artifacts
    (said,) = comments(stage)
    assert "development" in said
    assert "rmse" in said
    stage.actions.done = (*TESTED_ELSEWHERE, "Train on the sample")
    (again,) = stage.actions.proposed(pull, "synchronize")
    assert again.conclusion == "success", again.said()
    assert len(comments(stage)) == 1, "the comment is updated in its place"


def test_a_pull_request_from_a_fork_gets_a_summary(stage: Stage) -> None:
    stage.actions.done = (*TESTED_ELSEWHERE, "Train on the sample")
    pull = feature(stage)
    there = {**pull["head"]["repo"], "full_name": "bob/demo", "fork": True}
    (run,) = stage.actions.proposed({**pull, "head": {**pull["head"], "repo": there, "label": "bob:try-seed-7"}})
    assert run.conclusion == "success", run.said()
    assert comments(stage) == []
    assert "development" in run.jobs["compare"].summary


def test_each_branch_is_watched_and_nothing_changed(stage: Stage) -> None:
    asked = stage.dispatch("data-watch.yml")
    assert asked.conclusion == "success", asked.said()
    watches = stage.actions.queued()
    assert {run.branch for run in watches} == {"development", "staging", "production"}
    for run in watches:
        assert run.conclusion == "success", run.said()
        assert run.approvals == []
        ran = [job for job in run.jobs.values() if job.result != "skipped"]
        assert [job.id for job in ran] == [run.branch]
        outputs = ran[0].step("Compare the data").outputs
        assert (outputs["changed"], outputs["started"]) == ("false", "false")
    assert stage.actions.queued() == []
    log = {run.branch: run.log for run in watches}
    assert "what the last training read" in log["development"]
    assert "no report" in log["staging"], log["staging"]


def test_changed_data_starts_one_training(stage: Stage, trained: Trained) -> None:
    another_training(stage, trained.run)
    for _ in range(2):
        watch = stage.dispatch("watch.yml")
        assert watch.conclusion == "success", watch.said()
    queued = [run for run in stage.actions.repository.runs.values() if run.status == "queued"]
    assert [(run.workflow, run.branch) for run in queued] == [("development.yml", "development")]
    assert queued[0].inputs["trigger"] == "data"


def another_training(stage: Stage, run: Run) -> None:
    """Let the last report tell of other data than there is today."""
    files = dict(run.artifacts["report-development"])
    report = json.loads(files["report.json"])
    for source in report["data"]:
        source["fingerprint"], source["revision"] = "sha256:" + "0" * 64, "before"
    files["report.json"] = json.dumps(report).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    stage.github.add_artifact(stage.actions.full_name, run.id, "report-development", content.getvalue())


def test_another_system_asks_for_a_training(stage: Stage) -> None:
    (run,) = stage.actions.told("train", {"branch": "development", "reason": "New labels", "parameters": {"seed": 5}})
    assert run.conclusion == "success", run.said()
    (queued,) = [one for one in stage.actions.repository.runs.values() if one.status == "queued"]
    assert (queued.workflow, queued.branch) == ("development.yml", "development")
    assert queued.inputs["parameters"] == "seed=5"
    assert queued.inputs["reason"] == "New labels"
