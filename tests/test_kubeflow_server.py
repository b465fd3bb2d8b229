"""The fake Kubeflow's API server, asked by the real SDK: what the real server was measured to answer, line by line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.canaries import canary
from tests.kubeflow import ContractViolation, FakeKubeflow, Fault, failing, succeeding
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.plays import through
from tests.kubeflow.sdk import InsideError, Sdk

PACKAGE = """
from kfp import compiler, dsl

@dsl.component
def one(rows: int) -> int:
    return rows

@dsl.component
def two(value: int) -> int:
    return value

@dsl.pipeline(name="demo")
def demo(rows: int = 3):
    two(value=one(rows=rows).output)

def write(to):
    compiler.Compiler().compile(demo, to)
"""
CLIENT = """
import kfp
client = kfp.Client(host=given["address"], namespace=given.get("namespace", "team"), existing_token=given.get("token"))
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    with Sdk(tmp_path_factory.mktemp("sdk")) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def package(sdk: Sdk, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("package")
    (folder / "demo_package.py").write_text(PACKAGE)
    path = str(folder / "demo.yaml")
    sdk(
        'import sys; sys.path.insert(0, given["folder"]); import demo_package; demo_package.write(given["to"])',
        folder=str(folder),
        to=path,
    )
    return path


@pytest.fixture
def kubeflow() -> Iterator[FakeKubeflow]:
    with FakeKubeflow() as kubeflow:
        yield kubeflow


@pytest.fixture
def shared() -> Iterator[FakeKubeflow]:
    """For many users, asked without a proxy in front."""
    with FakeKubeflow(multi_user=True) as kubeflow:
        kubeflow.gate.tokens[canary("sdk-token")] = USER
        yield kubeflow


def start(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> str:
    """A run, made as the SDK makes one from a package."""
    code = """
    import kfp
    client = kfp.Client(host=given["address"], namespace="team")
    client._context_setting["namespace"] = ""
    experiment = client.create_experiment("first")
    result = client.run_pipeline(experiment.experiment_id, "a run", given["package"], {"rows": 4}).run_id
    """
    return str(sdk(code, address=kubeflow.address, package=package))


def failed(sdk: Sdk, code: str, **given: object) -> InsideError:
    with pytest.raises(InsideError) as caught:
        sdk(CLIENT + code, **given)
    return caught.value


def test_a_pipeline_of_an_existing_name_is_refused(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    code = """
client.upload_pipeline(given["package"], "demo")
client.upload_pipeline(given["package"], "demo")
"""
    error = failed(sdk, code, address=kubeflow.address, package=package)
    assert (error.kind, error.told["status"]) == ("ApiException", 409)


def test_the_errors_of_an_upload_carry_the_servers_stack(sdk: Sdk, kubeflow: FakeKubeflow, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: 1\n")
    error = failed(sdk, 'client.upload_pipeline(given["package"], "x")', address=kubeflow.address, package=str(bad))
    message = json.loads(str(error.told["body"]))["message"]
    assert (error.told["status"], len(message.splitlines()) > 1) == (400, True)


def test_an_experiment_of_an_existing_name_is_that_one(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    code = """
client._context_setting["namespace"] = ""
result = [client.create_experiment("first").experiment_id for _ in range(2)]
"""
    first, second = sdk(CLIENT + code, address=kubeflow.address)
    assert first == second
    assert len(kubeflow.world.experiments) == 1


@pytest.mark.parametrize("parameters", [{"rows": "four"}, {"rows": True}, {"other": 1}])
def test_a_parameter_that_does_not_fit_is_refused(
    sdk: Sdk, kubeflow: FakeKubeflow, package: str, parameters: dict[str, object]
) -> None:
    code = """
client._context_setting["namespace"] = ""
experiment = client.create_experiment("first")
client.run_pipeline(experiment.experiment_id, "a run", given["package"], given["parameters"])
"""
    error = failed(sdk, code, address=kubeflow.address, package=package, parameters=parameters)
    assert (error.told["status"], kubeflow.runs) == (400, [])


def test_an_unknown_run_is_not_found(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    assert failed(sdk, 'client.get_run("nothing")', address=kubeflow.address).told["status"] == 404


def test_a_pipeline_without_its_version_is_refused_by_the_sdk(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    code = """
pipeline = client.upload_pipeline(given["package"], "demo")
client.run_pipeline("e", "a run", pipeline_id=pipeline.pipeline_id)
"""
    assert failed(sdk, code, address=kubeflow.address, package=package).kind == "ValueError"
    assert not any("/runs" in request for request in kubeflow.requests)


def test_a_run_that_has_ended_cannot_be_ended(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    kubeflow.play(through("SUCCEEDED"))
    run = start(sdk, kubeflow, package)
    code = 'client.get_run(given["run"]); client.terminate_run(given["run"])'
    error = failed(sdk, code, address=kubeflow.address, run=run)
    assert error.told["status"] == 400
    assert "Row not found" in str(error.told["body"])


def test_a_pipeline_with_versions_cannot_be_deleted(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    code = """
pipeline = client.upload_pipeline(given["package"], "demo").pipeline_id
try:
    client.delete_pipeline(pipeline)
except Exception as error:
    result = [error.status]
for version in client.list_pipeline_versions(pipeline).pipeline_versions:
    client.delete_pipeline_version(pipeline, version.pipeline_version_id)
client.delete_pipeline(pipeline)
"""
    assert sdk(CLIENT + code, address=kubeflow.address, package=package) == [400]
    assert kubeflow.world.pipelines == {}


def test_a_failed_run_is_retried_over_rest(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    kubeflow.play(failing("two"))
    run = start(sdk, kubeflow, package)
    while kubeflow.world.runs[run].state != "FAILED":
        sdk(CLIENT + 'client.get_run(given["run"])', address=kubeflow.address, run=run)
    answer = requests.post(f"{kubeflow.address}/apis/v2beta1/runs/{run}:retry", timeout=10)
    assert (answer.status_code, kubeflow.world.runs[run].state) == (200, "RUNNING")


@pytest.mark.parametrize("reported", [False, True])
def test_an_ended_run_is_canceling_and_then_failed_never_canceled(
    sdk: Sdk, kubeflow: FakeKubeflow, package: str, reported: bool
) -> None:
    if not reported:
        kubeflow.play(through("RUNNING"))
    run = start(sdk, kubeflow, package)
    code = """
client.terminate_run(given["run"])
states = []
for _ in range(4):
    seen = client.get_run(given["run"])
    states.append(seen.state)
result = [states, [entry.state for entry in seen.state_history]]
"""
    states, history = sdk(CLIENT + code, address=kubeflow.address, run=run)
    assert states[-1] == "FAILED"
    assert "CANCELED" not in [*states, *history]
    assert ("CANCELING" in history) is reported


def test_a_failed_run_has_no_error_and_an_unfinished_one_ended_in_1970(
    sdk: Sdk, kubeflow: FakeKubeflow, package: str
) -> None:
    kubeflow.play(failing("two", message="exit code 1"))
    run = start(sdk, kubeflow, package)
    code = """
first = client.get_run(given["run"])
while (seen := client.get_run(given["run"])).state != "FAILED":
    pass
tasks = {task.display_name: task.state for task in seen.run_details.task_details}
result = [str(first.finished_at.year), str(first.error), str(seen.error), tasks["one"], tasks["two"]]
"""
    found = sdk(CLIENT + code, address=kubeflow.address, run=run)
    assert found == ["1970", "None", "None", "SUCCEEDED", "FAILED"]


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "SKIPPED", "ERROR"])
def test_the_sdks_wait_ends_on_these_states(sdk: Sdk, kubeflow: FakeKubeflow, package: str, state: str) -> None:
    kubeflow.play(through("PENDING", "RUNNING", state))
    run = start(sdk, kubeflow, package)
    code = 'result = client.wait_for_run_completion(given["run"], timeout=30, sleep_duration=0).state'
    assert sdk(CLIENT + code, address=kubeflow.address, run=run) == state


def test_the_sdks_wait_never_ends_on_a_cancelled_run(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    kubeflow.play(through("RUNNING", "CANCELED"))
    run = start(sdk, kubeflow, package)
    code = 'client.wait_for_run_completion(given["run"], timeout=0.2, sleep_duration=0)'
    assert failed(sdk, code, address=kubeflow.address, run=run).kind == "TimeoutError"


@pytest.mark.parametrize(
    ("token", "namespace", "status", "words"),
    [
        ("", NAMESPACE, 401, "there is no user identity header"),
        (canary("sdk-token"), "", 400, "cannot have an empty namespace in multi-user mode"),
        (canary("sdk-token"), "somebody-else", 403, "is not authorized"),
        (canary("unknown-token"), NAMESPACE, 401, "Unauthenticated"),
    ],
)
def test_who_may_not_look_is_told_why(
    sdk: Sdk, shared: FakeKubeflow, token: str, namespace: str, status: int, words: str
) -> None:
    code = 'client._context_setting["namespace"] = given["namespace"]; client.list_experiments()'
    error = failed(sdk, code, address=shared.address, token=token, namespace=namespace)
    assert error.told["status"] == status
    assert words in str(error.told["body"])


def test_health_needs_no_identity_and_tells_of_many_users(sdk: Sdk, shared: FakeKubeflow) -> None:
    assert sdk(CLIENT + "result = client.get_kfp_healthz().multi_user", address=shared.address) is True


def test_an_upload_without_identity_is_refused_with_400_and_taken_as_shared_without_a_namespace(
    sdk: Sdk, shared: FakeKubeflow, package: str
) -> None:
    code = 'client.upload_pipeline(given["package"], "mine", namespace=given["namespace"])'
    error = failed(sdk, code, address=shared.address, package=package, namespace=NAMESPACE)
    assert error.told["status"] == 400
    assert "identity" in str(error.told["body"])
    sdk(CLIENT + 'client.upload_pipeline(given["package"], "ours")', address=shared.address, package=package)
    assert [(item.name, item.namespace) for item in shared.world.pipelines.values()] == [("ours", "")]


def test_the_sdk_asks_five_times_for_health_before_it_gives_up(sdk: Sdk, shared: FakeKubeflow) -> None:
    code = "client.get_kfp_healthz(sleep_duration=0)"
    error = failed(sdk, code, address=shared.address, token=canary("unknown-token"))
    assert error.kind == "TimeoutError"
    assert len(shared.requests) == 5


def test_the_sdk_takes_a_page_for_an_empty_result(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    kubeflow.faults.plan(Fault.PAGE, times=3)
    code = """
run = client.get_run("x")
result = [run.run_id, client.get_pipeline_id("demo"), client.upload_pipeline(given["package"], "demo").pipeline_id]
"""
    assert sdk(CLIENT + code, address=kubeflow.address, package=package) == [None, None, None]


def test_the_sdk_reads_the_context_file_in_the_home_folder(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    code = """
import pathlib
file = pathlib.Path.home() / ".config/kfp/context.json"
client.set_user_namespace("from-the-file")
result = [json.loads(file.read_text()), kfp.Client(host=given["address"]).get_user_namespace()]
file.unlink()
"""
    assert sdk(CLIENT + code, address=kubeflow.address) == [{"namespace": "from-the-file"}, "from-the-file"]


def test_many_clients_at_once_make_runs_of_their_own(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    kubeflow.play(succeeding())
    code = """
from concurrent.futures import ThreadPoolExecutor
client._context_setting["namespace"] = ""
experiment = client.create_experiment("first").experiment_id
def make(number):
    return client.run_pipeline(experiment, f"run {number}", given["package"]).run_id
with ThreadPoolExecutor(8) as pool:
    result = list(pool.map(make, range(32)))
"""
    made = sdk(CLIENT + code, address=kubeflow.address, package=package)
    assert len(set(made)) == len(kubeflow.runs) == 32


def test_lists_come_in_pages(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    code = """
client._context_setting["namespace"] = ""
for number in range(5):
    client.create_experiment(f"experiment {number}")
names, token = [], ""
while True:
    page = client.list_experiments(page_size=2, page_token=token)
    names += [item.display_name for item in page.experiments]
    token = page.next_page_token
    if not token:
        break
result = names
"""
    assert sdk(CLIENT + code, address=kubeflow.address) == [f"experiment {number}" for number in range(5)]


def test_what_the_description_does_not_know_is_a_violation() -> None:
    kubeflow = FakeKubeflow().__enter__()
    body = {"display_name": "x", "privat": True}
    answer = requests.post(f"{kubeflow.address}/apis/v2beta1/experiments", json=body, timeout=10)
    assert answer.status_code == 400
    with pytest.raises(ContractViolation, match=r"privat.* is not declared"):
        kubeflow.__exit__(None, None, None)


def test_a_restarted_server_knows_what_it_knew(sdk: Sdk, kubeflow: FakeKubeflow, package: str) -> None:
    run = start(sdk, kubeflow, package)
    again = kubeflow.restart()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{kubeflow.address}/apis/v2beta1/healthz", timeout=10)
    starter = threading.Thread(target=again)
    starter.start()
    starter.join()
    assert sdk(CLIENT + 'result = client.get_run(given["run"]).run_id', address=kubeflow.address, run=run) == run
