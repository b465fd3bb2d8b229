"""``mlopsgen status``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from mlopsgen.cli.github_token import credential_finder
from mlopsgen.cli.session import Output, OutputOption, Shown, session_of

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def status(
    context: typer.Context,
    branch: Annotated[str | None, typer.Option("--branch", "-b", help="Look at this branch only.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the training that runs to its end.")] = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Show the branches with their last trainings, the queue, and what is not as it should be."""
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import status as operation

    session = session_of(context)
    request = operation.StatusRequest(
        surroundings=surroundings_of(session),
        branch=branch,
        follow=follow,
        credential=credential_finder(session, token_stdin=False, ask=False),
    )
    result = operation.status(request, session.events)
    lines = [result.summary] if follow else _lines(result.data, result.summary)
    return Shown(result=result, text="\n".join(lines))


def _lines(data: Mapping[str, Any], summary: str) -> list[str]:
    remote, github = data["remote"], data["github"]
    lines = [f"{data['project']}: {data['folder']}"]
    if remote["forge"] or github is None:
        lines += [f"forge: {remote['forge']}" if remote["forge"] else summary, ""]
        for branch in data["branches"]:
            lines += _branch_lines(branch)
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


def _branch_lines(branch: Mapping[str, Any]) -> list[str]:
    run = branch["last_run"]
    commit = (branch["commit"] or "")[:7] or "not here"
    head = f"{branch['name']:<12} {commit:<8}"
    if run is None:
        return [f"{head} {'never trained' if branch['forge_commit'] else 'not pushed'}"]
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
