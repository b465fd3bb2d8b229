"""What a rule sends: prepared first, so that a dry run shows what is sent; then delivered, with patience.

A delivery is tried again when trying again can help, and counts only when the other side took it: at least once. Its
idempotency key is the same for the same training and rule, so that a receiver can tell a second one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from helpers.config import BranchConfig
from helpers.errors import RepositoryError
from helpers.records import Report

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""A server that asks for more patience than this is left alone: a job of CI costs money while it waits."""


class DeliveryError(RepositoryError):
    """A delivery did not succeed.

    Args:
        message: What happened, in one sentence without secrets.
        hint: The next step.
        where: The server.
        again: Whether trying again can help.
        pause: How many seconds the server asks to wait, if it said so.
    """

    code = "delivery"

    def __init__(
        self, message: str, *, hint: str = "", where: str = "", again: bool = False, pause: float | None = None
    ) -> None:
        super().__init__(message, hint=hint, where=where)
        self.again = again
        self.pause = pause
        self.attempts = 1


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What a rule sends something about.

    Attributes:
        report: The training.
        folder: Where its report lies, with the plots; None when there is none.
        config: The branch's configuration.
        config_name: Its file, as people know it.
        environ: The environment with the secrets.
        test: Whether the report is a sample.
    """

    report: Report
    folder: Path | None
    config: BranchConfig
    config_name: str
    environ: Mapping[str, str]
    test: bool = False

    def variable(self, name: str) -> str:
        """A variable or secret of the environment; empty when it is not there."""
        return self.environ.get(name, "").strip()


@dataclass(frozen=True)
class Receipt:
    """What came of a delivery.

    Attributes:
        message: What the other side said, for people.
        delivered: To whom, where several people are meant.
        refused: Who did not get it, and why.
    """

    message: str
    delivered: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    again: bool = False


class Prepared(Protocol):
    """Something that is ready to be sent."""

    @property
    def target(self) -> str:
        """To whom or where, without secrets."""

    def lines(self) -> list[str]:
        """Exactly what would be sent, without secrets."""

    def problem(self) -> str:
        """What is missing for sending it; empty when nothing is."""

    def send(self, done: Sequence[str], /) -> Receipt:
        """Sends it, once.

        Args:
            done: Who of several people has it already.

        Raises:
            DeliveryError: Nobody took it.
        """


def deliver(
    prepared: Prepared, *, attempts: int, done: Sequence[str], say: Callable[[str], None]
) -> tuple[Receipt, int]:
    """Sends something, again and again while that can help; gives what came of it and the number of attempts.

    Raises:
        DeliveryError: It was not delivered.
    """
    reached = list(done)
    for attempt in range(1, attempts + 1):
        try:
            receipt = prepared.send(reached)
        except DeliveryError as error:
            if not error.again or attempt == attempts or (error.pause or 0) > LONGEST_PAUSE:
                raise _patient(error, attempt) from error
            pause, reason = error.pause, error.message
        else:
            reached += receipt.delivered
            if not receipt.again or attempt == attempts:
                return Receipt(receipt.message, tuple(reached), receipt.refused, receipt.hint), attempt
            pause, reason = None, next(iter(receipt.refused.values()))
        wait = FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.8, 1.2) if pause is None else pause  # noqa: S311
        wait = min(wait, LONGEST_PAUSE)
        say(f"  {reason} Trying again in {wait:.0f} s ({attempt} of {attempts} attempts).")
        time.sleep(wait)
    raise AssertionError("there is at least one attempt")


def _patient(error: DeliveryError, attempts: int) -> DeliveryError:
    """The error as the person sees it: with what the server asked for and how often it was tried."""
    message = error.message
    if (error.pause or 0) > LONGEST_PAUSE:
        message += f" It asks to be left alone for {error.pause:.0f} s."
    elif attempts > 1:
        message += f" It was tried {attempts} times."
    told = DeliveryError(message, hint=error.hint, where=error.where)
    told.attempts = attempts
    return told


def redacted(text: str, environ: Mapping[str, str]) -> str:
    """A text without the values of secrets, whatever a server answered."""
    for name, value in environ.items():
        hidden = value.strip()
        if len(hidden) >= 6 and any(word in name for word in _SECRET):
            text = text.replace(hidden, "***")
    return text


_SECRET = ("PASSWORD", "TOKEN", "SECRET", "WEBHOOK", "COOKIE", "KEY")
