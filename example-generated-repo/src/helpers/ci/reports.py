"""The reports of earlier trainings, from the artifacts ``report-<branch>``. Standard library only."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.ci.artifacts import BrokenArtifact, Found, fetch, trusted
from helpers.ci.job import Job

LARGEST = 50_000_000
MOST = 5
"""How many reports are looked at before the search ends."""


@dataclass(frozen=True)
class LastReport:
    """The report of an earlier training.

    Attributes:
        document: What ``report.json`` holds.
        found: The artifact that it came from.
        notes: What was passed over on the way to it.
    """

    document: dict[str, Any]
    found: Found
    notes: tuple[str, ...] = ()

    @property
    def commit(self) -> str:
        """The commit that was trained; empty when it is not known or had changes beside it."""
        commit = str(self.document.get("commit", ""))
        return commit if re.fullmatch(r"[0-9a-f]{40}", commit) else ""


@dataclass
class Search:
    """The way through a branch's reports, the newest first.

    Attributes:
        notes: What was passed over so far, in sentences.
    """

    job: Job
    branch: str
    notes: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[LastReport]:
        """The reports that can be read."""
        for number, found in enumerate(trusted(self.job, f"report-{self.branch}", self.branch, follow_up=True)):
            if number >= MOST:
                return
            try:
                document = self._read(found)
            except BrokenArtifact as error:
                self.notes.append(f"The report of {_said(found)} cannot be used: {error.message}")
                continue
            if document is not None:
                yield LastReport(document, found, tuple(self.notes))

    def _read(self, found: Found) -> dict[str, Any] | None:
        """The document; None when it is another branch's, which ``follow-up.yml`` may have kept under this name."""
        with tempfile.TemporaryDirectory(prefix="report-") as folder:
            path = fetch(self.job, found, Path(folder, "report"), largest=LARGEST) / "report.json"
            return read_document(path, self.branch)


def last_report(job: Job, branch: str) -> tuple[LastReport | None, list[str]]:
    """The branch's newest report that can be read, and what was passed over.

    Raises:
        ApiError: GitHub cannot be asked.
    """
    search = Search(job, branch)
    return next(iter(search), None), search.notes


def read_document(path: Path, branch: str) -> dict[str, Any] | None:
    """What a ``report.json`` holds, as plain data; None when it is another branch's.

    Raises:
        BrokenArtifact: It is not there, or it is no report.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise BrokenArtifact("report.json is too large.", where=str(path))
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BrokenArtifact("It holds no report.json.", where=str(path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BrokenArtifact("Its report.json cannot be read.", where=str(path)) from error
    if not isinstance(found, dict) or found.get("version") != 1 or not isinstance(found.get("run"), dict):
        raise BrokenArtifact("Its report.json is no report that this version knows.", where=str(path))
    return found if found.get("branch") == branch else None


def _said(found: Found) -> str:
    return found.url or f"run {found.run}"
