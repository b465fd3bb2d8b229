"""Errors that a person can cause, and the exit codes of ``python -m pipelines.<branch>.main``."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command tells its caller; continuous integration and the local forge act on it."""

    OK = 0
    """Done, or nothing to do."""
    FAILURE = 1
    """An expected failure: the message says what happened, where, and the next step."""
    USAGE = 2
    """The command line or a configuration file is not valid."""
    BUG = 3
    """A mistake in the helpers."""
    PERMISSION = 4
    """Authentication or permission is missing."""
    PARTIAL = 5
    """Some of the work is done; running the same command again continues."""
    REJECTED = 6
    """The model was trained, but the gate refused it."""
    PENDING = 8
    """Changes are pending."""
    INTERRUPTED = 130
    """Stopped by the person (Ctrl-C)."""


class RepositoryError(Exception):
    """An expected failure.

    Args:
        message: What happened, in one sentence.
        hint: The next step that a person can take.
        where: The file (and line), column, key or address that it happened at.
    """

    code = "failure"
    exit_code = ExitCode.FAILURE

    def __init__(self, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message, hint, where)
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} {self.hint}" if self.hint else text


class ConfigurationError(RepositoryError):
    """A file that a person edits is not valid; ``where`` is ``file:line``."""

    code = "configuration"
    exit_code = ExitCode.USAGE


class DataError(RepositoryError):
    """A data source cannot be read or does not fit what is declared; ``where`` names the file and column."""

    code = "data"


class AccessError(RepositoryError):
    """A login or a permission is missing or refused; the message never shows the credential."""

    code = "permission"
    exit_code = ExitCode.PERMISSION


class TrackingError(RepositoryError):
    """The MLflow store cannot be used."""

    code = "tracking"


class StepFailed(RepositoryError):
    """A step of the pipeline ended with an error; ``where`` names the step."""

    code = "step-failed"
