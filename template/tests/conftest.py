"""What the tests share: a repository of their own, an MLflow store of their own, and a way to run the steps."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import pytest
from support import World

from helpers.store import ensure_store


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository with the sample and an MLflow store, both in a folder whose name has spaces."""
    made = World(tmp_path / "my répo #1")
    monkeypatch.setenv("MLOPSGEN_ROOT", str(made.root))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.uri)
    ensure_store(made.uri)
    return made
