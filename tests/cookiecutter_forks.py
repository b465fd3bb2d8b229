"""Many renders of cookiecutter templates for the price of one: a program that has everything loaded forks for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cookiecutter_toys import inside

_PROGRAM = """\
import json, os, sys
import cookiecutter.generate, cookiecutter.hooks, cookiecutter.prompt, jinja2.sandbox
from mlopsgen.adapters.child_frame import Refused
from mlopsgen.adapters.cookiecutter_child import render
for request in json.load(sys.stdin):
    if not os.fork():
        try:
            told = render(request)
        except Refused as refused:
            told = refused.told
        with open(request["answer"], "w") as file:
            json.dump(told, file)
        os._exit(0)
    os.wait()
"""


@dataclass(frozen=True)
class Case:
    """A template and the answers to it.

    Attributes:
        files: What it holds beside ``cookiecutter.json``.
        variables: What that holds.
        answers: What is answered.
    """

    files: Mapping[str, str]
    variables: Mapping[str, Any] = field(default_factory=lambda: {"name": "made"})
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        told: What the render answered.
        made: The files that were written, wherever below the folder for them.
    """

    told: Mapping[str, Any]
    made: Mapping[str, tuple[int, bytes]]

    @property
    def error(self) -> str:
        """Why it was refused; nothing of it was made that would be taken over."""
        assert set(self.told) >= {"error", "hint"}, self.told
        return str(self.told["error"])


def render_all(cases: Sequence[Case], folder: Path) -> list[Outcome]:
    """Render each case, as the process for renders does it."""
    requests = []
    for number, case in enumerate(cases):
        place = folder / str(number)
        for name, text in {**case.files, "cookiecutter.json": json.dumps(case.variables)}.items():
            path = place / "template" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (place / "made").mkdir()
        requests.append({
            "template": str(place / "template"), "output": str(place / "made"), "answers": dict(case.answers),
            "address": "https://example.org/a", "version": "v1", "moment": "2026-11-21T12:00:00+00:00",
            "trusted": False, "again": True, "only_name": False, "answer": str(place / "answer"),
            "scratch": str(place),
        })  # fmt: skip
    home = folder / "home"
    home.mkdir()
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    asked = json.dumps(requests)
    subprocess.run([sys.executable, "-c", _PROGRAM], input=asked, env=environ, text=True, check=True, cwd=home)
    return [
        Outcome(json.loads(Path(request["answer"]).read_text()), inside(Path(request["output"])))
        for request in requests
    ]
