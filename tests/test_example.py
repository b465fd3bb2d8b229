"""The example repository: fresh, whole, checked by its own rules; and its improvement makes the model better."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests import template_environment, wine_data
from tools import example

# The university's file, or the wines that are made up.
DATA = wine_data.found() or example.OVERLAY / "data" / "sample" / "wine.csv"
OWN_TESTS = [f"tests/test_{name}.py" for name in ("steps", "notebook", "repository", "updates")]
METRICS = ("rmse", "mae", "r2")
HELPERS_TESTS = [  # one of each file that trains or compiles
    "preflight.py::test_a_champion_that_does_not_load_stops_no_training",
    "tracking.py::test_everything_about_a_run_is_recorded",
    "package_contents.py::test_the_pods_of_all_steps_say_what_they_train",
    "sweep.py::test_the_package_shows_the_loop_its_limit_and_the_metric",
    "dockerfile.py::test_the_image_runs_as_nobody_special_and_shows_its_help",
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The folder's files in a folder of their own, so that running them leaves nothing in the project."""
    copy = tmp_path / "wine-quality"
    for path, (executable, content) in example.read(example.EXAMPLE).items():
        example.write(copy, path, executable, content)
    return copy


@pytest.fixture
def address() -> Iterator[str]:
    """Where a server on this machine has the data."""
    with wine_data.served(DATA) as found:
        yield found


def test_the_folder_is_fresh(environ: dict[str, str]) -> None:
    wanted, found = example.example(environ), example.read(example.EXAMPLE)
    stale = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    assert not stale, f"{', '.join(stale)}: run 'make example'"


def test_what_is_stale_is_named_and_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    wanted = {"a/b.txt": (False, b"new"), "run.sh": (True, b"#!/bin/sh\n"), "same.txt": (False, b"same")}
    monkeypatch.setattr(example, "EXAMPLE", tmp_path)
    monkeypatch.setattr(example, "example", lambda: wanted)
    for path, content in {"a/b.txt": b"old", "gone/c.txt": b"x", "same.txt": b"same"}.items():
        example.write(tmp_path, path, False, content)
    monkeypatch.setattr(sys, "argv", ["example.py", "--check"])
    assert example.main() == 1
    named = [line.split()[0] for line in capsys.readouterr().err.splitlines()]
    assert named == [f"example-generated-repo/{path}" for path in ("a/b.txt", "gone/c.txt", "run.sh")]
    monkeypatch.setattr(sys, "argv", ["example.py"])
    assert example.main() == 0
    assert example.read(tmp_path) == wanted
    assert not (tmp_path / "gone").exists()


def test_it_holds_no_data_but_samples_and_no_history() -> None:
    names = example.read(example.EXAMPLE)
    tables = [name for name in names if Path(name).suffix in {".csv", ".parquet", ".gz", ".db"}]
    assert sorted(tables) == ["data/sample/diabetes.csv", "data/sample/wine.csv"]
    assert not (example.EXAMPLE / ".git").exists()
    sources = yaml.safe_load(names["data/sources.yaml"][1])["sources"]
    answers = yaml.safe_load(example.ANSWERS.read_text(encoding="utf-8"))
    assert sources["wine"]["address"] == answers["data_address"]


@pytest.mark.parametrize("folder", ["template", "example-generated-repo"])
def test_the_notebook_shows_every_step(folder: str) -> None:
    """Of ours; a step that an owner adds does not have to stand in the notebook."""
    root = example.ROOT / folder
    cells = json.loads((root / "notebooks" / "pipeline.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(cell["source"]) for cell in cells)
    steps = {path.stem for path in (root / "src" / "steps").glob("[a-z]*.py")}
    assert steps == set(re.findall(r"steps\.(\w+) import", text))


def test_it_passes_its_own_checks_of_style_and_types(
    repository: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    template_environment.lint(repository, tmp_path, tmp_path_factory)


def test_it_passes_its_own_tests(repository: Path, tmp_path: Path) -> None:
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *OWN_TESTS]
    template_environment.run(repository, tmp_path, *tests, PYTHONDONTWRITEBYTECODE="", WINE_CSV=str(DATA))


def test_the_tests_of_the_helpers_do_not_need_the_owners_steps(repository: Path, tmp_path: Path) -> None:
    for path in [*repository.glob("src/steps/*.py"), repository / "src/pipelines/pipeline.yaml"]:
        path.write_text("", encoding="utf-8")
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/managed/test_{name}" for name in HELPERS_TESTS)]
    template_environment.run(repository, tmp_path, *tests)


def train(repository: Path, home: Path) -> dict[str, float]:
    """Train as a push does, with the champion moved; the metrics of the champion afterwards."""
    entry = ["-m", "pipelines.development.main", "run", "--promote"]
    template_environment.run(repository, home, *entry, PYTHONPATH=str(repository / "src"))
    report = json.loads((repository / "runs/development/latest/report/report.json").read_text(encoding="utf-8"))
    assert report["promoted"], report["decision"]["reasons"]
    return {metric["name"]: metric["value"] for metric in report["decision"]["metrics"]}


def test_the_improvement_becomes_the_champion_with_the_numbers_that_the_page_tells(
    tmp_path: Path, address: str, environ: dict[str, str]
) -> None:
    repository = tmp_path / "wine-quality"
    example.make_repository(repository, environ=environ)
    sources = repository / "data" / "sources.yaml"
    text = re.sub(r"https://\S+", address, sources.read_text(encoding="utf-8"))
    sources.write_text(text.replace("minimum_rows: 1000", "minimum_rows: 100"), encoding="utf-8")
    first = train(repository, tmp_path)
    subprocess.run(
        ["git", "am", "--quiet", str(example.IMPROVEMENT)], cwd=repository, env=environ | example.PERSON, check=True
    )
    second = train(repository, tmp_path)
    assert second["rmse"] < first["rmse"]
    assert second["r2"] > first["r2"]
    rows = re.findall(
        r"^\| .+ \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", (repository / "docs" / "wine.md").read_text(), re.MULTILINE
    )
    assert len(rows) == 2
    if wine_data.found():
        measured = [[f"{metrics[name]:.3f}" for name in METRICS] for metrics in (first, second)]
        assert [list(row) for row in rows] == measured
