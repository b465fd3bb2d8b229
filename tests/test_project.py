"""Habits of this project that a tool can check: sizes, locks, links, pinned actions, nothing private in the files."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
LOCKS = [
    "requirements.txt",
    "requirements-dev.txt",
    "benchmarks/requirements-peers.txt",
    "videos/requirements.txt",
    "template/requirements.txt",
    "template/requirements-dev.txt",
]
LONGEST_MODULE = 400


def tracked(*patterns: str) -> list[Path]:
    """The files that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_modules_stay_readable() -> None:
    code = tracked("mlopsgen/*.py", "template/src/*.py", "tools/*.py", "benchmarks/*.py")
    assert len(code) > 20
    sizes = {str(path.relative_to(ROOT)): len(text_of(path).splitlines()) for path in code}
    assert {name: size for name, size in sizes.items() if size > LONGEST_MODULE} == {}


def test_programs_are_started_in_one_place_of_each_program() -> None:
    starts = {
        "subprocess.run",
        "subprocess.Popen",
        "subprocess.call",
        "subprocess.check_call",
        "subprocess.check_output",
    }
    places = {
        str(path.relative_to(ROOT))
        for path in tracked("mlopsgen/*.py", "template/src/*.py")
        for node in ast.walk(ast.parse(text_of(path)))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in starts)
        or (isinstance(node, ast.ImportFrom) and node.module == "subprocess")
    }
    assert places <= {
        "mlopsgen/adapters/process.py",
        "mlopsgen/forge/worker/process.py",  # travels alone into the forge, without the tool
        "template/src/helpers/processes.py",
        "template/src/helpers/leash.py",  # stands between ssh and who started it, and imports nothing of ours
    }


@pytest.mark.parametrize("folder", ["mlopsgen", "template/src", "template/tests", "tests", "tools", "benchmarks"])
def test_nothing_changes_the_folder_of_the_process_or_uses_a_shell(folder: str) -> None:
    for path in tracked(f"{folder}/*.py"):
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in {"os.chdir", "os.system", "os.popen"}, f"{path}:{node.lineno}"
                shells = [word for word in node.keywords if word.arg == "shell"]
                assert not shells, f"{path}:{node.lineno}"


def test_no_test_is_switched_off() -> None:
    switches = {
        "pytest.skip",
        "pytest.xfail",
        "pytest.importorskip",
        "pytest.mark.skip",
        "pytest.mark.skipif",
        "pytest.mark.xfail",
    }
    for path in tracked("tests/*.py", "template/tests/*.py"):
        used = {ast.unparse(node) for node in ast.walk(ast.parse(text_of(path))) if isinstance(node, ast.Attribute)}
        assert not used & switches, path


def test_nothing_private_is_in_the_files() -> None:
    private = re.compile(r"(?:/root|/work|/Users|/tmp/\w)/[\w.-]+|BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_[A-Za-z0-9]{20}")
    found = {}
    for path in tracked():
        if path.name == "results.json" or path.suffix in {".png", ".parquet", ".txt"} or path == Path(__file__):
            continue
        hit = private.search(path.read_bytes().decode("utf-8", "replace"))  # videos and archives as well
        if hit:
            found[str(path.relative_to(ROOT))] = hit[0]
    assert found == {}


@pytest.mark.parametrize("name", LOCKS)
def test_locks_are_exact_and_hashed(name: str) -> None:
    joined = re.sub(r"\s*\\\n\s*", " ", text_of(ROOT / name))
    lines = [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(lines) > 30
    for line in lines:
        assert re.match(
            r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,._-]+\])?==[^ ;]+( ; [^\\]+?)?( --hash=sha256:[0-9a-f]{64})+$", line
        ), line[:100]
    assert not re.search(r"https?://|index-url|find-links", "\n".join(lines))
    assert any(line.startswith("uv==") for line in lines) or name == "template/requirements.txt"


@pytest.mark.parametrize("name", [name for name in LOCKS if name != "template/requirements.txt"])
def test_locks_know_every_requirement(name: str) -> None:
    locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", text_of(ROOT / name), re.MULTILINE))
    source = (ROOT / name).with_suffix(".in")
    wanted = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text_of(source), re.MULTILINE)
    assert {re.sub(r"[-_.]+", "-", word).lower() for word in wanted} <= locked


def test_what_the_demo_installs_is_what_the_tests_have() -> None:
    pins = {
        name: dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text_of(ROOT / name), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    }
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    wanted = {re.match(r"[\w.-]+", each)[0].lower() for each in project["dependencies"]}
    assert wanted <= set(pins["requirements.txt"])
    assert pins["requirements.txt"].items() <= pins["requirements-dev.txt"].items()


def test_actions_are_pinned_and_permissions_start_from_nothing() -> None:
    workflows = tracked(".github/workflows/*.yml")
    assert workflows
    for path in workflows:
        text = text_of(path)
        for line in re.findall(r"uses:.*", text):
            assert re.fullmatch(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", line), f"{path.name}: {line}"
        document = yaml.safe_load(text)
        assert document["permissions"] == {}
        assert all("timeout-minutes" in job for job in document["jobs"].values())


def test_links_between_documents_lead_somewhere() -> None:
    pages = [path for path in tracked("*.md") if ROOT / "template" not in path.parents]
    assert len(pages) > 5
    written = ROOT / "docs" / "reference" / "python"  # by each build of the site, whose links are tested there
    for path in pages:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", re.sub(r"`[^`\n]*`", "", text_of(path))):
            if "://" not in target and written not in (path.parent / target).parents:
                assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_every_verb_of_make_is_explained() -> None:
    verbs = set(re.findall(r"^([a-z-]+):.*## ", text_of(ROOT / "Makefile"), re.MULTILINE))
    explained = set(re.findall(r"make ([a-z-]+)", text_of(ROOT / "CONTRIBUTING.md") + text_of(ROOT / "README.md")))
    assert verbs - explained == set()
    assert explained <= verbs


def test_the_changelog_has_a_place_for_what_comes() -> None:
    headings = re.findall(r"^## \[(.+?)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_continuous_integration_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert text_of(script).rstrip().endswith("exec make test")
