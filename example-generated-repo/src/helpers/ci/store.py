"""``store``: the MLflow store of a branch that trains on hosted runners, kept as the artifact ``store-<branch>``.

The artifact holds one file, ``store.zip``: the database, copied while nobody can be in the middle of a change, and the
files of the runs. The newest one of the branch's own runs is brought back before a training.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sqlite3
import tempfile
import zipfile
from pathlib import Path

from helpers.ci.artifacts import BrokenArtifact, Found, fetch, trusted, unpack
from helpers.ci.job import Job
from helpers.config import load_config, load_dotenv, tracking_uri
from helpers.errors import RepositoryError
from helpers.github_api import ApiError
from helpers.report_words import moment

PACKED = "store.zip"
DATABASE = "mlflow.db"
FILES = "artifacts"
LARGEST = 4_000_000_000
WORTH_SAYING = 400_000_000
"""Bytes from which a store is better kept by a server; the free plan keeps 500 MB of artifacts in all."""
DAYS = 90
"""``retention-days`` of the artifact in the branch's workflow."""
SERVER = "Keep runs on an MLflow server (tracking.uri in config.yaml, or the variable MLFLOW_TRACKING_URI)."


def store(job: Job, options: argparse.Namespace) -> None:
    """Brings the store back, or packs it; sets ``needed`` and ``restored``, or ``needed``, ``path`` and ``bytes``."""
    database = _database(job, options.branch)
    if database is None:
        job.tell(f"The runs of {options.branch} are kept outside of this job; there is no store to {options.action}.")
        job.output(needed=False, **({"restored": False} if options.action == "restore" else {"path": "", "bytes": 0}))
    elif options.action == "restore":
        _restore(job, options.branch, database)
    else:
        _keep(job, options.branch, database, job.root / options.into)


def _database(job: Job, branch: str) -> Path | None:
    """The store's file; None when a server or the runner's machine keeps the runs."""
    config = load_config(job.root, branch)
    uri = tracking_uri(job.root, config, load_dotenv(job.root, job.environ))
    if not uri.startswith("sqlite:///"):
        return None
    path = Path(uri.removeprefix("sqlite:///"))
    return path if path.is_relative_to(job.root) else None


def _restore(job: Job, branch: str, database: Path) -> None:
    if database.exists():
        job.tell(f"The store is here already: {database.name} on this runner.")
        job.output(needed=True, restored=False)
        return
    notes: list[str] = []
    found = None
    try:
        for one in trusted(job, f"store-{branch}", branch, follow_up=False):
            try:
                _bring(job, one, database)
            except BrokenArtifact as error:
                notes.append(f"The store of {one.url} cannot be used: {error.message}")
                continue
            found = one
            break
    except ApiError as error:
        raise RepositoryError(
            f"The store of earlier trainings cannot be fetched, and without it the champion would be forgotten: "
            f"{error.message}",
            where=f"store-{branch}",
            hint=error.hint,
        ) from error
    for note in notes:
        job.annotate("warning", note, title=f"Store of {branch}")
    if found is None:
        lost = " No older one is left either: this training begins a new store, without a champion." if notes else ""
        job.tell(f"There is no store of earlier trainings of {branch}.{lost}")
        if notes:
            job.summarize(f"**Store of {branch}:** {' '.join(notes)}{lost}")
    else:
        job.tell(f"Brought back the store of {found.url}, made {moment(found.created)}, kept until {_until(found)}.")
    job.output(needed=True, restored=found is not None)


def _bring(job: Job, found: Found, database: Path) -> None:
    """Puts a store in its place; nothing is there when it turns out to be damaged."""
    home = database.parent
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="restore-") as folder:
        outer = fetch(job, found, Path(folder, "artifact"), largest=LARGEST)
        inner = Path(folder, "store")
        unpack(outer / PACKED, inner, largest=LARGEST)
        _sound(inner / DATABASE)
        if (inner / FILES).is_dir():
            shutil.rmtree(home / FILES, ignore_errors=True)
            (inner / FILES).replace(home / FILES)
        (inner / DATABASE).replace(database)


def _sound(database: Path) -> None:
    """Looks whether a database can be read to its end.

    Raises:
        BrokenArtifact: It cannot.
    """
    if not database.is_file():
        raise BrokenArtifact("It holds no store.", where=database.name)
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute("SELECT count(*) FROM experiments").fetchone()
    except sqlite3.Error as error:
        raise BrokenArtifact(f"Its database is damaged: {error}.", where=database.name) from error
    if answer != ("ok",):
        raise BrokenArtifact("Its database is damaged.", where=database.name)


def _keep(job: Job, branch: str, database: Path, into: Path) -> None:
    if not database.is_file():
        job.tell(f"There is no store of {branch} to keep.")
        job.output(needed=True, path="", bytes=0)
        return
    packed = into / PACKED
    try:
        into.mkdir(parents=True, exist_ok=True)
        _pack(database, packed)
    except (OSError, sqlite3.Error) as error:
        raise RepositoryError(f"The store cannot be packed: {error}.", where=str(database)) from error
    size = packed.stat().st_size
    allowed = job.environ.get("GITHUB_RETENTION_DAYS", "")  # of the repository, or of its organisation
    days = min(DAYS, int(allowed)) if allowed.isdecimal() else DAYS
    amount = f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    kept = f"{amount}, the memory of {branch} for its next training"
    job.summarize(
        f"**Store of {branch}:** {kept}. GitHub keeps it for {days} days after the last training; then runs and "
        f"champion are forgotten. {SERVER}"
    )
    if size > WORTH_SAYING:
        job.annotate("warning", f"The store of {branch} has {kept}. {SERVER}", title="The store grows")
    job.output(needed=True, path=str(into.relative_to(job.root)) if into.is_relative_to(job.root) else into, bytes=size)


def _pack(database: Path, packed: Path) -> None:
    """The database as it was between two changes, and the files beside it."""
    with tempfile.TemporaryDirectory(dir=packed.parent, prefix=".pack-") as folder:
        copy, half = Path(folder, DATABASE), Path(folder, PACKED)
        with (
            contextlib.closing(sqlite3.connect(database, timeout=60)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
            archive.write(copy, DATABASE)
            for path in sorted((database.parent / FILES).rglob("*")):
                if path.is_file() and not path.is_symlink():
                    archive.write(path, f"{FILES}/{path.relative_to(database.parent / FILES).as_posix()}")
        half.replace(packed)
        os.utime(packed)


def _until(found: Found) -> str:
    return moment(found.until) if found.until else "GitHub deletes it"
