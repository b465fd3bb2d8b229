"""What the tests share: a repository and an MLflow store of their own."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
import plain
import pytest
from hypothesis import settings
from support import TEMPLATE, World

from helpers.store import ensure_store

STORES = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}

# In the template itself nothing is rendered yet, so it has no configuration of its own to look at.
collect_ignore = [] if (TEMPLATE / "data" / "sources.yaml").exists() else ["test_repository.py"]

# The same examples each time: whether a push is refused must not depend on luck. EXPLORE=1 looks for new ones.
settings.register_profile("repository", deadline=None, derandomize=not os.environ.get("EXPLORE"))
settings.load_profile("repository")

# Started in the background by a plain shell, tests ignore Ctrl-C, and so would the programs that they press it in.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is ready and holds nothing; copying it is faster than making one for every test."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    ensure_store(f"sqlite:///{path}")
    return path


def forget_the_store() -> None:
    """Makes MLflow's store the person's again."""
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    for name, value in STORES.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(autouse=True)
def store_of_the_person() -> Iterator[None]:
    """MLflow keeps one store for the whole process: a test of a deployed model must not look in an earlier test's."""
    yield
    forget_the_store()


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository with the sample and an MLflow store, both in a folder whose name has spaces.

    The tests in ``managed`` are about ``src/helpers``: they train with steps of their own, not those of ``src/steps``.
    """
    made = World(tmp_path / "my répo #1")
    if request.path.parent.name == "managed":
        made.step = partial(getattr, plain)
    monkeypatch.setenv("MLOPSGEN_ROOT", str(made.root))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.uri)
    (made.root / ".mlflow").mkdir()
    shutil.copy(empty_store, made.root / ".mlflow")
    ensure_store(made.uri)
    return made
