"""A template that an organisation derived from ours, small: our questions, its own, and what it decides."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from mlopsgen.adapters.copier_questions import read_questions
from mlopsgen.question_set import QuestionSet

ROOT = Path(__file__).resolve().parents[1]
OWN = """
cost_centre:
  type: str
  help: Who pays for it
  default: "CC-[[ slug ]]"

gpu: {type: bool, default: false, help: Whether it trains on a GPU}

gpu_type:
  type: str
  choices: [small, large]
  default: small
  when: "[[ gpu ]]"
"""
NEVER = "We never publish."
DECIDED = f"""\
version: 1
name: acme
release: 1.0.0
preset:
  license: mit
  reviewers: [acme/ml]
  cost_centre: CC-0
locked:
  visibility: {{value: internal, why: {NEVER}}}
  python_version: 3.12
"""


@cache
def copier_yml(own: str = OWN) -> str:
    """Our questions and those of the organisation."""
    return (ROOT / "copier.yml").read_text(encoding="utf-8") + own


def reader(decided: str | None = DECIDED, own: str = OWN) -> Callable[[str], str | None]:
    """Reads the files of a version."""
    return {"copier.yml": copier_yml(own), "organisation.yaml": decided}.get


def asked(decided: str | None = DECIDED, own: str = OWN) -> QuestionSet:
    """What a version asks."""
    return read_questions(reader(decided, own))


FILES = {
    "template/[[ _copier_conf.answers_file ]].jinja": "# Do not edit.\n[[ _copier_answers | to_nice_yaml -]]\n",
    "template/README.md.jinja": "# [[ project_name ]]\n\nThe licence is [[ license ]], paid by [[ cost_centre ]].\n",
    "template/settings.txt.jinja": "[[ visibility ]] [[ python_version ]] [[ gpu ]] [[ gpu_type ]]\n",
}


def files(decided: str | None = DECIDED, own: str = OWN) -> dict[str, str]:
    """The files of a version."""
    found = {"copier.yml": copier_yml(own), **FILES}
    return found | ({"organisation.yaml": decided} if decided is not None else {})
