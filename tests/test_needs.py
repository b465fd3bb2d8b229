"""Which variables and secrets follow from the answers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsgen.answers import resolve
from mlopsgen.constants import BRANCHES
from mlopsgen.remote import needs
from tests.matrix import HOST_KEY

KUBEFLOW = {
    "production_engine": "kubeflow",
    "production_endpoint": "https://kubeflow.example.org/pipeline",
    "production_namespace": "team",
}
MAIL = {"notify_how": "email", "notify_emails": ["ada@example.org"]}


def secrets(sources=None, **answers) -> dict[tuple[str, str], bool]:
    """Every secret with whether it is required."""
    found = needs.needed_secrets(resolve(answers), sources or {})
    assert len({(need.environment, need.name) for need in found}) == len(found)
    assert all(need.purpose and need.value is None for need in found)
    return {(need.environment, need.name): need.required for need in found}


def test_with_the_defaults_nothing_is_required():
    found = secrets()
    assert not any(found.values())
    assert {environment for environment, _ in found} == {*BRANCHES, needs.REPOSITORY}


def test_an_update_by_hand_needs_the_token_that_the_schedule_needs_and_may_do_without():
    token = (needs.REPOSITORY, needs.UPDATE_TOKEN)
    assert [secrets(template_update=every)[token] for every in ("off", "weekly", "monthly")] == [False, True, True]
    # Repositories of v0.1.0 have no such workflow.
    answers = {key: value for key, value in resolve({}).items() if key != "template_update"}
    assert needs.UPDATE_TOKEN not in {need.name for need in needs.needed_secrets(answers, {})}


@pytest.mark.parametrize(
    ("login", "names"),
    [
        ("none", set()),
        ("token", {"KUBEFLOW_TOKEN"}),
        ("service-account", set()),
        ("cookie", {"KUBEFLOW_COOKIE"}),
        ("dex", {"KUBEFLOW_USERNAME", "KUBEFLOW_PASSWORD"}),
    ],
)
def test_each_login_requires_its_secrets_of_its_branch_alone(login, names):
    found = secrets(**KUBEFLOW, production_login=login)
    assert {key for key, required in found.items() if required} == {("production", name) for name in names}


def test_an_ssh_server_in_front_requires_its_key():
    through = {
        "production_access": "ssh",
        "production_ssh": "tunnel@bastion.example.org",
        "production_ssh_host_key": HOST_KEY,
        "production_login": "none",
    }
    found = secrets(**KUBEFLOW, **through)
    assert {key for key, required in found.items() if required} == {("production", "SSH_KEY")}


def test_mail_requires_a_login():
    found = secrets(**MAIL)
    assert {name for (_, name), required in found.items() if required} == {"SMTP_USERNAME", "SMTP_PASSWORD"}


LOGIN, KEYS = {"USERNAME", "PASSWORD"}, {"ACCESS_KEY", "SECRET_KEY"}


@pytest.mark.parametrize(
    ("address", "lasts"),
    [
        ("https://example.org/a.csv", {"TOKEN", *LOGIN}),
        ("HTTP://example.org/b", {"TOKEN", *LOGIN}),
        ("s3://bucket/key.parquet", {*KEYS, "SESSION_TOKEN"}),
        ("postgresql://db.example.org/sales", LOGIN),
        ("mysql://db.example.org/sales", LOGIN),
        ("mariadb://db.example.org/sales", LOGIN),
        ("git+https://example.org/a/b.git@main#data.csv", {"TOKEN", *LOGIN}),
        ("dvc+https://example.org/a/b.git@main#data.csv", {"TOKEN", *LOGIN, *KEYS}),
        ("dvc:data/a.csv", {*LOGIN, *KEYS}),
        ("data/sample.csv", set()),
        ("/data/https.csv", set()),
    ],
)
def test_each_source_has_the_secrets_of_its_kind_and_the_watch_holds_nothing_else(address, lasts):
    found = secrets({"my-old data": address}, reviewers=["ada"])
    opened = {name for _, name in found if name.startswith("DATA_")}
    assert opened == {f"DATA_MY_OLD_DATA_{last}" for last in lasts}
    watch = {name for environment, name in found if environment == "production-watch"}
    assert watch == {*opened, "CA_CERTIFICATE"}
    assert not any(required for (_, name), required in found.items() if name in opened)
    assert "production-watch" not in {environment for environment, _ in secrets({"my-old data": address})}


@pytest.mark.parametrize(
    ("registry", "engine", "required"),
    [
        ("", "kubeflow", None),
        ("registry.example.org/ml/a", "local", None),
        ("registry.example.org/ml/a", "kubeflow", True),
        ("ghcr.io/acme/a", "kubeflow", False),
    ],
)
def test_the_registrys_login_belongs_to_the_repository(registry, engine, required):
    platform = KUBEFLOW if engine == "kubeflow" else {}
    found = {key: value for key, value in secrets(registry=registry, **platform).items() if "REGISTRY" in key[1]}
    names = ("REGISTRY_USERNAME", "REGISTRY_PASSWORD")
    assert found == ({} if required is None else {(needs.REPOSITORY, name): required for name in names})


def test_a_run_that_calls_back_needs_a_token_for_it():
    assert secrets(**KUBEFLOW, production_wait="callback")["production", "DISPATCH_TOKEN"]
    assert not secrets(**KUBEFLOW)["production", "DISPATCH_TOKEN"]


def test_a_tracking_server_on_the_web_may_want_a_login():
    named = {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}
    found = secrets(staging_tracking_uri="https://mlflow.example.org")
    assert named <= {name for environment, name in found if environment == "staging"}
    assert not named & {name for environment, name in found if environment != "staging"}
    assert not named & {name for _, name in secrets(staging_tracking_uri="sqlite:////tmp/x.db")}


def test_variables_hold_what_was_answered_and_nothing_empty():
    found = needs.needed_variables(resolve({**KUBEFLOW, "staging_tracking_uri": "https://mlflow.example.org"}))
    assert {(need.environment, need.name): need.value for need in found} == {
        ("production", "KUBEFLOW_ENDPOINT"): "https://kubeflow.example.org/pipeline",
        ("production", "KUBEFLOW_NAMESPACE"): "team",
        ("staging", "MLFLOW_TRACKING_URI"): "https://mlflow.example.org",
    }


def test_a_fresh_repositorys_sources_follow_from_the_answers():
    assert needs.sources_of_answers(resolve({"data_address": "https://e.org/a.csv", "target": "y"})) == {
        "main": "https://e.org/a.csv"
    }
    assert "sample" in needs.sources_of_answers(resolve({}))


@given(st.text(min_size=1))
def test_whatever_a_source_is_called_its_tokens_name_can_be_used(source):
    assert re.fullmatch(r"DATA_[A-Z0-9_]*TOKEN", needs.data_secret(source, "TOKEN"))


@pytest.mark.parametrize("environment", needs.environment_names(resolve({"reviewers": ["ada"]})))
def test_the_name_at_the_repository_can_be_used(environment):
    assert re.fullmatch(r"[A-Z_]+_X_Y", needs.repository_name(environment, "X_Y"))
    assert needs.repository_name(needs.REPOSITORY, "X_Y") == "X_Y"
    assert needs.branch_of(environment) in BRANCHES
