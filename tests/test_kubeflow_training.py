"""Whole trainings on Kubeflow: what is submitted is really run, its report comes back from a real MLflow server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary, found_in
from tests.kubeflow import FakeKubeflow, Fault, held
from tests.kubeflow.executor import Executor
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.gate import Gate
from tests.kubeflow.mlflow_server import mlflow_server
from tests.kubeflow.stage import Said, Stage

PASSWORD = canary("dex-password-of-a-training")
IMAGE = ("--image", f"registry.example/demo@sha256:{'a' * 64}")
JUDGE = '''

def judge(count: int, context: str) -> bool:
    """Refuses what has few rows, as a gate does."""
    from helpers import tracking
    from helpers.context import RunContext
    from helpers.records import Baseline, Decision

    if count < 1:
        raise ValueError("there is not a single row")
    outcome = "first" if count >= 3 else "rejected"
    decision = Decision(
        outcome=outcome, passed=count >= 3, reasons=["counted"], metrics=[], baseline=Baseline(kind="none")
    )
    tracking.log_document(RunContext.from_json(context), tracking.DECISION, decision)
    return count >= 3
'''


class Trainings:
    """A repository that trains on a cluster behind oauth2-proxy and Dex."""

    def __init__(self, stage: Stage, kubeflow: FakeKubeflow, uri: str) -> None:
        self.stage, self.kubeflow, self.uri = stage, kubeflow, uri

    def configure(self, **kubeflow: Any) -> None:
        settings = {"endpoint": self.kubeflow.address, "namespace": NAMESPACE, "login": "dex", **kubeflow}
        self.stage.configure({**settings, "poll_seconds": 0.2}, tracking={"uri": self.uri})

    def submit(self, *arguments: str, **environ: str) -> Said:
        secrets = {"KUBEFLOW_USERNAME": USER, "KUBEFLOW_PASSWORD": PASSWORD}
        return self.stage.run("submit", *IMAGE, "--output", "json", *arguments, **secrets, **environ)


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(scope="module")
def trainings(uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainings]:
    folder = tmp_path_factory.mktemp("trainings")
    gate = Gate(proxy=True, passwords={USER: PASSWORD})
    with FakeKubeflow(multi_user=True, gate=gate) as kubeflow:
        stage = Stage(folder / "repository", folder)
        steps = stage.root / "src" / "steps" / "small.py"
        steps.write_text(steps.read_text() + JUDGE)
        pipeline = stage.root / "src" / "pipelines" / "pipeline.yaml"
        pipeline.write_text(pipeline.read_text().replace("check-rows", "judge-rows").replace(":check", ":judge"))
        environ = {"PYTHONPATH": str(stage.root / "src"), "MLOPSGEN_ROOT": str(stage.root), "MLFLOW_TRACKING_URI": uri}
        Executor(kubeflow, folder / "cluster", environ=environ).attach()
        made = Trainings(stage, kubeflow, uri)
        made.configure()
        yield made


@pytest.fixture(scope="module")
def trained(trainings: Trainings) -> Said:
    """A training whose login runs out in the middle: nobody notices."""
    before = trainings.kubeflow.gate.logins  # tests run in any order: others may have logged in
    trainings.kubeflow.faults.plan(Fault.EXPIRED, path="/apis/v2beta1/runs/")
    said = trainings.submit("--trigger", "push", "--actor", "ada", GITHUB_RUN_NUMBER="1")
    assert said.code == 0, said.all
    assert trainings.kubeflow.gate.logins == before + 2
    return said


def test_a_training_comes_back_with_its_report(trainings: Trainings, trained: Said) -> None:
    data = trained.document["data"]
    report = json.loads(Path(data["report"]["json"]).read_text())
    assert (report["run"]["engine"], report["branch"]) == ("kubeflow", "development")
    assert (report["actor"], report["trigger"]) == ("ada", "push")
    states = {step["name"]: step["state"] for step in report["steps"]}
    assert states == {"count-rows": "succeeded", "judge-rows": "succeeded"}
    run = next(run for run in trainings.kubeflow.runs if run.body["display_name"].endswith("-1"))
    assert (data["kubeflow"]["run_id"], data["kubeflow"]["state"]) == (run.id, "SUCCEEDED")
    told = [line for line in trained.progress.splitlines() if line.startswith("step judge-rows")]
    assert told[-1].startswith("step judge-rows: succeeded")
    assert not found_in(trained.all)
    state = json.loads((Path(data["directory"]) / "run.json").read_text())
    assert (state["run_id"], state["kubeflow"]["run_id"]) == (data["run_id"], run.id)


def test_a_job_that_is_run_again_brings_the_same_report(trainings: Trainings, trained: Said) -> None:
    before = len(trainings.kubeflow.runs)
    again = trainings.submit(GITHUB_RUN_NUMBER="1", GITHUB_RUN_ATTEMPT="2")
    assert again.code == 0, again.all
    assert again.document["data"]["run_id"] == trained.document["data"]["run_id"]
    assert len(trainings.kubeflow.runs) == before


def test_a_cluster_that_writes_elsewhere(trainings: Trainings, trained: Said) -> None:
    run_id = trained.document["data"]["kubeflow"]["run_id"]
    given = trainings.kubeflow.world.runs[run_id].body["runtime_config"]["parameters"]
    before = given["context"]
    given["context"] = json.dumps({**json.loads(before), "submission": "written-elsewhere"})
    said = trainings.submit("--resume", run_id)
    given["context"] = before
    assert said.code == 1
    assert "holds no run of the submission" in said.document["error"]["message"]


def test_a_gate_that_says_no(trainings: Trainings) -> None:
    said = trainings.submit("--param", "rows=2")
    assert said.code == 6, said.all
    assert said.document["data"]["outcome"] == "rejected"


def test_a_step_that_fails_says_why(trainings: Trainings) -> None:
    said = trainings.submit("--param", "rows=0")
    assert said.code == 1, said.all
    error = said.document["error"]
    assert (error["where"], "there is not a single row" in error["message"]) == ("judge-rows", True)
    report = json.loads(Path(said.document["data"]["report"]["json"]).read_text())
    assert (report["decision"]["outcome"], report["failure"]["step"]) == ("failed", "judge-rows")


def test_a_run_that_was_ended_is_killed_in_mlflow_as_well(trainings: Trainings) -> None:
    play, started = trainings.kubeflow.world.play, trainings.kubeflow.api.started
    trainings.kubeflow.play(held())
    trainings.kubeflow.on_start(lambda *_: None)
    try:
        assert trainings.submit("--no-wait").code == 0
        run = trainings.kubeflow.runs[-1]
        mlflow_run = begun(trainings.uri, json.loads(run.body["runtime_config"]["parameters"]["context"]))
        ended = trainings.submit("--terminate", run.id)
        resumed = trainings.submit("--resume", run.id)
    finally:
        trainings.kubeflow.world.play, trainings.kubeflow.api.started = play, started
    assert ended.code == 0, ended.all
    assert ended.document["data"] == {"pipeline": "training", "terminated": [run.id], "recorded": [mlflow_run]}
    found = mlflow(trainings.uri, f"runs/get?run_id={mlflow_run}")["run"]
    tags = {tag["key"]: tag["value"] for tag in found["data"]["tags"]}
    assert (found["info"]["status"], tags["mlopsgen.status"]) == ("KILLED", "killed")
    assert (resumed.code, resumed.document["data"]["run_id"]) == (1, mlflow_run)
    report = json.loads(Path(resumed.document["data"]["report"]["json"]).read_text())
    assert (report["run"]["status"], report["decision"]["outcome"]) == ("failed", "failed")
    assert report["failure"]["message"] == "The run was ended with submit --terminate before it was done."


def begun(uri: str, context: dict[str, Any]) -> str:
    """The MLflow run as the first step on the cluster begins it."""
    name = f"{context['project']}-{context['pipeline']}-{context['branch']}"
    try:
        experiment = mlflow(uri, f"experiments/get-by-name?experiment_name={name}")["experiment"]["experiment_id"]
    except urllib.error.HTTPError:
        experiment = mlflow(uri, "experiments/create", {"name": name})["experiment_id"]
    tags = [{"key": f"mlopsgen.{key}", "value": str(value)} for key, value in context.items() if value]
    made = mlflow(uri, "runs/create", {"experiment_id": experiment, "start_time": 1, "tags": tags})
    return str(made["run"]["info"]["run_id"])


def mlflow(uri: str, call: str, document: dict[str, Any] | None = None) -> Any:
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(f"{uri}/api/2.0/mlflow/{call}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
