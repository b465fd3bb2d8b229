"""What a verb returns, and the JSON document that ``--output json`` prints; both have the shape of mlopsgen's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from helpers.errors import ExitCode, RepositoryError

ENVELOPE_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class VerbResult:
    """The outcome of a verb.

    Attributes:
        summary: One sentence for a person.
        data: What the verb made or found, as JSON values.
        lines: What a person sees below the summary.
        next_steps: What a person does next.
        exit_code: What the caller is told.
        error: Why it failed, when it failed but has data all the same.
    """

    summary: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.OK
    error: RepositoryError | None = None


def envelope(command: str, outcome: VerbResult | RepositoryError) -> dict[str, Any]:
    """The JSON document of an outcome, success or failure."""
    document: dict[str, Any] = {
        "version": ENVELOPE_VERSION,
        "command": command,
        "ok": outcome.exit_code == ExitCode.OK,
        "exit_code": int(outcome.exit_code),
    }
    if isinstance(outcome, VerbResult):
        return document | {
            "summary": outcome.summary,
            "data": outcome.data,
            "next_steps": list(outcome.next_steps),
            "error": describe_error(outcome.error) if outcome.error else None,
        }
    return document | {
        "summary": outcome.message,
        "data": {},
        "next_steps": [outcome.hint] if outcome.hint else [],
        "error": describe_error(outcome),
    }


def describe_error(error: RepositoryError) -> dict[str, str]:
    """An error as the envelope shows it."""
    return {"code": error.code, "message": error.message, "hint": error.hint, "where": error.where}
