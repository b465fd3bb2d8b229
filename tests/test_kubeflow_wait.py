"""Waiting for a run: every last state, servers that go away and come back, logins that run out, deadlines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary
from tests.kubeflow import FakeKubeflow, Fault, failing, held, succeeding
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.gate import Gate
from tests.kubeflow.plays import Moment, Play, through
from tests.kubeflow.sdk import Sdk

PASSWORD = canary("dex-password-for-waits")
SPEC = {
    "pipelineInfo": {"name": "demo"},
    "root": {
        "dag": {
            "tasks": {
                "one": {"componentRef": {"name": "comp-one"}},
                "two": {"componentRef": {"name": "comp-two"}, "dependentTasks": ["one"]},
            }
        }
    },
    "components": {"comp-one": {"executorLabel": "a"}, "comp-two": {"executorLabel": "b"}},
}
WAIT = """
import kfp_server_api as api
from pathlib import Path
from helpers.kubeflow_client import Kubeflow
from helpers.kubeflow_config import Kubeflow as Settings
from helpers.kubeflow_login import make_login
from helpers.kubeflow_runs import ensure_experiment, terminate
from helpers.kubeflow_trust import find_place
from helpers.kubeflow_wait import Waiting

environ = dict(given["environ"])
settings = Settings(endpoint=given["address"], namespace=given["namespace"], login=given["login"])
place = find_place(settings, environ, root=Path("/"), folder=Path("/nowhere"), where="config.yaml")
kubeflow = Kubeflow(place, make_login(given["login"], place, lambda: environ), timeout=(5, given.get("timeout", 5)))
kubeflow.connect()
experiment = ensure_experiment(kubeflow, "first")
body = api.V2beta1Run(display_name="a run", experiment_id=experiment, pipeline_spec=given["spec"],
                      runtime_config=api.V2beta1RuntimeConfig(parameters={}))
run_id = kubeflow.call("create the run", "Run", "run_service_create_run", body).run_id
lines = []
waiting = Waiting(kubeflow, run_id, lines.append, poll=0.01, **given["how"])
BEFORE
outcome = waiting.until_end()
result = {"state": outcome.state, "reason": outcome.reason, "lines": lines, "run_id": run_id,
          "steps": [[step.name, step.state, step.message] for step in outcome.steps]}
"""


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    with Sdk(tmp_path_factory.mktemp("sdk")) as sdk:
        yield sdk


@pytest.fixture
def kubeflow() -> Iterator[FakeKubeflow]:
    with FakeKubeflow() as kubeflow:
        yield kubeflow


def wait(sdk: Sdk, kubeflow: FakeKubeflow, before: str = "", login: str = "none", **how: Any) -> Any:
    environ = {"KUBEFLOW_USERNAME": USER, "KUBEFLOW_PASSWORD": PASSWORD}
    timeout = how.pop("timeout", 5)
    how = {"patience": 20, **how}
    return sdk(
        WAIT.replace("BEFORE", before), address=kubeflow.address, namespace=NAMESPACE, login=login, environ=environ,
        spec=SPEC, how=how, timeout=timeout,
    )  # fmt: skip


def test_each_change_of_a_step_is_told_once(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    found = wait(sdk, kubeflow)
    assert found["state"] == "SUCCEEDED"
    assert [line.partition(" (")[0] for line in found["lines"]] == [
        "run: waiting",
        "step one: running",
        "run: running",
        "step one: succeeded",
        "step two: running",
        "step two: succeeded",
    ]


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "SKIPPED", "ERROR", "CANCELED"])
def test_the_wait_ends_on_every_last_state(sdk: Sdk, kubeflow: FakeKubeflow, state: str) -> None:
    kubeflow.play(through("PENDING", "RUNNING", "PAUSED", "RUNNING", state))
    found = wait(sdk, kubeflow)
    assert (found["state"], found["reason"]) == (state, "")
    assert "run: paused" in found["lines"]


def test_a_state_that_is_not_told_yet_is_waited_for(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(through("RUNTIME_STATE_UNSPECIFIED", "RUNNING", "SUCCEEDED"))
    assert wait(sdk, kubeflow)["state"] == "SUCCEEDED"


def test_the_failed_step_and_its_message(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(failing("one", message="main: Error (exit code 1)\nstack"))
    found = wait(sdk, kubeflow)
    assert found["state"] == "FAILED"
    assert found["steps"] == [["one", "FAILED", "main: Error (exit code 1)"], ["two", "SKIPPED", ""]]


def test_kubeflows_own_tasks_are_not_shown(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    names = {step[0] for step in wait(sdk, kubeflow)["steps"]}
    assert names == {"one", "two"}
    kubeflow.play(succeeding())
    assert [step[0] for step in wait(sdk, kubeflow, names=["two"])["steps"]] == ["two"]


@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.UNAVAILABLE, Fault.BROKEN, Fault.MAINTENANCE])
def test_a_server_that_is_away_for_a_while_is_waited_for(sdk: Sdk, kubeflow: FakeKubeflow, fault: Fault) -> None:
    kubeflow.play(succeeding(then={"two": lambda: kubeflow.faults.plan(fault, times=4, path="/runs/")}))
    found = wait(sdk, kubeflow)
    assert found["state"] == "SUCCEEDED"
    away = [line for line in found["lines"] if "Trying again" in line or "answers again" in line]
    assert len(away) == 2


def test_a_server_that_hangs_is_asked_again(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(succeeding(then={"two": lambda: kubeflow.faults.plan(Fault.STALLED, path="/runs/")}))
    assert wait(sdk, kubeflow, timeout=0.3)["state"] == "SUCCEEDED"


def test_a_server_that_is_restarted(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    def restart() -> None:
        # The answer that is being given is not cut off: the server is stopped beside it, as a deployment is.
        threading.Thread(target=stop_and_start).start()

    def stop_and_start() -> None:
        kubeflow.restart()()

    kubeflow.play(succeeding(then={"one": restart}))
    assert wait(sdk, kubeflow)["state"] == "SUCCEEDED"


def test_a_server_that_stays_away_ends_the_waiting_and_not_the_run(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(held(then=lambda: kubeflow.faults.plan(Fault.UNAVAILABLE, times=10_000)))
    found = wait(sdk, kubeflow, patience=0.2)
    assert "The waiting was given up." in found["reason"]
    assert kubeflow.runs[0].terminated is False


def test_the_deadline_ends_the_waiting_and_not_the_run(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(held())
    found = wait(sdk, kubeflow, deadline=0.2)
    assert (found["state"], "has not ended in" in found["reason"]) == ("RUNNING", True)
    assert kubeflow.runs[0].terminated is False


def test_the_deadline_counts_while_the_server_is_away(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(held(then=lambda: kubeflow.faults.plan(Fault.UNAVAILABLE, times=10_000)))
    assert wait(sdk, kubeflow, deadline=0.3, patience=10_000)["reason"]


def test_the_waiting_can_be_stopped(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    kubeflow.play(held())
    assert "stopped" in wait(sdk, kubeflow, "threading.Timer(0.2, waiting.stop.set).start()")["reason"]


@pytest.mark.parametrize("reported", [False, True])
def test_a_run_that_somebody_ends_is_told_as_ended(sdk: Sdk, kubeflow: FakeKubeflow, *, reported: bool) -> None:
    def end() -> None:
        run = kubeflow.runs[0]
        kubeflow.world.terminate(run)
        run.reported = not reported

    kubeflow.play(held(then=end) if reported else Play(lambda _: [Moment("RUNNING", {"one": "RUNNING"}, then=end)]))
    found = wait(sdk, kubeflow)
    assert (kubeflow.runs[0].state, found["state"]) == ("FAILED", "CANCELED")


@pytest.mark.parametrize("fault", [Fault.EXPIRED, Fault.PAGE])
def test_a_login_that_runs_out_in_the_middle_is_renewed(sdk: Sdk, fault: Fault) -> None:
    gate = Gate(proxy=True, passwords={USER: PASSWORD})
    with FakeKubeflow(multi_user=True, gate=gate) as kubeflow:
        kubeflow.play(succeeding(then={"two": lambda: kubeflow.faults.plan(fault, path="/runs/")}))
        found = wait(sdk, kubeflow, login="dex")
    assert (found["state"], gate.logins) == ("SUCCEEDED", 2)


@pytest.mark.parametrize("multi_user", [False, True])
def test_links_lead_to_the_pages_of_runs(sdk: Sdk, *, multi_user: bool) -> None:
    gate = Gate(proxy=multi_user, passwords={USER: PASSWORD})
    with FakeKubeflow(multi_user=multi_user, gate=gate) as kubeflow:
        code = "lines.append(kubeflow.run_link('x'))"
        found = wait(sdk, kubeflow, code, login="dex" if multi_user else "none")
        below = "/pipeline" if multi_user else ""
        assert found["lines"][0] == f"{kubeflow.address}{below}/#/runs/details/x"


def test_a_login_server_that_is_away_when_the_login_runs_out_is_waited_for(sdk: Sdk) -> None:
    gate = Gate(proxy=True, passwords={USER: PASSWORD})

    with FakeKubeflow(multi_user=True, gate=gate) as behind:

        def run_out() -> None:
            behind.faults.plan(Fault.EXPIRED, path="/runs/")
            behind.faults.plan(Fault.UNAVAILABLE, path="/oauth2/start", times=2)

        behind.play(succeeding(then={"two": run_out}))
        found = wait(sdk, behind, login="dex")
    assert found["state"] == "SUCCEEDED"


def test_a_run_that_has_ended_is_not_ended_again(sdk: Sdk, kubeflow: FakeKubeflow) -> None:
    before = "first = waiting.until_end(); assert terminate(kubeflow, run_id) is False; waiting._state = ''"
    assert wait(sdk, kubeflow, before)["state"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("environ", "hours", "expected"),
    [
        ({}, None, None),
        ({}, 2.0, 2.0),
        ({"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"}, 24.0, 5.5),
        ({"GITHUB_ACTIONS": "true"}, None, 5.5),
        ({"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "self-hosted"}, 24.0, 24.0),
        ({"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "self-hosted"}, None, 119.0),
    ],
)
def test_the_wait_ends_before_the_machine_is_taken_away(
    sdk: Sdk, environ: dict[str, str], hours: float | None, expected: float | None
) -> None:
    code = "from helpers.kubeflow_wait import longest_wait; result = longest_wait(given['hours'], given['environ'])"
    found = sdk(code, hours=hours, environ=environ)
    assert found == (None if expected is None else expected * 3600)


def test_the_sdk_is_not_needed_where_it_lies(tmp_path: Path) -> None:
    """What waits imports neither the Kubernetes client nor kfp: a job that only waits is light."""
    with Sdk(tmp_path) as fresh:
        code = "import helpers.kubeflow_wait, sys; result = sorted({'kfp', 'kubernetes'} & set(sys.modules))"
        assert fresh(code) == []
