"""``mlopsgen schema``."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsgen.cli.session import Output, OutputOption, Shown
from mlopsgen.operations import schema as operation
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def _complete(incomplete: str) -> list[tuple[str, str]]:
    return [(name, text) for name, text in operation.SCHEMAS.items() if name.startswith(incomplete)]


@app.command()
def schema(
    name: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join(operation.SCHEMAS)}.", autocompletion=_complete, show_default=False),
    ] = None,
    output: OutputOption = Output.text,
) -> OperationResult | Shown:
    """Print the JSON Schema of a document; without a name, list them.

    Editors check and complete the files with it, for example through a 'yaml-language-server' comment.
    """
    if name is None:
        lines = "\n".join(f"  {known:14} {text}" for known, text in operation.SCHEMAS.items())
        result = OperationResult(summary="The schemas.", data={"schemas": operation.SCHEMAS})
        return Shown(result=result, text=lines)
    import json

    found = operation.schema(name)
    result = OperationResult(summary=f"The JSON Schema '{name}'.", data={"schema": found})
    return Shown(result=result, text=json.dumps(found, indent=2, ensure_ascii=False))
