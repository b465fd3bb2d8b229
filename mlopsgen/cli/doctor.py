"""``mlopsgen doctor``: what is wrong on this machine."""

from __future__ import annotations

import typer

from mlopsgen.cli.console import style
from mlopsgen.cli.session import Output, OutputOption, Shown, session_of

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

_MARKS = {"ok": ("ok", "green"), "warning": ("look", "yellow"), "problem": ("WRONG", "red")}


@app.command()
def doctor(context: typer.Context, output: OutputOption = Output.text) -> Shown:
    """Check this machine, the repository and its forge; exit code 1 when something will fail."""
    from mlopsgen.cli.github_token import credential_finder
    from mlopsgen.cli.surroundings import surroundings_of
    from mlopsgen.operations import doctor as operation

    session = session_of(context)
    credential = credential_finder(session, token_stdin=False, ask=False)
    result = operation.doctor(
        operation.DoctorRequest(surroundings=surroundings_of(session), credential=credential), session.events
    )
    lines = []
    for finding in result.data["findings"]:
        word, colour = _MARKS[finding["level"]]
        lines.append(f"{style(f'{word:<6}', colour, colour=session.colour)} {finding['message']}")
        if finding["hint"]:
            lines.append(f"{'':<6}   next: {finding['hint']}")
    return Shown(result=result, text="\n".join([*lines, "", result.summary]))
