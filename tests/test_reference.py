"""The reference is complete: whatever the code has and people or programs meet stands on its page, with a meaning."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

import mlopsgen
from mlopsgen import events
from mlopsgen.answers import QUESTIONS
from mlopsgen.cli.main import VERBS, app
from mlopsgen.errors import ExitCode, MlopsgenError
from mlopsgen.operations import schema

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
SCHEMAS = {
    "configuration": "config-yaml.md",
    "pipeline": "pipeline-yaml.md",
    "data-sources": "sources-yaml.md",
    "report": "report.md",
    "remote": "remote-yaml.md",
    "envelope": "output.md",
    "plan": "output.md",
    "fleet": "output.md",
}
sys.path.insert(0, str(ROOT / "tools"))
from reference import benchmarks, messages, python_pages  # noqa: E402 - found through the path above
from reference.markdown import prose  # noqa: E402
from reference.rendering import FULL  # noqa: E402


def read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def sections(page: str, level: int = 2) -> dict[str, str]:
    """The sections of a page below its headings of this level; what stands in fences is no heading."""
    found: dict[str, str] = {}
    heading, fenced = "", False
    for line in page.splitlines():
        fenced ^= line.startswith("```")
        if line.startswith(f"{'#' * level} ") and not fenced:
            heading = line.strip("# ").replace("`", "")
        found[heading] = found.get(heading, "") + line + "\n"
    return found


def cells(text: str) -> Iterator[list[str]]:
    """The rows of the tables in a text, heads and rules left out."""
    lines = text.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("| ") and not re.match(r"\| (---|---:) ", line) and before.startswith("| "):
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def commands() -> Iterator[tuple[str, Any]]:
    yield "mlopsgen", get_command(app)
    for name, verb in VERBS.items():
        command = get_command(importlib.import_module(verb.module).app)
        yield f"mlopsgen {name}", command
        for under, inner in getattr(command, "commands", {}).items():
            yield f"mlopsgen {name} {under}", inner


def test_every_command_and_option_has_its_line() -> None:
    found = sections(read("commands.md"))
    assert [name for name in found if name not in {"", *dict(commands())}] == []
    for name, command in commands():
        rows = {row[0]: row[-1] for row in cells(found[name])}
        for param in command.params:
            if getattr(param, "hidden", False):
                continue
            words = (
                [*param.opts, *param.secondary_opts]
                if param.param_type_name == "option"
                else [param.metavar or param.name.upper()]
            )
            line = [text for cell, text in rows.items() if all(f"`{word}`" in cell for word in words)]
            assert line, f"{name}: {words}"
            assert line[0], f"{name}: {words} says nothing"


def test_every_command_of_a_group_is_listed_and_examples_can_be_parsed() -> None:
    found = sections(read("commands.md"))
    known = dict(commands())
    lines = [line for text in found.values() for line in text.splitlines() if line.startswith("mlopsgen ")]
    examples = [line for line in lines if "[OPTIONS]" not in line]
    assert len(examples) > 30
    for line in examples:
        words = line.split("|")[0].split()
        name = " ".join(words[:3]) if " ".join(words[:3]) in known else " ".join(words[:2])
        given = {word for word in words if word.startswith("--")}
        assert given <= {option for param in known[name].params for option in (*param.opts, *param.secondary_opts)}


def test_every_verb_of_a_generated_repository_has_its_section() -> None:
    page = read("repository-commands.md")
    code = "from helpers.options import VERBS; from helpers.ci.tasks import TASKS; print(*VERBS, '/', *TASKS)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "template" / "src", capture_output=True, text=True, check=True
    )
    verbs, tasks = (part.split() for part in done.stdout.split("/"))
    targets = re.findall(r"(?m)^([a-z-]+):.*## ", (ROOT / "template" / "Makefile").read_text(encoding="utf-8"))
    wanted = [*(f"main {verb}" for verb in verbs), *(f"helpers.ci {task}" for task in tasks)]
    wanted += [f"make {target}" for target in targets]
    assert set(wanted) <= set(sections(page, 3))
    options = (ROOT / "template" / "src" / "helpers" / "options.py").read_text(encoding="utf-8")
    for name in re.findall(r'"(--[a-z-]+)"', options):
        assert f"`{name}`" in page
    assert [row for row in cells(page) if not row[-1]] == []
    makefile = (ROOT / "template" / "Makefile").read_text(encoding="utf-8")
    for name in re.findall(r"(?m)^([A-Z]+) \?=", makefile):
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", page), name


def test_every_exit_code_and_error_code_is_explained() -> None:
    found = sections(read("exit-codes.md"))
    assert {row[0] for row in cells(found["Exit codes"])} == {str(int(code)) for code in ExitCode}
    for module in pkgutil.walk_packages(mlopsgen.__path__, "mlopsgen."):
        if not module.name.endswith(("__main__", "_child")) and ".worker" not in module.name:
            importlib.import_module(module.name)
    rows = {row[0].split("`")[1]: row for row in cells(found["Error codes"])}
    classes = list(_subclasses(MlopsgenError))
    assert set(rows) == {each.code for each in classes if each.__module__.startswith("mlopsgen")}
    assert all(meaning for _, _, meaning in rows.values())
    for each in classes:
        if "code" in vars(each):
            assert rows[each.code][1] == str(int(each.exit_code)), each


def test_every_error_code_has_its_cause_and_what_to_do() -> None:
    found = sections(read("exit-codes.md"))
    tables = ("Error codes", "Error codes of a generated repository")
    codes = {row[0].split("`")[1] for name in tables for row in cells(found[name])}
    page = (ROOT / "docs" / "how-to" / "errors.md").read_text(encoding="utf-8")
    said = {name: text for name, text in sections(page, 3).items() if name}
    assert set(said) == codes
    assert [name for name, text in said.items() if len(text.split()) < 10] == []


def test_every_message_without_a_gap_stands_on_the_pages_of_messages() -> None:
    for folder in (messages.TOOL, messages.REPOSITORY):
        listed = {each.text for each in messages.messages(folder)}
        sources = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.name != "memory.py"]
        raised = {text for source in sources for text in re.findall(r'raise \w+\(\s*"([^"{]+\.)"', source)}
        assert len(raised) > 60
        assert {text for text in raised if len(text.split()) > 4} <= listed


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


def test_every_question_has_its_section() -> None:
    found = sections(read("questions.md"), 3)
    for question in QUESTIONS:
        key = re.sub("^(development|staging|production)_", "<branch>_", question.key)
        assert key in found, question.key
        assert all(f"`{choice}`" in found[key] for choice in question.choices)
        assert not question.flag or f"`{question.flag}`" in found[key]


def test_every_kind_of_event_has_its_section() -> None:
    found = sections(read("output.md"), 3)
    for kind in _subclasses(events.Event):
        if kind is not events.Event:
            rows = {row[0]: row for row in cells(found[kind.__name__].split("\n## ")[0])}
            assert set(rows) == {"`event`", *(f"`{key}`" for key in kind(**_given(kind)).as_dict() if key != "event")}
            assert all(row[-1] for row in rows.values())


def _given(kind: type[events.Event]) -> dict[str, Any]:
    return {"message": "m", **({"done": 1, "total": 2} if kind is events.Progress else {})}


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_of_a_document_has_a_meaning(name: str) -> None:
    """The keys of each object stand together: in one table, or as the page's headings and its tables without dots."""
    groups = list(_groups(read(SCHEMAS[name])))
    done = subprocess.run(
        [sys.executable, "-m", "mlopsgen", "schema", name], cwd=ROOT, capture_output=True, text=True, check=True
    )
    objects = list(_objects(json.loads(done.stdout)))
    assert objects
    for keys in objects:
        best = max(groups, key=lambda group: len(keys & group))
        assert keys <= best, f"{name}: {sorted(keys - best)} has no meaning: describe it in its model, make generate"


def test_every_document_with_a_schema_has_its_page() -> None:
    assert {*SCHEMAS, "answers", "organisation"} == set(schema.SCHEMAS), "give it a page, and a line in SCHEMAS"
    said = {row[0].strip("`") for row in cells(sections(read("template-files.md"))["organisation.yaml"]) if row[-1]}
    assert set(schema.schema("organisation")["properties"]) <= said


def _groups(page: str) -> Iterator[set[str]]:
    """The keys with a meaning that the page shows side by side."""
    top: set[str] = set()
    for level in (2, 3):
        for heading, text in sections(page, level).items():
            said = [line for line in text.splitlines()[1:] if line and not line.startswith(("Value:", "|", "#"))]
            rows = [(row[0].strip("`").rpartition("."), row[-1]) for row in cells(text) if row[0].startswith("`")]
            for prefix in {path[0] for path, _ in rows}:
                found = {path[2].removesuffix("[]") for path, meaning in rows if path[0] == prefix and meaning}
                yield found
                top |= set() if prefix else found
            top |= {heading.split()[-1]} if heading and said else set()
    yield top


def _objects(schema: Any) -> Iterator[set[str]]:
    """The keys of each object that the schema describes, however deep."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict) and properties:
            yield set(properties)
        for key, part in schema.items():
            if key not in {"if", "then"}:
                yield from _objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _objects(part)


def test_every_environment_variable_that_the_code_names_is_explained() -> None:
    explained = {name.strip("`") for row in cells(read("environment.md")) for name in [row[0]]}
    others = yaml.safe_load((ROOT / "tools" / "reference" / "not-variables.yaml").read_text(encoding="utf-8"))
    known = explained | {name for names in others.values() for name in names}
    found: dict[str, set[str]] = {}
    for folder in (ROOT / "mlopsgen", ROOT / "template" / "src"):
        for path in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+_?", str(node.value)):
                    found.setdefault(str(node.value), set()).add(path.relative_to(ROOT).as_posix())
            for name in re.findall(r'environ(?:\.get)?[\[(]\s*"([A-Z]+)"', path.read_text(encoding="utf-8")):
                found.setdefault(name, set()).add(path.relative_to(ROOT).as_posix())
    assert len(found) > 80
    unknown = {name: sorted(paths) for name, paths in found.items() if name not in known}
    assert unknown == {}, "write them into tools/reference/variables.yaml or not-variables.yaml"
    assert known - explained <= set(found), "not-variables.yaml holds what no code names any more"


def test_every_secret_and_variable_of_the_workflows_is_explained(mlopsgen: Any, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(FULL, encoding="utf-8")
    assert mlopsgen("init", "--answers", str(tmp_path / "answers.json"), str(tmp_path / "made")).returncode == 0
    page = read("workflows.md")
    explained = {row[0].strip("`").replace("<SOURCE>", "MAIN") for row in cells(page)}
    folder = tmp_path / "made" / ".github" / "workflows"
    assert {path.name for path in folder.iterdir()} == {name for name in sections(page) if name.endswith(".yml")}
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"\b(?:secrets|vars)\.([A-Z_]+)", text)
        plain = {re.sub(r"^(DEVELOPMENT|STAGING|PRODUCTION)_(WATCH_)?", "", name) for name in names}
        assert plain <= explained, path.name
        inputs = (yaml.safe_load(text)[True] or {}).get("workflow_dispatch") or {}
        assert all(f"| `{name}` |" in sections(page)[path.name] for name in inputs.get("inputs", {}))


def test_every_public_name_of_python_has_its_section() -> None:
    pages = "\n".join(python_pages.pages().values())
    headings = set(re.findall(r"(?m)^#{2,4} (.+)$", pages))
    missing = []
    for top, folder in (("mlopsgen", ROOT), ("helpers", ROOT / "template/src"), ("steps", ROOT / "template/src")):
        for path in (folder / top).rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            name = ".".join(parts).removesuffix(".__init__")
            if any(part.startswith("_") for part in parts if part != "__init__"):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            public = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
            missing += [each for each in (name, *public) if not each.startswith("_") and each not in headings]
            said = [ast.get_docstring(node) for node in tree.body if getattr(node, "name", "_")[0] != "_"]
            missing += [f"{name}: a docstring" for each in (ast.get_docstring(tree), *said) if not each]
    assert missing == []


def test_a_goal_that_is_missed_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outcome = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    page = benchmarks.page()
    assert "nobody has looked into it yet" not in page, "explain it in benchmarks/notes.yaml"
    for figure in outcome["figures"]:
        assert figure["finding"].split(";")[0].split("`")[0] in page
    shutil.copy(ROOT / "benchmarks" / "notes.yaml", tmp_path)
    outcome["figures"][0]["met"] = False
    outcome["machine"]["processor"] = "Another One"
    outcome["figures"][0]["rows"][0]["median_seconds"] = 77.123
    (tmp_path / "results.json").write_text(json.dumps(outcome), encoding="utf-8")
    monkeypatch.setattr(benchmarks, "FOLDER", tmp_path)
    page = benchmarks.page()
    assert "77.12 s" in page
    assert "Another One" in page
    assert "nobody has looked into it yet" in page


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ask nothing: --defaults or -y.", "Ask nothing: `--defaults` or `-y`."),
        ("'mlopsgen schema answers' lists people's keys", "`mlopsgen schema answers` lists people's keys"),
        ("``gate/decision.json`` of :class:`Report`", "`gate/decision.json` of `Report`"),
        ("src/pipelines/<branch>/config.yaml", "`src/pipelines/<branch>/config.yaml`"),
        ("a * b [c] < d", r"a \* b \[c\] \< d"),
        ("well-kept, state-of-the-art", "well-kept, state-of-the-art"),
        ("`--flag` stays", "`--flag` stays"),
    ],
)
def test_sentences_of_the_code_become_markdown(text: str, wanted: str) -> None:
    assert prose(text) == wanted
