"""The main job, as a person does it: two commands, a change, a push; then data of one's own, by configuration alone.

Everything is real: the command line in its own process, git, the hook, the worker, the environment built from the lock,
the training. Only the home folder is a new one.
"""

from __future__ import annotations

import json
import os
import pwd
import random
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from tests.canaries import canary

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Person:
    """Someone with an empty home folder, working in a folder with a space and an accent in its name."""

    home: Path
    repository: Path
    environ: dict[str, str]

    def mlopsgen(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "mlopsgen", *arguments], cwd or self.repository)

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run(["git", *arguments], self.repository)

    def commit(self, message: str) -> None:
        assert self.git("add", "--all").returncode == 0
        done = self.git("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-q", "-m", message)
        assert done.returncode == 0, done.stderr

    def tell_secret(self, name: str, value: str) -> subprocess.CompletedProcess[str]:
        """`mlopsgen secrets set` for the branch development of the forge on this machine, through standard input."""
        argv = [
            sys.executable,
            "-m",
            "mlopsgen",
            "secrets",
            "set",
            name,
            "--local",
            "--branch",
            "development",
            "--stdin",
        ]
        return subprocess.run(
            argv, cwd=self.repository, env=self.environ, input=value, capture_output=True, text=True, check=False
        )

    def _run(self, argv: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=cwd, env=self.environ, capture_output=True, text=True, encoding="utf-8", check=False, timeout=800
        )


@pytest.fixture
def person(tmp_path: Path, home: Path) -> Person:
    """Someone new, whose repository has just been made."""
    top = tmp_path / "Ada's first día"
    top.mkdir()
    # Packages come from the cache that the machine has: a second download of 600 MB would prove nothing.
    keep = {
        name: value for name, value in os.environ.items() if re.match(r"^(UV_|PIP_|SSL_|REQUESTS_|NO_|HTTPS?_)", name)
    }
    cache = os.environ.get("UV_CACHE_DIR") or str(Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache" / "uv")
    environ = keep | {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "UV_CACHE_DIR": cache,
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    }
    someone = Person(home, top / "my first model", environ)
    made = someone.mlopsgen("init", "--defaults", str(someone.repository), cwd=top)
    assert made.returncode == 0, made.stderr
    return someone


def last_run(person: Person, branch: str) -> dict[str, Any]:
    """The newest run of a branch, as `mlopsgen status` tells a program of it."""
    told = json.loads(person.mlopsgen("status", "--output", "json").stdout)
    run: dict[str, Any] = next(entry for entry in told["data"]["branches"] if entry["name"] == branch)["last_run"]
    return run


def report_of(person: Person, branch: str) -> dict[str, Any]:
    """The newest report of a branch."""
    document: dict[str, Any] = json.loads(Path(last_run(person, branch)["report"]["json"]).read_text(encoding="utf-8"))
    return document


def test_from_nothing_to_a_trained_model_and_on(person: Person) -> None:
    pushed = person.mlopsgen("push", "--local", "--yes")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    first = report_of(person, "development")
    assert first["decision"]["outcome"] == "first"
    assert first["promoted"] is True
    assert first["model"]["version"] == "1"

    again = person.mlopsgen("push", "--local", "--yes", "--output", "json")
    assert again.returncode == 0
    assert {action["kind"] for action in json.loads(again.stdout)["data"]["plan"]["actions"]} <= {"keep"}

    (person.repository / "docs" / "notes.md").write_text("A change that changes no number.\n", encoding="utf-8")
    person.commit("Take notes")
    trained = person.git("push")
    assert trained.returncode == 0, trained.stderr
    assert "report" in trained.stderr
    second = report_of(person, "development")
    assert second["decision"]["outcome"] == "unchanged"
    assert second["decision"]["baseline"]["kind"] == "champion"
    assert second["commit"] == person.git("rev-parse", "HEAD").stdout.strip()
    for page in ("html", "md"):
        assert "rmse" in Path(last_run(person, "development")["report"][page]).read_text(encoding="utf-8")

    # A worse model is refused, and the champion stays.
    config = person.repository / "src" / "pipelines" / "development" / "config.yaml"
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    document["parameters"] = {"algorithm": "linear", "hyperparameters": {"alpha": 1e9}}
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    person.commit("Try the mean")
    person.git("push")
    third = report_of(person, "development")
    assert third["decision"]["passed"] is False
    assert third["promoted"] is False
    assert third["decision"]["baseline"]["version"] == second["model"]["version"]
    assert person.mlopsgen("run", "--branch", "development").returncode == 6


@pytest.mark.whole
def test_own_data_by_configuration_alone(person: Person) -> None:
    data = person.repository / "data"
    write_wine(data / "wine.csv")
    write_passengers(data / "passengers.csv")
    sources = {
        "version": 1,
        "sources": {
            "sample": {"address": "data/wine.csv", "target": "quality", "task": "regression"},
            "people": {"address": "data/passengers.csv", "target": "survived", "task": "binary"},
        },
    }
    (data / "sources.yaml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    person.commit("Our wine")
    pushed = person.mlopsgen("push", "--local", "--yes")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    report = report_of(person, "development")
    assert report["decision"]["passed"] is True
    assert set(report["data"][0]["columns"]) == {"fixed acidity", "volatile acidity", "alcohol", "quality"}

    config = person.repository / "src" / "pipelines" / "development" / "config.yaml"
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    document["parameters"] = {"source": "people"}
    document["gate"]["metrics"] = {"balanced_accuracy": {"higher_is_better": True, "threshold": 0.6}}
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    person.commit("Passengers instead: text, missing values, two classes")
    trained = person.git("push")
    assert "accepted" in trained.stderr, trained.stderr
    report = report_of(person, "development")
    assert report["data"][0]["columns"]["port"] == "categorical"
    assert report["decision"]["metrics"][0]["value"] > 0.6


def test_data_that_changes_elsewhere_trains_once_and_people_hear_of_it(person: Person, tmp_path: Path) -> None:
    outside = tmp_path / "share" / "wine.csv"
    outside.parent.mkdir()
    write_wine(outside)
    source = {"address": str(outside), "target": "quality", "task": "regression"}
    (person.repository / "data" / "sources.yaml").write_text(
        yaml.safe_dump({"version": 1, "sources": {"sample": source}})
    )
    config = person.repository / "src" / "pipelines" / "development" / "config.yaml"
    document = yaml.safe_load(config.read_text(encoding="utf-8"))
    payload = {"said": "{{ verdict }} on {{ branch }}"}
    document["actions"] = [{"name": "chat", "when": "data_changed", "do": "webhook", "payload": payload}]
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    person.commit("Wine of the share, and who hears of it")
    with Listener() as listener:
        made = person.mlopsgen("push", "--local", "--yes")
        assert made.returncode == 0, made.stdout + made.stderr
        assert person.tell_secret("WEBHOOK_URL", listener.url).returncode == 0
        still = person.mlopsgen("watch", "--once")
        assert still.stdout == "No data has changed.\n", still.stdout + still.stderr

        with outside.open("a", encoding="utf-8") as file:
            file.write("7.1;0.40;11.0;5\n")
        changed = person.mlopsgen("watch", "--once")
        assert "The data of development changed; 1 training queued." in changed.stdout, changed.stdout + changed.stderr
        followed = person.mlopsgen("status", "--follow", "--branch", "development")
        assert followed.returncode == 0, followed.stdout + followed.stderr
        run = last_run(person, "development")
        assert (run["number"], run["trigger"], run["state"]) == (2, "data", "succeeded")
        assert run["actions"]["exit_code"] == 0, run["actions"]
        [told] = listener.told
        assert "on development" in json.dumps(told)
        assert person.mlopsgen("watch", "--once").stdout == "No data has changed.\n"
    assert len(listener.told) == 1


class Listener:
    """A server that people's messages go to; it keeps what it is told."""

    def __init__(self) -> None:
        told: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.told = told
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{canary('hook')}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def write_wine(path: Path) -> None:
    """A wine-quality-like table: separator ';', headers in quotes, a target of whole numbers."""
    draw = random.Random(5)
    lines = ['"fixed acidity";"volatile acidity";"alcohol";"quality"']
    for _ in range(400):
        acid, volatile, alcohol = draw.uniform(5, 12), draw.uniform(0.1, 1.2), draw.uniform(8, 14)
        quality = round(5 + 0.6 * (alcohol - 11) - 1.5 * (volatile - 0.5) + draw.gauss(0, 0.4))
        lines.append(f"{acid:.1f};{volatile:.2f};{alcohol:.1f};{quality}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_passengers(path: Path) -> None:
    """Text columns, missing values and two classes of unequal size."""
    draw = random.Random(6)
    lines = ["name,age,port,fare,survived"]
    for number in range(300):
        port, fare = draw.choice(["Québec", "Cork", ""]), draw.lognormvariate(3, 1)
        age = "" if draw.random() < 0.2 else str(draw.randint(1, 80))
        survived = "yes" if fare + draw.gauss(0, 5) > 35 else "no"
        lines.append(f'"Passenger, {number}",{age},{port},{fare:.2f},{survived}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
