"""`mlopsgen secrets manifest`: Kubernetes Secrets for what the pipeline names, values to the last byte."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
import yaml

from tests.canaries import canary, found_in
from tests.command_toys import argv, surroundings
from tests.forge_toys import Toy, make_toy
from tests.secret_toys import AWKWARD, dotenv, secrets

PIPELINE = """
version: 1
project: toy
pipelines:
  training:
    steps:
      - {id: pull-data, uses: "steps.pull_data:pull_data", env_from_secret: {data-access: [DATA_MAIN_TOKEN]}}
      - id: train-model
        uses: steps.train_model:train_model
        env_from_secret: {data-access: [DATA_MAIN_TOKEN], db: {password: DB_PASSWORD}}
"""
VALUES = {"DATA_MAIN_TOKEN": canary("data"), "STAGING_DATA_MAIN_TOKEN": canary("staging"), "DB_PASSWORD": canary("db")}


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = make_toy(tmp_path)
    (toy.folder / "src" / "pipelines" / "pipeline.yaml").write_text(PIPELINE)
    config = toy.folder / "src" / "pipelines" / "staging" / "config.yaml"
    config.write_text("version: 1\nengine: kubeflow\nkubeflow: {namespace: team-staging}\nimage: ghcr.io/octo/toy:1\n")
    toy.commit("Name Secrets")
    return toy


@pytest.fixture
def given(tmp_path: Path) -> str:
    return str(dotenv(tmp_path / "given.env", VALUES))


def documents(toy: Toy, *arguments: str, **more: str) -> dict[str, dict[str, str]]:
    """The values of each Secret."""
    done = secrets(toy, "manifest", *arguments, **more)
    assert done.returncode == 0, done.stderr
    assert not found_in(done.stderr)
    found = list(yaml.safe_load_all(done.stdout))
    assert all(document["apiVersion"] == "v1" and document["kind"] == "Secret" for document in found)
    return {
        d["metadata"]["name"]: {key: base64.b64decode(value).decode() for key, value in d["data"].items()}
        for d in found
    }


def test_every_secret_that_a_step_names_is_there_with_its_keys(toy: Toy, given: str) -> None:
    found = documents(toy, "--branch", "staging", "--from-file", given)
    assert found == {"data-access": {"DATA_MAIN_TOKEN": canary("staging")}, "db": {"password": canary("db")}}
    done = secrets(toy, "manifest", "--branch", "staging", "--from-file", given)
    metadata = [document["metadata"] for document in yaml.safe_load_all(done.stdout)]
    assert {one["namespace"] for one in metadata} == {"team-staging"}
    assert "2 Secrets for namespace team-staging: data-access, db" in done.stderr
    other = secrets(toy, "manifest", "-b", "development", "-n", "mine", "--from-file", given)
    assert {document["metadata"]["namespace"] for document in yaml.safe_load_all(other.stdout)} == {"mine"}
    assert documents(toy, "-b", "development", "--from-file", given)["data-access"] == {
        "DATA_MAIN_TOKEN": canary("data")
    }


@pytest.mark.parametrize("shape", AWKWARD)
def test_any_value_is_in_the_manifest_to_the_last_byte(toy: Toy, shape: str) -> None:
    variables = {f"MLOPSGEN_SECRET_{name}": AWKWARD[shape] for name in ("DATA_MAIN_TOKEN", "DB_PASSWORD")}
    found = documents(toy, "--branch", "staging", **variables)
    assert found["db"] == {"password": AWKWARD[shape]}
    assert found["data-access"] == {"DATA_MAIN_TOKEN": AWKWARD[shape]}


def test_registry_and_authority_get_the_form_that_kubernetes_wants(toy: Toy, tmp_path: Path) -> None:
    config = toy.folder / "src" / "pipelines" / "staging" / "config.yaml"
    config.write_text(config.read_text() + "image_pull_secret: pull\nca_secret: authority\n")
    values = {"REGISTRY_USERNAME": "ada", "REGISTRY_PASSWORD": canary("registry"), "CA_CERTIFICATE": AWKWARD["lines"]}
    given = dotenv(tmp_path / "given.env", VALUES | values)
    found = documents(toy, "--branch", "staging", "--from-file", str(given))
    login = json.loads(found["pull"][".dockerconfigjson"])["auths"]["ghcr.io"]
    assert (login["username"], login["password"]) == ("ada", canary("registry"))
    assert base64.b64decode(login["auth"]).decode() == f"ada:{canary('registry')}"
    assert found["authority"] == {"ca.crt": AWKWARD["lines"]}
    done = secrets(toy, "manifest", "--branch", "staging", "--from-file", str(given))
    kinds = {document["metadata"]["name"]: document["type"] for document in yaml.safe_load_all(done.stdout)}
    assert kinds["pull"] == "kubernetes.io/dockerconfigjson"
    assert kinds["db"] == "Opaque"


def test_what_a_branch_gives_to_every_step_is_there_and_what_is_empty_is_not(toy: Toy, tmp_path: Path) -> None:
    config = toy.folder / "src" / "pipelines" / "staging" / "config.yaml"
    config.write_text(
        config.read_text()
        + "registry: registry.example.org:5000/ml/toy\nimage_pull_secret: pull\nca_secret: trust/chain.pem\n"
        + "cluster_secrets: {toy-staging: {dispatch: DISPATCH_TOKEN, uri: MLFLOW_TRACKING_URI}}\n"
    )
    with (toy.folder / ".copier-answers.yml").open("a") as file:
        file.write("staging_tracking_uri: https://mlflow.example.org\n")
    values = {
        "REGISTRY_USERNAME": "ada", "REGISTRY_PASSWORD": canary("registry"), "CA_CERTIFICATE": "PEM",
        "DISPATCH_TOKEN": canary("dispatch"),
    }  # fmt: skip
    given = str(dotenv(tmp_path / "given.env", VALUES | values))
    found = documents(toy, "--branch", "staging", "--from-file", given)
    assert found["toy-staging"] == {"dispatch": canary("dispatch"), "uri": "https://mlflow.example.org"}
    assert found["trust"] == {"chain.pem": "PEM"}
    assert list(json.loads(found["pull"][".dockerconfigjson"])["auths"]) == ["registry.example.org:5000"]
    config.write_text('version: 1\nimage_pull_secret: ""\nca_secret: ""\ncluster_secrets: {}\n')
    assert set(documents(toy, "--branch", "staging", "--from-file", given)) == {"data-access", "db"}


def test_a_terminal_is_refused_unless_it_is_asked_for(toy: Toy, given: str) -> None:
    def shown(*arguments: str) -> tuple[str, int]:
        words = argv("secrets", "manifest", "--branch", "staging", "--from-file", given, *arguments)
        text, status = pexpect.run(
            " ".join(f"'{word}'" for word in words), cwd=str(toy.folder), env=surroundings(toy), withexitstatus=True
        )
        return text.decode(), status

    text, status = shown()
    assert status == 2
    assert "kubectl apply -f -" in text
    assert not found_in(text)
    text, status = shown("--show")
    assert status == 0
    assert found_in(text)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--branch", "main"), 2, "no branch 'main'"),
        (("--branch", "staging", "--namespace", "No!"), 2, "cannot be a namespace"),
        (("--branch", "staging"), 2, "no value for DATA_MAIN_TOKEN, which the Secret 'data-access' holds"),
        (("--branch", "staging", "--output", "json"), 2, "never become part of an envelope"),
    ],
)
def test_what_is_missing_or_impossible_is_said(toy: Toy, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = secrets(toy, "manifest", *arguments)
    assert done.returncode == code
    assert words in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pipelines: {training: {steps: [{id: a, uses: 'b:c'}]}}", "names no Secret"),
        ("steps: [{env_from_secret: {Big_Name: [A]}}]", "cannot be the name of a Secret"),
        ("steps: [{env_from_secret: {fine: [[]]}}]", "cannot be read"),
        ("steps: [{env_from_secret: only-a-name}]", "names no keys of it"),
        ("steps: [", "not valid YAML"),
    ],
)
def test_a_pipeline_that_says_too_little_is_told_so(toy: Toy, text: str, words: str) -> None:
    (toy.folder / "src" / "pipelines" / "pipeline.yaml").write_text(text)
    done = secrets(toy, "manifest", "--branch", "staging")
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "next:" in done.stderr


def test_a_secret_without_keys_holds_what_steps_may_read(toy: Toy) -> None:
    (toy.folder / "data").mkdir()
    (toy.folder / "data" / "sources.yaml").write_text("version: 1\nsources: {main: {address: 'https://e.org/a.csv'}}\n")
    (toy.folder / "src" / "pipelines" / "pipeline.yaml").write_text("steps: [{env_from_secret: all-of-it}]")
    found = documents(toy, "--branch", "staging", MLOPSGEN_SECRET_DATA_MAIN_TOKEN=canary("data"))
    assert found == {"all-of-it": {"DATA_MAIN_TOKEN": canary("data")}}


def test_a_secret_that_kubernetes_would_not_take_is_refused(toy: Toy) -> None:
    keys = [f"KEY_{number}" for number in range(30)]
    (toy.folder / "src" / "pipelines" / "pipeline.yaml").write_text(f"steps: [{{env_from_secret: {{big: {keys}}}}}]")
    done = secrets(toy, "manifest", "-b", "staging", **{f"MLOPSGEN_SECRET_{key}": "x" * 40_000 for key in keys})
    assert done.returncode == 2
    assert "1,048,576" in done.stderr
