"""A new repository's first push with every step of its workflow: its own style, types and tests are checked as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from .stage import opened


@pytest.mark.whole
@pytest.mark.timeout(1800)
def test_every_step_of_the_first_push(model: Path, tmp_path: Path) -> None:
    with opened(model, tmp_path) as stage:
        (run,) = stage.actions.pushed("development", "")
    assert run.results == {"test": "success", "train": "success", "promote": "success"}, run.said()
    assert " passed" in run.jobs["test"].step("Run the tests").log
