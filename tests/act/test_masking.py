"""Secrets of an environment reach the step that needs them, and nobody who looks at the run."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.canaries import canary, found_in
from tests.github.repositories import Secret

from .conftest import CHECKED_ELSEWHERE
from .stage import Stage

SIGNING = canary("webhook-signature")


@pytest.fixture
def hook(httpserver: HTTPServer, stage: Stage) -> Callable[..., list[bool]]:
    """A webhook for all results, whose address and key are secrets; how often it was called, rightly signed or not."""

    def make(*statuses: int) -> list[bool]:
        heard: list[bool] = []

        def hear(request: Request) -> Response:
            wanted = hmac.new(SIGNING.encode(), request.data, hashlib.sha256).hexdigest()
            heard.append(f"sha256={wanted}" in request.headers.values())
            return Response(status=statuses[min(len(heard), len(statuses)) - 1])

        path = f"/hook/{canary('webhook-address')}"
        httpserver.expect_request(path, method="POST").respond_with_handler(hear)
        vault = stage.actions.repository.environments["development"].vault
        for name, value in {"WEBHOOK_URL": httpserver.url_for(path), "WEBHOOK_SECRET": SIGNING}.items():
            vault.secrets[name] = Secret(name, value)
        rule = {"when": "always", "do": "webhook", "url_from": "WEBHOOK_URL", "secret_from": "WEBHOOK_SECRET"}
        stage.configure("development", actions=[{**rule, "attempts": 1}], parameters={})
        return heard

    return make


def test_a_training_by_hand_is_told_and_its_secrets_are_nowhere(stage: Stage, hook: Callable[..., list[bool]]) -> None:
    heard = hook(202)
    stage.push_quietly("Tell the others")
    run = stage.dispatch("development.yml", parameters="seed=42 algorithm=linear", reason="What does linear say?")
    assert run.results["train"] == "success", run.said()
    report = run.document("report-development", "report.json")
    assert (report["trigger"], report["reason"]) == ("dispatch", "What does linear say?")
    assert report["parameters"]["algorithm"] == "linear"
    assert "What does linear say?" in run.jobs["train"].summary
    assert heard == [True]
    for shown in (run.raw, run.summary, *(content for files in run.artifacts.values() for content in files.values())):
        assert not found_in(shown)


@pytest.mark.whole
def test_a_webhook_that_refuses_changes_no_verdict(stage: Stage, hook: Callable[..., list[bool]]) -> None:
    heard = hook(410, 202)
    stage.actions.done = CHECKED_ELSEWHERE
    run = stage.push(say="Tell nobody")
    assert run.results["train"] == "success", run.said()
    assert heard == [True]
    assert any("410" in text for kind, text in run.annotations if kind in {"warning", "error"}), run.said()
    again = stage.actions.again(run)
    assert again.results["train"] == "success", again.said()
    assert again.jobs["train"].outcomes["Fetch what an earlier attempt sent"] == "success"
    assert heard == [True, True]
