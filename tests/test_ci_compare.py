"""``helpers.ci compare``: one comment, in place, with the verdict of the target branch's gate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ci_toys import NAME, Done, Stage, report, staged
from tests.github.handle_pulls import BOT_NAME

GATE = """version: 1
engine: local
gate:
  metrics:
    rmse: {higher_is_better: false, threshold: 80, minimum_gain: 2}
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as made:
        made.github.add_pull(NAME, "ada")
        yield made


def event(head: str = "development", base: str = "staging", repository: str = NAME) -> dict[str, Any]:
    return {"pull_request": {
        "number": 1, "head": {"ref": head, "repo": {"full_name": repository}}, "base": {"ref": base},
    }}  # fmt: skip


def compared(stage: Stage, *arguments: str, payload: dict[str, Any] | None = None, **more: Any) -> Done:
    done = stage.task("compare", *arguments, event="pull_request", payload=payload or event(), **more)
    assert done.code == 0, done.text
    return done


def comments(stage: Stage) -> list[str]:
    return [one["body"] for one in stage.there.comments.values()]


def test_the_last_metrics_stand_beside_the_champion_with_the_verdict_of_the_targets_gate(stage):
    stage.commit("staging", **{"src/pipelines/staging/config.yaml": GATE})
    stage.git("checkout", "--quiet", "development")
    stage.git("merge", "--quiet", "staging")
    run = stage.training("development", rmse=54.5, baseline=60.0)
    stage.training("staging", rmse=56.0, baseline=70.0)
    done = compared(stage)
    (text,) = comments(stage)
    assert done.summary.strip() in text
    assert "The gate of **staging** would refuse this model" in text
    assert "misses the minimum gain of 2" in text
    assert "| rmse (lower is better) |   **54.50** |" in text
    assert "56.00" in text
    assert f"/actions/runs/{run.id}" in text
    assert "different data" not in text


def test_the_comment_is_updated_in_place(stage):
    stage.training("development", rmse=54.5, baseline=60.0)
    stage.training("staging", rmse=56.0, baseline=70.0)
    compared(stage)
    assert "would accept" in comments(stage)[0]
    stage.training("development", rmse=58.0, baseline=54.5, promoted=False, passed=False, outcome="regressed")
    compared(stage)
    (text,) = comments(stage)
    assert "would refuse" in text
    assert "**58.00**" in text


def test_two_jobs_at_the_same_time_leave_one_comment(stage):
    stage.training("development")

    def other(_: object) -> None:
        made = next(iter(stage.there.comments.values()))
        copy = {**made, "id": made["id"] + 1000, "body": made["body"] + "other"}
        stage.there.comments[copy["id"]] = copy

    stage.github.faults.after(1, other, method="POST", path="/comments")
    compared(stage)
    assert len(comments(stage)) == 1


def test_what_people_wrote_stays(stage):
    stage.training("development")
    compared(stage)
    mark = comments(stage)[0].splitlines()[0]
    mine = next(iter(stage.there.comments.values()))
    for number, login in enumerate(("eve", BOT_NAME), 1):
        by = {**mine["user"], "login": login, "type": "User" if login == "eve" else "Bot"}
        body = f"{mark} copied" if login == "eve" else f"quoted: {mark}"
        stage.there.comments[number] = {**mine, "id": number, "user": by, "body": body}
    compared(stage)
    assert sorted(text.partition("\n")[0] for text in comments(stage)) == sorted(
        [mark, f"{mark} copied", f"quoted: {mark}"]
    )


def test_the_comment_is_found_among_many(stage):
    stage.training("development")
    for number in range(250):
        stage.there.comments[number + 1] = {
            "id": number + 1, "node_id": "x", "url": "https://x.org", "html_url": "https://x.org", "body": "words",
            "issue_url": f"https://x.org/{NAME}/issues/1", "user": None, "created_at": "2026-11-21T00:00:00Z",
            "updated_at": "2026-11-21T00:00:00Z", "author_association": "NONE",
        }  # fmt: skip
    compared(stage)
    compared(stage)
    assert len(comments(stage)) == 251


def test_from_a_fork_the_summary_alone_says_it(stage):
    stage.training("development", rmse=1.0)  # of this repository's branch, which is not the fork's of the same name
    stage.training("staging", rmse=56.0, baseline=70.0)
    path = stage.folder / "runs" / "sample.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report("staging", "1" * 40, rmse=55.0)), encoding="utf-8")
    token = stage.token(actions="read", pull_requests="read", issues="read", statuses="none")
    done = compared(stage, "--report", "runs/sample.json", payload=event(repository="eve/heart-rate"), token=token)
    assert comments(stage) == []
    assert "on the sample" in done.summary
    assert "**55.00**" in done.summary
    assert "would accept" in done.summary
    assert stage.calls("POST") == []


def test_a_deleted_fork_is_a_fork(stage):
    payload = event()
    payload["pull_request"]["head"]["repo"] = None
    assert "left no numbers" in compared(stage, payload=payload).summary
    assert stage.calls("POST") == []


def test_a_token_without_the_right_fails_nothing(stage):
    stage.training("development")
    done = compared(stage, token=stage.token(pull_requests="read", issues="read"))
    assert "would accept" in done.summary
    assert comments(stage) == []
    assert "summary only" in done.annotations[0]
    assert "pull_requests=write" in done.annotations[0]
    done = compared(stage, token=stage.token(actions="none"))
    assert "cannot be asked for" in done.summary


def test_a_branch_of_features_speaks_by_its_short_training(stage):
    stage.training("development", rmse=60.0, baseline=70.0)
    path = stage.folder / "runs" / "sample.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(report("development", "1" * 40, rmse=54.5, data="sha256:2")), encoding="utf-8")
    payload = event("feature/<b>@team", "development")
    done = compared(stage, "--report", "runs/sample.json", payload=payload)
    assert "this pull request, on the sample" in done.summary
    assert "trained on different data" in done.summary
    assert comments(stage)


def test_a_promotion_of_a_training_that_its_own_branch_refused_says_so(stage):
    stage.training("development", rmse=54.5)
    assert "did not accept this training" not in compared(stage).summary
    stage.training("development", rmse=54.5, baseline=50.0, passed=False, promoted=False, outcome="regressed")
    assert "development itself did not accept this training (regressed)" in compared(stage).summary


@pytest.mark.parametrize("other", ["metrics", "columns"])
def test_a_sample_of_something_else_gets_no_verdict(stage, other):
    columns = [{"name": "main", "address": "s3://a/b.csv", "fingerprint": "sha256:1", "columns": {"age": "target"}}]
    before = {**report("development", stage.there.branches["development"], baseline=70.0), "data": columns}
    stage.training("development", files={"report.json": json.dumps(before)})
    path = stage.folder / "runs" / "sample.json"
    path.parent.mkdir(exist_ok=True)
    document = report("development", "1" * 40, rmse=54.5)
    if other == "metrics":
        document["decision"]["metrics"][0] |= {"name": "f1_macro", "value": 0.9}
    else:
        document["data"][0]["columns"] = {"progression": "target"}
    path.write_text(json.dumps(document), encoding="utf-8")
    done = compared(stage, "--report", "runs/sample.json", payload=event("feature/x", "development"))
    assert "there is no verdict" in done.summary
    assert "The gate of" not in done.summary
    assert "data/sources.yaml" in done.summary


def test_a_target_that_never_trained_is_said(stage):
    stage.training("development", rmse=54.5)
    assert "thresholds alone" in compared(stage).summary


def test_a_refused_training_of_the_target_tells_of_its_champion_all_the_same(stage):
    stage.training("development", rmse=54.5)
    stage.training("staging", rmse=90.0, baseline=56.0, promoted=False, passed=False, outcome="regressed")
    done = compared(stage)
    assert "56.00" in done.summary
    assert "version 3" in done.summary


@pytest.mark.parametrize(("theirs", "compares"), [("ill", True), ("well", False), ("", True)])
def test_numbers_of_another_positive_class_do_not_compare(stage, theirs, compares):
    stage.training("development", rmse=54.5, positive="ill")
    stage.training("staging", rmse=50.0, positive=theirs)
    text = compared(stage).summary
    assert ("50.00" in text, "would refuse" in text) == (compares, compares)
    assert ("The positive class here is 'ill', and that of staging 'well'" in text) != compares


def test_a_failed_training_of_the_target_is_passed_over_for_an_earlier_one(stage):
    stage.training("development", rmse=54.5)
    stage.training("staging", rmse=56.0)
    nothing = {"version": 1, "outcome": "failed", "passed": False, "reasons": ["x"], "metrics": [],
               "baseline": {"kind": "none"}}  # fmt: skip
    ended = {**report("staging", "1" * 40)["run"], "status": "failed"}
    stage.training("staging", promoted=False, decision=nothing, run=ended)
    assert "56.00" in compared(stage).summary


def test_names_and_words_of_others_are_shown_and_not_obeyed(stage):
    hostile = "</details><img src=x onerror=y> @team [a](javascript:x) ::error::no `x` |"
    document = report("development", stage.there.branches["development"], rmse=54.5)
    document["decision"]["reasons"] = [hostile]
    document["decision"]["metrics"][0]["name"] = "rmse"
    stage.training("development", files={"report.json": json.dumps(document)})
    target = report("staging", stage.there.branches["staging"], rmse=56.0, baseline=60.0)
    target["decision"]["baseline"]["version"] = hostile
    target["promoted"] = False
    stage.training("staging", files={"report.json": json.dumps(target)})
    done = compared(stage)
    assert not re.search(r"(?<!\\)<img", done.summary)
    assert "@team" not in done.summary
    assert "](javascript" not in done.summary
    assert done.annotations == []


def test_an_event_that_is_none_of_a_pull_request_is_refused_in_words(stage):
    done = stage.task("compare", event="push", payload={})
    assert (done.code, "no event of a pull request" in done.text) == (2, True)
    assert "no branch that trains" in compared(stage, payload=event(base="main")).summary
