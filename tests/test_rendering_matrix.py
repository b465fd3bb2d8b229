"""Whatever people answer, the repository that they get is sound: rendered, cloned, linted, typed and tested."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import pytest
import yaml

from mlopsgen.answers import QUESTIONS, resolve
from mlopsgen.constants import BRANCHES
from mlopsgen.operations.pairwise import Row, all_pairs, pairs_of
from mlopsgen.remote.document import REMOTE_DOCUMENT, read_document
from mlopsgen.remote.github_desired import Making, github_resources
from tests import matrix, template_environment
from tests.init_stage import Desk

ROWS = matrix.rows()
LONG = ("tests/managed/test_cluster_package.py", "tests/managed/test_command_line.py")
"""Minutes of processes that import MLflow; the trainings of tests/act and the tutorials go through the same code."""
SOME, OTHERS = ROWS[: len(matrix.FIRST)], ROWS[len(matrix.FIRST) :]
_DELIMITERS = re.compile(r"\[\[|\]\]|\[%|%\]|\[#|#\]")


def named(rows: list[Row], first: int) -> list[object]:
    return [pytest.param(row, id=f"row{first + number}") for number, row in enumerate(rows)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def answers_file(row: Row, folder: Path) -> Path:
    """A row's answers as a person hands them over."""
    path = folder / "answers.yml"
    path.write_text(yaml.safe_dump({"version": 1} | matrix.answers(row), allow_unicode=True), encoding="utf-8")
    return path


def render(row: Row, folder: Path, home: Path) -> Path:
    """What ``mlopsgen init`` makes of a row's answers."""
    made = folder / "a repository"
    argv = [sys.executable, "-m", "mlopsgen", "init", "--answers", str(answers_file(row, folder)), "--output", "json"]
    done = subprocess.run(
        [*argv, str(made)],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(template_environment.ROOT),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"]
    return made


def clone(made: Path, target: Path) -> Path:
    """A fresh clone: only what was committed."""
    subprocess.run(["git", "clone", "-q", str(made), str(target)], check=True, capture_output=True)
    return target


@pytest.fixture
def prove(tmp_path: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """A row's repository: its own lint, types and tests, and a compiled package for each branch that trains here."""

    def do(row: Row, *tests: str) -> None:
        repository, run = clone(render(row, tmp_path, home), tmp_path / "fresh clone"), template_environment.run
        source = str(repository / "src")
        template_environment.lint(repository, home, tmp_path_factory)
        # As on anybody's machine, byte code stays: what the tests start need not compile the same files each time.
        kept = {"PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": ""}
        run(repository, home, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, timeout=1100, **kept)
        for branch in BRANCHES:
            package = home / f"{branch}.yaml"
            run(repository, home, "-m", f"pipelines.{branch}.main", "compile", "--to", str(package), **kept)
            assert package.stat().st_size > 1000

    return do


@pytest.fixture
def desk(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """The command line in this process: to start another one for each row takes longer than what it does."""
    return Desk(tmp_path, environ, capsys, monkeypatch)


@pytest.mark.parametrize("row", named(ROWS, 0))
def test_every_row_renders(row: Row, tmp_path: Path, desk: Desk) -> None:
    made = tmp_path / "a repository"
    assert desk.run("init", "--answers", str(answers_file(row, tmp_path)), str(made)).data["path"] == str(made)
    answers = matrix.answers(row)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=made, capture_output=True, text=True, check=True).stdout
    files = {name: (made / name) for name in names.split("\0") if name}
    assert not [name for name in files if name.endswith(".jinja") or _DELIMITERS.search(name)]
    for name, path in files.items():
        if path.suffix in {".yaml", ".yml"}:
            assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict), name
    for branch in BRANCHES:
        config = yaml.safe_load(files[f"src/pipelines/{branch}/config.yaml"].read_text(encoding="utf-8"))
        assert config["engine"] == answers.get(f"{branch}_engine", "local")
        assert config.get("kubeflow", {}).get("endpoint", "") == answers.get(f"{branch}_endpoint", "")
        assert config["tracking"]["uri"] == answers.get(f"{branch}_tracking_uri", "")
        assert set(config["gate"]["metrics"]) == {rule["name"] for rule in answers.get("metrics", [])} or (
            "metrics" not in answers and config["gate"]["metrics"]
        )
    # Python is written, not rendered: what is linted and tested in one rendering holds for all, and for the template.
    python = {name: path.read_bytes() for name, path in files.items() if name.endswith(".py")}
    assert python == {name: (template_environment.TEMPLATE / name).read_bytes() for name in python}
    # Promotion is a merge only as long as what differs between branches is configuration.
    assert len({files[f"src/pipelines/{branch}/main.py"].read_bytes() for branch in BRANCHES}) == 1
    sources = yaml.safe_load(files["data/sources.yaml"].read_text(encoding="utf-8"))["sources"]
    if "data_address" in answers:
        address, _, table = answers["data_address"].partition("#" if "postgresql" in answers["data_address"] else "\0")
        source = next(entry for entry in sources.values() if entry["address"] == address)
        assert source.get("table", "") == table
        assert (source["target"], source["task"]) == (answers["target"], answers["task"])
    document = read_document(files[REMOTE_DOCUMENT].read_text(encoding="utf-8"))
    given = resolve(answers)
    assert github_resources(Making(answers=given, document=document), "demo") == github_resources(
        Making(answers=given), "demo"
    )
    recorded = yaml.safe_load(files[".copier-answers.yml"].read_text(encoding="utf-8"))
    assert {key: recorded[key] for key in answers} == answers


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("row", named(SOME[:1], 0))
def test_a_fresh_clone_passes_all_checks(row: Row, prove: Callable[..., None]) -> None:
    prove(row, *(f"--ignore={path}" for path in LONG))


@pytest.mark.matrix
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("row", named(SOME[:1], 0))
def test_a_fresh_clone_passes_the_longest_tests(row: Row, prove: Callable[..., None]) -> None:
    prove(row, *LONG)


@pytest.mark.matrix
@pytest.mark.parametrize("row", named(SOME[1:2], 1))
def test_a_fresh_clone_passes_what_its_workflow_runs(row: Row, prove: Callable[..., None]) -> None:
    """The tests of managed files see the same files as in the row above, those of the steps also in the example."""
    prove(row, "--ignore", "tests/managed")


@pytest.mark.parametrize("row", named(SOME[1:], 1))
def test_a_fresh_clone_passes_its_checks(row: Row, prove: Callable[..., None]) -> None:
    """The files that differ between renderings are text, so here the tests that read them are enough."""
    prove(row, "tests/test_repository.py")


@pytest.mark.matrix
@pytest.mark.parametrize("row", named(OTHERS, len(SOME)))
def test_a_fresh_clone_of_the_other_rows_passes_its_checks(row: Row, prove: Callable[..., None]) -> None:
    prove(row, "tests/test_repository.py")


def test_the_matrix_covers_every_pair() -> None:
    """A check of the generator that does not use it: look for each pair in the rows."""
    covered = set().union(*map(pairs_of, ROWS))
    lacking = [
        (one, a, two, b)
        for one, two in combinations(matrix.FACTORS, 2)
        for a, b in product(matrix.FACTORS[one], matrix.FACTORS[two])
        if frozenset({(one, a), (two, b)}) not in covered
        and matrix.NEEDS.get(two) not in ((one, value) for value in matrix.FACTORS[one] if value != a)
    ]
    assert not lacking


def test_a_factor_that_needs_another_one_appears_only_with_it() -> None:
    rows = all_pairs({"engine": ["a", "b"], "login": [1, 2, 3], "licence": [1, 2]}, {"login": ("engine", "b")})
    assert all(("login" in row) == (row["engine"] == "b") for row in rows)
    assert {row.get("login") for row in rows} == {None, 1, 2, 3}


def test_the_matrix_knows_every_question() -> None:
    """A question, or a choice of one, that is added to the schema has to be added here."""
    fragments = [answers for values in matrix.FACTORS.values() for answers in values.values()]
    for question in QUESTIONS:
        given = [answers[question.key] for answers in fragments if question.key in answers]
        assert given, f"no row answers {question.key}"
        if question.kind == "choice":
            default = {question.default} if isinstance(question.default, str) else set()
            assert set(given) | default == set(question.choices), question.key
