"""``mlopsgen schema``: the JSON Schemas of documents."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mlopsgen.cli.headings import TEMPLATE
from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of
from mlopsgen.errors import UsageError
from mlopsgen.operations import schema as operation
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


def _complete(incomplete: str) -> list[tuple[str, str]]:
    return [(name, text) for name, text in operation.SCHEMAS.items() if name.startswith(incomplete)]


@app.command()
def schema(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join(operation.SCHEMAS)}.", autocompletion=_complete, show_default=False),
    ] = None,
    template: Annotated[
        str,
        typer.Option(
            "--template",
            metavar="ADDRESS",
            help="With 'answers', 'organisation': the template that asks; else ours.",
            rich_help_panel=TEMPLATE,
        ),
    ] = "",
    template_version: Annotated[
        str | None,
        typer.Option(
            "--template-version",
            metavar="VERSION",
            help="Its version, for example v0.1.0; the newest if left out.",
            rich_help_panel=TEMPLATE,
        ),
    ] = None,
    output: OutputOption = Output.text,
) -> OperationResult | Shown:
    """Print the JSON Schema of a document; without a name, list them.

    Editors check and complete the files with it, for example through a 'yaml-language-server' comment.
    """
    if name not in operation.OF_TEMPLATES and (template or template_version):
        flag = "--template" if template else "--template-version"
        known = " or ".join(f"'{each}'" for each in operation.OF_TEMPLATES)
        raise UsageError(
            f"{flag} goes with {known}.", where=flag, hint="Write: mlopsgen schema answers --template ADDRESS."
        )
    if name is None:
        lines = "\n".join(f"  {known:14} {text}" for known, text in operation.SCHEMAS.items())
        result = OperationResult(summary="The schemas.", data={"schemas": operation.SCHEMAS})
        return Shown(result=result, text=lines)
    import json

    found = _schema(session_of(context), name, template, template_version)
    result = OperationResult(summary=f"The JSON Schema '{name}'.", data={"schema": found})
    return Shown(result=result, text=json.dumps(found, indent=2, ensure_ascii=False, default=str), verbatim=True)


def _schema(session: Session, name: str, template: str, version: str | None) -> dict[str, Any]:
    if not template and not version:
        return operation.schema(name)
    from mlopsgen.cli.chosen_template import BUILT_IN, choose

    chosen = choose(session, template or BUILT_IN, version, only_read=True)
    return operation.schema(name, chosen.questions, f"{chosen.address} {chosen.version}")
