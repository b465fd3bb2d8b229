"""``check`` looks at everything at the same time, gives up on what does not answer, and tells each cause."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support import CONTEXT, World
from toy import Toy

from helpers.data import checking
from helpers.errors import RepositoryError
from helpers.model_check import look_at_store
from helpers.preflight import Look, look_at_all

STEPS = """
import os, time
from pathlib import Path
from helpers.errors import AccessError

def train(source: str) -> int:
    return 1

def meet(own: str, other: str):
    Path(own).touch()
    while not Path(other).exists():
        time.sleep(0.01)
    return [{"name": "meeting"}]

def sleep(seconds: int):
    time.sleep(seconds)
    return [{"name": "slept"}]

def refused():
    raise AccessError("No.", hint="Ask.", where="there")
"""
PIPELINE = """
version: 1
project: toy
pipelines:
  training:
    parameters: {source: wine}
    steps:
      - {id: train, uses: "steps.toy:train"}
"""
ROWS = "a,b\n" + "".join(f"{n % 5},{n}\n" for n in range(40))


class Server(BaseHTTPRequestHandler):
    """Answers everything with the status that its path begins with."""

    def do_GET(self) -> None:
        self.send_error(int(self.path.split("/")[1]))

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Says nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def toy(root: Path) -> Toy:
    made = Toy(root, steps=STEPS, pipeline=PIPELINE)
    (root / "data").mkdir()
    (root / "data" / "wine.csv").write_text(ROWS, encoding="utf-8")
    declared = {"address": "data/wine.csv", "target": "b", "task": "regression"}
    (root / "data" / "sources.yaml").write_text(
        json.dumps({"version": 1, "sources": {"wine": declared}}), encoding="utf-8"
    )
    return made


def check(made: Toy) -> tuple[int, dict[str, dict[str, Any]], dict[str, Any]]:
    done = made.main("check", "--output", "json")
    answer = json.loads(done.stdout)
    assert done.returncode == answer["exit_code"], done.stderr
    return done.returncode, {finding["name"]: finding for finding in answer["data"]["checks"]}, answer


def test_things_are_looked_at_at_the_same_time_and_what_hangs_is_given_up(tmp_path: Path) -> None:
    made = toy(tmp_path)
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    looks = [
        Look("one", "a", "steps.toy:meet", {"own": ours, "other": theirs}),
        Look("two", "b", "steps.toy:meet", {"own": theirs, "other": ours}),
        Look("three", "c", "steps.toy:refused", {}),
        Look("four", "d", "steps.toy:sleep", {"seconds": 600}),
        Look("five", "e", "steps.toy:sleep", {"seconds": 4}, here=True),
    ]
    one, two, three, four, five = look_at_all(looks, root=tmp_path, environ=made.environ, longest=3)
    assert one.findings[0].ok, "each waited for the other, so both ran"
    assert two.findings[0].section == "b"
    assert (three.findings[0].message, three.findings[0].exit_code) == ("No.", 4)
    assert four.findings[0].message == "There was no answer within 3 s."
    assert four.findings[0].hint
    assert five.findings[0].ok, "what needs this machine alone is not given up with what is far away"


def test_the_answer_holds_every_finding_with_its_section(tmp_path: Path) -> None:
    code, found, answer = check(toy(tmp_path))
    assert code == 0, answer
    assert answer["data"]["engine"] == "local"
    assert {name: finding["section"] for name, finding in found.items()} == {
        "configuration": "configuration",
        "pipeline training": "configuration",
        "data 'wine'": "data",
        "gate of training": "model",
        "MLflow": "model",
        "champion of training": "model",
    }
    assert found["MLflow"]["message"].endswith(", writable")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [("", "There are several pipelines: training, quick."), ("pipeline: quick", "quick")],
)
def test_which_of_several_pipelines_a_push_trains_is_told(tmp_path: Path, chosen: str, message: str) -> None:
    made = toy(tmp_path)
    text = PIPELINE.replace("toy:train", "toy:missing")  # nothing can be built, so that nothing else is looked at
    made.pipeline = text + text.partition("pipelines:\n")[2].replace("training", "quick")
    made.config = f"version: 1\n{chosen}\n"
    made.write()
    _, found, _ = check(made)
    assert (found["pipeline of a push"]["ok"], found["pipeline of a push"]["message"]) == (bool(chosen), message)


@pytest.mark.parametrize(("engine", "asked"), [("local", False), ("configured", True), ("", True)])
def test_who_trains_here_for_once_does_not_need_the_platform(tmp_path: Path, engine: str, asked: bool) -> None:
    made = toy(tmp_path)
    made.config = "version: 1\nengine: kubeflow\nkubeflow: {endpoint: 'http://127.0.0.1:9'}\n"
    made.write()
    done = made.main("check", "--engine", engine, "--output", "json")
    answer = json.loads(done.stdout)
    sections = {finding["section"] for finding in answer["data"]["checks"]}
    assert ("platform" in sections, answer["ok"]) == (asked, not asked), answer
    assert answer["data"]["engine"] == "kubeflow"


def test_each_cause_has_its_exit_code_and_its_next_step(tmp_path: Path, server: str) -> None:
    causes: dict[str, tuple[dict[str, Any], int, str]] = {
        "missing": ({"address": "data/no.csv"}, 1, "does not exist"),
        "login": ({"address": f"{server}/401/x.csv"}, 4, "wants a login"),
        "shown": ({"address": "https://me:pass@example.org/x.csv"}, 2, "'address' holds a password"),
        "few": ({"minimum_rows": 41}, 1, "only 40 usable rows"),
        "large": ({"maximum_size": "20 bytes"}, 1, "larger than declared"),
        "size": ({"maximum_size": "much"}, 2, "no size"),
        "kind": ({"table": "wine"}, 2, "is for databases"),
        "column": ({"columns": {"c": "numeric"}}, 1, "no column 'c'"),
    }
    made = toy(tmp_path)
    common = {"address": "data/wine.csv", "target": "b", "task": "regression"}
    sources = {"wine": common} | {name: common | source for name, (source, _, _) in causes.items()}
    document = json.dumps({"version": 1, "sources": sources})
    (tmp_path / "data" / "sources.yaml").write_text(document, encoding="utf-8")
    names = "".join(f", {name}_source: {name}" for name in causes)
    made.pipeline = PIPELINE.replace("{source: wine}", f"{{source: wine{names}}}")
    made.steps = STEPS.replace("(source: str)", f"(source: str, {', '.join(f'{name}_source: str' for name in causes)})")
    made.write()
    code, found, answer = check(made)
    assert code == 2, answer
    assert answer["summary"] == f"development is not ready: 8 of {len(found)} checks failed."
    for name, (_, expected, message) in causes.items():
        finding = found[f"data '{name}'"]
        assert message in finding["message"]
        assert finding["exit_code"] == expected, finding
        assert finding["hint"]
    assert found["data 'wine'"]["ok"], "the rest is looked at all the same"
    assert found["MLflow"]["ok"]


def test_the_age_of_a_file_and_of_its_rows_is_looked_at(world: World) -> None:
    look = checking.look
    rows = "day,x,y\n" + "".join(f"2024-01-{n % 28 + 1:02d},{n % 7},{n}\n" for n in range(40))
    declared: dict[str, Any] = {"target": "y", "task": "regression", "maximum_age_days": 30}
    world.data(rows, **declared)
    assert look(root=str(world.root), source="sample")[0]["ok"], "the file is new"
    world.data(rows, date_column="day", **declared)
    (finding,) = look(root=str(world.root), source="sample")
    assert "The newest data (column 'day') is of 2024-01-28" in finding["message"]
    world.data(rows, date_column="x", **declared)
    assert "does not hold dates only: '0'" in look(root=str(world.root), source="sample")[0]["message"]


def test_of_large_data_the_beginning_or_the_directory_is_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "WHOLE_BYTES", 2000)
    declared: dict[str, Any] = {"target": "y", "task": "regression", "minimum_rows": 3000}
    frame = pd.DataFrame({"x": [n * 7919 % 4999 / 7 for n in range(5000)], "y": [n * n % 997 for n in range(5000)]})
    text = frame.to_csv(index=False).encode()
    world.data(text, **declared)
    (plain,) = checking.look(root=str(world.root), source="sample")
    world.data(gzip.compress(text, 1), name="data/own.csv.gz", **declared)
    (packed,) = checking.look(root=str(world.root), source="sample")
    for found in (plain, packed):
        assert found["ok"], found
        assert found["message"].startswith("at least ")
        assert "2 columns, target 'y'" in found["message"]
    classes = frame.assign(y=["good" if n % 3 else "poor" for n in range(5000)]).to_csv(index=False)
    world.data(classes, target="y", task="binary", positive="bad")
    (wrong,) = checking.look(root=str(world.root), source="sample")
    assert wrong["message"].endswith("the target 'y' holds the classes 'good' and 'poor'.")
    frame.to_parquet(world.root / "data" / "own.parquet")
    world.source(address="data/own.parquet", **declared)
    (columns,) = checking.look(root=str(world.root), source="sample")
    assert columns["message"] == "5000 rows, 2 columns, target 'y' (regression)"
    world.source(address="data/own.parquet", **declared | {"minimum_rows": 5001})
    assert "only 5000 rows" in checking.look(root=str(world.root), source="sample")[0]["message"]
    world.source(address="data/own.parquet", **declared, columns={"z": "numeric"})
    assert "no column 'z'" in checking.look(root=str(world.root), source="sample")[0]["message"]


@pytest.mark.parametrize(
    ("path", "message", "code"),
    [
        ("/401", "does not accept the login", 4),
        ("/403", "may not write", 4),
        ("/500", "cannot be used", 1),
        ("/404", "another web server or a login page", 1),
        ("/501", "another web server or a login page", 1),
        ("/200", "another web server or a login page", 1),
        ("http://127.0.0.1:9", "refuses connections", 1),
        ("http://no-such-host.invalid", "not known (DNS)", 1),
    ],
)
def test_why_mlflow_cannot_be_used(
    world: World, server: str, monkeypatch: pytest.MonkeyPatch, path: str, message: str, code: int
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RepositoryError) as caught:
        look_at_store(path if "://" in path else server + path, CONTEXT)
    assert message in caught.value.message
    assert caught.value.exit_code == code
    assert caught.value.hint
