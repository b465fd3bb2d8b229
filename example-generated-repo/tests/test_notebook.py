"""The notebook runs from top to bottom, with the steps as they are now and wines that are made up."""

from __future__ import annotations

import json
import shutil

import nbformat
import pytest
import wine
from nbclient import NotebookClient
from support import TEMPLATE, World

from helpers import tracking
from helpers.context import RunContext

NOTEBOOK = TEMPLATE / "notebooks" / "pipeline.ipynb"


def test_the_notebook_trains_and_moves_no_champion(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.pipeline_text()
    shutil.copy(wine.SAMPLE, world.root / "data" / "sample")
    world.source(address="data/sample/wine.csv", target="quality", task="regression", separator=";")
    monkeypatch.setenv("PYTHONPATH", str(TEMPLATE / "src"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(world.root)}}
    ).execute()
    images = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(images) == 3
    context = RunContext(project="demo", pipeline="training", branch="development")
    report = tracking.read_report(tracking.last_run(context))
    assert report.decision.outcome == "first"
    assert report.run.engine == "notebook"
    assert not report.promoted
    assert tracking.champion(context) is None


def test_the_notebook_is_committed_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
