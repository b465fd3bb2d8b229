"""What the documents say is there is there: links, verbs, keys and exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers.config import BranchConfig
from helpers.errors import ExitCode
from helpers.options import VERBS
from helpers.pipeline_text import StepText

ROOT = Path(__file__).resolve().parents[2]
# In the template itself, a document that is rendered still has the ending `.jinja`.
DOCUMENTS = sorted(
    path for folder in (".", "docs", "data", "notebooks", "models") for path in (ROOT / folder).glob("*.md*")
)
REFERENCE = ROOT / "docs" / "configuration.md"


def there(path: Path) -> bool:
    return path.exists() or path.with_name(f"{path.name}.jinja").exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", document.read_text(encoding="utf-8")):
        assert there(document.parent / target), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_verbs_of_make_exist(document: Path) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= verbs


def keys_of_table(heading: str) -> set[str]:
    text = REFERENCE.read_text(encoding="utf-8")
    rows = text.split(heading, 1)[1].split("\n\n", 2)[0 if heading.startswith("|") else 1]
    return {key for row in rows.splitlines() for key in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_key_of_a_branch_is_explained() -> None:
    explained = {key.split(".")[0] for key in keys_of_table("## `src/pipelines/<branch>/config.yaml`")}
    assert explained == set(BranchConfig.model_fields) - {"version"}


def test_every_key_of_a_step_is_explained() -> None:
    fields = {field.alias or name for name, field in StepText.model_fields.items()}
    assert keys_of_table("| key of a step | meaning |\n") == fields


def test_every_exit_code_is_explained() -> None:
    table = REFERENCE.read_text(encoding="utf-8").split("| code | meaning |", 1)[1].split("\n\n")[0]
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert explained == {int(code) for code in ExitCode}


def test_every_verb_is_explained() -> None:
    table = REFERENCE.read_text(encoding="utf-8").split("| verb | does |", 1)[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(VERBS)
