"""``mlopsgen init``."""

from __future__ import annotations

from typing import Annotated

import typer

from mlopsgen.cli.session import Output, OutputOption, session_of
from mlopsgen.result import OperationResult

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def init(
    context: typer.Context,
    directory: Annotated[str | None, typer.Argument()] = None,
    defaults: Annotated[bool, typer.Option("--defaults")] = False,
    output: OutputOption = Output.text,
) -> OperationResult:
    """Make a machine-learning repository from a few answers."""
    from mlopsgen.adapters.copier_engine import CopierEngine
    from mlopsgen.adapters.template_store import TemplateStore
    from mlopsgen.answers import resolve
    from mlopsgen.operations.init import InitRequest, init as operation

    session = session_of(context)
    answers = resolve({"project_name": directory or "my-model"})
    engine = CopierEngine(TemplateStore(session.environ))
    return operation(
        InitRequest(
            destination=session.path(directory or str(answers["slug"])),
            answers=answers,
            template_version=engine.newest,
            environ=session.environ,
        ),
        engine,
        session.events,
    )
