"""Timing programs fairly: the contenders take turns, so that a busy moment of the machine meets all of them."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A program that is timed.

    Attributes:
        name: How the table calls it.
        command: Its command line; receives a fresh, empty folder for this one repetition.
        environ: Its whole environment.
        accepted: Exit codes that count as done.
        check: Called with the folder afterwards, outside the measured time; raises when
            the result is not what it should be.
    """

    name: str
    command: Callable[[Path], Sequence[str | Path]]
    environ: Mapping[str, str]
    accepted: tuple[int, ...] = (0,)
    check: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Timing:
    """What was measured for one contender, in seconds."""

    name: str
    runs: tuple[float, ...]

    @property
    def least(self) -> float:
        """The fastest repetition: what the program costs when nothing disturbs it."""
        return min(self.runs)

    @property
    def median(self) -> float:
        """The repetition in the middle: what a person meets."""
        return statistics.median(self.runs)


def take_turns(contenders: Sequence[Contender], *, repetitions: int) -> list[Timing]:
    """Time each contender ``repetitions`` times after one warm-up, one round after the other.

    Raises:
        RuntimeError: A contender failed; its output is in the message.
    """
    runs: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(repetitions + 1):
        for contender in contenders:
            seconds = once(contender)
            if number:  # the first round fills caches (byte code, pages) for everyone
                runs[contender.name].append(seconds)
    return [Timing(name, tuple(seconds)) for name, seconds in runs.items()]


def once(contender: Contender) -> float:
    """How many seconds a contender takes this time.

    Raises:
        RuntimeError: It failed; its output is in the message.
    """
    with tempfile.TemporaryDirectory(prefix="mlopsgen-benchmark-") as scratch:
        folder = Path(scratch)
        started = time.perf_counter()
        done = subprocess.run(
            [str(part) for part in contender.command(folder)],
            cwd=folder,
            env=dict(contender.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode not in contender.accepted:
            raise RuntimeError(f"{contender.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        if contender.check is not None:
            contender.check(folder)
    return seconds
