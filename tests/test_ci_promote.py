"""``helpers.ci promote``: one pull request to the next branch, with the report, when a training improved the branch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ci_toys import NAME, Done, Stage, report, staged
from tests.github.caller import Caller


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        made.commit(**{"src/steps/new.py": "x = 1"})
        yield made


def promoted(stage: Stage, branch: str = "development", *, token: str | None = None, **changes: Any) -> Done:
    path = stage.folder / "runs" / "report.json"
    path.parent.mkdir(exist_ok=True)
    commit = stage.there.branches.get(branch, "1" * 40)
    path.write_text(json.dumps(report(branch, commit, **{"rmse": 54.5, "baseline": 60.0, **changes})), encoding="utf-8")
    done = stage.task("promote", "--branch", branch, "--report", "runs/report.json", token=token)
    assert done.code == 0, done.text
    return done


def test_an_improved_model_opens_the_pull_request_with_the_report_and_the_verdict_of_the_next_gate(stage):
    stage.training("staging", rmse=56.0, baseline=70.0)
    done = promoted(stage)
    (pull,) = stage.there.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (
        "development", "staging", "Promote development to staging",
    )  # fmt: skip
    assert [label["name"] for label in pull["labels"]] == ["promotion"]
    assert "The gate of **staging** would accept" in pull["body"]
    assert "Accepted: better than the champion" in pull["body"]
    assert "`sha256:1`" in pull["body"]
    assert done.outputs["pull-request"] == pull["html_url"]
    assert pull["html_url"] in done.summary
    assert "1 commit ahead" in done.summary


def test_the_next_training_updates_it_and_never_opens_a_second_one(stage):
    promoted(stage)
    (pull,) = stage.there.pulls
    pull["body"] = f"Please look at the plots.\n\n{pull['body']}\n\nThanks!"
    pull["title"] = "My title"
    done = promoted(stage, rmse=50.0)
    assert "Updated" in done.summary
    assert len(stage.there.pulls) == 1
    assert pull["title"] == "My title"
    assert pull["body"].startswith("Please look at the plots.")
    assert pull["body"].endswith("Thanks!")
    assert "**50.00**" in pull["body"]
    assert "**54.50**" not in pull["body"]
    assert [label["name"] for label in pull["labels"]] == ["promotion"]


def test_one_that_a_person_opened_is_updated(stage):
    body = {"head": "development", "base": "staging", "title": "Mine", "body": "Why."}
    Caller(stage.github, stage.github.add_token("ada"), repository=NAME)("POST", "pulls", body)
    promoted(stage)
    (pull,) = stage.there.pulls
    assert pull["body"].startswith("Why.\n\n<!-- mlopsgen: promotion -->")


def test_what_did_not_improve_opens_nothing_but_is_said_where_one_is_open(stage):
    for changes in (
        {"outcome": "unchanged"},
        {"outcome": "regressed", "passed": False, "promoted": False},
        {"outcome": "failed", "passed": False, "promoted": False},
    ):
        assert "did not improve" in promoted(stage, **changes).summary
    assert stage.there.pulls == []
    promoted(stage)
    done = promoted(stage, outcome="regressed", passed=False, promoted=False, rmse=70.0)
    (pull,) = stage.there.pulls
    assert "**Wait:**" in pull["body"]
    assert "did not improve" in done.summary
    assert done.outputs["pull-request"] == pull["html_url"]


def test_staging_goes_to_production_and_production_nowhere(stage):
    stage.commit("staging", **{"src/steps/other.py": ""})
    promoted(stage, "staging")
    assert [(one["head"]["ref"], one["base"]["ref"]) for one in stage.there.pulls] == [("staging", "production")]
    assert "no branch after production" in promoted(stage, "production").summary
    assert len(stage.there.pulls) == 1


def test_nothing_is_to_promote_when_the_next_branch_has_every_commit(stage):
    stage.push("development:staging")
    done = promoted(stage)
    assert "staging has every commit of development already" in done.summary
    assert done.outputs["pull-request"] == ""
    assert stage.there.pulls == []


def test_a_repository_that_forbids_it_is_said_with_the_next_step(stage):
    stage.there.approve_pull_requests = False
    done = promoted(stage)
    (said,) = done.annotations
    assert said.startswith("::warning title=Promotion::")
    assert "Allow GitHub Actions to create and approve pull requests" in said
    assert "/compare/staging...development" in said
    assert done.outputs["pull-request"] == ""
    assert "Settings, Actions, General" in done.summary


def test_a_missing_right_branch_or_report_fails_nothing(stage):
    done = promoted(stage, token=stage.token(pull_requests="read"))
    assert "pull_requests=write" in done.annotations[0]
    done = promoted(stage, token=stage.token(issues="read"))  # a pull request's labels go with either right
    assert len(stage.there.pulls) == 1
    stage.there.git("update-ref", "-d", "refs/heads/staging")
    assert "not there" in promoted(stage).annotations[0]
    done = stage.task("promote", "--branch", "development", "--report", "runs/nothing.json")
    assert (done.code, "holds no report" in done.summary) == (0, True)
    path = stage.folder / "runs" / "other.json"
    path.write_text(json.dumps(report("staging", "1" * 40)), encoding="utf-8")
    done = stage.task("promote", "--branch", "development", "--report", "runs/other.json")
    assert "holds no report of development" in done.summary


def test_two_jobs_at_the_same_time_leave_one_pull_request(stage):
    promoted(stage)
    (first,) = stage.there.pulls
    first["state"] = "closed"

    def opened(_: object) -> None:
        first["state"] = "open"

    stage.github.faults.before(1, opened, method="POST", path="/pulls")
    done = promoted(stage)
    assert done.outputs["pull-request"] == first["html_url"]
    assert len(stage.there.pulls) == 1


def test_a_very_long_report_fits(stage):
    history = [
        {"run_id": f"r{n}", "started": "2026-11-21T10:00:00+00:00", "commit": "1" * 40, "metrics": {"rmse": 1.0},
         "passed": True, "champion": False}
        for n in range(50)
    ]  # fmt: skip
    promoted(stage, parameters={f"p{n}": "x" * 10_000 for n in range(40)}, history=history)
    (pull,) = stage.there.pulls
    assert len(pull["body"]) <= 65_536
    assert pull["body"].endswith("<!-- mlopsgen: end of promotion -->")
