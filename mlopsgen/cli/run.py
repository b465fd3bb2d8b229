"""``mlopsgen run``: trains a branch again."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsgen.cli.branch_option import branch_option
from mlopsgen.cli.session import Output, OutputOption, session_of
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def run(
    context: typer.Context,
    branch: Annotated[
        str | None,
        branch_option("The branch to train; by default the one that is checked out."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow/--detach", help="Wait for the training, or only queue it.")] = True,
    output: OutputOption = Output.text,
) -> OperationResult:
    """Train a branch's pushed commit again; the exit code is the training's."""
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import run as operation

    session = session_of(context)
    request = operation.RunRequest(surroundings=surroundings_of(session), branch=branch, detach=not follow)
    return operation.run(request, session.events)
