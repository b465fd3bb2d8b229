"""A push trains on the runner and people hear the result: the branch's workflow, executed."""

from __future__ import annotations

from typing import Any

import yaml

from .conftest import CHECKED_ELSEWHERE, Trained
from .runs import Run
from .stage import Stage

REPORT = "report-development"


def report_of(run: Run) -> dict[str, Any]:
    """The report that a run of development left."""
    return run.document(REPORT, "report.json")


def test_the_first_push_trains_and_shows_its_report(trained: Trained) -> None:
    run = trained.run
    assert run.conclusion == "success", run.said()
    assert run.results == {"test": "success", "train": "success", "promote": "success"}
    report = report_of(run)
    assert (report["branch"], report["commit"], report["promoted"]) == ("development", run.commit, True)
    assert report["decision"]["outcome"] == "first"
    assert {"report.json", "report.html", "report.md"} <= set(run.artifacts[REPORT])
    assert set(run.artifacts["store-development"]) == {"store.zip"}
    assert "pipeline.yaml" in run.artifacts["package-development"]
    # What stands on the run's page: the verdict and the metric that it rests on.
    summary = run.jobs["train"].summary
    assert report["decision"]["metrics"][0]["name"] in summary
    assert "accepted" in summary.lower()
    assert not [text for kind, text in run.annotations if kind == "error"]
    # Staging lacks this commit: a pull request proposes it, with the report.
    (pull,) = trained.saved.repository.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == ("development", "staging")
    # One job holds the environment, so that one approval is asked for.
    assert [job for job, found in run.jobs.items() if found.environment] == ["train"]


def test_the_push_that_creates_another_branch_trains_nothing(trained: Trained) -> None:
    assert [run.branch for run in trained.others] == ["staging", "production"]
    for run in trained.others:
        assert run.results["test"] == "success", run.said()
        assert run.results["train"] == "skipped"
        assert run.approvals == []
        assert f"this push creates {run.branch}" in run.jobs["test"].step("Decide").outputs["reason"]


def test_a_better_model_replaces_the_champion_and_renews_its_proposal(stage: Stage, trained: Trained) -> None:
    first = report_of(trained.run)
    stage.configure("development", parameters={})
    stage.actions.done = CHECKED_ELSEWHERE
    run = stage.push(say="Choose the algorithm by itself")
    assert run.results == {"test": "success", "train": "success", "promote": "success"}, run.said()
    second = report_of(run)
    # The store of the first training was brought back: its champion is what the second one is compared with.
    assert second["commit"] == run.commit != first["commit"]
    assert (second["decision"]["outcome"], second["model"]["version"]) == ("improved", "2")
    assert (second["decision"]["baseline"]["kind"], second["decision"]["baseline"]["version"]) == ("champion", "1")
    (before,) = trained.saved.repository.pulls
    (pull,) = stage.actions.repository.pulls
    assert "rmse" in pull["body"]
    assert pull["body"] != before["body"]
    assert pull["user"]["login"] == "github-actions[bot]"
    # The check that staging requires is there already, from the push to development.
    assert "test" in stage.actions.repository.checks[pull["head"]["sha"]]


def test_documents_alone_train_nothing_and_the_check_is_reported(stage: Stage) -> None:
    stage.write("docs/notes.md", "What changes no number.\n")
    run = stage.push(say="Take notes")
    assert run.results == {"test": "success", "train": "skipped", "promote": "skipped"}, run.said()
    decided = run.jobs["test"].step("Decide")
    assert decided.outputs["train"] == "false"
    assert decided.outputs["reason"] in decided.log
    assert "test" in stage.actions.repository.checks[run.commit]


def test_a_broken_source_ends_before_anything_is_computed(stage: Stage) -> None:
    path = stage.person.folder / "data" / "sources.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["sources"]["sample"]["address"] = "data/nowhere.csv"
    stage.write("data/sources.yaml", yaml.safe_dump(document))
    run = stage.push(say="Wrong address")
    train = run.jobs["train"]
    assert train.result == "failure", run.said()
    assert train.outcomes["Check data, champion and platform"] == "failure"
    assert "Train" not in train.outcomes
    assert run.results["promote"] == "skipped"
    assert REPORT not in run.artifacts
    errors = [text for kind, text in run.annotations if kind == "error"]
    assert any("data/nowhere.csv" in text for text in errors), run.said()
    assert "data/nowhere.csv" in train.summary


def test_a_gate_that_says_no_is_a_failure_with_its_report(stage: Stage, trained: Trained) -> None:
    stage.configure("development", parameters={"algorithm": "linear", "hyperparameters": {"alpha": 1e9}})
    stage.actions.done = CHECKED_ELSEWHERE
    run = stage.push(say="Try the mean")
    train = run.jobs["train"]
    assert train.result == "failure", run.said()
    report = report_of(run)
    assert (report["decision"]["passed"], report["promoted"]) == (False, False)
    assert report["decision"]["baseline"]["kind"] == "champion"
    assert "refused" in train.summary.lower(), train.summary
    assert any(kind == "error" and "rmse" in text for kind, text in train.annotations)
    # What was learned is kept: the next training knows of this one.
    assert "store-development" in run.artifacts
    (before,) = trained.saved.repository.pulls
    (pull,) = stage.actions.repository.pulls
    assert "improved" in before["body"]
    assert "improved" not in pull["body"], "an open proposal does not promise what is no longer true"
