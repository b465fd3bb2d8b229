"""``mlopsgen status``: how the trainings and the forge stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from mlopsgen.cli.branch_option import branch_option
from mlopsgen.cli.fleet_options import FilterOption, JobsOption
from mlopsgen.cli.github_token import (
    HostOption,
    OrganisationOption,
    PersonalOption,
    TokenOption,
    credential_finder,
)
from mlopsgen.cli.headings import FLEET
from mlopsgen.cli.session import Output, OutputOption, Shown, session_of
from mlopsgen.cli.trust_option import TrustOption
from mlopsgen.constants import MAIN_BRANCH
from mlopsgen.errors import UsageError

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def status(
    context: typer.Context,
    branch: Annotated[
        str | None,
        branch_option("Look at this branch only."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the training that runs to its end.")] = False,
    all_: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Every repository of --org (or --user): which ones are behind the template.",
            rich_help_panel=FLEET,
        ),
    ] = False,
    organisation: OrganisationOption = "",
    personal: PersonalOption = False,
    pattern: FilterOption = "",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="With --all: stop after so many that are behind.", rich_help_panel=FLEET
        ),
    ] = None,
    jobs: JobsOption = None,
    trust: TrustOption = None,
    host: HostOption = "",
    token_stdin: TokenOption = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Show the branches with their last trainings, the queue, and what is not as it should be.

    With --all it shows how each repository of an organisation stands to its template; nothing is changed anywhere.
    """
    session = session_of(context)
    if all_:
        if follow:
            hint = "Follow a training in its own repository."
            raise UsageError("--follow means nothing together with --all.", where="--follow", hint=hint)
        from mlopsgen.cli.sync_fleet import fleet_status

        return fleet_status(
            session,
            organisation=organisation,
            personal=personal,
            pattern=pattern,
            limit=limit,
            jobs=jobs,
            branch=branch or MAIN_BRANCH,
            trust=tuple(trust or ()),
            host=host,
            token_stdin=token_stdin,
        )
    _refuse_unfit(
        {
            "--org": organisation, "--user": personal, "--filter": pattern, "--limit": limit, "--jobs": jobs,
            "--trust": trust, "--host": host, "--token-stdin": token_stdin,
        }
    )  # fmt: skip
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import status as operation

    request = operation.StatusRequest(
        surroundings=surroundings_of(session),
        branch=branch,
        follow=follow,
        credential=credential_finder(session, token_stdin=False, ask=False),
    )
    result = operation.status(request, session.events)
    lines = [result.summary] if follow else _lines(result.data, result.summary)
    return Shown(result=result, text="\n".join(lines))


def _refuse_unfit(given: Mapping[str, object]) -> None:
    flag = next((name for name, value in given.items() if value), "")
    if flag:
        raise UsageError(f"{flag} goes with --all.", where=flag, hint=f"Add --all, or leave {flag} out.")


def _lines(data: Mapping[str, Any], summary: str) -> list[str]:
    from mlopsgen.operations.status_template import locked_line, template_line

    remote, github = data["remote"], data["github"]
    about = (template_line(data["template"]), locked_line(data["template"]))
    lines = [f"{data['project']}: {data['folder']}", *filter(None, about)]
    if remote["forge"] or github is None:
        lines += [f"forge: {remote['forge']}" if remote["forge"] else summary]
        lines += [summary] if remote["forge"] and not data["trains"] else []
        lines.append("")
        for branch in data["branches"]:
            lines += _branch_lines(branch, trains=data["trains"])
    if github is not None:
        lines += ["", f"GitHub: {github['page'] or github['repository']}", *_github_branches(github)]
    problems = [*data["problems"], *(github["problems"] if github is not None else [])]
    if problems:
        lines += ["", "To look at:"]
        lines += [f"  ! {problem['message']}" for problem in problems]
    return lines


def _github_branches(github: Mapping[str, Any]) -> list[str]:
    lines = []
    for branch in github["branches"]:
        lines.append(_github_branch(branch))
        run = branch["last_run"]
        if run is not None:
            lines.append(f"{'':<13}run #{run['number']} {run['words']}, {_age(run['age_seconds'])}: {run['page']}")
    return lines


def _github_branch(branch: Mapping[str, Any]) -> str:
    head = f"{branch['name']:<12} {(branch['commit'] or '')[:7] or 'not here':<8}"
    if branch["github_commit"] is None:
        return f"{head} not on GitHub"
    if branch["github_commit"] == branch["commit"]:
        return f"{head} the same on GitHub"
    words = [f"{branch[key]} {key}" for key in ("ahead", "behind") if branch[key]]
    return f"{head} {branch['github_commit'][:7]} on GitHub{': ' if words else ''}{', '.join(words)}"


def _branch_lines(branch: Mapping[str, Any], *, trains: bool) -> list[str]:
    # While one trains and others wait, the one that trains is of interest.
    run = next((each for each in branch["queue"] if each["state"] == "running"), branch["last_run"])
    commit = (branch["commit"] or "")[:7] or "not here"
    head = f"{branch['name']:<12} {commit:<8}"
    if run is None:
        pushed = "never trained" if trains else "pushed"
        return [f"{head} {pushed if branch['forge_commit'] else 'not pushed'}"]
    lines = [f"{head} #{run['number']} {run['commit'][:7]}: {run['verdict']}, {_age(run['age_seconds'])}"]
    lines += [
        f"{'':<13}{text}" for text in (run["metrics_text"], _error(run), run["actions_text"], _report(run)) if text
    ]
    waiting = len(branch["queue"]) - (1 if run["state"] == "running" else 0)
    if waiting > 0:
        lines.append(f"{'':<13}{waiting} in the queue")
    ended = branch["last_ended"]
    if ended is not None and ended["number"] != run["number"]:
        lines.append(f"{'':<13}before: #{ended['number']} {ended['verdict']}, {_age(ended['age_seconds'])}")
    return lines


def _error(run: Mapping[str, Any]) -> str:
    return f"{run['error_text']}  (log: {run['log']})" if run["error_text"] else ""


def _report(run: Mapping[str, Any]) -> str:
    path = run["report"].get("html") or run["report"].get("md")
    return f"report: {path}" if path else ""


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "at an unknown time"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
