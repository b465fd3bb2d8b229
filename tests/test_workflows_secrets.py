"""Where secrets and variables are read: by name, in the step that needs them, else by the name of a repository's."""

from __future__ import annotations

import re
from typing import Any

from mlopsgen.constants import BRANCHES
from tests import workflow_files
from tests.workflow_files import expressions, jobs, renderings, texts

PLATFORM = {"KUBEFLOW_TOKEN", "KUBEFLOW_COOKIE", "KUBEFLOW_USERNAME", "KUBEFLOW_PASSWORD"}
ACCESS = {"SSH_KEY"}
TRACKING = {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}
DATA = {f"DATA_MAIN_{part}" for part in ("TOKEN", "USERNAME", "PASSWORD", "ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN")}
ACTIONS = {
    "SMTP_USERNAME",
    "SMTP_PASSWORD",
    "DISPATCH_TOKEN",
    "WEBHOOK_URL",
    "WEBHOOK_SECRET",
    "JENKINS_USERNAME",
    "JENKINS_TOKEN",
}
AUTHORITY = {"CA_CERTIFICATE"}
REGISTRY = {"REGISTRY_USERNAME", "REGISTRY_PASSWORD"}
UPDATE = "TEMPLATE_UPDATE_TOKEN"

# The steps that read secrets, and the most that each may read.
READERS = {
    "Look for the image in the registry": REGISTRY,
    "Build and push it": REGISTRY,
    "Check data, champion and platform": PLATFORM | ACCESS | TRACKING | DATA | ACTIONS | AUTHORITY,
    "Submit and wait": PLATFORM | ACCESS | TRACKING | AUTHORITY,
    "Terminate the Kubeflow run": PLATFORM | ACCESS | TRACKING | AUTHORITY,
    "Train the model": TRACKING | DATA | AUTHORITY,
    "Train here instead of on the cluster": ACCESS | TRACKING | DATA | AUTHORITY,
    "Act on the result": ACTIONS | AUTHORITY,
    "Compare the data with the last training's": DATA | AUTHORITY,
    "Look for the token": {UPDATE},
    "Open or update the pull request": {"MLOPSGEN_GITHUB_TOKEN"},
}
# The steps that get the job's own token.
TOKEN_READERS = {
    "Decide whether this trains",
    "Look for the image in the registry",
    "Build and push it",
    "Fetch the store of earlier trainings",
    "Check data, champion and platform",
    "Say on the commit that the training goes on",
    "Act on the result",
    "Open or update the pull request to staging",
    "Open or update the pull request to production",
    "Open or update the pull request to the next branch",
    "Compare with the champion of the target",
    "Start watch.yml on each branch",
    "Compare the data with the last training's",
    "Do what the event asks for",
}
_SECRET = re.compile(r"\bsecrets\b(?:\.(\w+))?")


def secrets_in(value: object) -> set[str]:
    """Every secret that a value reads; anything else that is done with ``secrets`` counts as one without a name."""
    return {name for expression in expressions(value) for name in _SECRET.findall(expression)}


def without_steps(document: dict[str, Any]) -> list[object]:
    rest: list[object] = [value for key, value in document.items() if key != "jobs"]
    for body in document["jobs"].values():
        rest += [value for key, value in body.items() if key != "steps"]
        rest += [{key: value for key, value in step.items() if key != "env"} for step in body["steps"]]
    return rest


def test_secrets_are_read_in_the_env_of_a_step_and_nowhere_else() -> None:
    for (name, text), origin in workflow_files.unique().items():
        document = workflow_files.load(text)
        for part in without_steps(document):
            assert not secrets_in(part), (name, origin)
            assert not any("secrets." in word for word in texts(part)), (name, origin)
        assert "secrets: inherit" not in text


def test_no_step_reads_more_than_it_needs() -> None:
    found: dict[str, set[str]] = {}
    for _, _, step in workflow_files.steps():
        read = {key for key, value in step.get("env", {}).items() if secrets_in(value)}
        if read:
            found.setdefault(step["name"], set()).update(read)
    assert found == READERS


def test_only_the_steps_of_the_table_get_the_jobs_token() -> None:
    found = set()
    for _, _, step in workflow_files.steps():
        used = [expression for expression in expressions(step) if "github.token" in expression]
        if used:
            found.add(step["name"])
            assert all("github.token" not in word for word in texts(step.get("with", {})))
    assert found == TOKEN_READERS


def test_each_is_read_by_its_name_then_by_that_of_the_repository() -> None:
    for name, job, body in jobs():
        environment = body.get("environment", "")
        prefix = environment.upper().replace("-", "_")
        for step in body["steps"]:
            for key, value in step.get("env", {}).items():
                if not secrets_in(value):
                    continue
                if name == "template-update.yml":
                    pattern = rf"\$\{{\{{ secrets\.{UPDATE} \}}\}}"
                elif job == "image":
                    pattern = rf"\$\{{\{{ secrets\.{key}( \|\| github\.(actor|token))? \}}\}}"
                else:
                    pattern = rf"\$\{{\{{ secrets\.{key} \|\| secrets\.{prefix}_{key} \}}\}}"
                assert re.fullmatch(pattern, value), (name, job, key, value)
        for key, value in body.get("env", {}).items():
            assert value == f"${{{{ vars.{key} || vars.{prefix}_{key} }}}}", (name, job, key)


def test_a_pull_request_reads_no_secret_at_all() -> None:
    for rendering in renderings():
        for name in ("pull-request.yml", "data-watch.yml", "follow-up.yml"):
            assert not secrets_in(rendering.workflows[name])
            assert "vars." not in rendering.files[f"{workflow_files.FOLDER}/{name}"]


def test_a_login_reads_just_its_own_secrets() -> None:
    names = {
        "none": set(),
        "token": {"KUBEFLOW_TOKEN"},
        "service-account": {"KUBEFLOW_TOKEN"},
        "cookie": {"KUBEFLOW_COOKIE"},
        "dex": {"KUBEFLOW_USERNAME", "KUBEFLOW_PASSWORD"},
    }
    seen = set()
    for rendering in renderings():
        for branch in BRANCHES:
            job = rendering.workflows[f"{branch}.yml"]["jobs"]["train"]
            read = {key for step in job["steps"] for key in step.get("env", {})} & PLATFORM
            login = (
                rendering.answers[f"{branch}_login"] if rendering.answers[f"{branch}_engine"] == "kubeflow" else "none"
            )
            assert read == names[str(login)]
            seen.add(login)
    assert seen == set(names)


def test_only_a_branch_behind_an_ssh_server_reads_its_key() -> None:
    seen = set()
    for rendering in renderings():
        for branch in BRANCHES:
            job = rendering.workflows[f"{branch}.yml"]["jobs"]["train"]
            readers = {step["name"] for step in job["steps"] if "SSH_KEY" in step.get("env", {})}
            behind = rendering.answers[f"{branch}_access"] == "ssh"
            assert readers == ({name for name, read in READERS.items() if "SSH_KEY" in read} if behind else set())
            seen.add(behind)
    assert seen == {True, False}


def test_data_is_read_with_the_credentials_of_its_kind() -> None:
    for rendering in renderings():
        scheme = (
            str(rendering.answers["data_address"]).partition("://")[0]
            if "://" in str(rendering.answers["data_address"])
            else ""
        )
        wanted = {
            "": set(),
            "s3": {"DATA_MAIN_ACCESS_KEY", "DATA_MAIN_SECRET_KEY", "DATA_MAIN_SESSION_TOKEN"},
            "dvc+https": DATA - {"DATA_MAIN_SESSION_TOKEN"},
            **{name: {"DATA_MAIN_USERNAME", "DATA_MAIN_PASSWORD"} for name in ("postgresql", "mysql", "mariadb")},
        }.get(scheme, {"DATA_MAIN_TOKEN", "DATA_MAIN_USERNAME", "DATA_MAIN_PASSWORD"})
        for branch in BRANCHES:
            watch = rendering.workflows["watch.yml"]["jobs"][branch]
            train = rendering.workflows[f"{branch}.yml"]["jobs"]["train"]
            for job in (watch, train):
                assert {key for step in job["steps"] for key in step.get("env", {})} & DATA == wanted
