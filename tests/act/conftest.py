"""One repository that has trained, from which the tests of workflows go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.once import once

from .runs import Run
from .stage import Saved, Stage, commit, configure, make_repository, opened, restored, save

BRANCHES = ("development", "staging", "production")

TESTED_ELSEWHERE = ("Check style and types", "Run the tests")
"""What every rendering runs in tests/test_rendering_matrix.py, and test_whole.py here as a step."""

CHECKED_ELSEWHERE = (*TESTED_ELSEWHERE, "Check data, champion and platform")
"""The same where a test looks at what comes later: the first push runs the check, and the tests in which it fails."""


@dataclass(frozen=True)
class Trained:
    """A repository after its first push.

    Attributes:
        run: The first training of development, with a model that can be improved.
        others: What the creation of the other branches started.
    """

    saved: Saved
    run: Run
    others: tuple[Run, ...]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as ``init`` makes it, whose development trains a weak model."""
    return _model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The first push of a new repository has trained on development."""
    return once(tmp_path_factory, "trained", _train)


def _model(folder: Path) -> Path:
    made = make_repository(folder)
    configure(made, "development", parameters={"algorithm": "linear", "hyperparameters": {"alpha": 30}})
    commit(made, "A weak model first")
    return made


def _train(folder: Path) -> Trained:
    with opened(_model(folder), folder / "first") as stage:
        stage.actions.done = TESTED_ELSEWHERE
        run, *others = [one for branch in BRANCHES for one in stage.actions.pushed(branch, "")]
        return Trained(save(stage, folder), run, tuple(others))


@pytest.fixture
def stage(trained: Trained, tmp_path: Path) -> Iterator[Stage]:
    """A repository of this test's own that has trained once on development."""
    with restored(trained.saved, tmp_path, done=TESTED_ELSEWHERE) as stage:
        yield stage
