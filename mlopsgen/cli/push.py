"""``mlopsgen push``: the repository on GitHub, or the forge on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsgen.cli.console import agreed, settle
from mlopsgen.cli.github_token import HostOption, NameOption, OrganisationOption, PersonalOption, TokenOption
from mlopsgen.cli.headings import GITHUB
from mlopsgen.cli.push_flags import GitHubFlags, Protocol, Visibility
from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of
from mlopsgen.errors import UsageError

if TYPE_CHECKING:
    from mlopsgen.remote.plan import Plan

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def push(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="With --local: the forge's folder; by default one beside the repository."),
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Push to a forge in a folder of this machine.")] = False,
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    name: NameOption = "",
    host: HostOption = "",
    visibility: Annotated[
        Visibility | None,
        typer.Option("--visibility", help="Who can see a repository that is made now.", rich_help_panel=GITHUB),
    ] = None,
    protocol: Annotated[
        Protocol | None,
        typer.Option("--protocol", help="What git uses afterwards for the remote 'origin'.", rich_help_panel=GITHUB),
    ] = None,
    secrets_file: Annotated[
        Path | None,
        typer.Option(
            "--secrets-file",
            metavar="DOTENV",
            help="Values of secrets: NAME=value lines that git cannot commit.",
            rich_help_panel=GITHUB,
        ),
    ] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Also change what people changed on GitHub.", rich_help_panel=GITHUB)
    ] = False,
    token_stdin: TokenOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    plan_digest: Annotated[
        str,
        typer.Option(
            "--plan-digest", metavar="DIGEST", help="Do only the plan with this digest.", rich_help_panel=GITHUB
        ),
    ] = "",
    detach: Annotated[bool, typer.Option("--detach", help="With --local: do not wait for the training.")] = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Make the repository on GitHub, or the forge on this machine, that trains by git push; safe to run again.

    Without a flag it pushes to where the repository was pushed before.
    """
    session = session_of(context)
    flags = GitHubFlags(
        organisation=organisation,
        personal=personal,
        name=name,
        host=host,
        visibility=visibility,
        protocol=protocol,
        secrets_file=secrets_file,
        take_over=take_over,
        token_stdin=token_stdin,
        dry_run=dry_run,
        yes=yes,
        plan_digest=plan_digest,
    )
    local = local or directory is not None
    given = flags.only_for_github
    if local and given:
        raise UsageError(f"{given} is for GitHub and --local for this machine.", where=given, hint="Give one of them.")
    if local or (not given and _is_local(session)):
        return _push_locally(session, directory, dry_run=dry_run, yes=yes, detach=detach)
    from mlopsgen.cli.push_github import push_to_github

    return push_to_github(session, flags)


def _is_local(session: Session) -> bool:
    """Whether the forge on this machine is meant, where no flag says it.

    Raises:
        UsageError: Nothing tells, and there is nobody to ask.
    """
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.constants import HOSTED_REMOTE, LOCAL_REMOTE
    from mlopsgen.operations.hosting import find_hosted

    hosted = find_hosted(surroundings_of(session))
    remotes = hosted.project.source.remotes()
    if HOSTED_REMOTE in remotes and not hosted.foreign:
        return False
    if LOCAL_REMOTE in remotes:
        return True
    if not session.interactive:
        # The answers may name a person as well as an organisation, and both in words that GitHub does not know.
        owner = hosted.target.owner or "ORGANISATION"
        raise UsageError(
            "It has not been said where to push.",
            where="--org",
            hint=f"To GitHub: mlopsgen push --org {owner} (or --user). To a forge here: mlopsgen push --local.",
        )
    from mlopsgen.cli.prompts import TerminalPrompter

    choices = (("github", "GitHub: a repository with its environments, secrets and protection"),
               ("local", "this machine: a forge in a folder, which trains here"))  # fmt: skip
    help_line = "'mlopsgen push' makes what trains by git push; it can be made in both places."
    return TerminalPrompter(colour=session.colour).choose("Push to", help_line, choices, "github") == "local"


def _push_locally(session: Session, directory: Path | None, *, dry_run: bool, yes: bool, detach: bool) -> Shown:
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import push as operation
    from mlopsgen.remote.plan_text import plan_lines

    plans: list[Plan] = []

    def show(plan: Plan) -> None:
        plans.append(plan)
        if session.output is Output.text and (plan.changes or plan.blocked) and not dry_run:
            settle(session.events)
            typer.echo("\n".join(["The plan:", *plan_lines(plan, width=session.width)]), err=True)

    result = operation.push(
        operation.PushRequest(
            surroundings=surroundings_of(session),
            directory=None if directory is None else session.path(directory),
            dry_run=dry_run,
            agreed=yes,
            detach=detach,
            show=show,
            agree=_asking(session),
        ),
        session.events,
    )
    text = [*plan_lines(plans[-1], width=session.width), result.summary] if dry_run and plans else [result.summary]
    return Shown(result=result, text="\n".join(text))


def _asking(session: Session) -> Callable[[], bool] | None:
    """How to ask for an agreement; ``None`` where nobody can answer."""
    if not session.interactive:
        return None

    def ask() -> bool:
        settle(session.events)
        return agreed("Do this?", default=True)

    return ask
