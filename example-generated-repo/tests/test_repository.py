"""What this repository says about itself holds together: configuration, pipelines and data sources of every branch.

Nothing is fetched from elsewhere and nothing is trained; `make check` looks at remote data as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.branch import load_branch
from helpers.config import BRANCHES
from helpers.graph import build_pipeline, compile_package
from helpers.metrics import METRICS
from helpers.sources import fetch, load_sources
from helpers.table import prepare
from helpers.targets import local_target

ROOT = Path(__file__).resolve().parents[1]
SOURCES = load_sources(ROOT).sources
HERE = [name for name, source in SOURCES.items() if "://" not in source.address and (ROOT / source.address).is_file()]


@pytest.mark.parametrize("branch", BRANCHES)
def test_every_pipeline_of_the_branch_compiles(branch: str, tmp_path: Path) -> None:
    loaded = load_branch(ROOT, branch)
    loaded.check_parameters()
    assert loaded.text.pipelines
    for name in loaded.text.pipelines:
        package = tmp_path / f"{name}.yaml"
        compile_package(build_pipeline(loaded.plan(name), local_target(loaded)), package)
        assert f"name: {loaded.text.project}-{name}" in package.read_text(encoding="utf-8")


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_sources_that_the_branch_trains_on_are_declared(branch: str) -> None:
    loaded = load_branch(ROOT, branch)
    for name in loaded.text.pipelines:
        for parameter in loaded.plan(name).parameters:
            if parameter.name == "source":
                assert parameter.default in SOURCES, f"{name} of {branch} names an unknown source"


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_gate_asks_for_metrics_that_the_task_has(branch: str) -> None:
    loaded = load_branch(ROOT, branch)
    for pipeline in loaded.text.pipelines:
        chosen = [parameter.default for parameter in loaded.plan(pipeline).parameters if parameter.name == "source"]
        for source in (SOURCES[name] for name in chosen if name in SOURCES):
            for name in loaded.config.gate.metrics:
                # A name that is not in the list may be a metric of your own.
                assert name not in METRICS or source.task in METRICS[name].tasks, f"{name} is not for {source.task}"


@pytest.mark.parametrize("name", HERE)
def test_data_of_this_repository_can_be_read(name: str, tmp_path: Path) -> None:
    fetched = fetch(SOURCES[name], root=ROOT, to=tmp_path / "data")
    table = prepare(fetched.path, SOURCES[name], name=name, address=fetched.address, fingerprint=fetched.fingerprint)
    assert table.kinds
    assert len(table.frame) >= SOURCES[name].minimum_rows
