"""``schema``: the JSON Schema of every document that people and programs exchange with the tool."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from mlopsgen.answer_documents import answers_schema, organisation_schema
from mlopsgen.answers import BUILT_IN
from mlopsgen.errors import UsageError
from mlopsgen.near_words import nearest
from mlopsgen.operations.fleet_rows import fleet_schema
from mlopsgen.question_set import QuestionSet
from mlopsgen.remote.plan import plan_schema
from mlopsgen.result import envelope_schema

SCHEMAS = {
    "answers": "The answers file of 'mlopsgen init --answers FILE'.",
    "organisation": "organisation.yaml of an organisation's template: what it decides.",
    "envelope": "What every command prints with '--output json'.",
    "plan": "What 'mlopsgen push' would do: 'data.plan' of its envelope.",
    "fleet": "What 'sync --all' and 'status --all' find: 'data' of their envelope.",
    "pipeline": "src/pipelines/pipeline.yaml of a repository: its pipelines as text.",
    "configuration": "src/pipelines/<branch>/config.yaml of a repository: a branch's settings.",
    "data-sources": "data/sources.yaml of a repository: named data sources.",
    "report": "report.json: everything about a training.",
    "remote": ".github/remote.yaml of a repository: what it shall be on GitHub.",
}
"""Every schema's name, and the document that it describes."""


def _remote_schema() -> dict[str, Any]:
    from mlopsgen.remote.document import remote_schema  # noqa: PLC0415 - pydantic takes a moment

    return remote_schema()


OF_TEMPLATES = {"answers": answers_schema, "organisation": organisation_schema}
"""Those that say what a template asks."""
_MADE_HERE = {
    "envelope": envelope_schema,
    "fleet": fleet_schema,
    "plan": plan_schema,
    "remote": _remote_schema,
}


def schema(name: str, questions: QuestionSet = BUILT_IN, called: str = "") -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) with this name.

    Args:
        name: One of ``SCHEMAS``.
        questions: What the template of ``answers`` and ``organisation`` asks.
        called: The template of these questions, if it is not the built-in one.

    Raises:
        UsageError: There is none.
    """
    if name not in SCHEMAS:
        near = nearest(name, SCHEMAS)
        meant = f" Did you mean '{near}'?" if near else ""
        raise UsageError(f"There is no schema '{name}'.{meant}", where=name, hint=f"There are {', '.join(SCHEMAS)}.")
    if name in OF_TEMPLATES:
        return OF_TEMPLATES[name](questions, called)
    if name in _MADE_HERE:
        return _MADE_HERE[name]()
    text = resources.files("mlopsgen").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
