"""The MLflow store: prepared once under a lock, so that any number of runs may start at the same time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before MLflow is imported

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from helpers.errors import TrackingError

_SQLITE = "sqlite:///"
_LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)
"""Where MLflow's database keeps addresses of files."""


def ensure_store(uri: str) -> None:
    """Makes the store ready and the store of this process.

    A SQLite file is created and migrated by one process while others wait: first uses at the same time would fail.

    Args:
        uri: ``sqlite:////absolute/path``, or the address of an MLflow server.

    Raises:
        TrackingError: The store cannot be created or reached.
    """
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        path = database_path(uri)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        with store_lock(uri):
            MlflowClient(uri).search_experiments(max_results=1)
            if path is not None:
                _come_home(path)
    except OSError as error:
        raise TrackingError(
            f"The MLflow store cannot be written: {error.strerror or error}.", where=shown_uri(uri)
        ) from error
    except Exception as error:  # MLflow hands on what its database driver or HTTP client raises
        raise unusable(error, uri) from error


def ensure_experiment(client: MlflowClient, name: str) -> str:
    """The experiment's id; it is created when there is none, with its artifacts beside the database.

    Raises:
        TrackingError: The experiment was deleted.
    """
    uri = client.tracking_uri
    with store_lock(uri):
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            path = database_path(uri)
            location = None if path is None else (path.parent / "artifacts" / name).as_uri()
            return str(client.create_experiment(name, artifact_location=location))
    if experiment.lifecycle_stage != "active":
        raise TrackingError(
            f"The MLflow experiment '{name}' was deleted.",
            where=shown_uri(uri),
            hint=f"Restore it: mlflow experiments restore --experiment-id {experiment.experiment_id}",
        )
    return str(experiment.experiment_id)


@contextlib.contextmanager
def store_lock(uri: str) -> Iterator[None]:
    """One process at a time, on this machine; a server looks after itself. A killed process leaves no lock behind."""
    path = database_path(uri)
    if path is None:
        yield
        return
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with (path.parent / f"{path.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def database_path(uri: str) -> Path | None:
    """The file of a SQLite store; None for a server."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def shown_uri(uri: str) -> str:
    """The store's address without credentials."""
    if uri.startswith(_SQLITE) or "://" not in uri:
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def unusable(error: Exception, uri: str) -> TrackingError:
    """What MLflow raised, as an error for people."""
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    hint = "Look at the address in tracking.uri of the branch's config.yaml, or in MLFLOW_TRACKING_URI."
    if database_path(uri) is not None:
        hint = "When the file is damaged, move it away; the next run starts a new store."
    return TrackingError(f"The MLflow store cannot be used: {reason[:300]}", where=shown_uri(uri), hint=hint)


def client() -> MlflowClient:
    """A client of the store that :func:`ensure_store` or ``MLFLOW_TRACKING_URI`` names."""
    return MlflowClient(mlflow.get_tracking_uri())


def read_text_artifact(store: MlflowClient, run_id: str, path: str) -> str | None:
    """A text artifact of a run; None when it has none of this name."""
    folder = path.rpartition("/")[0]
    try:
        if path not in [item.path for item in store.list_artifacts(run_id, folder or None)]:
            return None
        with tempfile.TemporaryDirectory() as into:
            return Path(store.download_artifacts(run_id, path, into)).read_text(encoding="utf-8")
    except (OSError, MlflowException):
        return None


def _come_home(path: Path) -> None:
    """Tells a store that was moved where its files lie now.

    MLflow keeps absolute addresses, so a moved folder would still read and write where it used to be.
    """
    home = path.parent / "artifacts"
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as database, database:
        for name, location in database.execute("SELECT name, artifact_location FROM experiments").fetchall():
            before = str(location).removesuffix(f"/{name}")
            if before == location or before == home.as_uri() or not (home / name).is_dir():
                continue
            for table, column in _LOCATIONS:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                    (home.as_uri(), len(before) + 1, len(before) + 1, f"{before}/"),
                )
