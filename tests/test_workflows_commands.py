"""Every command of every rendering's workflows is one that the generated repository has, with options that it takes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests import template_environment
from tests.workflow_files import steps

# Reads lines of arguments from its input and gives back what the real parsers say; it imports nothing that trains.
PARSE = """
import json, sys
from helpers.ci.__main__ import _parser as ci
from helpers.command_line import _parser as verbs
from helpers.errors import RepositoryError
refused = []
for module, arguments in json.load(sys.stdin):
    parser = ci() if module == "helpers.ci" else verbs(module.split(".")[1])
    try:
        parser.parse_args(arguments)
    except RepositoryError as error:
        refused.append([module, arguments, str(error.message)])
print(json.dumps(refused))
"""
# What a variable may hold, in the places where the parsers look at it.
VALUES = {"TRIGGER": "dispatch", "TARGET": "staging", "BRANCH": "development", "PARAMETERS": "seed=7 name='two words'"}


def commands() -> set[tuple[str, ...]]:
    """The words of each call of Python, with variables filled in."""
    found = set()
    for _, _, step in steps():
        script = step.get("run", "").replace("\\\n", " ")
        filled = re.sub(r"\$(\w+)", lambda match: VALUES.get(match[1], ""), script)
        for line in filled.splitlines():
            if " -m " in line:
                found.add(tuple(shlex.split(line)))
    return found


def parse(calls: list[tuple[str, list[str]]]) -> list[list[object]]:
    done = subprocess.run(
        [str(template_environment.python()), "-c", PARSE],
        input=json.dumps(calls),
        env={"PYTHONPATH": str(template_environment.TEMPLATE / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused = json.loads(done.stdout)
    assert isinstance(refused, list)
    return refused


def test_the_parsers_take_every_command() -> None:
    found = {words for words in commands() if words[2] != "venv"}
    calls = [(words[2], list(words[3:])) for words in found]
    assert {words[:2] for words in found} == {(".venv/bin/python", "-m"), ("python3", "-m")}
    verbs = {arguments[0] for module, arguments in calls if module != "helpers.ci"}
    assert verbs == {"check", "compile", "run", "submit", "act"}
    tasks = {arguments[0] for module, arguments in calls if module == "helpers.ci"}
    everything = "annotate compare decide follow-up image-tag promote sample status store watch watch-all"
    assert tasks == set(everything.split())
    assert not parse(calls)


def test_an_option_that_is_not_there_is_refused() -> None:
    calls = [("pipelines.staging.main", ["check", "--resullt", "x"]), ("helpers.ci", ["decide", "--branch", "x"])]
    assert len(parse(calls)) == 2


@pytest.mark.parametrize("task", ["decide", "image-tag", "watch-all"])
def test_what_runs_before_make_setup_needs_python_alone(task: str, tmp_path: Path) -> None:
    """Its module, and everything that it imports, comes with Python or lies beside it."""
    program = (
        "import importlib, sys; from helpers.ci.tasks import TASKS; "
        f"importlib.import_module(TASKS[{task!r}].performed_by.partition(':')[0]); print('imported')"
    )
    done = subprocess.run(
        ["/usr/bin/env", "-i", f"PYTHONPATH={template_environment.TEMPLATE / 'src'}", "PYTHONDONTWRITEBYTECODE=1",
         str(template_environment.python()), "-S", "-c", program],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "imported\n", done.stderr


def test_make_knows_the_targets() -> None:
    makefile = (template_environment.TEMPLATE / "Makefile").read_text(encoding="utf-8")
    targets = {word for _, _, step in steps() for word in re.findall(r"make (\w+)", step.get("run", ""))}
    assert targets == {"setup", "lint", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
