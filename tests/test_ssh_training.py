"""The verbs of a branch behind a real sshd: check, submit through a break, ending, training here."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import canary, found_in
from tests.kubeflow import FakeKubeflow, held
from tests.kubeflow.executor import Executor
from tests.kubeflow.fake import NAMESPACE, USER
from tests.kubeflow.gate import Gate
from tests.kubeflow.mlflow_server import mlflow_server
from tests.kubeflow.stage import Said, Stage, interrupt, until
from tests.servers.sshd import SshServer, ssh_processes, ssh_server
from tests.servers.web_counter import Counter, counted

PASSWORD = canary("dex-password-behind-ssh")
IMAGE = ("--image", f"registry.example/demo@sha256:{'a' * 64}")


class Site:
    """A repository whose Kubeflow, Dex and MLflow server lie behind an ssh server."""

    def __init__(self, stage: Stage, kubeflow: FakeKubeflow, mlflow: Counter, server: SshServer, key: str) -> None:
        self.stage, self.kubeflow, self.mlflow, self.server, self.key = stage, kubeflow, mlflow, server, key

    def configure(self, **ssh: Any) -> None:
        access = {"ssh": {"to": self.server.to, "host_key": self.server.host_key, **ssh}}
        login = {"endpoint": self.kubeflow.address, "namespace": NAMESPACE, "login": "dex"}
        self.stage.configure({**login, "access": access, "poll_seconds": 0.2}, tracking={"uri": self.mlflow.address})

    @property
    def secrets(self) -> dict[str, str]:
        return {"KUBEFLOW_USERNAME": USER, "KUBEFLOW_PASSWORD": PASSWORD, "SSH_KEY": self.key}

    def run(self, *arguments: str, **environ: str) -> Said:
        said = self.stage.run(*arguments, "--output", "json", **{**self.secrets, **environ})
        assert not found_in(said.all)
        assert not ssh_processes(str(self.server.port)), "nothing is left running"
        return said

    def checks(self, **environ: str) -> dict[str, dict[str, Any]]:
        said = self.run("check", **environ)
        return {one["name"]: one for one in said.document["data"]["checks"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    gate = Gate(proxy=True, passwords={USER: PASSWORD})
    with (
        ssh_server() as server,
        mlflow_server(folder) as uri,
        counted(uri) as mlflow,
        FakeKubeflow(multi_user=True, gate=gate) as kubeflow,
    ):
        key = server.make_key("user")
        stage = Stage(folder / "repository", folder)
        environ = {"PYTHONPATH": str(stage.root / "src"), "MLOPSGEN_ROOT": str(stage.root), "MLFLOW_TRACKING_URI": uri}
        Executor(kubeflow, folder / "cluster", environ=environ).attach()
        yield Site(stage, kubeflow, mlflow, server, key)


@pytest.fixture(autouse=True)
def as_it_should_be(site: Site) -> None:
    """Whatever another test did with the server."""
    site.configure()
    site.server.authorize("user")
    if site.server.forwarding != "yes":
        site.server.forwarding = "yes"
        site.server.restart()


def failed(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, one in found.items() if not one["ok"]]


def test_everything_that_is_looked_at_is_reached(site: Site) -> None:
    before = site.mlflow.requests
    found = site.checks()
    assert failed(found) == []
    assert found["ssh tunnel"]["message"] == "the server shows the pinned key and accepts ours"
    assert found["ssh tunnel"]["where"] == site.server.to
    assert found["login"]["message"] == "the user's password is accepted"
    assert found["MLflow"]["message"].endswith(", writable")
    assert site.mlflow.requests > before


def test_nothing_finds_another_way(site: Site) -> None:
    site.server.forwarding = "no"
    site.server.restart()
    asked = len(site.kubeflow.requests), site.mlflow.requests
    found = site.checks()
    assert set(failed(found)) == {"Kubeflow", "MLflow"}
    assert "forbids it" in found["Kubeflow"]["message"] + found["MLflow"]["message"]
    assert (len(site.kubeflow.requests), site.mlflow.requests) == asked


def test_a_key_that_is_refused_is_the_one_thing_that_check_says(site: Site) -> None:
    if not (site.server.home / "other").exists():
        site.server.make_key("other")
    site.server.authorize("other")
    said = site.run("check")
    found = {one["name"]: one for one in said.document["data"]["checks"]}
    assert failed(found) == ["ssh tunnel"]
    assert said.code == 4
    assert "MLflow" not in found, "what lies behind it was not asked"
    missing = site.run("check", SSH_KEY="")
    assert missing.code == 2
    assert "SSH_KEY is not set" in missing.document["error"]["message"]


def test_a_training_goes_on_when_the_connection_breaks_in_the_middle(site: Site) -> None:
    before, cut = len(site.kubeflow.runs), threading.Event()

    def answer(call: Any, original: Any = site.kubeflow.answer) -> Any:
        # Twice: while the package is uploaded, and while the run is waited for.
        asked = f"{call.method} {call.path}"
        if ("POST" in asked and "upload_version" in asked) or (len(site.kubeflow.runs) > before and not cut.is_set()):
            if "upload_version" not in asked:
                cut.set()
            site.server.cut()
        return original(call)

    site.kubeflow.answer = answer  # type: ignore[method-assign]
    try:
        # An image of its own: a package that another test has uploaded would not be uploaded again.
        said = site.run("submit", *IMAGE[:1], IMAGE[1].replace("a" * 64, "b" * 64), GITHUB_RUN_NUMBER="1")
    finally:
        del site.kubeflow.answer
    assert said.code == 0, said.all
    assert cut.is_set()
    assert said.progress.count("The ssh tunnel is open again.") >= 2
    assert len(site.kubeflow.runs) == before + 1, "nothing was submitted twice"
    data = said.document["data"]
    report = json.loads(Path(data["report"]["json"]).read_text())
    assert report["run"]["engine"] == "kubeflow"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_the_waiting_ends_the_tunnel(site: Site, number: signal.Signals) -> None:
    play, started = site.kubeflow.world.play, site.kubeflow.api.started
    site.kubeflow.play(held())
    site.kubeflow.on_start(lambda *_: None)
    before = len(site.kubeflow.runs)
    try:
        process = site.stage.start("submit", *IMAGE, **site.secrets)
        until(lambda: len(site.kubeflow.runs) > before)
        looked = f"GET /apis/v2beta1/runs/{site.kubeflow.runs[-1].id}"
        until(lambda: looked in site.kubeflow.requests)
        said = interrupt(process, number=number)
        assert said.code == 130, said.all
        until(lambda: not ssh_processes(str(site.server.port)))
        ended = site.run("submit", "--terminate", site.kubeflow.runs[-1].id)
        assert ended.document["data"]["terminated"] == [site.kubeflow.runs[-1].id]
    finally:
        site.kubeflow.world.play, site.kubeflow.api.started = play, started


def test_a_training_on_this_machine_writes_to_the_mlflow_server_behind_it(site: Site) -> None:
    before = site.mlflow.requests
    said = site.run("run", "--engine", "local")
    assert said.code == 0, said.all
    assert site.mlflow.requests > before
    again = site.run("report")
    assert again.document["data"]["run_id"] == said.document["data"]["run_id"]
