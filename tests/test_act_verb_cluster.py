"""What the last step of a pipeline on a cluster sends: its actions and the call back, and what CI then leaves alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.actions_stage import Acting, Branch, acting
from tests.github import FakeGitHub
from tests.mail_servers import mail_server

MAIL = {"do": "email", "to": ["ada@example.com"]}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acting]:
    with acting(tmp_path_factory.mktemp("acting")) as made:
        yield made


@pytest.fixture
def branch(process: Acting, tmp_path: Path) -> Branch:
    made = Branch(process, tmp_path / "my répo")
    made.config = {"engine": "kubeflow", "sent_from": "pipeline", "kubeflow": {"wait": "poll"}}
    run = read(made)["run"] | {"engine": "kubeflow", "kubeflow_url": "https://kubeflow.example/#/runs/details/7"}
    made.change_report(run=run, repository="https://github.com/acme/wine")
    return made


@pytest.fixture
def github(branch: Branch) -> Iterator[FakeGitHub]:
    with FakeGitHub() as fake:
        fake.add_user("ada")
        fake.add_org("acme", plan="team", members=["ada"])
        fake.add_repository("acme/wine")
        token = fake.add_token("ada", kind="fine-grained", owner="acme", permissions={"contents": "write"})
        branch.environ |= {"GITHUB_API_URL": fake.api, "DISPATCH_TOKEN": token}
        yield fake


def read(branch: Branch) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((branch.folder / "report.json").read_text())
    return found


def test_the_pipeline_sends_and_ci_does_not(branch):
    with mail_server(security="none") as box:
        branch.config["mail"] = {"host": "localhost", "port": box.port, "security": "none", "sender": "t@example.com"}
        told = branch.finished(MAIL, {**MAIL, "when": "failed"})
        assert told.code == 0
        assert "1. email -> ada@example.com: delivered. The server took it for 1 of 1." in told.out
        assert branch.ledger["entries"][0]["sent_from"] == "pipeline"
        done = branch.act(MAIL)
        assert done.code == 0
        assert "the pipeline sends the actions of this branch (sent_from: pipeline)" in done.err
        assert done.out.splitlines()[0] == "1 action sent by the pipeline."
        (branch.folder / "actions.json").unlink()
        assert "Nothing is known of what the pipeline has sent." in branch.act(MAIL).out
    text = box.mail.get_body(("plain",)).get_content()
    assert "Kubeflow run: https://kubeflow.example/#/runs/details/7" in text


def test_what_the_pipeline_could_not_deliver_is_told_by_ci(branch):
    told = branch.finished(MAIL)
    assert told.code == 0
    assert "warning: the action '1. email' was not delivered" in told.out
    done = branch.act(MAIL, GITHUB_ACTIONS="true")
    assert done.code == 1
    assert "0 actions sent, 1 NOT delivered by the pipeline." in done.out
    assert "::warning" in done.err


def test_ci_sends_where_the_training_did_not_run_on_the_cluster(branch):
    branch.change_report(run=read(branch)["run"] | {"engine": "local"})
    with mail_server(security="none") as box:
        branch.config["mail"] = {"host": "localhost", "port": box.port, "security": "none", "sender": "t@example.com"}
        assert branch.act(MAIL).code == 0
        assert branch.act(MAIL, arguments=("--failed", "the check")).code == 0
    assert len(box.mails) == 2


def test_ci_sends_alone_unless_told_otherwise(branch):
    branch.config["sent_from"] = "ci"
    assert branch.finished(MAIL).out == ""
    assert not (branch.folder / "actions.json").exists()


def test_ci_is_called_back_with_the_report(branch, github):
    branch.config |= {"sent_from": "ci", "kubeflow": {"wait": "callback"}}
    told = branch.finished(MAIL)
    assert told.out == "training-finished -> acme/wine: training-finished: GitHub took it (204)."
    (sent,) = github.repository("acme/wine").dispatched
    assert sent["event_type"] == "training-finished"
    assert sent["client_payload"]["report"] == read(branch)


def test_a_report_of_any_size_is_called_back(branch, github):
    branch.config |= {"sent_from": "ci", "kubeflow": {"wait": "callback"}}
    decision = read(branch)["decision"]
    many = [{**decision["metrics"][0], "name": f"m{number}", "reason": "ü" * 2000} for number in range(100)]
    branch.change_report(
        failure={"step": "train-model", "message": "x" * 100_000, "hint": ""},
        parameters={f"p{number}": "x" * 100 for number in range(500)},
        decision={**decision, "metrics": many, "reasons": ["y" * 1000] * 100},
    )
    assert branch.finished().code == 0
    (sent,) = github.repository("acme/wine").dispatched
    shortened = sent["client_payload"]["report"]
    assert len(json.dumps(sent["client_payload"])) < 64 * 1024
    assert shortened["parameters"] == {}
    assert shortened["failure"]["message"].startswith("xxx")
    assert shortened["decision"]["metrics"][0]["value"] == many[0]["value"]


def test_a_call_that_does_not_arrive_fails_the_step(branch, github):
    branch.config |= {"sent_from": "ci", "kubeflow": {"wait": "callback"}}
    told = branch.finished(DISPATCH_TOKEN="")
    assert told.code == 1
    assert "Continuous integration could not be told that the training has finished" in told.err
    assert "DISPATCH_TOKEN is not set" in told.err
