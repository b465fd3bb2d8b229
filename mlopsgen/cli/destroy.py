"""``mlopsgen destroy``: takes back what push made on GitHub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from mlopsgen.cli.console import settle
from mlopsgen.cli.folding import folded
from mlopsgen.cli.github_token import (
    HostOption,
    NameOption,
    OrganisationOption,
    PersonalOption,
    TokenOption,
    credential_finder,
)
from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def destroy(
    context: typer.Context,
    archive: Annotated[bool, typer.Option("--archive", help="Make it read-only instead of deleting it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go, and do nothing.")] = False,
    confirm: Annotated[
        str, typer.Option("--confirm", metavar="OWNER/NAME", help="The repository's full name, instead of typing it.")
    ] = "",
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    host: HostOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Delete the repository on GitHub that push made; commits and work of others are never deleted."""
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import destroy as operation
    from mlopsgen.operations.hosting import Wanted
    from mlopsgen.secret_value import redact

    session = session_of(context)

    def show(lines: tuple[str, ...]) -> None:
        if session.output is Output.text:
            settle(session.events)
            text = redact("\n".join(lines))
            typer.echo(folded(text, session.width) if session.interactive else text, err=True)

    result = operation.destroy(
        operation.DestroyRequest(
            surroundings=surroundings_of(session),
            credential=credential_finder(session, token_stdin=token_stdin, host=host),
            wanted=Wanted(host=host, organisation=organisation, personal=personal, name=name),
            archive=archive,
            dry_run=dry_run,
            confirmed=confirm,
            ask=_asking(session),
            show=show,
        ),
        session.events,
    )
    return Shown(result=result, text="\n".join([*result.data.get("would", []), result.summary]))


def _asking(session: Session) -> Callable[[str], str] | None:
    if not session.interactive:
        return None

    def ask(name: str) -> str:
        settle(session.events)
        question = folded(f"Type {name} to do this", session.width - 2)
        return str(typer.prompt(question, default="", show_default=False, err=True))

    return ask
