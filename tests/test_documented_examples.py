"""The examples in the generated repository's documentation work as they are printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlopsgen.adapters.copier_engine import CopierEngine
from mlopsgen.adapters.template_store import TemplateStore
from mlopsgen.answers import resolve
from tests import template_environment

MAIN = "pipelines.development.main"


@pytest.fixture
def repository(tmp_path: Path, environ: dict[str, str]) -> Path:
    """A rendering with the default answers."""
    store, folder = TemplateStore(environ), tmp_path / "repository"
    folder.mkdir()
    CopierEngine(store, environ).render(store.newest, resolve({"slug": "wine"}), folder)
    return folder


def write_examples(repository: Path, page: str) -> list[str]:
    """Write each Python example that begins with its path there; the paths."""
    text = (repository / page).read_text(encoding="utf-8")
    found = re.findall(r"^```python\n# ((?:src|tests)/\S+\.py)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for path, code in found:
        (repository / path).write_text(code, encoding="utf-8")
    return [path for path, _ in found]


def run(repository: Path, home: Path, *arguments: str) -> None:
    template_environment.run(repository, home, "-m", *arguments, PYTHONPATH=str(repository / "src"))


def test_the_step_of_the_readme_trains_and_the_page_about_models_loads_what_came_of_it(repository, tmp_path):
    assert write_examples(repository, "README.md") == ["src/steps/drop_extremes.py"]
    readme = (repository / "README.md").read_text(encoding="utf-8")
    parameters, steps = re.search(
        r"^    parameters: \{(share: [\d.]+)\}.*?\n    steps:\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE
    ).groups()
    path = repository / "src" / "pipelines" / "pipeline.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("    parameters:\n", f"    parameters:\n      {parameters}\n")
    text = re.sub(r"      - \{id: train-model,.*\n", lambda _: steps, text)
    path.write_text(text, encoding="utf-8")
    run(repository, tmp_path, MAIN, "run", "--promote")
    log = next((repository / "runs" / "development").glob("2*/log.txt")).read_text(encoding="utf-8")
    assert re.search(r"\b[1-9]\d* rows left out", log)
    (program,) = re.findall(r"^```python\n(.*?)^```$", page_about_models(repository), re.DOTALL | re.MULTILINE)
    for told, here in (
        ("sqlite:////absolute/path/to", f"sqlite:///{repository}"),
        ("diabetes-training@champion-production", "wine-training@champion-development"),
        ('"new.csv"', repr(str(repository / "data" / "sample" / "diabetes.csv"))),
    ):
        assert told in program
        program = program.replace(told, here)
    template_environment.run(repository, tmp_path, "-c", program)


def page_about_models(repository: Path) -> str:
    return (repository / "models" / "README.md").read_text(encoding="utf-8")


def test_the_pipeline_in_code_of_the_page_for_data_scientists_runs(repository, tmp_path):
    written = write_examples(repository, "docs/data-scientist.md")
    assert written == ["tests/test_drop_extremes.py", "src/pipelines/quick.py", "src/pipelines/development/main.py"]
    run(repository, tmp_path, MAIN, "run")


def test_the_test_of_a_step_on_the_page_for_data_scientists_passes_and_sees_a_mistake(repository, tmp_path):
    write_examples(repository, "README.md")
    write_examples(repository, "docs/data-scientist.md")
    command = ("pytest", "-q", "-p", "no:cacheprovider", "tests/test_drop_extremes.py")
    run(repository, tmp_path, *command)
    step = repository / "src" / "steps" / "drop_extremes.py"
    step.write_text(step.read_text(encoding="utf-8").replace("quantile(1 - share)", "quantile(1)"), encoding="utf-8")
    with pytest.raises(AssertionError, match="test_a_tenth_of_the_rows_is_left_out"):
        run(repository, tmp_path, *command)
