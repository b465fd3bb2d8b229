"""The guides: every command is one that the real command lines take, every file is one that its reader accepts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from mlopsgen.adapters.organisation_file import read_organisation
from mlopsgen.answers import BUILT_IN
from mlopsgen.cli.main import app
from mlopsgen.remote.document import read_document
from mlopsgen.sync.classes import read_classes
from tests import guide_pages, template_environment, tutorial_versions
from tests.fleet_stage import OLD, environment
from tests.test_workflows_commands import parse

Prepare = Callable[[Path, dict[str, str]], None]
BRANCHES = "development|staging|production"
# Reads pairs of a model and a document from its input, and gives back what pydantic says of each that is not valid.
READ = """
import importlib, json, sys
refused = []
for place, module, name, document in json.load(sys.stdin):
    try:
        getattr(importlib.import_module(module), name).model_validate(document)
    except ValueError as error:
        refused.append([place, str(error)])
print(json.dumps(refused))
"""
MODELS = {
    rf"src/pipelines/({BRANCHES})/config\.yaml": ("helpers.config", "BranchConfig"),
    r"src/pipelines/pipeline\.yaml": ("helpers.pipeline_text", "PipelinesText"),
    r"data/sources\.yaml": ("helpers.sources", "Sources"),
}


def refusal(words: tuple[str, ...]) -> str:
    """What the command line says against these words; nothing is run."""
    command: Any = get_command(app)
    context, rest = None, list(words)
    try:
        while True:
            context = command.make_context(command.name or "mlopsgen", rest, parent=context)
            if not hasattr(command, "resolve_command"):
                return ""
            rest = [*context._protected_args, *context.args]
            if not rest:  # a group alone shows its help
                return ""
            _, command, rest = command.resolve_command(context, rest)
    except Exception as error:  # noqa: BLE001 - whatever the parser raises is a refusal
        return str(getattr(error, "message", error) or type(error).__name__)


def test_the_command_line_takes_every_command_of_the_guides():
    found = [call for call in guide_pages.calls() if call.words[0] == "mlopsgen"]
    assert len(found) > 100
    assert {call.words[1] for call in found} >= {"init", "push", "sync", "adopt", "secrets", "runner", "config-repo"}
    refused = {(call.place, " ".join(call.words)): refusal(call.words[1:]) for call in found}
    assert {call: why for call, why in refused.items() if why} == {}


def test_a_command_that_is_not_there_is_refused():
    assert "--al" in refusal(("sync", "--al"))
    assert "secrts" in refusal(("secrts", "list"))
    assert refusal(("secrets", "liste"))
    assert refusal(("push", "--visibility", "hidden"))


def test_the_verbs_and_the_makefile_of_a_repository_are_what_the_guides_say():
    found = guide_pages.calls()
    verbs = [call for call in found if call.words[0] == "python" and "pipelines." in call.words[2] and call.words[3:]]
    named = {"BRANCH": "staging", "VERB": "check"}
    filled = [[re.sub("|".join(named), lambda found: named[found[0]], word) for word in call.words] for call in verbs]
    calls = [(words[2], words[3:]) for words in filled]
    assert len(calls) > 10
    assert parse(calls) == []
    texts = [(guide_pages.ROOT / name).read_text(encoding="utf-8") for name in ("template/Makefile", "Makefile")]
    targets = set(re.findall(r"^([a-z][a-z-]*):", "\n".join(texts), re.MULTILINE))
    asked = {(call.place, call.words[1]) for call in found if call.words[0] == "make"}
    assert {(place, target) for place, target in asked if target not in targets} == set()


def test_files_of_a_repository_are_valid_as_they_are_printed():
    documents = []
    for block in guide_pages.blocks("yaml"):
        path = first_line(block)
        for pattern, (module, model) in MODELS.items():
            if re.fullmatch(pattern, path):
                documents.append([block.place, module, model, {"version": 1, **yaml.safe_load(block.text)}])
        if path == "steps of src/pipelines/pipeline.yaml":
            steps = {"version": 1, "project": "x", "pipelines": {"x": {"steps": yaml.safe_load(block.text)}}}
            documents.append([block.place, *MODELS[r"src/pipelines/pipeline\.yaml"], steps])
    assert {model for _, _, model, _ in documents} == {"BranchConfig", "PipelinesText", "Sources"}
    broken = ["broken", *MODELS[r"data/sources\.yaml"], {"version": 1, "sources": {"main": {"adress": "x"}}}]
    done = subprocess.run(
        [str(template_environment.python()), "-c", READ],
        input=json.dumps([*documents, broken]),
        env={"PYTHONPATH": str(template_environment.TEMPLATE / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    refused = json.loads(done.stdout)
    assert [place for place, _ in refused] == ["broken"], refused


def test_documents_of_the_tool_are_valid_as_they_are_printed():
    read = 0
    for block in guide_pages.blocks("yaml"):
        path = first_line(block)
        if path == ".github/remote.yaml":
            text = block.text if "version:" in block.text else f"version: 1\n{block.text}"
            read_document(text)
        elif path == "organisation.yaml":
            read_organisation(block.text, BUILT_IN)
        elif path == "sync.yaml":
            read_classes(f"version: 1\n{block.text}")
        elif path in {"copier.yml", ".copier-answers.yml"}:
            assert isinstance(yaml.safe_load(block.text), dict)
        else:
            continue
        read += 1
    assert read >= 7


def first_line(block: guide_pages.Block) -> str:
    """The file that a block of YAML belongs to."""
    line = block.text.splitlines()[0].strip()
    return line.removeprefix("# ") if line.startswith("# ") else ""


def test_every_yaml_of_a_guide_says_which_file_it_belongs_to():
    patterns = "|".join(MODELS)
    others = r"\.github/remote\.yaml|organisation\.yaml|sync\.yaml|copier\.yml|\.copier-answers\.yml"
    known = rf"(steps of )?({patterns})|{others}"
    guides = [block for block in guide_pages.blocks("yaml") if block.page.startswith("docs/how-to/")]
    assert [block.place for block in guides if not re.fullmatch(known, first_line(block))] == []


def no_record(repository: Path, environ: dict[str, str]) -> None:
    git(repository, environ, "rm", "--quiet", ".copier-answers.yml")


def own_line(repository: Path, environ: dict[str, str]) -> None:
    makefile = repository / "Makefile"
    text = makefile.read_text(encoding="utf-8")
    own = tutorial_versions.LINE_OF_OLD.replace("$(ENTRY)", "nice $(ENTRY)")
    makefile.write_text(text.replace(tutorial_versions.LINE_OF_OLD, own, 1), encoding="utf-8")
    git(repository, environ, "add", "Makefile")


def secret_of_the_cluster(repository: Path, environ: dict[str, str]) -> None:
    config = repository / "src" / "pipelines" / "staging" / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("engine: local", "engine: kubeflow")
    config.write_text(f"{text}cluster_secrets: {{wine-staging: [DATA_MAIN_TOKEN]}}\n", encoding="utf-8")
    git(repository, environ, "add", "src")


def mlopsgen(*words: str, cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mlopsgen", *words]
    return subprocess.run(
        command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def git(repository: Path, environ: dict[str, str], *words: str) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for each in (words, ("commit", "--quiet", "--allow-empty", "-m", "A change")):
        subprocess.run(["git", *who, *each], cwd=repository, env=environ, check=True)


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tool as it is installed once v0.2.0 is out: a clone may have no tags, so the versions are made here."""
    return tutorial_versions.site(tmp_path_factory.mktemp("updated"))


@pytest.mark.parametrize(
    ("page", "command", "prepare", "code"),
    [
        ("secrets.md", "mlopsgen secrets set WEBHOOK_URL=abc", None, 2),
        ("sync-record.md", "mlopsgen sync --dry-run", no_record, 2),
        ("sync-conflicts.md", "mlopsgen sync", own_line, 5),
        ("kubeflow-secrets.md", "mlopsgen secrets manifest --branch staging", secret_of_the_cluster, 2),
    ],
)
def test_what_a_command_says_is_shown_as_it_is(
    page: str, command: str, prepare: Prepare | None, code: int, updated: Path, tmp_path: Path
):
    environ = environment(tmp_path / "home", updated)
    text = (guide_pages.DOCS / "how-to" / page).read_text(encoding="utf-8")
    shown = re.search(rf"^\$ {re.escape(command)}\n(.*?)(?=^\$ |^```|^\.\.\.$)", text, re.MULTILINE | re.DOTALL)
    assert shown
    old = ("init", "heart-rate", "--defaults", "--template-version", OLD)
    assert mlopsgen(*old, cwd=tmp_path, environ=environ).returncode == 0
    repository = tmp_path / "heart-rate"
    if prepare is not None:
        prepare(repository, environ)
    done = mlopsgen(*command.split()[1:], cwd=repository, environ=environ)
    assert done.returncode == code
    commit = re.compile(r"\b[0-9a-f]{7}\b")
    assert commit.sub("COMMIT", shown[1]) in commit.sub("COMMIT", done.stderr + "\n" + done.stdout)


def test_every_question_that_people_asked_has_its_thread_and_its_answer():
    text = (guide_pages.DOCS / "how-to" / "asked.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    rows = [row for row in rows if not row[0].startswith("| asked")]
    assert len(rows) >= 36
    for asked, answer in rows:
        assert re.search(r"\]\(https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+\)", asked), asked
        assert re.search(r"\]\((?!https:)", answer), answer
