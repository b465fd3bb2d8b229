"""``mlopsgen completion``: the script that lets the Tab key complete."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mlopsgen.cli.session import Output, OutputOption, Shown, session_of
from mlopsgen.errors import UsageError
from mlopsgen.near_words import nearest
from mlopsgen.operations import completion as operation
from mlopsgen.operations.completion_scripts import SCRIPTS
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def _shells(incomplete: str) -> list[str]:
    return [shell for shell in operation.SHELLS if shell.startswith(incomplete)]


@app.command()
def completion(
    context: typer.Context,
    shell: Annotated[
        str | None,
        typer.Argument(
            metavar="SHELL",
            help=f"One of {', '.join(operation.SHELLS)}; by default the one that SHELL names.",
            autocompletion=_shells,
            show_default=False,
        ),
    ] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Write the script, and one line that loads it at the shell's start.")
    ] = False,
    output: OutputOption = Output.text,
) -> OperationResult | Shown:
    """Let the Tab key complete commands, options, branches, questions and names of secrets in your shell.

    Without --install it prints the shell's script and changes nothing.
    """
    session = session_of(context)
    chosen = shell or operation.detect(session.environ, windows=os.name == "nt")
    if chosen not in operation.SHELLS:
        meant = nearest(chosen, operation.SHELLS)
        raise UsageError(
            f"'{chosen}' is no shell that can be served." + (f" Did you mean '{meant}'?" if meant else ""),
            where="SHELL",
            hint=f"Possible are {', '.join(operation.SHELLS)}.",
        )
    if install:
        request = operation.InstallRequest(for_shell=chosen, home=Path.home(), environ=session.environ)
        return operation.install(request)
    script = SCRIPTS[chosen]
    result = OperationResult(summary=f"The script for {chosen}.", data={"shell": chosen, "script": script})
    return Shown(result=result, text=script, verbatim=True)
