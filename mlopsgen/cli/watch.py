"""``mlopsgen watch``: trains where the data changed."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from mlopsgen.cli.branch_option import branch_option
from mlopsgen.cli.session import Output, OutputOption, session_of
from mlopsgen.errors import UsageError
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 30 * 86400


@app.command()
def watch(
    context: typer.Context,
    branch: Annotated[
        str | None,
        branch_option("The branch to watch; by default all that were pushed."),
    ] = None,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help="How long to wait between two looks: 30s, 10m, 1h.")
    ] = "10m",
    once: Annotated[bool, typer.Option("--once", help="Look once and end, for a timer of your own.")] = False,
    output: OutputOption = Output.text,
) -> OperationResult:
    """Watch the data of branches on this machine's forge, and train where it changed since the last training.

    Each branch is looked at with its own variables and secrets. A change queues one training; Ctrl-C stops watching,
    and trainings that are queued go on. On GitHub the workflow data-watch does the same.
    """
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import watch as operation

    session = session_of(context)
    request = operation.WatchRequest(
        surroundings=surroundings_of(session), branch=branch, every=None if once else _seconds(every)
    )
    return operation.watch(request, session.events)


def _seconds(text: str) -> float:
    """A time that a person wrote."""
    found = re.fullmatch(r"([0-9]{1,6})\s*([smhd]?)", text.strip().lower())
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 1 <= seconds <= _LONGEST:
        raise UsageError(
            f"'{text}' is no time to wait: from 1 second to 30 days are possible.",
            where="--every",
            hint="Write a number and a unit: 30s, 10m, 1h, 1d.",
        )
    return seconds
