"""What ``check`` says of a Kubeflow before any compute is spent: each cause on its own line, with the next step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary
from tests.kubeflow import FakeKubeflow, Fault
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.gate import Gate
from tests.kubeflow.sdk import Sdk
from tests.kubeflow.stage import Stage

PASSWORD, TOKEN = canary("check-password"), canary("check-token")
NOWHERE = "http://127.0.0.1:9"
LOOK = """
import os
from helpers.kubeflow_check import look
before = dict(os.environ)
os.environ.update(given["environ"])
try:
    result = look(root=given["root"], branch="development")
finally:
    os.environ.clear()
    os.environ.update(before)
"""
Look = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    with Sdk(tmp_path_factory.mktemp("sdk")) as sdk:
        yield sdk


@pytest.fixture
def look(sdk: Sdk, tmp_path: Path, home: Path) -> Look:
    stage = Stage(tmp_path / "repository", home)

    def looked(
        endpoint: str,
        *,
        uri: str = "http://mlflow.example",
        environ: dict[str, str] | None = None,
        secrets: dict[str, Any] | None = None,
        **settings: Any,
    ) -> dict[str, dict[str, Any]]:
        stage.configure({"endpoint": endpoint, **settings}, tracking={"uri": uri}, cluster_secrets=secrets or {})
        found = sdk(LOOK, root=str(stage.root), environ=environ or {})
        assert PASSWORD not in str(found)
        assert TOKEN not in str(found)
        return {one["name"]: one for one in found}

    return looked


def failed(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, one in found.items() if not one["ok"]]


@pytest.fixture
def company() -> Iterator[FakeKubeflow]:
    """One for many users, behind Dex and oauth2-proxy."""
    gate = Gate(proxy=True, passwords={USER: PASSWORD})
    with FakeKubeflow(multi_user=True, gate=gate) as kubeflow:
        yield kubeflow


def test_a_platform_that_is_ready(look: Look, company: FakeKubeflow) -> None:
    login = {"KUBEFLOW_USERNAME": USER, "KUBEFLOW_PASSWORD": PASSWORD}
    for experiment in ("was made", "is there"):
        found = look(company.address, login="dex", namespace=NAMESPACE, environ=login)
        assert failed(found) == []
        assert found["Kubeflow"]["message"] == "healthy, for many users"
        assert found["API version"]["message"].startswith("server 2.17.0, SDK 2.")
        assert found["login"]["message"] == "the user's password is accepted"
        assert f"'{NAMESPACE}'" in found["namespace"]["message"]
        assert found["right to submit"]["message"].endswith(experiment)
        assert {one["section"] for one in found.values()} == {"platform"}
    assert company.runs == []


def test_one_for_a_single_user_needs_neither_login_nor_namespace(look: Look) -> None:
    with FakeKubeflow() as kubeflow:
        found = look(kubeflow.address)
    assert failed(found) == []
    assert found["Kubeflow"]["message"] == "healthy, for one user"
    assert found["namespace"]["message"] == "not needed"


def test_a_wrong_and_a_missing_password(look: Look, company: FakeKubeflow) -> None:
    wrong = {"KUBEFLOW_USERNAME": USER, "KUBEFLOW_PASSWORD": TOKEN}
    found = look(company.address, login="dex", namespace=NAMESPACE, environ=wrong)
    assert failed(found) == ["login"]
    assert found["login"]["exit_code"] == 4
    assert "KUBEFLOW_PASSWORD" in found["login"]["hint"]

    requests = len(company.requests)
    found = look(company.address, login="dex", namespace=NAMESPACE, environ={"KUBEFLOW_USERNAME": USER})
    assert failed(found) == ["login"]
    assert "KUBEFLOW_PASSWORD, which is not set" in found["login"]["message"]
    assert len(company.requests) == requests
    assert "not asked" in found["Kubeflow"]["message"], "what was not asked does not answer"


def test_many_users_want_a_namespace_that_this_login_may_use(look: Look) -> None:
    with FakeKubeflow(multi_user=True, gate=Gate(tokens={TOKEN: USER})) as kubeflow:
        none = look(kubeflow.address, login="token", environ={"KUBEFLOW_TOKEN": TOKEN})
        other = look(kubeflow.address, login="token", namespace="others", environ={"KUBEFLOW_TOKEN": TOKEN})
    assert failed(none) == ["namespace"]
    assert "config.yaml" in none["namespace"]["where"]
    assert "KUBEFLOW_NAMESPACE" in none["namespace"]["hint"]
    assert failed(other) == ["namespace"]
    assert other["namespace"]["exit_code"] == 4
    assert "others" in f"{other['namespace']['message']} {other['namespace']['hint']}"


def test_who_may_look_but_not_submit(look: Look) -> None:
    with FakeKubeflow() as kubeflow:
        kubeflow.faults.plan(Fault.BROKEN, path="/experiments", method="POST")
        found = look(kubeflow.address)
    assert failed(found) == ["right to submit"]


def test_a_server_of_another_age(look: Look) -> None:
    with FakeKubeflow(version="1.8.5") as kubeflow:
        older = look(kubeflow.address)
    with FakeKubeflow(version="2.0.5") as kubeflow:
        old = look(kubeflow.address)
    assert failed(older) == ["API version"]
    assert "version 2" in older["API version"]["hint"]
    assert failed(old) == []
    assert "older than the SDK" in old["API version"]["notes"][0]


def test_what_is_no_kubeflow_or_is_away(look: Look) -> None:
    assert failed(look(NOWHERE)) == ["Kubeflow"]
    with FakeKubeflow() as kubeflow:
        kubeflow.faults.plan(Fault.PAGE, times=4)
        page = look(kubeflow.address)
    assert "login" in failed(page), "a login page is told as such and never taken for health"
    assert "right to submit" not in page


def test_a_run_that_is_waited_for_needs_a_store_that_both_reach(look: Look) -> None:
    with FakeKubeflow() as kubeflow:
        waiting = look(kubeflow.address, uri="sqlite:///here.db")
        called = look(kubeflow.address, wait="callback", secrets={"github": {"token": "DISPATCH_TOKEN"}})
        silent = look(kubeflow.address, wait="callback")
    assert failed(waiting) == ["results"]
    assert "MLFLOW_TRACKING_URI" in waiting["results"]["hint"]
    assert failed(called) == []
    assert failed(silent) == ["results"]
    assert "DISPATCH_TOKEN" in silent["results"]["message"]
