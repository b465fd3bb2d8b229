"""The pages of a generated repository: commands, files and code in them are taken by what they are meant for."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import template_environment
from tests.guide_pages import programs
from tests.test_howto import MODELS, READ, refusal
from tests.test_workflows_commands import parse
from tools.example import EXAMPLE

PAGES = sorted(
    path for folder in (".", "docs", "data", "notebooks", "models") for path in EXAMPLE.glob(f"{folder}/*.md")
)
PLACES = {"BRANCH": "staging", "VERB": "check", "VERSION": "3", "RUN_ID": "7", "DIR": "out", "FILE": "out"}


def blocks(*kinds: str) -> Iterator[tuple[str, str]]:
    """The blocks of code of a language, each with the page that it stands on."""
    for page in PAGES:
        for kind, text in re.findall(
            r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            if kind in kinds:
                yield page.relative_to(EXAMPLE).as_posix(), text


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every program that a page tells its reader to start, in a block or in a sentence."""
    for page, text in blocks("sh", "console", ""):
        for line in text.splitlines():
            for words in programs(line.removeprefix("$ ")):
                yield page, words
    for page in PAGES:
        mentioned = r"`(mlopsgen [a-z][^`]*|python -m pipelines[^`]*)`"
        for text in re.findall(mentioned, page.read_text(encoding="utf-8")):
            for words in programs(text):
                yield page.relative_to(EXAMPLE).as_posix(), words


def code(page: str, part: str) -> str:
    """The one block of Python of a page that holds this."""
    (found,) = [text for where, text in blocks("python") if where == page and part in text]
    return found


def test_the_tool_takes_every_command():
    found = [(page, words) for page, words in commands() if words[0] == "mlopsgen" and words[1:]]
    assert len({words for _, words in found}) > 10
    refused = {(page, " ".join(words)): refusal(words[1:]) for page, words in found}
    assert {call: why for call, why in refused.items() if why} == {}


def test_the_entry_of_a_branch_takes_every_command():
    found = [words for _, words in commands() if words[:2] == ("python", "-m") and "pipelines" in words[2]]
    calls = [
        (words[2], [PLACES.get(word, word) for word in words[3:]]) for words in found if set(words[3:]) - {"--help"}
    ]
    calls = [(module.replace("BRANCH", "staging"), arguments) for module, arguments in calls]
    assert len(calls) > 8
    assert parse(calls) == []


def test_files_are_valid_as_they_are_printed():
    config, pipeline, sources = (model for model in MODELS.values())
    documents: list[list[Any]] = []
    for page, text in blocks("yaml"):
        if "${{" in text:
            continue  # a line of a workflow
        document = yaml.safe_load(text)
        if isinstance(document, list):
            document = {"steps": document}
        if {"steps", "sources", "owned"}.isdisjoint(document):
            # The host key is shortened on the page.
            document = json.loads(
                json.dumps(document).replace("AAAA...", "AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")
            )
            documents.append([page, *config, {"version": 1, "engine": "kubeflow", **document}])
        elif "steps" in document:
            known = {"version": 1, "project": "x", "pipelines": {"x": document}}
            documents.append([page, *pipeline, known])
        elif "sources" in document:
            documents.append([page, *sources, document])
    assert {model for _, _, model, _ in documents} == {"BranchConfig", "PipelinesText", "Sources"}
    assert len(documents) > 10
    broken = ["broken", *sources, {"version": 1, "sources": {"main": {"adress": "x"}}}]
    done = subprocess.run(
        [str(template_environment.python()), "-c", READ],
        input=json.dumps([*documents, broken]),
        env={"PYTHONPATH": str(EXAMPLE / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [place for place, _ in json.loads(done.stdout)] == ["broken"], done.stdout


def test_the_receiver_of_a_webhook_tells_what_is_genuine():
    known: dict[str, Any] = {}
    exec(code("docs/actions.md", "def is_genuine"), known)
    secret, body, stamp = "s3", b"{}", str(int(time.time()))
    right = "sha256=" + hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Mlopsgen-Timestamp": stamp, "X-Mlopsgen-Signature-256": right}
    assert known["is_genuine"](headers, body, secret)
    assert not known["is_genuine"](headers, b"{ }", secret)
    assert not known["is_genuine"](headers | {"X-Mlopsgen-Timestamp": "1"}, body, secret)


def test_the_small_examples_in_python_do_what_the_page_says(tmp_path: Path) -> None:
    announce, fail = (code("docs/data-scientist.md", part) for part in ("def announce", "raise DataError"))
    program = f"""
{announce}
said = announce(RunContext(project="p", pipeline="t", branch="staging", commit="abc", actor="a").to_json())
assert said == "staging at abc", said
try:
    exec({fail!r})
except Exception as error:
    assert str(error) == "data/sales.csv, column price: Prices are negative. Repair the export.", error
else:
    raise SystemExit("nothing was raised")
"""
    template_environment.run(tmp_path, tmp_path, "-c", program, PYTHONPATH=str(EXAMPLE / "src"))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("data/sources.yaml", "address: target:"),
        ("data/README.md", "sources.yaml"),
        ("notebooks/pipeline.ipynb", "steps.train_model"),
        ("src/steps/train_model.py", "def train_model("),
        ("src/steps/evaluate_model.py", "def evaluate_model("),
        ("src/pipelines/pipeline.yaml", "steps: parameters:"),
        *(
            (f"src/pipelines/{branch}/{file}", words)
            for branch in ("development", "staging", "production")
            for file, words in (("main.py", "main("), ("config.yaml", "engine: tracking: gate:"))
        ),
        ("src/helpers/__init__.py", ""),
        ("models/README.md", "MLflow champion-"),
        ("tests/test_steps.py", "def test_"),
        ("tests/test_inference.py", "MODEL_URL"),
        ("docs/data-scientist.md", "make"),
        ("README.md", "make setup config.yaml src/steps src/pipelines/pipeline.yaml .env example"),
        ("requirements.txt", "kfp== mlflow== --hash=sha256"),
        (".gitignore", ".env .venv/ .mlflow/"),
        ("LICENSE", "MIT Apache-2.0 Replace"),
        *((f".github/workflows/{branch}.yml", f"{branch} submit secrets.") for branch in ("staging", "production")),
        (".github/workflows/development.yml", "check secrets."),
    ],
)
def test_everything_that_a_repository_is_asked_for_is_there(path: str, words: str) -> None:
    text = (EXAMPLE / path).read_text(encoding="utf-8")
    assert [word for word in words.split() if word not in text] == []
