"""``mlopsgen cache``: what is kept on this machine and can be made again."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsgen.cli.session import Output, OutputOption, Shown, session_of

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def cache(
    context: typer.Context,
    clear: Annotated[bool, typer.Option("--clear", help="Remove it; what is needed is made again.")] = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Show where templates and renders are kept on this machine and how much that is, or remove it.

    What was not used for 60 days goes by itself, and the oldest where all of it takes more than 1 GB.
    """
    from mlopsgen.operations import cache as operation

    session = session_of(context)
    result = operation.cache(operation.CacheRequest(environ=session.environ, clear=clear))
    lines = []
    if not clear:
        for part in result.data["parts"]:
            size = operation.as_size(part["bytes"])
            lines.append(f"  {part['name']:<10} {size:>12}  {part['number']:>4}  {part['holds']}")
    return Shown(result=result, text="\n".join([result.summary, *lines]))
