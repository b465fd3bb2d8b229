"""What an operation returns, and the one versioned JSON envelope that every command prints with ``--output json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlopsgen.errors import ExitCode, MlopsgenError

ENVELOPE_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class OperationResult:
    """The outcome of an operation.

    Attributes:
        summary: One sentence for a person.
        data: What the operation made or found, as JSON values; each command documents its keys.
        next_steps: What a person does next, each a sentence or a command.
        exit_code: 0 unless the operation succeeded in finding something that the caller asked to be told of.
    """

    summary: str
    data: dict[str, Any] = field(default_factory=dict)
    next_steps: tuple[str, ...] = ()
    exit_code: ExitCode = ExitCode.OK


def envelope(command: str, outcome: OperationResult | MlopsgenError) -> dict[str, Any]:
    """The JSON document for a command's outcome, success or failure.

    Args:
        command: The command's name, for example ``init``.
        outcome: What the operation returned, or the error that it raised.
    """
    document: dict[str, Any] = {
        "version": ENVELOPE_VERSION,
        "command": command,
        "exit_code": int(outcome.exit_code),
    }
    if isinstance(outcome, OperationResult):
        return document | {
            "ok": outcome.exit_code == ExitCode.OK,
            "summary": outcome.summary,
            "data": outcome.data,
            "next_steps": list(outcome.next_steps),
            "error": None,
        }
    return document | {
        "ok": False,
        "summary": outcome.message,
        "data": outcome.data,
        "next_steps": [outcome.hint] if outcome.hint else [],
        "error": {
            "code": outcome.code,
            "message": outcome.message,
            "hint": outcome.hint,
            "where": outcome.where,
        },
    }


def envelope_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of :func:`envelope`."""
    text = {"type": "string"}
    error = {
        "type": "object",
        "additionalProperties": False,
        "required": ["code", "message", "hint", "where"],
        "properties": {
            "code": {**text, "description": "Stable; programs may act on it."},
            "message": {**text, "description": "What happened, in a sentence."},
            "hint": {**text, "description": "The next step; may be empty."},
            "where": {**text, "description": "File and line, key, flag or address; may be empty."},
        },
    }
    properties: dict[str, Any] = {
        "version": {"const": ENVELOPE_VERSION},
        "command": {**text, "description": "The verb, for example 'init'."},
        "exit_code": {"enum": sorted(int(code) for code in ExitCode), "description": "The exit code of the process."},
        "ok": {"type": "boolean", "description": "Whether the exit code is 0."},
        "summary": {**text, "description": "One sentence for a person."},
        "data": {"type": "object", "description": "What the command made or found."},
        "next_steps": {
            "type": "array",
            "items": text,
            "description": "What a person does next, each a sentence or a command.",
        },
        "error": {"anyOf": [{"type": "null"}, error], "description": "What went wrong; null where nothing did."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlopsgen envelope",
        "description": "Standard output of every command with '--output json', failures included.",
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
