"""``mlopsgen secrets``: the secrets of each environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlopsgen.cli.branch_option import branch_option
from mlopsgen.cli.completers import secret_names
from mlopsgen.cli.console import settle, style
from mlopsgen.cli.github_token import (
    HostOption,
    NameOption,
    OrganisationOption,
    PersonalOption,
    TokenOption,
    credential_finder,
)
from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of
from mlopsgen.errors import ExitCode
from mlopsgen.result import OperationResult

if TYPE_CHECKING:
    from mlopsgen.operations.secrets_access import Access

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

LocalOption = Annotated[bool, typer.Option("--local", help="The forge on this machine instead of GitHub.")]
BranchesOption = Annotated[
    list[str] | None,
    branch_option("Only this branch's environment; can be repeated."),
]
FromEnvOption = Annotated[
    str | None, typer.Option("--from-env", metavar="VARIABLE", help="Take the value of this variable.")
]
StdinOption = Annotated[bool, typer.Option("--stdin", help="Read the value from standard input.")]
FromFileOption = Annotated[
    Path | None,
    typer.Option(
        "--from-file",
        metavar="DOTENV",
        help="Take many from a file of NAME=value lines that git cannot commit.",
        show_default=False,
    ),
]
NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", autocompletion=secret_names, help="The secrets; never a value.", show_default=False),
]

# A value that begins with a dash must not come back in a message about an unknown option.
_WORDS = {"ignore_unknown_options": True}


@app.callback(invoke_without_command=True)
def secrets(context: typer.Context) -> None:
    """Show, set, rotate and check the secrets of each environment.

    Values come from a hidden prompt, a variable, standard input or a file, and never from the command line.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list", short_help="Show which are needed, what for, and which are there.")
def list_verb(
    context: typer.Context,
    local: LocalOption = False,
    host: HostOption = "",
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Show which secrets each environment needs, what for, and which are there."""
    from mlopsgen.operations import secrets as operation

    session = session_of(context)
    access = _access(session, local, host, organisation, personal, name, token_stdin)
    result = operation.list_secrets(access, session.events)
    return Shown(result=result, text="\n".join([*_table(session, result), "", result.summary]))


@app.command("set", short_help="Write those that are not there yet.", context_settings=_WORDS)
def set_verb(
    context: typer.Context,
    names: NamesArgument = None,
    branches: BranchesOption = None,
    from_env: FromEnvOption = None,
    stdin: StdinOption = False,
    from_file: FromFileOption = None,
    local: LocalOption = False,
    host: HostOption = "",
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> OperationResult:
    """Write secrets that are not there yet; what is there is kept.

    The value is typed at a hidden prompt, or comes from --stdin, --from-env, --from-file, or the variables
    MLOPSGEN_SECRET_BRANCH_NAME and MLOPSGEN_SECRET_NAME. Without NAME, a terminal asks for all that is missing.
    """
    session = session_of(context)
    access = _access(session, local, host, organisation, personal, name, token_stdin)
    return _write(session, access, names, branches, (from_env, stdin, from_file), rotate=False, piped=token_stdin)


@app.command("rotate", short_help="Give those that are there another value.", context_settings=_WORDS)
def rotate_verb(
    context: typer.Context,
    names: NamesArgument = None,
    branches: BranchesOption = None,
    from_env: FromEnvOption = None,
    stdin: StdinOption = False,
    from_file: FromFileOption = None,
    local: LocalOption = False,
    host: HostOption = "",
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> OperationResult:
    """Give secrets that are there another value; values come from where 'set' takes them."""
    session = session_of(context)
    access = _access(session, local, host, organisation, personal, name, token_stdin)
    return _write(session, access, names, branches, (from_env, stdin, from_file), rotate=True, piped=token_stdin)


@app.command("check", short_help="Exit with 1 where a required one is missing.")
def check_verb(
    context: typer.Context,
    from_file: FromFileOption = None,
    local: LocalOption = False,
    host: HostOption = "",
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Exit with 1 where a required secret is missing, or a value of --from-file would be refused."""
    from mlopsgen.operations import secret_sources
    from mlopsgen.operations import secrets as operation

    session = session_of(context)
    access = _access(session, local, host, organisation, personal, name, token_stdin)
    environ, events = session.environ, session.events
    source = None if from_file is None else secret_sources.from_file(session.path(from_file), environ, events)
    result = operation.check_secrets(access, source, events)
    problems = result.data["problems"]
    lines = [f"{style('WRONG', 'red', colour=session.colour)} {problem}" for problem in problems]
    return Shown(result=result, text="\n".join(lines) if lines else result.summary)


@app.command("manifest", short_help="Print the cluster's Secrets for kubectl.")
def manifest_verb(
    context: typer.Context,
    branch: Annotated[
        str,
        branch_option("The branch that trains there."),
    ],
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="The namespace; the branch's own if left out.")
    ] = "",
    from_file: FromFileOption = None,
    show: Annotated[bool, typer.Option("--show", help="Print it although standard output is a terminal.")] = False,
    output: OutputOption = Output.text,
) -> int:
    """Print the Kubernetes Secrets that the pipeline's steps name, values included, for 'kubectl apply -f -'."""
    from mlopsgen.cli.secret_values import manifest_source, refuse_shown
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import secrets_manifest as operation

    session = session_of(context)
    refuse_shown(session, show=show)
    request = operation.ManifestRequest(
        surroundings=surroundings_of(session),
        branch=branch,
        namespace=namespace,
        source=manifest_source(session, from_file),
    )
    manifest = operation.make_manifest(request, session.events)
    # The one text with secrets that is meant to be printed, so that it does not go through the boundary.
    settle(session.events)
    sys.stdout.write(manifest.reveal())
    sys.stdout.flush()
    return ExitCode.OK


def _access(
    session: Session, local: bool, host: str, organisation: str, personal: bool, name: str, token_stdin: bool
) -> Access:
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations.hosting import Wanted
    from mlopsgen.operations.secrets_access import Access

    return Access(
        surroundings=surroundings_of(session),
        credential=credential_finder(session, token_stdin=token_stdin, host=host),
        local=local,
        wanted=Wanted(host=host, organisation=organisation, personal=personal, name=name),
    )


def _write(
    session: Session,
    access: Access,
    names: list[str] | None,
    branches: list[str] | None,
    given: tuple[str | None, bool, Path | None],
    *,
    rotate: bool,
    piped: bool,
) -> OperationResult:
    from mlopsgen.cli.secret_values import source_of
    from mlopsgen.operations import secrets as operation

    chosen = source_of(session, names or [], *given, piped=piped, rotate=rotate)
    request = operation.SetRequest(
        access=access,
        source=chosen.source,
        names=tuple(names or ()),
        environments=tuple(branches or ()),
        rotate=rotate,
        single=chosen.single,
        asking=chosen.asking,
    )
    return operation.set_secrets(request, session.events)


def _table(session: Session, result: OperationResult) -> list[str]:
    data = result.data
    lines = [f"forge: {data['forge'] or 'none yet'}"]
    width = max((len(secret["stored_as"]) for secret in data["secrets"]), default=0)
    environment = None
    for secret in data["secrets"]:
        if secret["environment"] != environment:
            environment = secret["environment"]
            there = "" if secret["scope"] == "repository" or environment in data["environments"] else " (not made yet)"
            lines += ["", style(f"{environment or 'the repository'}{there}", "bold", colour=session.colour)]
        lines.append(f"  {_mark(session, secret)} {secret['stored_as']:<{width}}  {secret['purpose']}")
    if data["others"]:
        lines += ["", "There as well, and not needed by anything that mlopsgen knows:"]
        lines += [f"  {other['name']} {_of(other['environment'])}{_when(other)}" for other in data["others"]]
    return lines


def _mark(session: Session, secret: dict[str, Any]) -> str:
    if secret["present"]:
        words, colour = f"set{_when(secret)}", "green"
    else:
        words, colour = ("MISSING", "red") if secret["required"] else ("optional", "dim")
    return style(f"{words:<14}", colour, colour=session.colour)


def _of(environment: str) -> str:
    return f"of {environment}" if environment else "of the repository"


def _when(secret: dict[str, Any]) -> str:
    return f" {secret['updated'][:10]}" if secret["updated"] else ""
