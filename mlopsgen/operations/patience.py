"""Waiting for GitHub where somebody only wants to look."""

from __future__ import annotations

import time
from collections.abc import Callable

from mlopsgen.errors import MlopsgenError
from mlopsgen.events import Event


def short_wait(most: float) -> Callable[[float], None]:
    """A ``sleep`` that gives up: who only looks tries again later, and does not wait for GitHub's next hour.

    Args:
        most: Seconds from now on, all waits together.
    """
    end = time.monotonic() + most

    def wait(seconds: float) -> None:
        if time.monotonic() + seconds > end:
            raise MlopsgenError("GitHub does not answer, or wants a pause.", hint="Check the network; try again later.")
        time.sleep(seconds)

    return wait


def untold(event: Event) -> None:
    """Waits that short are told to nobody."""
