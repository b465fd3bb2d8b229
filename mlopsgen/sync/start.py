"""Where an update starts: the version and the answers that the repository was rendered with, as far as can be known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlopsgen.adapters.git import GitRepository
from mlopsgen.constants import ANSWERS_FILE
from mlopsgen.errors import InvalidDocument
from mlopsgen.ports import Template
from mlopsgen.sync.record import Record, read_record


@dataclass(frozen=True, kw_only=True)
class Given:
    """Answers that a person gives along with an update.

    Attributes:
        answers: By key, as text or as values of YAML or JSON.
        origin: Where each one came from, for errors (``answers.yml:3``, ``--set``).
    """

    answers: Mapping[str, object] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Start:
    """What is updated.

    Attributes:
        record: The record as it stands in the repository.
        version: The version that the base is rendered from.
        answers: The answers that the base is rendered with.
        today: The answers as they stand in the record; others than ``answers`` if somebody edited them.
        warnings: What a person should know about it.
    """

    record: Record
    version: str
    answers: Mapping[str, Any]
    today: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def find_start(
    repository: GitRepository, ours: str, template: Template, *, rebase_from: str | None = None,
    given: Given | None = None,
) -> Start:  # fmt: skip
    """Where the update of a commit starts.

    Raises:
        InvalidDocument: The record is missing, cannot be read or cannot be believed; the hint names the way back.
    """
    done = repository.run("cat-file", "blob", f"{ours}:{ANSWERS_FILE}", check=False)
    if done.exit_status != 0:
        raise InvalidDocument(f"There is no {ANSWERS_FILE}.", where=ANSWERS_FILE)
    record = read_record(done.stdout)
    return Start(record=record, version=rebase_from or record.version, answers=record.answers, today=record.answers)
