"""``mlopsgen config-repo``: an organisation's own template repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsgen.cli.session import Output, OutputOption, Session, session_of
from mlopsgen.errors import MissingAnswer
from mlopsgen.result import OperationResult

if TYPE_CHECKING:
    from mlopsgen.operations.project import Surroundings

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

PathArgument = Annotated[
    Path | None, typer.Argument(metavar="PATH", help="Its folder; this one if left out.", show_default=False)
]


@app.callback()
def config_repo() -> None:
    """Keep an organisation's own template: mlopsgen's, with the organisation's defaults, decisions and files."""


@app.command()
def create(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="The folder to make; mlops-config if left out.", show_default=False),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The organisation, as people call it.")] = "",
    output: OutputOption = Output.text,
) -> OperationResult:
    """Make a configuration repository from mlopsgen's template.

    It has the history of mlopsgen's versions, and a place for the organisation's defaults, decisions and files.
    Run in its own result again, it goes on where it stopped.
    """
    from mlopsgen.operations import config_repository as operation

    session = session_of(context)
    destination = session.path(path or operation.DEFAULT_FOLDER)
    known = operation.is_config_repository(destination)
    request = operation.CreateRequest(
        destination=destination,
        name=name or ("" if known else _asked_name(session)),
        environ=session.environ,
    )
    return operation.create(request, session.events)


@app.command()
def update(
    context: typer.Context,
    path: PathArgument = None,
    to: Annotated[
        str, typer.Option("--to", metavar="VERSION", help="The version of mlopsgen's template; the newest if left out.")
    ] = "",
    output: OutputOption = Output.text,
) -> OperationResult:
    """Merge a newer version of mlopsgen's template.

    It is a branch to review; conflicts are ordinary git conflicts.
    """
    from mlopsgen.operations import config_update as operation

    session = session_of(context)
    request = operation.UpdateRequest(surroundings=_surroundings(session, path), to=to)
    return operation.update(request, session.events)


def _surroundings(session: Session, path: Path | None) -> Surroundings:
    from mlopsgen.cli.surroundings import surroundings_of

    found = surroundings_of(session)
    return found if path is None else replace(found, folder=session.path(path))


def _asked_name(session: Session) -> str:
    if not session.interactive:
        raise MissingAnswer(
            "There is no name for the organisation.", where="--name", hint="Add --name 'Acme', as people call it."
        )
    from mlopsgen.cli.prompts import TerminalPrompter
    from mlopsgen.operations.config_repository import check_name

    prompter = TerminalPrompter(colour=session.colour)
    return prompter.text("Organisation", "Its name, as people call it.", "", check_name)
