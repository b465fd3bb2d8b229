"""``submit`` against the fake Kubeflow: what it makes there, what it never makes twice, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary
from tests.kubeflow import FakeKubeflow, Fault, failing, held, succeeding
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.gate import Gate
from tests.kubeflow.plays import through
from tests.kubeflow.sdk import Sdk
from tests.kubeflow.stage import Said, Stage, interrupt, until

IMAGE = ("--image", f"registry.example/demo@sha256:{'a' * 64}")
NOWHERE = "http://127.0.0.1:9"
CALLBACK = {"github": {"token": "DISPATCH_TOKEN"}}
VERB = """
import sys
from pathlib import Path
from helpers.command_line import main
sys.stderr = sys.stdout
result = main(Path(given["file"]), argv=given["argv"], environ=given["environ"])
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    with Sdk(tmp_path_factory.mktemp("sdk")) as sdk:
        yield sdk


@pytest.fixture
def kubeflow() -> Iterator[FakeKubeflow]:
    with FakeKubeflow() as kubeflow:
        yield kubeflow


@pytest.fixture
def stage(tmp_path: Path, home: Path) -> Stage:
    return Stage(tmp_path / "repository", home)


class Verbs:
    """Runs verbs of a repository, in the process of the SDK."""

    def __init__(self, sdk: Sdk, stage: Stage) -> None:
        self.sdk, self.stage = sdk, stage

    def __call__(self, *argv: str, branch: str = "development", **environ: str) -> Said:
        file = self.stage.root / "src" / "pipelines" / branch / "main.py"
        given = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.stage.home),
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            **environ,
        }
        code = self.sdk(VERB, file=str(file), argv=list(argv), environ=given)
        return Said(code, self.sdk.printed, "")

    def submit(self, *argv: str, branch: str = "development", **environ: str) -> Said:
        """Submits a package whose code is in an image."""
        return self("submit", *IMAGE, *argv, branch=branch, **environ)


@pytest.fixture
def verbs(sdk: Sdk, stage: Stage, kubeflow: FakeKubeflow) -> Verbs:
    stage.configure({"endpoint": kubeflow.address}, tracking={"uri": NOWHERE})
    return Verbs(sdk, stage)


def commit(stage: Stage) -> str:
    """Puts the repository under git."""
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first", "--allow-empty"]):
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=stage.root, check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=stage.root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def only_run(kubeflow: FakeKubeflow) -> Any:
    (run,) = kubeflow.runs
    return run


def context_of(run: Any) -> Any:
    return json.loads(run.body["runtime_config"]["parameters"]["context"])


def test_what_a_submission_makes(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    (stage.root / ".gitignore").write_text("runs/\n")
    name = commit(stage)
    said = verbs.submit("--no-wait", "--param", "rows=7", "--promote", "--trigger", "push", GITHUB_RUN_NUMBER="12")
    assert said.code == 0, said.all
    run = only_run(kubeflow)
    (pipeline,) = kubeflow.world.pipelines.values()
    assert (pipeline.name, pipeline.versions[-1].name) == ("demo-training", name)
    assert run.experiment.name == "demo-training-development"
    assert run.name == f"development-{name[:7]}-12"
    assert run.body["runtime_config"]["parameters"]["rows"] == 7
    context = context_of(run)
    assert (context["submission"], context["commit"], context["promote"]) == (run.name, name, True)
    assert pipeline.versions[-1].tags == {"branch": "development", "commit": name, "pipeline": "training"}
    assert f"{kubeflow.address}/#/runs/details/{run.id}" in said.all


def test_the_same_job_run_again_goes_on_with_its_run(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(held())
    first = verbs.submit("--no-wait", GITHUB_RUN_NUMBER="3")
    again = verbs.submit("--no-wait", GITHUB_RUN_NUMBER="3", GITHUB_RUN_ATTEMPT="2")
    assert (first.code, again.code, len(kubeflow.runs)) == (0, 0, 1)
    assert "going on with" in again.all
    verbs.submit("--no-wait", GITHUB_RUN_NUMBER="4")
    assert len(kubeflow.runs) == 2


def test_a_run_that_failed_is_tried_again_under_a_name_of_its_own(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    for number in range(2):
        verbs.submit("--no-wait", GITHUB_RUN_NUMBER="3")
        assert len(kubeflow.runs) == number + 1
        kubeflow.world.set_state(kubeflow.runs[-1], "FAILED")
    verbs.submit("--no-wait", GITHUB_RUN_NUMBER="3")
    assert [run.name.rpartition("uncommitted-")[2] for run in kubeflow.runs] == ["3", "3-2", "3-3"]
    assert [context_of(run)["submission"] for run in kubeflow.runs] == [run.name for run in kubeflow.runs]


@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.DROPPED_AFTER, Fault.UNAVAILABLE])
@pytest.mark.parametrize("path", ["/experiments", "/pipelines/upload", "/pipelines/upload_version", "/runs"])
def test_a_server_that_goes_away_while_it_is_told_is_told_once(
    verbs: Verbs, kubeflow: FakeKubeflow, fault: Fault, path: str
) -> None:
    kubeflow.faults.plan(fault, path=path, method="POST")
    said = verbs.submit("--no-wait")
    assert said.code == 0, said.all
    world = kubeflow.world
    assert (len(world.runs), len(world.pipelines), len(world.experiments)) == (1, 1, 1)


def test_two_packages_of_one_commit_are_two_versions(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    (stage.root / ".gitignore").write_text("runs/\n")
    name = commit(stage)
    verbs.submit("--no-wait")
    verbs.submit("--no-wait")
    verbs("submit", "--image", f"registry.example/demo@sha256:{'b' * 64}", "--no-wait")
    (pipeline,) = kubeflow.world.pipelines.values()
    names = [version.name for version in pipeline.versions]
    assert names[:2] == ["demo-training", name]
    assert (len(names), names[2].startswith(f"{name}-")) == (3, True)


def test_a_package_that_was_compiled_before(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    package = stage.root / "made.yaml"
    assert verbs("compile", *IMAGE, "--to", str(package)).code == 0
    assert verbs("submit", "--package", str(package), "--no-wait").code == 0
    (pipeline,) = kubeflow.world.pipelines.values()
    assert pipeline.versions[-1].package == package.read_bytes()


@pytest.mark.parametrize("text", ["a: 1", "not: [yaml", ""])
def test_a_package_that_is_none(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow, text: str) -> None:
    package = stage.root / "made.yaml"
    package.write_text(text)
    said = verbs("submit", "--package", str(package), "--no-wait")
    assert (said.code, kubeflow.runs) == (2, []), said.all


def test_wrong_parameters_are_refused_before_anything_is_asked(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    assert verbs.submit("--param", "rows=many").code == 2
    assert verbs.submit("--param", "lines=1").code == 2
    assert not kubeflow.world.pipelines


def test_the_failed_step_its_last_lines_and_the_link(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    log = "".join(f"line {number}\n" for number in range(100)) + "ValueError: no rows\n"
    kubeflow.play(failing("check-rows", message="main: Error (exit code 1)", log=log))
    said = verbs.submit()
    assert said.code == 1
    assert "step check-rows failed: main: Error (exit code 1)" in said.all
    assert "ValueError: no rows" in said.all
    assert "line 10\n" not in said.all
    assert f"/#/runs/details/{only_run(kubeflow).id}" in said.all


def test_a_failure_without_a_log_and_without_a_step(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(through("PENDING", "FAILED"))
    said = verbs.submit("--output", "json")
    assert (said.code, "names no step" in said.all) == (1, True)


def test_a_success_that_mlflow_cannot_tell_of_is_no_success(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(succeeding())
    said = verbs.submit()
    assert said.code == 1
    assert "succeeded, and its result cannot be read from MLflow" in said.all
    assert "kubeflow.wait: callback" in said.all or "tracking.uri" in said.all


def test_a_store_in_a_file_is_refused_before_any_compute(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    stage.configure({"endpoint": kubeflow.address})
    said = verbs.submit()
    assert (said.code, kubeflow.requests) == (2, [])
    assert "MLflow server" in said.all
    stage.configure({"endpoint": kubeflow.address, "wait": "callback"}, cluster_secrets=CALLBACK)
    assert verbs.submit().code == 0


def test_a_callback_that_nobody_may_send_is_refused_before_any_compute(
    verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow
) -> None:
    stage.configure({"endpoint": kubeflow.address, "wait": "callback"}, tracking={"uri": NOWHERE})
    said = verbs.submit()
    assert (said.code, kubeflow.requests) == (2, [])
    assert "DISPATCH_TOKEN" in said.all


def test_the_deadline_ends_the_waiting_and_says_how_to_go_on(
    verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow
) -> None:
    stage.configure({"endpoint": kubeflow.address, "deadline_hours": 0.0001}, tracking={"uri": NOWHERE})
    kubeflow.play(held())
    said = verbs.submit()
    run = only_run(kubeflow)
    assert (said.code, run.terminated) == (5, False)
    assert f"submit --resume {run.id}" in said.all


def test_a_login_that_cannot_be_renewed_says_that_the_run_goes_on(stage: Stage, sdk: Sdk) -> None:
    old = canary("password-before")
    gate = Gate(proxy=True, passwords={USER: old})
    with FakeKubeflow(multi_user=True, gate=gate) as kubeflow:

        def change() -> None:
            gate.passwords[USER] = canary("password-after")
            gate.expire()

        kubeflow.play(held(then=change))
        settings = {"endpoint": kubeflow.address, "namespace": NAMESPACE, "login": "dex"}
        stage.configure(settings, tracking={"uri": NOWHERE})
        said = Verbs(sdk, stage).submit(KUBEFLOW_USERNAME=USER, KUBEFLOW_PASSWORD=old)
        run = only_run(kubeflow)
    assert said.code == 4, said.all
    assert f"submit --resume {run.id}" in said.all
    assert "The run goes on" in said.all


def test_going_on_with_a_run(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(failing("check-rows"))
    verbs.submit("--no-wait")
    run = only_run(kubeflow)
    said = verbs("submit", "--resume", run.id)
    assert (said.code, len(kubeflow.runs)) == (1, 1)
    assert "step check-rows failed" in said.all
    assert "finish-run failed" not in said.all


def test_going_on_with_what_is_not_there_or_not_ours(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    unknown = verbs("submit", "--resume", "nothing")
    assert (unknown.code, "knows no run 'nothing'" in unknown.all) == (1, True)
    verbs.submit("--no-wait")
    stage.configure({"endpoint": kubeflow.address}, branch="staging", tracking={"uri": NOWHERE})
    other = verbs("submit", "--resume", only_run(kubeflow).id, branch="staging")
    assert (other.code, "pipelines.development.main" in other.all) == (2, True)


def test_ending_a_run(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(held())
    verbs.submit("--no-wait")
    run = only_run(kubeflow)
    ended = verbs("submit", "--terminate", run.id)
    assert (ended.code, run.terminated, run.state) == (0, True, "FAILED"), "it was waited for"
    assert "Its MLflow run was left as it is: The MLflow store cannot be used" in ended.all
    again = verbs("submit", "--terminate", run.id)
    assert (again.code, "had ended already" in again.all) == (0, True)


def test_a_cancelled_workflow_ends_what_it_has_submitted(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    stage.configure({"endpoint": kubeflow.address})  # and no MLflow server, as with wait: callback
    kubeflow.play(held())
    nothing = verbs("submit", "--terminate", GITHUB_RUN_NUMBER="7")
    assert (nothing.code, "no run to end" in nothing.all) == (0, True)
    for number in ("7", "8"):
        verbs.submit("--no-wait", GITHUB_RUN_NUMBER=number)
    ended = verbs("submit", "--terminate", GITHUB_RUN_NUMBER="7")
    assert (ended.code, "No MLflow server is named here" in ended.all) == (0, True)
    assert [run.terminated for run in kubeflow.runs] == [True, False]


def test_the_last_run_is_ended_by_hand(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    stage.configure({"endpoint": kubeflow.address})
    kubeflow.play(held())
    assert verbs("submit", "--terminate").code == 2
    verbs.submit("--no-wait")
    assert verbs("submit", "--terminate").code == 0
    assert only_run(kubeflow).terminated


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_waiting_is_told_that_the_run_goes_on(
    stage: Stage, kubeflow: FakeKubeflow, number: signal.Signals
) -> None:
    stage.configure({"endpoint": kubeflow.address}, tracking={"uri": NOWHERE})
    kubeflow.play(held())
    process = stage.start("submit", *IMAGE)
    until(lambda: kubeflow.runs and kubeflow.runs[0].looks > 3)
    said = interrupt(process, number=number)
    assert said.code == 130, said.all
    assert f"submit --terminate {only_run(kubeflow).id}" in said.all
    assert not only_run(kubeflow).terminated


@pytest.mark.parametrize(("wait", "state"), [("callback", "submitted"), ("none", "unwatched")])
def test_who_does_not_wait(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow, wait: str, state: str) -> None:
    stage.configure({"endpoint": kubeflow.address, "wait": wait}, cluster_secrets=CALLBACK)
    outputs = stage.root / "outputs"
    said = verbs.submit(GITHUB_OUTPUT=str(outputs))
    assert said.code == 0, said.all
    run_id = only_run(kubeflow).id
    assert re.fullmatch(rf"state<<(\S+)\n{state}\n\1\nrun-id<<(\S+)\n{run_id}\n\2\n", outputs.read_text())


def test_a_branch_that_trains_elsewhere(verbs: Verbs, stage: Stage) -> None:
    path = stage.root / "src" / "pipelines" / "development" / "config.yaml"
    path.write_text("version: 1\n")
    said = verbs.submit()
    assert (said.code, "does not train on Kubeflow" in said.all) == (2, True)


def test_many_users_and_no_namespace(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    kubeflow.world.multi_user = True
    said = verbs.submit("--no-wait")
    assert (said.code, "no namespace is named" in said.all) == (2, True)


def test_a_namespace_that_is_somebody_elses(verbs: Verbs, stage: Stage, kubeflow: FakeKubeflow) -> None:
    token = canary("submit-token")
    kubeflow.world.multi_user, kubeflow.gate.tokens[token] = True, USER
    settings = {"endpoint": kubeflow.address, "login": "token"}
    stage.configure({**settings, "namespace": "somebody-else"}, tracking={"uri": NOWHERE})
    said = verbs.submit("--no-wait", KUBEFLOW_TOKEN=token)
    assert (said.code, "kubeflow.namespace" in said.all, token in said.all) == (4, True, False)
    stage.configure({**settings, "namespace": NAMESPACE}, tracking={"uri": NOWHERE})
    assert verbs.submit("--no-wait", KUBEFLOW_TOKEN=token).code == 0
    assert token.encode() not in b"".join(v.package for p in kubeflow.world.pipelines.values() for v in p.versions)


def test_an_old_errors_stack_is_not_shown(verbs: Verbs, kubeflow: FakeKubeflow) -> None:
    kubeflow.world.multi_user = False
    kubeflow.api.operations["POST /apis/v2beta1/pipelines/upload_version"] = kubeflow.api._upload
    said = verbs.submit("--no-wait")
    assert "github.com/kubeflow" not in said.all


def test_a_login_page_is_never_taken_for_a_result(stage: Stage, sdk: Sdk) -> None:
    gate = Gate(proxy=True, older=True)
    with FakeKubeflow(multi_user=True, gate=gate) as kubeflow:
        stage.configure({"endpoint": kubeflow.address, "namespace": NAMESPACE}, tracking={"uri": NOWHERE})
        said = Verbs(sdk, stage).submit("--no-wait")
    assert (said.code, "wants a login" in said.all) == (4, True)
