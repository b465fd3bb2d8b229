"""``mlopsgen sync``: one repository here, one on GitHub, or all of an organisation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlopsgen.cli.branch_option import branch_option
from mlopsgen.cli.completers import assignments
from mlopsgen.cli.fleet_options import FilterOption, JobsOption
from mlopsgen.cli.github_token import HostOption, OrganisationOption, PersonalOption, TokenOption
from mlopsgen.cli.headings import ANSWERS, FLEET, GITHUB, TEMPLATE
from mlopsgen.cli.session import Output, OutputOption, Shown, session_of
from mlopsgen.cli.sync_flags import SyncFlags
from mlopsgen.cli.trust_option import TrustOption
from mlopsgen.constants import MAIN_BRANCH

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def sync(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="VERSION",
            help="The template's version, as v0.2.0; the newest if left out.",
            rich_help_panel=TEMPLATE,
        ),
    ] = "",
    branch: Annotated[
        str,
        branch_option("The branch that is updated."),
    ] = MAIN_BRANCH,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look: exit 8 when there is an update, else 0.")] = False,
    continue_: Annotated[
        bool, typer.Option("--continue", help="Finish an update whose conflicts are resolved.")
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Give an update with conflicts up: back to where you were.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Open the pull request without asking.")] = False,
    no_pull_request: Annotated[
        bool, typer.Option("--no-pull-request", help="Only make the branch here; open and push nothing.")
    ] = False,
    settings: Annotated[
        bool,
        typer.Option(
            "--settings", help="Also bring GitHub's settings to what the updated files ask for.", rich_help_panel=GITHUB
        ),
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers", metavar="FILE", help="Answers to new questions, as YAML or JSON.", rich_help_panel=ANSWERS
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            autocompletion=assignments,
            help="Answer a question, a known one too; can be repeated.",
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    keep_edits: Annotated[
        bool, typer.Option("--keep-edits", help="Merge into edited files of the template instead of replacing them.")
    ] = False,
    rebase_from: Annotated[
        str,
        typer.Option(
            "--rebase-from",
            metavar="VERSION",
            help="Where the recorded version is wrong: the one that it really has.",
            rich_help_panel=TEMPLATE,
        ),
    ] = "",
    template: Annotated[
        str,
        typer.Option(
            "--template", metavar="ADDRESS", help="Where the template lies now, if it moved.", rich_help_panel=TEMPLATE
        ),
    ] = "",
    trust: TrustOption = None,
    repository: Annotated[
        str,
        typer.Option(
            "--repository",
            metavar="OWNER/NAME",
            help="A repository on GitHub; no clone is needed.",
            rich_help_panel=GITHUB,
        ),
    ] = "",
    all_: Annotated[
        bool,
        typer.Option("--all", help="Every repository of --org (or --user) that mlopsgen made.", rich_help_panel=FLEET),
    ] = False,
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    pattern: FilterOption = "",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="With --all: at most so many pull requests.", rich_help_panel=FLEET
        ),
    ] = None,
    jobs: JobsOption = None,
    host: HostOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Update what the template made to a newer version of it, as a branch and a pull request to review.

    What you wrote is merged with what the template changed; conflicts are ordinary git conflicts.
    """
    session = session_of(context)
    flags = SyncFlags(
        to=to,
        branch=branch,
        dry_run=dry_run,
        check=check,
        continue_=continue_,
        abort=abort,
        yes=yes,
        no_pull_request=no_pull_request,
        settings=settings,
        answers=answers,
        assignments=tuple(assignments or ()),
        keep_edits=keep_edits,
        rebase_from=rebase_from,
        template=template,
        trust=tuple(trust or ()),
        repository=repository,
        all_=all_,
        organisation=organisation,
        personal=personal,
        pattern=pattern,
        limit=limit,
        jobs=jobs,
        host=host,
        token_stdin=token_stdin,
    )
    flags.refuse_unfit()
    if all_:
        from mlopsgen.cli.sync_fleet import sync_fleet

        return sync_fleet(session, flags)
    if repository:
        from mlopsgen.cli.sync_hosted import sync_repository

        return sync_repository(session, flags)
    from mlopsgen.cli.sync_here import sync_here

    return sync_here(session, flags)
