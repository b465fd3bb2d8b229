"""What ``check`` found: one line of its table for each thing that was looked at."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from helpers.errors import RepositoryError


@dataclass
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it was.
        ok: Whether a training can use it.
        message: What was found, or why it does not work.
        hint: The next step when it does not work.
        where: The file, address or key that it is about.
        exit_code: What the command ends with because of it; 0 when it is in order.
        notes: What else a person wants to know.
        section: The part of ``check`` that looked.
        seconds: How long looking took.
    """

    name: str
    ok: bool = True
    message: str = ""
    hint: str = ""
    where: str = ""
    exit_code: int = 0
    notes: list[str] = field(default_factory=list)
    section: str = ""
    seconds: float = 0.0

    def failed(self, error: RepositoryError) -> None:
        """Notes that it does not work, and why."""
        self.ok = False
        self.message, self.hint, self.where = error.message, error.hint, error.where
        self.exit_code = int(error.exit_code)


@contextmanager
def looking(findings: list[Finding], name: str, section: str = "") -> Iterator[Finding]:
    """Adds a finding, and turns an expected error inside into its failure."""
    finding = Finding(name, section=section)
    findings.append(finding)
    started = time.monotonic()
    try:
        yield finding
    except RepositoryError as error:
        finding.failed(error)
    finally:
        finding.seconds = round(time.monotonic() - started, 3)
