"""``actions.json`` beside ``report.json``: what was delivered, so that nothing is sent twice when a job runs again."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import Field, ValidationError

from helpers.actions.rules import Rule
from helpers.records import Record, Report

NAME = "actions.json"

State = Literal["delivered", "failed"]


class Entry(Record):
    """One rule that applied to the training."""

    key: str
    rule: str
    do: str
    when: list[str]
    state: State
    target: str
    delivered_to: list[str] = Field(default=[])
    refused: dict[str, str] = Field(default={})
    at: str
    attempts: int
    sent_from: Literal["ci", "pipeline"]
    message: str
    hint: str = ""


class Ledger(Record):
    """The document ``actions.json``."""

    version: Literal[1] = 1
    run: str
    entries: list[Entry] = Field(default=[])

    def entry(self, key: str) -> Entry | None:
        """What is known of a delivery."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def with_entry(self, entry: Entry) -> Ledger:
        """The ledger with what came of a delivery, in place of what was known before."""
        kept = [known for known in self.entries if known.key != entry.key]
        return self.model_copy(update={"entries": [*kept, entry]})


def key_of(report: Report, rule: Rule) -> str:
    """The idempotency key of a delivery: the same whenever the same rule tells of the same training."""
    parts = [report.repository, report.project, report.pipeline, report.branch, report.run.id, rule.identity]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def now() -> str:
    """The time of an entry."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(folder: Path | None, run: str) -> tuple[Ledger, str]:
    """The ledger of a training, and what to tell a person of it; a new one where there is none."""
    fresh = Ledger(run=run)
    if folder is None:
        return fresh, ""
    path = folder / NAME
    try:
        found = Ledger.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return fresh, ""
    except (OSError, ValidationError) as error:
        return fresh, f"{path} cannot be read ({type(error).__name__}): what was sent before is not known."
    if found.run != run:
        return fresh, f"{path} is of another training; it is replaced."
    return found, ""


def write(folder: Path | None, ledger: Ledger) -> str:
    """Keeps the ledger, whole or not at all; gives what to tell a person when that does not work."""
    if folder is None:
        return ""
    part = folder / f".{NAME}.{uuid4().hex}"
    try:
        part.write_text(ledger.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
        os.replace(part, folder / NAME)  # noqa: PTH105 - the pair of write and replace is the point here
    except OSError as error:
        return (
            f"{folder / NAME} cannot be written ({error.strerror}): "
            "when this is run again, what was delivered now is sent a second time."
        )
    finally:
        part.unlink(missing_ok=True)
    return ""
