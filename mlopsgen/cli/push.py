"""``mlopsgen push``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlopsgen.cli.session import Output, OutputOption, Session, Shown, session_of

if TYPE_CHECKING:
    from mlopsgen.remote.plan import Plan

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def push(
    context: typer.Context,
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The forge's folder; by default one beside the repository.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="Push to a forge in a folder of this machine.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the training.")] = False,
    output: OutputOption = Output.text,
) -> Shown:
    """Make the forge that trains by git push, and push the branches to it; safe to run again."""
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.errors import UsageError
    from mlopsgen.operations import push as operation
    from mlopsgen.remote.plan_text import plan_lines

    if not local:
        raise UsageError(
            "Say where to push: this version pushes to a forge on this machine.",
            where="--local",
            hint="mlopsgen push --local",
        )
    session = session_of(context)
    plans: list[Plan] = []

    def show(plan: Plan) -> None:
        plans.append(plan)
        if session.output is Output.text and (plan.changes or plan.blocked) and not dry_run:
            typer.echo("\n".join(["The plan:", *plan_lines(plan)]), err=True)

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
    text = [*plan_lines(plans[-1]), result.summary] if dry_run and plans else [result.summary]
    return Shown(result=result, text="\n".join(text))


def _asking(session: Session) -> Callable[[], bool] | None:
    """How to ask for an agreement; ``None`` where nobody can answer."""
    if not session.interactive:
        return None
    return lambda: typer.confirm("Do this?", default=True, err=True)
