"""``mlopsgen config-repo``: an organisation's own template repository."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsgen.cli.github_token import HostOption, OrganisationOption, PersonalOption, TokenOption
from mlopsgen.cli.headings import GITHUB
from mlopsgen.cli.push_flags import GitHubFlags, Protocol
from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of
from mlopsgen.cli.trust_option import TrustOption, trust_of
from mlopsgen.errors import MissingAnswer, UsageError
from mlopsgen.result import OperationResult

if TYPE_CHECKING:
    from mlopsgen.operations.project import Surroundings

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

PathArgument = Annotated[
    Path | None, typer.Argument(metavar="PATH", help="Its folder; this one if left out.", show_default=False)
]


@app.callback(invoke_without_command=True)
def config_repo(context: typer.Context) -> None:
    """Keep an organisation's own template: mlopsgen's, with the organisation's defaults, decisions and files."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def create(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="The folder to make; mlops-config if left out.", show_default=False),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The organisation, as people call it.")] = "",
    to: Annotated[
        str, typer.Option("--to", metavar="VERSION", help="The version of mlopsgen's template; the newest if left out.")
    ] = "",
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    host: HostOption = "",
    protocol: Annotated[
        Protocol | None,
        typer.Option("--protocol", help="What git uses afterwards for the remote 'origin'.", rich_help_panel=GITHUB),
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Also change what people changed on GitHub.", rich_help_panel=GITHUB)
    ] = False,
    token_stdin: TokenOption = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be done on GitHub, and do nothing.", rich_help_panel=GITHUB),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    output: OutputOption = Output.text,
) -> OperationResult | Shown:
    """Make a configuration repository from mlopsgen's template; with --org or --user on GitHub as well.

    It has the history of mlopsgen's versions, and a place for the organisation's defaults, decisions and files.
    Run in its own result again, it goes on where it stopped.
    """
    from mlopsgen.operations import config_repository as operation

    session = session_of(context)
    destination = session.path(path or operation.DEFAULT_FOLDER)
    known = operation.is_config_repository(destination)
    flags = GitHubFlags(
        organisation=organisation,
        personal=personal,
        host=host,
        protocol=protocol,
        take_over=take_over,
        token_stdin=token_stdin,
        dry_run=dry_run,
        yes=yes,
        command=("mlopsgen", "config-repo", "create", *([] if path is None else [str(path)])),
    )
    if dry_run and not known:
        hint = "Make the folder first, without --org and --dry-run; then look at GitHub's part."
        raise UsageError("There is no configuration repository here yet.", where="--dry-run", hint=hint)
    request = operation.CreateRequest(
        destination=destination,
        name=name or ("" if known else _asked_name(session)),
        version=to,
        account=organisation,
        environ=session.environ,
    )
    made = operation.create(request, session.events)
    if not (flags.only_for_github or dry_run):
        return made
    from mlopsgen.cli.push_github import push_to_github
    from mlopsgen.operations.config_hosted import push_config

    shown = push_to_github(session, flags, operate=push_config, folder=destination)
    return replace(shown, result=replace(shown.result, data={**made.data, **shown.result.data}))


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


@app.command()
def check(
    context: typer.Context,
    path: PathArgument = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also install, lint and test a repository: minutes, and the network.")
    ] = False,
    trust: TrustOption = None,
    output: OutputOption = Output.text,
) -> Shown:
    """Render repositories over all pairs of answers, and look.

    The template counts as it lies in the folder, committed or not; nothing there is changed. Exit code 1 when something
    is wrong.
    """
    from mlopsgen.operations import config_check as operation

    session = session_of(context)
    request = operation.CheckRequest(surroundings=_surroundings(session, path), full=full, trust=trust_of(trust))
    return _shown(session, operation.check(request, session.events))


@app.command()
def release(
    context: typer.Context,
    path: PathArgument = None,
    push: Annotated[bool, typer.Option("--push", help="Also bring the tag to 'origin'.")] = False,
    trust: TrustOption = None,
    output: OutputOption = Output.text,
) -> OperationResult | Shown:
    """Tag the version that organisation.yaml names.

    The checked-out commit is checked first. Where the tag is there already, nothing happens.
    """
    from mlopsgen.operations import config_release as operation

    session = session_of(context)
    request = operation.ReleaseRequest(surroundings=_surroundings(session, path), push=push, trust=trust_of(trust))
    result = operation.release(request, session.events)
    return _shown(session, result) if "checks" in result.data else result


def _shown(session: Session, result: OperationResult) -> Shown:
    """The result with a line for each check."""
    from mlopsgen.cli.console import style

    lines = []
    for each in result.data["checks"]:
        word, colour = ("WRONG", "red") if not each["ok"] else ("ok", "green") if each["ran"] else ("-", "yellow")
        # One problem of a check below the other.
        first, *more = [part for part in each["detail"].splitlines() if part] or [""]
        told = f": {first}" if first else ""
        lines.append(f"{style(f'{word:<6}', colour, colour=session.colour)} {each['name']}{told}")
        lines += [f"{'':<6}   {line}" for line in more]
    return Shown(result=result, text="\n".join([*lines, "", result.summary]))


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
