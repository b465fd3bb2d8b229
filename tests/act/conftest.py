"""One repository that has trained, from which the tests of workflows go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .runs import Run
from .stage import Saved, Stage, make_repository, opened, restored, save

TESTED_ELSEWHERE = ("Check style and types", "Run the tests")
"""What every rendering runs in tests/test_rendering_matrix.py, and test_whole.py runs here as a step."""


@dataclass(frozen=True)
class Trained:
    """A repository after its first training on development."""

    saved: Saved
    run: Run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as ``init`` makes it."""
    return make_repository(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def trained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The first push of a new repository has trained on development."""
    folder = tmp_path_factory.mktemp("trained")
    with opened(model, folder / "first") as stage:
        stage.actions.done = TESTED_ELSEWHERE
        started = {branch: stage.actions.pushed(branch, "") for branch in stage.actions.repository.branches}
        (run,) = started["development"]
        return Trained(save(stage, folder), run)


@pytest.fixture
def stage(trained: Trained, tmp_path: Path) -> Iterator[Stage]:
    """A repository of this test's own that has trained once on development."""
    with restored(trained.saved, tmp_path, done=TESTED_ELSEWHERE) as stage:
        yield stage
