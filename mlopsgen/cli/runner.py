"""``mlopsgen runner``: machines of your own that train."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlopsgen.cli.branch_option import branch_option
from mlopsgen.cli.console import agreed, settle
from mlopsgen.cli.github_token import (
    HostOption,
    NameOption,
    OrganisationOption,
    PersonalOption,
    TokenOption,
    credential_finder,
)
from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of
from mlopsgen.result import OperationResult

if TYPE_CHECKING:
    from mlopsgen.operations.hosting import Wanted

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.callback(invoke_without_command=True)
def runner(context: typer.Context) -> None:
    """Add, list and remove machines of your own that take the repository's jobs."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def add(
    context: typer.Context,
    branch: Annotated[str, branch_option("Whose trainings it takes.")] = "development",
    runner_name: Annotated[str, typer.Option("--as", metavar="NAME", help="The runner's name.")] = "",
    labels: Annotated[
        str,
        typer.Option(
            "--labels", metavar="LABELS", help="Its labels, separated by commas; by default those the branch asks for."
        ),
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Where it lies; by default beside the repository.")
    ] = None,
    system: Annotated[
        str,
        typer.Option(
            "--system", metavar="SYSTEM", help="What it runs on, for example linux-x64; by default like this machine."
        ),
    ] = "",
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="It takes one job and is gone then.")] = False,
    accept_risk: Annotated[
        str,
        typer.Option("--accept-risk", metavar="REPOSITORY", help="Accept a public repository's risk, by its name."),
    ] = "",
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    host: HostOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> OperationResult:
    """Register a runner and write the script that starts it; the script may be taken to another machine."""
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import runner as operation

    session = session_of(context)
    request = operation.AddRequest(
        surroundings=surroundings_of(session),
        credential=credential_finder(session, token_stdin=token_stdin, host=host),
        wanted=_wanted(host, organisation, personal, name),
        branch=branch,
        name=runner_name,
        labels=labels,
        folder=None if folder is None else session.path(folder),
        system=system or _this_system(),
        ephemeral=ephemeral,
        accepted_risk=accept_risk,
    )
    return operation.add(request, session.events)


@app.command(name="list")
def list_runners(
    context: typer.Context,
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    host: HostOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Show the repository's own runners, and the branches whose labels none of them has."""
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import runner as operation

    session = session_of(context)
    request = operation.RunnerRequest(
        surroundings=surroundings_of(session),
        credential=credential_finder(session, token_stdin=token_stdin, host=host),
        wanted=_wanted(host, organisation, personal, name),
    )
    result = operation.list_runners(request, session.events)
    return Shown(result=result, text="\n".join([result.summary, *_lines(result.data)]))


@app.command()
def remove(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="RUNNER", help="Its name or number, as 'runner list' shows it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    host: HostOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> OperationResult:
    """Take a runner's registration back; its folder stays on its machine."""
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import runner as operation

    session = session_of(context)
    request = operation.RemoveRequest(
        surroundings=surroundings_of(session),
        credential=credential_finder(session, token_stdin=token_stdin, host=host),
        wanted=_wanted(host, organisation, personal, name),
        runner=which,
        agreed=yes,
        agree=_asking(session),
    )
    return operation.remove(request, session.events)


def _wanted(host: str, organisation: str, personal: bool, name: str) -> Wanted:
    from mlopsgen.operations.hosting import Wanted

    return Wanted(host=host, organisation=organisation, personal=personal, name=name)


def _asking(session: Session) -> Callable[[str], bool] | None:
    if not session.interactive:
        return None

    def ask(words: str) -> bool:
        settle(session.events)
        return agreed(f"Remove {words}?", default=False)

    return ask


def _this_system() -> str:
    """This machine in GitHub's words; what it does not know is refused later, with what is possible."""
    import platform

    system = platform.system().lower()
    machine = platform.machine().lower()
    systems = {"darwin": "osx", "windows": "win"}
    machines = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "armv7l": "arm"}
    return f"{systems.get(system, system)}-{machines.get(machine, machine)}"


def _lines(data: Mapping[str, Any]) -> list[str]:
    lines = []
    for found in data["runners"]:
        state = "busy" if found["busy"] else "online" if found["online"] else "offline"
        kind = ", one job only" if found["ephemeral"] else ""
        labels = ", ".join(found["labels"])
        lines.append(f"  {found['id']:>6}  {found['name']:<28} {state:<8} {labels}{kind}")
    for branch, labels in data["wanted"].items():
        word = "no runner is online" if branch in data["without_runner"] else "served"
        lines.append(f"  {branch} asks for {', '.join(labels)}: {word}")
    if not data["wanted"]:
        lines.append("  No branch or workflow asks for a runner of your own; all use machines that GitHub offers.")
    return lines
