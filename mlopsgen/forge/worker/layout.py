"""Where everything lies in a forge, and how its small files are written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
"""The version of the folder layout and of every document in it."""


@dataclass(frozen=True)
class Layout:
    """The paths of the forge in the folder ``root``."""

    root: Path

    @property
    def manifest(self) -> Path:
        """The file that makes a folder a forge."""
        return self.root / "forge.json"

    @property
    def repository(self) -> Path:
        """The bare git repository that is pushed to."""
        return self.root / "repository.git"

    @property
    def hook(self) -> Path:
        """What git runs after a push."""
        return self.repository / "hooks" / "post-receive"

    @property
    def program(self) -> Path:
        """This package as one file."""
        return self.root / "program" / "worker.pyz"

    @property
    def recorded_python(self) -> Path:
        """Holds the path of the Python that the hook tries first."""
        return self.root / "program" / "python"

    @property
    def worker_log(self) -> Path:
        """What workers say outside of a training (usually nothing)."""
        return self.root / "program" / "worker.log"

    @property
    def store(self) -> Path:
        """The MLflow store, which outlives every work area."""
        return self.root / "store"

    @property
    def tracking_uri(self) -> str:
        """The address of the MLflow store."""
        return f"sqlite:///{self.store / 'mlflow.db'}"

    @property
    def virtual_environments(self) -> Path:
        """The prepared Python environments, one for each lock."""
        return self.root / "venvs"

    def queue(self, branch: str) -> Path:
        """The folder of a branch's waiting and running trainings."""
        return self.root / "queue" / branch

    def worker_lock(self, branch: str) -> Path:
        """Held by the one worker that trains the branch."""
        return self.queue(branch) / "worker.lock"

    def run(self, branch: str, number: int) -> Path:
        """The folder of one training: state, logs and report."""
        return self.root / "runs" / branch / str(number)

    def work(self, branch: str) -> Path:
        """The folder of a branch's work areas."""
        return self.root / "work" / branch

    def watch(self, branch: str) -> Path:
        """The folder in which the branch's data is looked at, with the log of the last look."""
        return self.root / "watch" / branch

    def variables(self, branch: str) -> Path:
        """The variables of a branch's environment."""
        return self.root / "environments" / branch / "variables.env"

    def secrets(self, branch: str) -> Path:
        """The secrets of a branch's environment; only its owner may read the file."""
        return self.root / "environments" / branch / "secrets.env"


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file so that readers see all of the old one or all of the new one, even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a text file whole or not at all."""
    write_bytes(path, text.encode("utf-8"), mode=mode)


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a JSON document whole or not at all."""
    write_text(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or ``None`` when it is not there or is no object."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
